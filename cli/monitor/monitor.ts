/**
 * Counts the events of a server.
 *
 * @module
 */
import { pause } from "../../base/deadline.ts";
import { shortened } from "../../base/printable.ts";
import { monotonicNow, systemRuntime } from "../../base/runtime.ts";
import { accountName } from "../../gss/account.ts";
import type { LiveSession } from "../../socks/server/status.ts";
import type { ServerEvent } from "../../socks/server/events.ts";
import { VERSION } from "../command/version.ts";
import { formatEndpoint } from "../../socks/wire/address.ts";
import { SESSION_BOUNDS, STEP_BOUNDS, TimeCounter } from "../snapshot/histogram.ts";
import { REFUSAL_CAUSES, refusalCause } from "./refusal_cause.ts";
import { SumCounter } from "./sum_counter.ts";
import {
  type Counts,
  type Denial,
  MAX_DENIALS,
  MAX_ROWS,
  type SessionRow,
  type SharedState,
  type Snapshot,
  THROUGHPUT_SECONDS,
  type ThroughputPoint,
  type TroubleState,
} from "../snapshot/snapshot.ts";

/** Sources of a monitor for what is in no event. */
export interface MonitorSources {
  /** The sessions under way. */
  readonly liveSessions: () => readonly LiveSession[];
  /** Where clients connect to. */
  readonly listeners?: readonly string[] | undefined;
  /** The rules for requests as they are now, as text. */
  readonly rules?: (() => readonly string[]) | undefined;
  /** State of what several machines share, where they do. */
  readonly shared?: (() => SharedState) | undefined;
  /** What goes wrong beside the sessions. */
  readonly health?: (() => MonitoredHealth) | undefined;
  /** Number of unhandled errors. */
  readonly faults?: (() => number) | undefined;
  /** Called when a sample failed; the next one is taken as usual. @default {errors are ignored} */
  readonly onFault?: ((error: unknown) => void) | undefined;
}

/** Trouble of a server that belongs to no session. */
export interface MonitoredHealth {
  /** Whether clients were kept out in the last minute because the machine had nothing left for them. */
  readonly degraded: boolean;
  /** By kind. */
  readonly troubles: Readonly<Record<string, TroubleState>>;
}

/** Clocks of a monitor. */
export interface MonitorClocks {
  /** Dates, in milliseconds since the epoch. @default {the system's} */
  readonly now?: (() => number) | undefined;
  /** Monotonic clock, in milliseconds. @default {the system's} */
  readonly monotonic?: (() => number) | undefined;
}

/** Bytes of one second since the monitor began. */
interface Second {
  readonly second: number;
  sent: number;
  received: number;
}

/** Counts events, and samples throughput every second. */
export class Monitor {
  readonly #now: () => number;
  readonly #monotonic: () => number;
  readonly #startedAt: number;
  readonly #began: number;
  #sampledAt: number;
  readonly #authenticated: Counts = {};
  readonly #refused: Counts = {};
  readonly #causes: Counts = Object.fromEntries(REFUSAL_CAUSES.map((cause) => [cause, 0]));
  readonly #handshake = new TimeCounter(STEP_BOUNDS);
  readonly #connect = new TimeCounter(STEP_BOUNDS);
  readonly #session = new TimeCounter(SESSION_BOUNDS);
  readonly #sums = new SumCounter();
  readonly #served: Counts = {};
  readonly #datagramsDropped: Counts = {};
  readonly #denials: Denial[] = [];
  readonly #throughput: Second[] = [];
  /** Bytes of each session at the last sample, and in a second before it. */
  #samples = new Map<number, { bytes: number; rate: number }>();
  #sources: MonitorSources = { liveSessions: () => [] };
  #draining = false;
  #accepted = 0;
  #closed = 0;
  #sent = 0;
  #received = 0;
  #datagramsSent = 0;
  #datagramsReceived = 0;
  #sampled = { sent: 0, received: 0 };

