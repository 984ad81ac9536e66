/**
 * The record of a running session: its clock, and what it has come to.
 *
 * @module
 */
import { type Deadline, startDeadline } from "../../base/deadline.ts";
import { monotonicNow, systemRuntime } from "../../base/runtime.ts";
import type { SecuredChannel } from "../auth/method.ts";
import type { CommandName } from "../rules/rules.ts";
import type { Connection } from "../stream/connection.ts";
import type { Endpoint } from "../wire/address.ts";
import { sourceName } from "../wire/networks.ts";
import type { CommandEvent } from "./commands/context.ts";
import type { SessionEvent } from "./events.ts";
import type { RelayCounts } from "./relay/relay.ts";
import type { LiveSession, SessionPhase } from "./status.ts";
import type { TargetRequest } from "./targets/target.ts";

/** The record of one session. */
export class SessionRecord {
  /** Number of the session. */
  readonly session: number;
  /** The client's address, where it has one. */
  readonly client: Endpoint | undefined;
  /** Name of the source that the session counts for; empty where the client has no address. */
  readonly source: string;
  /** Bytes transferred. */
  readonly counts: RelayCounts = { sent: 0, received: 0 };
  /** Aborting it ends the session. */
  readonly clock: Deadline = startDeadline({
    milliseconds: Infinity,
    reason: () => new Error("unreachable: there is no time limit"),
  });
  readonly #startedAt: number = systemRuntime.now();
  readonly #began = monotonicNow();
  #phase: SessionPhase = { phase: "connecting" };

  /**
   * Creates the record of a session that begins now.
   *
   * @param session Number of the session.
   * @param connection Connection to the client.
   */
  constructor(session: number, connection: Connection) {
    this.session = session;
    this.client = remoteOf(connection);
    this.source = sourceName(this.client) ?? "";
  }

  /** Time since the session began in milliseconds, by a monotonic clock. */
  get duration(): number {
    return monotonicNow() - this.#began;
  }

  /** Enters the phase "authenticated". */
  authenticated({ identity, protection }: SecuredChannel): void {
    this.#phase = { phase: "authenticated", identity, protection };
  }

  /** Enters the phase "requested". */
  requested(
    { identity, protection }: SecuredChannel,
    { command, target }: { readonly command?: CommandName; readonly target: Endpoint },
  ): void {
    this.#phase = { phase: "requested", identity, protection, command, target };
  }

  /** Adds the address of the target, which is connected to. */
  reached(address: Endpoint | undefined): void {
    if (this.#phase.phase === "requested") this.#phase = { ...this.#phase, address };
  }

  /** Returns the event of a session for an event of its command. */
  describe(event: CommandEvent, { identity, command, hostname, port }: TargetRequest): SessionEvent {
    const { address } = this.#phase;
    const subject = { identity, command, target: { hostname, port }, ...(address === undefined ? {} : { address }) };
    if (event.type !== "closed") return { ...subject, ...event };
    return { ...subject, ...this.counts, duration: this.duration, ...event };
  }

  /** Returns what the session has come to. */
  status(): LiveSession {
    const { session, client, duration, counts } = this;
    return { session, client, startedAt: this.#startedAt, duration, counts: { ...counts }, ...this.#phase };
  }
}

/** Returns the other end of a connection. A caller's connection may throw, or give something else. */
function remoteOf(connection: Connection): Endpoint | undefined {
  try {
    const { remote } = connection;
    return typeof remote?.hostname === "string" ? remote : undefined;
  } catch {
    return undefined;
  }
}
