/**
 * The state of a server at one moment, in plain values that a thread can send to another.
 *
 * @module
 */

import { addHistograms, type Histogram } from "./histogram.ts";
import { mergeRules, mergeUsers, type RuleSums, type UserSums } from "./sums.ts";

/** Counts by name. */
export type Counts = Record<string, number>;

/** A session under way. */
export interface SessionRow {
  readonly session: number;
  readonly client: string;
  readonly user: string;
  /** Account of the directory, `DOMAIN\\name`, and its SID, if the ticket proved them. */
  readonly account: string;
  readonly sid: string;
  readonly method: string;
  readonly protection: string;
  readonly command: string;
  readonly target: string;
  /** The rule that allowed the request, as `2 allow *:443`; empty where none did. */
  readonly rule: string;
  /** Address that stands for the target, once it is connected to. */
  readonly address: string;
  readonly sent: number;
  readonly received: number;
  /** Bytes in the last second, both ways together. */
  readonly rate: number;
  /** Milliseconds since the client was accepted. */
  readonly duration: number;
}

/** A client or request that was refused. */
export interface Denial {
  /** When, in milliseconds since the epoch. */
  readonly at: number;
  readonly client: string;
  readonly user: string;
  readonly target: string;
  readonly reason: string;
}

/** Bytes of one second. */
export interface ThroughputPoint {
  /** The second, since the epoch. */
  readonly at: number;
  readonly sent: number;
  readonly received: number;
}

/** State of what several machines share. */
export interface SharedState {
  /** Whether it can be reached. */
  readonly up: boolean;
  /** What becomes of clients while it cannot. */
  readonly onLoss: "refuse" | "allow";
  /** What was said when that changed. */
  readonly reason?: string | undefined;
}

/** Trouble of one kind that belongs to no session. */
export interface TroubleState {
  /** How often since the start. */
  readonly count: number;
  /** Whether the last time was no longer ago than a minute. */
  readonly recent: boolean;
}

/** A server at one moment. */
export interface Snapshot {
  /** When it started, in milliseconds since the epoch. */
  readonly startedAt: number;
  /** The date, in milliseconds since the epoch. */
  readonly now: number;
  /** Time since the start, in milliseconds, by the monotonic clock. */
  readonly uptime: number;
  /** Trouble that belongs to no session, by kind. */
  readonly troubles: Readonly<Record<string, TroubleState>>;
  /** Whether clients were kept out in the last minute for want of descriptors or memory, or a worker is missing. */
  readonly degraded: boolean;
  /** Unhandled errors, and errors of observers. */
  readonly faults: number;
  /** Log lines that were dropped. */
  readonly logDropped: number;
  readonly draining: boolean;
  readonly shared: SharedState | undefined;
  readonly sessionCount: number;
  readonly accepted: number;
  readonly closed: number;
  /** By method and level. */
  readonly authenticated: Counts;
  /** By code. */
  readonly refused: Counts;
  /** The same by cause, every one of which is there. */
  readonly causes: Counts;
  /** From a client's connection to its authentication. */
  readonly handshake: Histogram;
  /** From a request to the connection to its target. */
  readonly connect: Histogram;
  /** Requests from their beginning to their end. */
  readonly session: Histogram;
  /** By command. */
  readonly served: Counts;
  readonly sent: number;
  readonly received: number;
  readonly datagramsSent: number;
  readonly datagramsReceived: number;
  /** By reason. */
  readonly datagramsDropped: Counts;
  /** The busiest sessions. */
  readonly sessions: readonly SessionRow[];
  /** The latest first. */
  readonly denials: readonly Denial[];
  readonly throughput: readonly ThroughputPoint[];
  /** Version of this program. */
  readonly version: string;
  /** Where clients connect to. */
  readonly listeners: readonly string[];
  /** The rules for requests, in their order. */
  readonly rules: readonly RuleSums[];
  /** Users, those with the most bytes first. */
  readonly users: readonly UserSums[];
}

/** Returns the present snapshot. */
export type TakeSnapshot = () => Promise<Snapshot>;

/** Sessions shown at most. */
export const MAX_ROWS = 500;
/** Denials kept. */
export const MAX_DENIALS = 50;
/** Seconds of throughput kept. */
export const THROUGHPUT_SECONDS = 300;

