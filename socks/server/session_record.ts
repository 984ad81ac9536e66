/**
 * The record of a running session: its clock, and what it has come to.
 *
 * @module
 */
import { type Deadline, NO_LIMIT, startDeadline } from "../../base/deadline.ts";
import { monotonicNow, systemRuntime } from "../../base/runtime.ts";
import type { SecuredChannel } from "../auth/method.ts";
import type { CommandName, DecidingRule } from "../rules/rule.ts";
import type { Connection } from "../stream/connection.ts";
import type { Endpoint } from "../wire/address.ts";
import { sourceName } from "../wire/networks.ts";
import type { CommandContext, CommandEvent } from "./commands/context.ts";
import type { ServerEvent, SessionEvent } from "./events.ts";
import { notify } from "./health.ts";
import type { RelayCounts } from "./relay/relay.ts";
import type { LiveSession, SessionPhase } from "./status.ts";

/** Callbacks for the events of a session. */
export interface SessionObserver {
  /** Its `onEvent` is called for each event. */
  readonly options: { readonly onEvent?: ((event: ServerEvent) => void) | undefined };
  /** Called for each event with an error, before the observer. It must not throw. */
  readonly onError: (error: Error) => void;
  /** Called with what `onEvent` throws, or what its promise is rejected with. */
  readonly onFailure: (thrown: unknown) => void;
}

/** The record of one session. */
export class SessionRecord {
  /** Number of the session. */
  readonly session: number;
  /** The client's address, where it has one. */
  readonly client: Endpoint | undefined;
  /** Name of the source that the session counts for; empty where the client has no address. */
  readonly source: string;
  /** Bytes transferred for the request under way. */
  readonly counts: RelayCounts = { sent: 0, received: 0 };
  /** Aborting it ends the session. */
  readonly clock: Deadline = startDeadline({ milliseconds: Infinity, reason: NO_LIMIT });
  readonly #startedAt: number = systemRuntime.now();
  readonly #began = monotonicNow();
  readonly #observer: SessionObserver;
  #phase: SessionPhase = { phase: "connecting" };
  /** Duration of the session when the last request had ended; 0 before. */
  #requestedAt = 0;
  /** Duration of the session when the request under way had been read. */
  #readAt = 0;
  #rule: DecidingRule | undefined;

  /**
   * Creates the record of a session that begins now.
   *
   * @param session Number of the session.
   * @param connection Connection to the client.
   * @param observer Callbacks for events.
   */
  constructor(session: number, connection: Connection, observer: SessionObserver) {
    this.session = session;
    this.#observer = observer;
    this.client = remoteOf(connection);
    this.source = sourceName(this.client) ?? "";
  }

  /** Time since the session began in milliseconds, by a monotonic clock. */
  get duration(): number {
    return monotonicNow() - this.#began;
  }

  /** Enters the phase "authenticated", and reports that. */
  authenticated({ identity, protection }: SecuredChannel): void {
    this.#phase = { phase: "authenticated", identity, protection };
    this.report({ type: "authenticated", identity, protection, duration: this.duration });
  }

  /** Reports an event. An observer cannot disturb the session or the server. */
  report(event: SessionEvent): void {
    const { session, client } = this;
    const { options: { onEvent }, onError, onFailure } = this.#observer;
    if ("error" in event && event.error !== undefined) onError(event.error);
    if (onEvent !== undefined) notify(() => onEvent({ ...event, session, client }), onFailure);
  }

  /** Enters the phase "requested". */
  requested(
    { identity, protection }: SecuredChannel,
    { command, target }: { readonly command?: CommandName; readonly target: Endpoint },
  ): void {
    this.#phase = { phase: "requested", identity, protection, command, target };
    this.#readAt = this.duration;
  }

  /** Takes note of the rule that allowed the request. */
  allowedBy(rule: DecidingRule): void {
    this.#rule = rule;
  }

  /** Reports an event of the command, to which it adds who asked, and for what. */
  reportCommand({ identity, command, hostname, port }: CommandContext["request"], event: CommandEvent): void {
    // The address of the target stays known once it was connected to.
    const { address = this.#phase.address, ...rest } = { address: undefined, ...event };
    if (this.#phase.phase === "requested") this.#phase = { ...this.#phase, address };
    const subject = { identity, command, target: { hostname, port }, ...(address === undefined ? {} : { address }) };
    if (rest.type === "refused") return this.report({ ...subject, ...rest });
    const allowed = this.#rule === undefined ? subject : { ...subject, rule: this.#rule };
    if (rest.type !== "closed") return this.report({ ...allowed, ...rest, duration: this.duration - this.#readAt });
    this.report({ ...allowed, ...this.counts, duration: this.duration - this.#requestedAt, ...rest });
    // Another request may follow, which counts for itself.
    Object.assign(this.counts, { sent: 0, received: 0 });
    this.#requestedAt = this.duration;
    this.#rule = undefined;
  }

  /** Returns what the session has come to. */
  status(): LiveSession {
    const { session, client, duration, counts } = this;
    const rule = this.#rule === undefined ? {} : { rule: this.#rule };
    return { session, client, startedAt: this.#startedAt, duration, counts: { ...counts }, ...rule, ...this.#phase };
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
