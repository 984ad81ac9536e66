/**
 * Keeps count of what happens to a server.
 *
 * @module
 */
import { pause } from "../../gss/deadline.ts";
import { shortened } from "../../gss/printable.ts";
import { systemRuntime } from "../../gss/runtime.ts";
import type { LiveSession, ServerEvent } from "../../socks/server.ts";
import { formatEndpoint } from "../../socks/wire/address.ts";
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
} from "./snapshot.ts";

/** Where a monitor gets what no event tells. */
export interface MonitorSources {
  /** The sessions under way. */
  readonly liveSessions: () => readonly LiveSession[];
  /** State of what several machines share, where they do. */
  readonly shared?: (() => SharedState) | undefined;
}

/** Counts events, and samples throughput every second. */
export class Monitor {
  readonly #startedAt = systemRuntime.now();
  readonly #authenticated: Counts = {};
  readonly #refused: Counts = {};
  readonly #served: Counts = {};
  readonly #datagramsDropped: Counts = {};
  readonly #denials: Denial[] = [];
  readonly #throughput: ThroughputPoint[] = [];
  /** Octets of each session at the last sample, and in the second before it. */
  #samples = new Map<number, { octets: number; rate: number }>();
  #sources: MonitorSources = { liveSessions: () => [] };
  #draining = false;
  #accepted = 0;
  #closed = 0;
  #sent = 0;
  #received = 0;
  #datagramsSent = 0;
  #datagramsReceived = 0;
  #sampled = { sent: 0, received: 0 };

  /** Takes note of an event. */
  readonly onEvent = (event: ServerEvent): void => {
    switch (event.type) {
      case "accepted":
        this.#accepted++;
        break;
      case "authenticated":
        count(this.#authenticated, `${event.identity.method} ${event.protection}`);
        break;
      case "refused":
        this.#takeRefusal(event);
        break;
      case "listening":
        break;
      case "associated":
      case "connected":
        count(this.#served, event.command);
        break;
      case "closed":
        this.#takeEnd(event);
    }
  };

  #takeRefusal(event: ServerEvent & { type: "refused" }): void {
    const { error, client, identity, target } = event;
    count(this.#refused, "code" in error && typeof error.code === "string" ? error.code : "OTHER");
    this.#denials.unshift({
      at: systemRuntime.now(),
      client: client === undefined ? "" : formatEndpoint(client),
      user: shortened(identity?.name ?? ""),
      target: target === undefined ? "" : formatEndpoint(target),
      reason: shortened(error.message),
    });
    this.#denials.length = Math.min(this.#denials.length, MAX_DENIALS);
  }

  #takeEnd({ sent, received, datagrams }: ServerEvent & { type: "closed" }): void {
    this.#closed++;
    this.#sent += sent;
    this.#received += received;
    if (datagrams === undefined) return;
    this.#datagramsSent += datagrams.sent;
    this.#datagramsReceived += datagrams.received;
    for (const [reason, dropped] of Object.entries(datagrams.dropped)) {
      if (dropped > 0) count(this.#datagramsDropped, reason, dropped);
    }
  }

  /** Says where the rest is from, and samples until the signal is aborted. */
  async watch(sources: MonitorSources, signal: AbortSignal): Promise<void> {
    this.#sources = sources;
    while (!signal.aborted) {
      await pause(1_000, signal);
      this.#sample();
    }
  }

  /** The server accepts nobody any more. */
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

  #sample(): void {
    const samples = new Map<number, { octets: number; rate: number }>();
    for (const { session, counts } of this.#sources.liveSessions()) {
      const octets = counts.sent + counts.received;
      samples.set(session, { octets, rate: octets - (this.#samples.get(session)?.octets ?? 0) });
    }
    this.#samples = samples;
    const totals = this.#totals();
    const at = Math.floor(systemRuntime.now() / 1_000);
    // A session's octets move from the live ones to the closed ones one after the other, never back below zero.
    const sent = Math.max(0, totals.sent - this.#sampled.sent);
    const received = Math.max(0, totals.received - this.#sampled.received);
    this.#sampled = totals;
    this.#throughput.push({ at, sent, received });
    if (this.#throughput.length > THROUGHPUT_SECONDS) this.#throughput.shift();
  }

  /** Everything as it is now. */
  snapshot(): Snapshot {
    const live = this.#sources.liveSessions();
    const now = systemRuntime.now();
    return {
      startedAt: this.#startedAt,
      now,
      draining: this.#draining,
      shared: this.#sources.shared?.(),
      sessionCount: live.length,
      accepted: this.#accepted,
      closed: this.#closed,
      authenticated: { ...this.#authenticated },
      refused: { ...this.#refused },
      served: { ...this.#served },
      ...this.#totals(),
      datagramsSent: this.#datagramsSent,
      datagramsReceived: this.#datagramsReceived,
      datagramsDropped: { ...this.#datagramsDropped },
      sessions: live.map((session) => this.#row(session, now)).sort((a, b) => b.rate - a.rate).slice(0, MAX_ROWS),
      denials: [...this.#denials],
      throughput: [...this.#throughput],
    };
  }

  #row(
    { session, client, identity, protection, command, target, address, counts, startedAt }: LiveSession,
    now: number,
  ): SessionRow {
    return {
      session,
      client: client === undefined ? "" : formatEndpoint(client),
      user: shortened(identity?.name ?? ""),
      method: identity?.method ?? "",
      protection: protection ?? "",
      command: command ?? "",
      target: target === undefined ? "" : formatEndpoint(target),
      address: address === undefined ? "" : formatEndpoint(address),
      ...counts,
      rate: this.#samples.get(session)?.rate ?? 0,
      duration: now - startedAt,
    };
  }
}

function count(counts: Counts, name: string, by = 1): void {
  counts[name] = (counts[name] ?? 0) + by;
}
