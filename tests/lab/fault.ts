/**
 * One way in which the surroundings of a server fail, and what has to become of it.
 *
 * @module
 */
import type { Lab, LabOptions } from "./setup.ts";

/** A fault. */
export interface Fault {
  /** What happens. */
  readonly name: string;
  /** What became of it before there were answers, in a few words. */
  readonly before: string;
  /** Whether it is tried each time, and not only where all of them are. */
  readonly short?: boolean;
  /**
   * Makes it happen in a laboratory that is well, and leaves it well again.
   *
   * @returns What became of it, in a few words with figures.
   * @throws {Error} When it is not what has to become of it.
   */
  run(lab: Lab): Promise<string>;
}

/** Faults that are tried in one laboratory, one after another. */
export interface FaultGroup {
  readonly name: string;
  readonly lab: LabOptions;
  readonly faults: readonly Fault[];
}

/** Milliseconds in words. */
export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(milliseconds < 10_000 ? 2 : 1)} s`;
}
