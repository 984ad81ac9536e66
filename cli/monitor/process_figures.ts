/**
 * What the system says of this process: for metrics.
 *
 * How many descriptors are open is not among it. Only `/proc` tells that, which Deno guards by all permissions together, and the
 * server gives some of them up.
 *
 * @module
 */
import { cpuUsage } from "node:process";

/** Figures of a process. */
export interface ProcessFigures {
  /** CPU time of all threads, in seconds. */
  readonly cpuSeconds: number;
  /** Resident memory, in bytes. */
  readonly residentBytes: number;
}

/** Returns the figures of this process. */
export function processFigures(): ProcessFigures {
  const { user, system } = cpuUsage();
  return { cpuSeconds: (user + system) / 1_000_000, residentBytes: Deno.memoryUsage().rss };
}