  /**
   * Creates a monitor.
   *
   * @param clocks Clocks for dates, and for durations and rates.
   */
  constructor({ now = systemRuntime.now, monotonic = monotonicNow }: MonitorClocks = {}) {
    [this.#now, this.#monotonic] = [now, monotonic];
    this.#startedAt = now();
    this.#began = this.#sampledAt = monotonic();
  }

  /** Takes note of an event. */
  readonly onEvent = (event: ServerEvent): void => {
    this.#sums.take(event);
    switch (event.type) {
      case "accepted":
        this.#accepted++;
        break;
      case "authenticated":
        count(this.#authenticated, `${event.identity.method} ${event.protection}`);
        this.#handshake.take(event.duration);
        break;
      case "refused":
        this.#takeRefusal(event);
        break;
      case "listening":
        break;
      case "associated":
      case "connected":
        // BIND waits for a peer, and an association connects to nothing.
        if (event.command === "connect") this.#connect.take(event.duration);
        count(this.#served, event.command);
        break;
      case "closed":
        this.#takeEnd(event);
    }
  };

  #takeRefusal(event: ServerEvent & { type: "refused" }): void {
    const { error, client, identity, target } = event;
    count(this.#refused, "code" in error && typeof error.code === "string" ? error.code : "OTHER");
    count(this.#causes, refusalCause(error));
    this.#denials.unshift({
      at: this.#now(),
      client: client === undefined ? "" : formatEndpoint(client),
      user: shortened(identity?.name ?? ""),
      target: target === undefined ? "" : formatEndpoint(target),
      reason: shortened(error.message),
    });
    this.#denials.length = Math.min(this.#denials.length, MAX_DENIALS);
  }

  #takeEnd({ sent, received, datagrams, duration }: ServerEvent & { type: "closed" }): void {
    this.#closed++;
    this.#session.take(duration);
    this.#sent += sent;
    this.#received += received;
    if (datagrams === undefined) return;
    this.#datagramsSent += datagrams.sent;
    this.#datagramsReceived += datagrams.received;
    for (const [reason, dropped] of Object.entries(datagrams.dropped)) {
      if (dropped > 0) count(this.#datagramsDropped, reason, dropped);
    }
  }

  /** Sets the sources, and samples them until the signal is aborted. */
  async watch(sources: MonitorSources, signal: AbortSignal): Promise<void> {
    this.#sources = sources;
    while (!signal.aborted) {
      await pause(SAMPLE, signal);
      try {
        this.sample();
      } catch (error) {
        sources.onFault?.(error);
      }
    }
  }

  /** Notes that the server accepts no more clients. */
  drain(): void {
    this.#draining = true;
  }

  #totals(): { sent: number; received: number } {
    let [sent, received] = [this.#sent, this.#received];
    for (const { counts } of this.#sources.liveSessions()) {
      sent += counts.sent;
      received += counts.received;
    }
    return { sent, received };
  }

  /** Looks at what was carried since the last time. */
  sample(): void {
    const monotonic = this.#monotonic();
    // A thread that is busy comes late, and a rate is about a second.
    const seconds = Math.max(monotonic - this.#sampledAt, 1) / 1_000;
    this.#sampledAt = monotonic;
    const samples = new Map<number, { bytes: number; rate: number }>();
    for (const { session, counts } of this.#sources.liveSessions()) {
      const bytes = counts.sent + counts.received;
      const rate = Math.round((bytes - (this.#samples.get(session)?.bytes ?? 0)) / seconds);
      samples.set(session, { bytes, rate });
    }
    this.#samples = samples;
    const totals = this.#totals();
    // A session's bytes move from the live ones to the closed ones one after the other, never back below zero.
    const sent = Math.max(0, totals.sent - this.#sampled.sent);
    const received = Math.max(0, totals.received - this.#sampled.received);
    this.#sampled = totals;
    const second = this.#second(monotonic);
    const last = this.#throughput.at(-1);
    if (last?.second === second) Object.assign(last, { sent: last.sent + sent, received: last.received + received });
    else this.#throughput.push({ second, sent, received });
    if (this.#throughput.length > THROUGHPUT_SECONDS) this.#throughput.shift();
  }

  #second(monotonic: number): number {
    return Math.floor((monotonic - this.#began) / 1_000);
  }

  /** The seconds with the dates that they have by the clock of now: one that was set moves all of them alike. */
  #points(now: number, monotonic: number): ThroughputPoint[] {
    const first = Math.floor(now / 1_000) - this.#second(monotonic);
    return this.#throughput.map(({ second, sent, received }) => ({ at: first + second, sent, received }));
  }

  /** Everything as it is now. */
  snapshot(): Snapshot {
    const live = this.#sources.liveSessions();
    const now = this.#now();
    const monotonic = this.#monotonic();
    const health = this.#sources.health?.();
    return {
      startedAt: this.#startedAt,
      now,
      uptime: monotonic - this.#began,
      troubles: health?.troubles ?? {},
      degraded: health?.degraded ?? false,
      faults: this.#sources.faults?.() ?? 0,
      logDropped: 0,
      draining: this.#draining,
      shared: this.#sources.shared?.(),
      sessionCount: live.length,
      accepted: this.#accepted,
      closed: this.#closed,
      authenticated: { ...this.#authenticated },
      refused: { ...this.#refused },
      causes: { ...this.#causes },
      handshake: this.#handshake.histogram,
      connect: this.#connect.histogram,
      session: this.#session.histogram,
      served: { ...this.#served },
      ...this.#totals(),
      datagramsSent: this.#datagramsSent,
      datagramsReceived: this.#datagramsReceived,
      datagramsDropped: { ...this.#datagramsDropped },
      sessions: live.map((session) => this.#row(session)).sort((a, b) => b.rate - a.rate).slice(0, MAX_ROWS),
      denials: [...this.#denials],
      throughput: this.#points(now, monotonic),
      version: VERSION,
      listeners: this.#sources.listeners ?? [],
      rules: this.#sums.rules(this.#sources.rules?.() ?? [], live),
      users: this.#sums.users(live),
    };
  }

  #row(
    { session, client, identity, protection, command, target, address, counts, duration, rule }: LiveSession,
  ): SessionRow {
    return {
      session,
      client: client === undefined ? "" : formatEndpoint(client),
      user: shortened(identity?.name ?? ""),
      account: identity?.account === undefined ? "" : shortened(accountName(identity.account)),
      sid: identity?.account?.sid ?? "",
      method: identity?.method ?? "",
      protection: protection ?? "",
      command: command ?? "",
      target: target === undefined ? "" : formatEndpoint(target),
      address: address === undefined ? "" : formatEndpoint(address),
      rule: rule === undefined ? "" : `${rule.number} ${rule.text}`,
      ...counts,
      rate: this.#samples.get(session)?.rate ?? 0,
      duration,
    };
  }
}

/** Milliseconds between two samples. */
const SAMPLE = 1_000;

function count(counts: Counts, name: string, by = 1): void {
  counts[name] = (counts[name] ?? 0) + by;
}
