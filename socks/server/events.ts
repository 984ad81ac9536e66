/**
 * Events of a session, for logs.
 *
 * @module
 */
import type { Identity } from "../identity.ts";
import type { ProtectionLevel } from "../protection.ts";
import type { CommandName, DecidingRule } from "../rules/rule.ts";
import type { Endpoint } from "../wire/address.ts";
import type { DatagramCounts } from "./datagrams/counts.ts";
import type { UnknownCommand } from "./front/request.ts";
import type { ThroughProxy } from "./targets/target.ts";

/** An event of a session. It never holds a password, a key or a token. */
export type SessionEvent =
  | { readonly type: "accepted" }
  | {
    readonly type: "authenticated";
    readonly identity: Identity;
    readonly protection: ProtectionLevel;
    /** Time since the client was accepted, in milliseconds. */
    readonly duration: number;
  }
  | {
    readonly type: "refused";
    readonly identity?: Identity | undefined;
    /** The command; its number, if the server does not know the command. */
    readonly command?: CommandName | UnknownCommand;
    readonly target?: Endpoint;
    /** Address that was connected to before the request was refused. */
    readonly address?: Endpoint;
    readonly error: Error;
  }
  | {
    /** BIND listens, an association has its socket, or a target is connected to. */
    readonly type: "listening" | "associated" | "connected";
    readonly identity: Identity;
    readonly command: CommandName;
    readonly target: Endpoint;
    /** Address of the target: the one connected to, or where BIND's connection came from. Unknown when another proxy connects. */
    readonly address?: Endpoint;
    readonly bound: Endpoint;
    /** The proxy that has connected to the target, if another one has. */
    readonly through?: ThroughProxy | undefined;
    /** Time since the request was read, in milliseconds. */
    readonly duration: number;
    /** The rule that allowed it, where a rule did. A rule about one datagram of an association is not told here. */
    readonly rule?: DecidingRule;
  }
  | {
    readonly type: "closed";
    readonly identity: Identity;
    readonly command: CommandName;
    readonly target: Endpoint;
    /** Address of the target, as in `connected`. */
    readonly address?: Endpoint;
    /** The rule that allowed it, as in `connected`. */
    readonly rule?: DecidingRule;
    /** Bytes from the client to targets. */
    readonly sent: number;
    /** Bytes from targets to the client. */
    readonly received: number;
    /** Datagrams of an association. */
    readonly datagrams?: DatagramCounts;
    /** Time since the client was accepted, or its last request had ended, in milliseconds. */
    readonly duration: number;
    readonly error?: Error | undefined;
  };

/** An event of a session of a server. */
export type ServerEvent = SessionEvent & {
  /** Number of the session, from 1. */
  readonly session: number;
  /** The client's address, where it has one. */
  readonly client: Endpoint | undefined;
};
