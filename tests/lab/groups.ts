/**
 * All faults.
 *
 * @module
 */
import type { FaultGroup } from "./fault.ts";
import { KDC } from "./faults/kdc.ts";
import { NETWORK } from "./faults/network.ts";
import { SERVERS } from "./faults/servers.ts";
import { STORE } from "./faults/store.ts";

/** In the order in which they are tried. */
export const GROUPS: readonly FaultGroup[] = [STORE, KDC, SERVERS, NETWORK];
