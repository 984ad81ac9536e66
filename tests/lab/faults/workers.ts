/**
 * Servers of several threads, with the faults of those of one.
 *
 * @module
 */
import type { Fault, FaultGroup } from "../fault.ts";
import { DESCRIPTORS, DRAIN, READ_AGAIN, RESTART, SECOND_SIGTERM } from "./threads.ts";

/** A fault as it is with two workers, where it is not tried each time. */
function withWorkers(fault: Fault, before: string): Fault {
  return { ...fault, name: `two workers: ${fault.name}`, before, short: false };
}

/** The faults of servers with workers. */
export const WORKERS: FaultGroup = {
  name: "workers",
  lab: { config: { workers: 2 } },
  faults: [
    withWorkers(DESCRIPTORS, "the server ends with all its sessions"),
    withWorkers(READ_AGAIN, "not tried"),
    withWorkers(RESTART, "not tried"),
    withWorkers(DRAIN, "what fits into the drain whole, the longer ones cut"),
    withWorkers(SECOND_SIGTERM, "ends at once (421 ms after the first)"),
  ],
};
