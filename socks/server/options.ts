/**
 * How a server behaves, and what is told of it.
 *
 * @module
 */
import { duration } from "../../base/deadline.ts";
import type { ServerAuthMethod } from "../auth/method.ts";
import type { OtherProtocol } from "./front/front.ts";
import { checkNames } from "../argument_checks.ts";
import type { ServerTrouble } from "./health.ts";
import { checkLimits, type Limits, type UserLedger } from "./limits/limits.ts";
import type { ClientRuleSet } from "../rules/client_rules.ts";
import type { ServedCommands, SessionEvent, SessionStatus } from "./session.ts";
import type { Endpoint } from "../wire/address.ts";

/** How long each step of a session may take, in milliseconds; `Infinity` for no limit. */
export interface Timeouts {
  /** Time for greeting, authentication and request. @default {10000} */
  readonly handshake?: number | undefined;
  /**
   * Time to reach a target, for a target to connect after BIND, for a look-up, and to set up an association.
   *
   * @default {30000}
   */
  readonly connect?: number | undefined;
  /**
   * Time without a byte either way after which a connection is closed. The default is the shortest time that RFC 5382 (REQ-5) allows a
   * NAT: 2 hours and 4 minutes.
   *
   * @default {7440000}
   */
  readonly idle?: number | undefined;
  /** The same once one side has ended, if that is shorter. @default {600000} */
  readonly halfClose?: number | undefined;
}

/** Options of a server, independent of what it listens on. */
export interface SocksServerOptions extends ServedCommands {
  /** Methods accepted, in order of preference. */
  readonly auth: readonly ServerAuthMethod[];
  /** Whether a client that offers GSS-API must use it although "none" would do. @default {false} */
  readonly preferGssapi?: boolean | undefined;
  /** Protocols accepted beside SOCKS version 5; such clients name nobody. @default {[]} */
  readonly protocols?: readonly OtherProtocol[] | undefined;
  /**
   * Whether clients of HTTP are told in words why they are refused, with what the server knows of its surroundings: for programs of
   * the one whose server it is, and nobody else.
   *
   * @default {false}
   */
  readonly tellReasons?: boolean | undefined;
  /** Who may talk to the server at all. @default {everybody} */
  readonly clients?: ClientRuleSet | undefined;
  /** How long each step may take. */
  readonly timeouts?: Timeouts | undefined;
  /** How much of the server one client, source, network and user may have. */
  readonly limits?: Limits | undefined;
  /** What becomes of a session when the client's ticket expires. @default {"keep"} */
  readonly ticketExpiry?: "keep" | "cut" | undefined;
  /** Counts the sessions of users; share one between servers. @default {one in memory} */
  readonly userLedger?: UserLedger | undefined;
  /** Ends the server at once, with all its sessions. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Told what happens. It has no say: nobody waits for a promise of it, and what it throws, or rejects with, is counted
   * ({@linkcode SocksServer.health}) and ends nothing.
   */
  readonly onEvent?: ((event: ServerEvent) => void) | undefined;
  /**
   * Told of what goes wrong beside the sessions: at once, and of each kind once a minute at most. It has no say either.
   */
  readonly onTrouble?: ((trouble: ServerTrouble) => void) | undefined;
}

/** Something that happened to a session of a server. */
export type ServerEvent = SessionEvent & {
  /** Number of the session, from 1. */
  readonly session: number;
  /** The client's address, where it has one. */
  readonly client: Endpoint | undefined;
};

/** A session under way. */
export interface LiveSession extends Readonly<SessionStatus> {
  /** Number of the session, from 1. */
  readonly session: number;
  /** The client's address, where it has one. */
  readonly client: Endpoint | undefined;
}

/** How a server is stopped. */
export interface ShutdownOptions {
  /** Time that sessions have left to end by themselves, in milliseconds. @default {Infinity} */
  readonly deadline?: number | undefined;
}

/** Timeouts with every value present. */
export type AllTimeouts = Readonly<Record<keyof Timeouts, number>>;

const DEFAULT_TIMEOUTS: AllTimeouts = {
  handshake: 10_000,
  connect: 30_000,
  idle: (2 * 60 + 4) * 60_000,
  halfClose: 10 * 60_000,
};

/** Returns the timeouts given, with the defaults for the others. */
export function timeoutsOf({ timeouts = {} }: { readonly timeouts?: Timeouts | undefined }): AllTimeouts {
  return {
    handshake: timeouts.handshake ?? DEFAULT_TIMEOUTS.handshake,
    connect: timeouts.connect ?? DEFAULT_TIMEOUTS.connect,
    idle: timeouts.idle ?? DEFAULT_TIMEOUTS.idle,
    halfClose: timeouts.halfClose ?? DEFAULT_TIMEOUTS.halfClose,
  };
}

/** What options may be that are one of a few; they may come out of JavaScript. */
const PROTOCOLS: readonly unknown[] = ["socks4", "http"] satisfies OtherProtocol[];
const EXPIRIES: readonly unknown[] = ["keep", "cut"] satisfies SocksServerOptions["ticketExpiry"][];

/**
 * Checks options that a caller gave.
 *
 * @throws {TypeError} When no authentication method is given or one is none, a protocol is not known, or a time or a limit is none.
 */
export function checkServerOptions(options: SocksServerOptions): void {
  const { auth, protocols = [], ticketExpiry } = options;
  if (!Array.isArray(auth) || auth.length === 0) throw new TypeError("Cannot serve: no authentication method is given");
  for (const method of auth) {
    if (
      typeof method?.accept !== "function" || !Number.isInteger(method.code) || method.code < 0 || method.code > 254
    ) {
      throw new TypeError("Cannot serve: an authentication method has no accept() or no code from 0 to 254");
    }
  }
  checkNames("protocols", protocols, PROTOCOLS);
  if (ticketExpiry !== undefined) checkNames("ticketExpiry", [ticketExpiry], EXPIRIES);
  const { timeouts = {}, limits = {} } = options;
  for (const name of Object.keys(DEFAULT_TIMEOUTS) as (keyof Timeouts)[]) {
    if (timeouts[name] !== undefined) duration(`timeouts.${name}`, timeouts[name]);
  }
  checkLimits(limits);
}
