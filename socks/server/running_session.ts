/**
 * A session of a server while it runs: what it has come to, and what it holds.
 *
 * @module
 */
import { type Deadline, startDeadline } from "../../base/deadline.ts";
import { monotonicNow, systemRuntime } from "../../base/runtime.ts";
import type { Identity } from "../identity.ts";
import type { UserLedger } from "./limits/limits.ts";
import { sourceName } from "../wire/networks.ts";
import type { Rate } from "../../base/rate.ts";
import type { Gate } from "./relay/relay.ts";
import type { LiveSession } from "./options.ts";
import type { SessionStatus } from "./session.ts";
import type { Connection } from "../stream/connection.ts";
import type { Endpoint } from "../wire/address.ts";

/** A session with what it holds. */
export class Running implements LiveSession {
  readonly session: number;
  readonly client: Endpoint | undefined;
  /** Where it comes from, as far as that is known. */
  readonly source: string;
  readonly startedAt: number = systemRuntime.now();
  readonly #began = monotonicNow();
  readonly counts = { sent: 0, received: 0 };
  readonly clock: Deadline = startDeadline({
    milliseconds: Infinity,
    reason: () => new Error("unreachable: there is no time limit"),
  });
  identity?: Identity;
  protection?: NonNullable<SessionStatus["protection"]>;
  command?: NonNullable<SessionStatus["command"]>;
  target?: Endpoint;
  /** Limits on the rate of its bytes. */
  rates: Rate[] = [];
  gate: Gate | undefined;
  /** Where its user is counted. */
  ledger: UserLedger | undefined;
  /** Whether its request is carried out. */
  entered = false;
  /** Gives back what it was counted as. */
  leave: (() => void)[] = [];
  ended: Promise<void> = Promise.resolve();

  /**
   * Makes one.
   *
   * @param session Its number.
   * @param connection The client's.
   */
  constructor(session: number, connection: Connection) {
    this.session = session;
    this.client = remoteOf(connection);
    this.source = sourceName(this.client) ?? "";
  }

  get duration(): number {
    return monotonicNow() - this.#began;
  }
}

/** The other end of a connection, which may be of any make. */
function remoteOf(connection: Connection): Endpoint | undefined {
  try {
    const { remote } = connection;
    return typeof remote?.hostname === "string" ? remote : undefined;
  } catch {
    return undefined;
  }
}
