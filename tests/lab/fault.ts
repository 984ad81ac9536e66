/**
 * A fault: one failure of a server's surroundings, and its required outcome.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { TransferEnd } from "./client.ts";
import type { Lab, LabOptions } from "./setup.ts";

/** A fault. */
export interface Fault {
  /** What fails. */
  readonly name: string;
  /** The outcome before it was handled, in a few words. */
  readonly before: string;
  /** Whether the short form of the lab tries it too. */
  readonly short?: boolean;
  /** Time limit in seconds. @default {120} */
  readonly limit?: number;
  /**
   * Causes the fault in a healthy lab, and leaves the lab healthy.
   *
   * @param short Whether to leave out the slower comparison with other programs.
   * @returns The outcome, in a few words with figures.
   * @throws {Error} When the outcome is not the required one.
   */
  run(lab: Lab, short: boolean): Promise<string>;
}

/**
 * Causes a fault, and stops at its time limit. A lab in which a fault has failed must not be used again.
 *
 * @returns The outcome.
 * @throws {Error} When the outcome is not the required one.
 */
export async function tryFault(fault: Fault, lab: Lab, short: boolean): Promise<string> {
  const { limit = 120 } = fault;
  const { promise: over, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`Not finished within ${limit} s`)), 1_000 * limit);
  const running = (async () => {
    const now = await fault.run(lab, short);
    // No session may stay after any fault.
    for (const name of ["s1", "s2"]) await lab.empty(name);
    return now;
  })();
  try {
    return await Promise.race([running, over]);
  } finally {
    clearTimeout(timer);
  }
}

/** Faults that are tried in one lab, one after another. */
export interface FaultGroup {
  readonly name: string;
  readonly lab: LabOptions;
  readonly faults: readonly Fault[];
}

/** Formats milliseconds as seconds. */
export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(milliseconds < 10_000 ? 2 : 1)} s`;
}

/** Asserts that no transfer received a byte that was not sent. */
export function nothingWrong(ends: readonly TransferEnd[]): void {
  for (const { id, end } of ends) assert.doesNotMatch(end, /wrong bytes|after the end/, `${id}`);
}

/** Waits. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