/** Returns what a lost thread has counted, without what was under way. */
export function pastOf(snapshot: Snapshot): Snapshot {
  const troubles = Object.fromEntries(
    Object.entries(snapshot.troubles).map(([kind, { count }]) => [kind, { count, recent: false }]),
  );
  return {
    ...snapshot,
    troubles,
    degraded: false,
    draining: false,
    shared: undefined,
    sessionCount: 0,
    sessions: [],
    uptime: 0,
  };
}

/** Merges the snapshots of several threads into one. */
export function mergeSnapshots(all: readonly [Snapshot, ...Snapshot[]]): Snapshot {
  const [first, ...others] = all;
  if (all.length === 1) return first;
  const sum = (pick: (one: Snapshot) => number) => all.reduce((total, one) => total + pick(one), 0);
  const lost = all.find(({ shared }) => shared?.up === false)?.shared;
  return {
    startedAt: Math.min(...all.map(({ startedAt }) => startedAt)),
    now: Math.max(...all.map(({ now }) => now)),
    uptime: Math.max(...all.map(({ uptime }) => uptime)),
    troubles: addTroubles(all.map(({ troubles }) => troubles)),
    degraded: all.some(({ degraded }) => degraded),
    faults: sum(({ faults }) => faults),
    logDropped: sum(({ logDropped }) => logDropped),
    draining: all.some(({ draining }) => draining),
    shared: lost ?? first.shared,
    sessionCount: sum(({ sessionCount }) => sessionCount),
    accepted: sum(({ accepted }) => accepted),
    closed: sum(({ closed }) => closed),
    authenticated: addCounts(all.map(({ authenticated }) => authenticated)),
    refused: addCounts(all.map(({ refused }) => refused)),
    causes: addCounts(all.map(({ causes }) => causes)),
    handshake: addHistograms([first.handshake, ...others.map(({ handshake }) => handshake)]),
    connect: addHistograms([first.connect, ...others.map(({ connect }) => connect)]),
    session: addHistograms([first.session, ...others.map(({ session }) => session)]),
    served: addCounts(all.map(({ served }) => served)),
    sent: sum(({ sent }) => sent),
    received: sum(({ received }) => received),
    datagramsSent: sum(({ datagramsSent }) => datagramsSent),
    datagramsReceived: sum(({ datagramsReceived }) => datagramsReceived),
    datagramsDropped: addCounts(all.map(({ datagramsDropped }) => datagramsDropped)),
    sessions: all.flatMap(({ sessions }) => sessions).sort((a, b) => b.rate - a.rate).slice(0, MAX_ROWS),
    denials: all.flatMap(({ denials }) => denials).sort((a, b) => b.at - a.at).slice(0, MAX_DENIALS),
    throughput: addThroughput(all.map(({ throughput }) => throughput)),
    version: first.version,
    listeners: first.listeners,
    rules: mergeRules(all.map(({ rules }) => rules)),
    users: mergeUsers(all.flatMap(({ users }) => users)),
  };
}

function addCounts(all: readonly Counts[]): Counts {
  const total: Counts = {};
  for (const counts of all) {
    for (const [name, count] of Object.entries(counts)) total[name] = (total[name] ?? 0) + count;
  }
  return total;
}

function addTroubles(all: readonly Snapshot["troubles"][]): Record<string, TroubleState> {
  const total: Record<string, TroubleState> = {};
  for (const troubles of all) {
    for (const [kind, { count, recent }] of Object.entries(troubles)) {
      const before = total[kind];
      total[kind] = { count: count + (before?.count ?? 0), recent: recent || (before?.recent ?? false) };
    }
  }
  return total;
}

function addThroughput(all: readonly (readonly ThroughputPoint[])[]): ThroughputPoint[] {
  const seconds = new Map<number, ThroughputPoint>();
  for (const { at, sent, received } of all.flat()) {
    const before = seconds.get(at);
    seconds.set(at, { at, sent: sent + (before?.sent ?? 0), received: received + (before?.received ?? 0) });
  }
  return [...seconds.values()].sort((a, b) => a.at - b.at).slice(-THROUGHPUT_SECONDS);
}
