/**
 * Options of a server.
 *
 * @module
 */
import { type AcceptedProtocols, OTHER_PROTOCOLS } from "./front/options.ts";
import { checkNames } from "../argument_checks.ts";
import type { ClientRuleSet } from "../rules/client_rules.ts";
import type { ServedCommands } from "./commands/commands.ts";
import type { ServerEvent } from "./events.ts";
import type { ServerTrouble } from "./health.ts";
import { checkGroups, checkMoved, MOVED_OPTIONS } from "./moved_options.ts";
import { checkLimits, type Limits } from "./limits/limits.ts";
import { checkTimeouts, type Timeouts } from "./limits/timeouts.ts";
import type { UserLedger } from "./limits/user_ledger.ts";

/** Options of a server, independent of what it listens on. */
export interface SocksServerOptions extends AcceptedProtocols, ServedCommands {
  /** Which clients may connect at all. @default {all} */
  readonly clients?: ClientRuleSet | undefined;
  /** Time limits of the steps of a session. */
  readonly timeouts?: Timeouts | undefined;
  /** How much of the server one client, source, network and user may use. */
  readonly limits?: Limits | undefined;
  /** Whether a session ends when the client's ticket expires. @default {"keep"} */
  readonly ticketExpiry?: "keep" | "cut" | undefined;
  /** Counts the sessions of users; share one between servers. @default {one in memory} */
  readonly userLedger?: UserLedger | undefined;
  /** Ends the server at once, with all its sessions. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Called for each event of a session. The server does not wait for a promise that it returns; exceptions and rejections are counted
   * ({@linkcode SocksServer.health}) and end nothing.
   */
  readonly onEvent?: ((event: ServerEvent) => void) | undefined;
  /**
   * Called when something goes wrong beside the sessions: at once, and for each kind once a minute at most. Exceptions end nothing.
   */
  readonly onTrouble?: ((trouble: ServerTrouble) => void) | undefined;
}

/** Options of a shutdown. */
export interface ShutdownOptions {
  /** Time in milliseconds after which the sessions that are left are ended. @default {Infinity} */
  readonly deadline?: number | undefined;
}

/** The values of options that are one of a few; a caller in JavaScript may give others. */
const EXPIRIES: readonly unknown[] = ["keep", "cut"] satisfies SocksServerOptions["ticketExpiry"][];

/**
 * Checks the options of a caller.
 *
 * @throws {TypeError} When there is no authentication method or one is not a method, a protocol is unknown, a time or a limit is not a number of
 * 0 or more, or an option has moved into a group.
 */
export function checkServerOptions(options: SocksServerOptions): void {
  checkGroups(options, ["timeouts", "limits"]);
  checkMoved(options, MOVED_OPTIONS);
  const { auth, protocols = [], ticketExpiry } = options;
  if (!Array.isArray(auth) || auth.length === 0) throw new TypeError("Cannot serve: no authentication method is given");
  for (const method of auth) {
    if (
      typeof method?.accept !== "function" || !Number.isInteger(method.code) || method.code < 0 || method.code > 254
    ) {
      throw new TypeError("Cannot serve: an authentication method has no accept() or no code from 0 to 254");
    }
  }
  checkNames("protocols", protocols, OTHER_PROTOCOLS);
  if (ticketExpiry !== undefined) checkNames("ticketExpiry", [ticketExpiry], EXPIRIES);
  checkTimeouts(options.timeouts ?? {});
  checkLimits(options.limits ?? {});
}
