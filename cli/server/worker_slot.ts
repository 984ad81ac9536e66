/**
 * What the main thread and the workers of `gssocks serve --workers N` say to each other, and what each worker has for itself.
 *
 * @module
 */
import { SharedReplayCache } from "../../kerberos/ap/replay/shared.ts";
import type { ServeOptions } from "../../mod.ts";
import type { Endpoint } from "../../socks/wire/address.ts";
import type { ServerConfig } from "../config/settings.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";

/** Message to a worker. */
export type ToWorker =
  | { readonly type: "start"; readonly args: readonly string[]; readonly slot: WorkerSlot }
  | { readonly type: "reload" }
  | { readonly type: "snapshot"; readonly id: number }
  | { readonly type: "end"; readonly id: number; readonly session: number; readonly reason: string }
  | { readonly type: "stop" };

/** Message from a worker. */
export type FromWorker =
  | { readonly type: "listening"; readonly addresses: readonly Endpoint[] }
  | { readonly type: "snapshot"; readonly id: number; readonly snapshot: Snapshot }
  | { readonly type: "end"; readonly id: number; readonly found: boolean }
  | { readonly type: "err"; readonly text: string }
  | { readonly type: "ended"; readonly code: number };

/** Which worker this is of how many, and what all share. */
export interface WorkerSlot {
  readonly index: number;
  readonly count: number;
  /** Ports to listen on; `undefined` for the first worker, which finds them. */
  readonly ports: readonly number[] | undefined;
  /** Number of workers that were in this slot before; each numbers its sessions from another start. */
  readonly generation: number;
  /** The configuration of the first workers: a replacement keeps the settings that need a restart. */
  readonly config: ServerConfig;
  /** Memory of the replay cache. */
  readonly replays: SharedArrayBuffer;
  /** Id of this run of the program, for the log. */
  readonly run: string;
}

/** More sessions than a worker ever has. */
const GENERATION = 1_000_000_000;

/** Returns the number of a worker's session among those of all workers. */
export function globalSessionNumber(session: number, { index, count, generation }: WorkerSlot): number {
  return (generation * GENERATION + session - 1) * count + index + 1;
}

/** Returns the number that a worker has for a session of all workers'; `undefined` if it is another one's, or was a lost one's. */
export function ownSessionNumber(session: number, { index, count, generation }: WorkerSlot): number | undefined {
  const place = (session - index - 1) / count;
  const own = place - generation * GENERATION + 1;
  return Number.isInteger(place) && own >= 1 && own <= GENERATION ? own : undefined;
}

/** Returns the options of one worker: its share of the sessions, numbered apart from those of others. */
export function workerOptions(options: ServeOptions, slot: WorkerSlot): ServeOptions {
  const { onEvent, limits } = options;
  return {
    ...options,
    gssapi: { ...options.gssapi, replayCache: new SharedReplayCache({ memory: slot.replays }) },
    limits: { ...limits, sessions: Math.ceil((limits?.sessions ?? 10_000) / slot.count) },
    onEvent: (event) => onEvent?.({ ...event, session: globalSessionNumber(event.session, slot) }),
  };
}
