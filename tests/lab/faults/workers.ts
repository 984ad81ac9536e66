/**
 * Faults of servers with several threads.
 *
 * @module
 */
import type { Fault, FaultGroup } from "../fault.ts";
import { DESCRIPTORS, DRAIN, RELOAD, RESTART, SECOND_SIGTERM } from "./threads.ts";

/** Returns a fault for two workers, which the short form leaves out. */
function withWorkers(fault: Fault, before: string): Fault {
  return { ...fault, name: `two workers: ${fault.name}`, before, short: false };
}

/** The faults of servers with workers. */
export const WORKERS: FaultGroup = {
  name: "workers",
  lab: { config: { workers: 2 } },
  faults: [
    withWorkers(DESCRIPTORS, "the server ends with all its sessions"),
    withWorkers(RELOAD, "not tried"),
    withWorkers(RESTART, "not tried"),
    withWorkers(DRAIN, "short transfers whole, the longer ones cut"),
    withWorkers(SECOND_SIGTERM, "ends at once (421 ms after the first)"),
  ],
};
