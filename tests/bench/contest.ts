/**
 * Contests: the same work done by this package and by others, turn by turn, so that a slow minute affects all of them, and
 * ratios within a turn are those of one moment.
 *
 * @module
 */
import type { Bound } from "./statistics.ts";

/** Does the work once; returns a figure for each measure of the contest. */
export type Run = () => Promise<number | readonly number[]>;

/** Contestants by name. Those that are not there are left out. */
export type Contestants = Readonly<Record<string, Run | undefined>>;

/** A goal for a contestant's figure, or for its ratio to another one's: more is better, whatever the unit is. */
export type Goal = Bound & {
  /** @default {the first of ours} */
  readonly of?: string;
  readonly to?: string;
};

/** What is measured. */
export interface Measure {
  readonly work: string;
  /** Unit of the figures. Of rates ("… per s", "MB/s") more is better, of all others less. */
  readonly unit: string;
  readonly goals?: readonly Goal[];
}

/** A contest. */
export interface Contest {
  readonly measures: readonly Measure[];
  /** This package, in one or several ways. */
  readonly ours: Contestants;
  /** Other programs, and what the machine itself allows. */
  readonly peers?: Contestants;
  /** @default {5} */
  readonly turns?: number;
  /** Whether each run starts its own program, so that no turn has to warm up. @default {false} */
  readonly fresh?: boolean;
}

/** Figures of a contestant: one for each turn, for each measure. */
export type Figures = readonly (readonly number[])[];

/** Whether more of a unit is better. */
function moreIsBetter(unit: string): boolean {
  return unit.endsWith("per s") || unit.includes("/s");
}

/** Returns the ratios of two contestants' figures within each turn: above 1 where the first one is better. */
export function ratios(ours: readonly number[], theirs: readonly number[], unit: string): number[] {
  return ours.map((own, turn) => moreIsBetter(unit) ? own / theirs[turn]! : theirs[turn]! / own);
}

/** Runs all in turn. One more turn, the first, warms up, unless each run starts its own program. */
export async function byTurns(
  contestants: Contestants,
  { turns = 5, fresh = false }: { readonly turns?: number | undefined; readonly fresh?: boolean | undefined } = {},
): Promise<Map<string, Figures>> {
  const runs = Object.entries(contestants).filter((entry): entry is [string, Run] => entry[1] !== undefined);
  const seen = new Map<string, number[][]>(runs.map(([name]) => [name, []]));
  for (let turn = fresh ? 1 : 0; turn <= turns; turn++) {
    for (const [name, run] of runs) {
      const figures = [await run()].flat();
      if (turn > 0) figures.forEach((figure, i) => (seen.get(name)![i] ??= []).push(figure));
    }
  }
  return seen;
}
