/**
 * All faults.
 *
 * @module
 */
import type { FaultGroup } from "./fault.ts";
import { BRIDGES } from "./faults/bridges.ts";
import { KDC } from "./faults/kdc.ts";
import { NETWORK } from "./faults/network.ts";
import { PEERS_AND_KEYS } from "./faults/peers.ts";
import { SERVERS } from "./faults/servers.ts";
import { STORE } from "./faults/store.ts";
import { WORKERS } from "./faults/workers.ts";

/** All groups, in the order in which they run. */
export const GROUPS: readonly FaultGroup[] = [STORE, KDC, SERVERS, WORKERS, PEERS_AND_KEYS, NETWORK, BRIDGES];
