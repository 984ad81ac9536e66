/**
 * One way in which the surroundings of a server fail, and what has to become of it.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { TransferEnd } from "./client.ts";
import type { Lab, LabOptions } from "./setup.ts";

/** A fault. */
export interface Fault {
  /** What happens. */
  readonly name: string;
  /** What became of it before there were answers, in a few words. */
  readonly before: string;
  /** Whether it is tried each time, and not only where all of them are. */
  readonly short?: boolean;
  /** Seconds after which it has failed. @default {120} */
  readonly limit?: number;
  /**
   * Makes it happen in a laboratory that is well, and leaves it well again.
   *
   * @param short Whether others' programs, which take longer, need not be tried beside it.
   * @returns What became of it, in a few words with figures.
   * @throws {Error} When it is not what has to become of it.
   */
  run(lab: Lab, short: boolean): Promise<string>;
}

/**
 * Makes a fault happen, and gives up when its time is over. A laboratory in which one has failed is good for no other.
 *
 * @returns What became of it.
 * @throws {Error} When it is not what has to become of it.
 */
export async function tried(fault: Fault, lab: Lab, short: boolean): Promise<string> {
  const { limit = 120 } = fault;
  const { promise: over, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`Not over within ${limit} s`)), 1_000 * limit);
  const running = (async () => {
    const now = await fault.run(lab, short);
    // Whatever happened, no session stays.
    for (const name of ["s1", "s2"]) await lab.empty(name);
    return now;
  })();
  try {
    return await Promise.race([running, over]);
  } finally {
    clearTimeout(timer);
  }
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

/** No byte came that was not sent, whatever else became of them. */
export function nothingWrong(ends: readonly TransferEnd[]): void {
  for (const { id, end } of ends) assert.doesNotMatch(end, /wrong bytes|behind the end/, `${id}`);
}

/** Waits. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
