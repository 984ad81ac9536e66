/**
 * What a session has come to, as a server shows it.
 *
 * @module
 */
import type { Identity } from "../identity.ts";
import type { ProtectionLevel } from "../protection.ts";
import type { CommandName, DecidingRule } from "../rules/rule.ts";
import type { Endpoint } from "../wire/address.ts";
import type { RelayCounts } from "./relay/relay.ts";

/** A session whose client has not authenticated yet. */
export interface ConnectingPhase {
  /** The phase. */
  readonly phase: "connecting";
  /** Not known yet. */
  readonly identity?: undefined;
  /** Not known yet. */
  readonly protection?: undefined;
  /** Not known yet. */
  readonly command?: undefined;
  /** Not known yet. */
  readonly target?: undefined;
  /** Not known yet. */
  readonly address?: undefined;
}

/** A session whose client has authenticated and sent no request yet. */
export interface AuthenticatedPhase {
  /** The phase. */
  readonly phase: "authenticated";
  /** The client. */
  readonly identity: Identity;
  /** How the client's data is protected. */
  readonly protection: ProtectionLevel;
  /** Not known yet. */
  readonly command?: undefined;
  /** Not known yet. */
  readonly target?: undefined;
  /** Not known yet. */
  readonly address?: undefined;
}

/** A session whose client has sent its request. */
export interface RequestedPhase {
  /** The phase. */
  readonly phase: "requested";
  /** The client. */
  readonly identity: Identity;
  /** How the client's data is protected. */
  readonly protection: ProtectionLevel;
  /** The command; missing if the server does not know the command. */
  readonly command?: CommandName | undefined;
  /** The endpoint in the request. */
  readonly target: Endpoint;
  /** Address of the target, once it is connected to and where it is known. */
  readonly address?: Endpoint | undefined;
}

/** What is known of a session in each of its phases. */
export type SessionPhase = ConnectingPhase | AuthenticatedPhase | RequestedPhase;

/** What a session has come to. */
export type SessionStatus = SessionPhase & {
  /** When the client was accepted, in milliseconds since the epoch. */
  readonly startedAt: number;
  /** Time since then in milliseconds, by a monotonic clock. */
  readonly duration: number;
  /** Bytes transferred. */
  readonly counts: Readonly<RelayCounts>;
  /** The rule that allowed the request under way, where a rule did. */
  readonly rule?: DecidingRule;
};

/** A running session, as it was when it was asked for. */
export type LiveSession = SessionStatus & {
  /** Number of the session, from 1. */
  readonly session: number;
  /** The client's address, where it has one. */
  readonly client: Endpoint | undefined;
};
