/**
 * What it takes to carry out a request: connect, listen, look up, send datagrams. A server does that itself, or through another proxy.
 *
 * @module
 */
import type { Bytes } from "../../../base/bytes.ts";
import type { ProtectionLevel } from "../../protection.ts";
import type { DecidingRule, RuleQuery } from "../../rules/rule.ts";
import type { Connection } from "../../stream/connection.ts";
import type { Endpoint } from "../../wire/address.ts";

/** A request, as rules see it. */
export interface TargetRequest extends RuleQuery {
  /** Ends the attempt. */
  readonly signal: AbortSignal;
  /** Called with the rule that allowed what is carried out, for the log. */
  readonly onRule?: ((rule: DecidingRule) => void) | undefined;
}

/** A connection to a target. */
export interface OpenedTarget {
  /** The connection. */
  readonly connection: Connection;
  /** Local address of the connection, for the reply. */
  readonly bound: Endpoint;
  /** Address of the target; unknown when another proxy connects. */
  readonly address?: Endpoint | undefined;
  /** The proxy that has connected, if another one has. */
  readonly through?: ThroughProxy | undefined;
}

/** How another proxy was used. */
export interface ThroughProxy {
  /** The proxy. */
  readonly proxy: Endpoint;
  /** Name by which this server has authenticated there, such as `alice@EXAMPLE.COM`; empty without authentication. */
  readonly user: string;
  /** Protection of the connection to it. */
  readonly protection: ProtectionLevel;
}

/**
 * Decides about a CONNECT request and connects to its target.
 *
 * @throws {SocksReplyError} When the request is not allowed or fails; the client gets the code.
 */
export type OpenTarget = (request: TargetRequest) => Promise<OpenedTarget>;

/** A listener for one connection. */
export interface PendingBind {
  /** Where it listens, as the client must tell its target. */
  readonly bound: Endpoint;
  /** Waits for the connection; connections from elsewhere than expected do not count. */
  accept(): Promise<{ readonly connection: Connection; readonly peer: Endpoint }>;
  /** Ends the wait. May be called again. */
  close(): void;
}

/**
 * Decides about a BIND request and listens. The request's endpoint is where the connection is expected from; an
 * unspecified address stands for anywhere.
 *
 * @param local Address at which the client reached this server, where it has one.
 * @throws {SocksReplyError} When the request is not allowed or fails.
 */
export type OpenBind = (request: TargetRequest, local: Endpoint | undefined) => Promise<PendingBind>;

/** Looks a host up: the address of a name, or the name of an address. */
export type ResolveHost = (request: TargetRequest, direction: "address" | "name") => Promise<string>;

/** The side of an association that faces targets. */
export interface DatagramEgress {
  /**
   * Sends a datagram to a target, which may be a name.
   *
   * @throws {SocksReplyError} When the target is not allowed, or sending fails.
   * @throws {RangeError} When the datagram is too large.
   * @throws {SocksLimitError} When too many datagrams wait.
   */
  send(data: Uint8Array, to: Endpoint, options?: SendDatagramOptions): Promise<void>;
  /**
   * Called when the client sends from another address, and has proven by its keys that it is the same client.
   *
   * @returns Whether rules let a client at that address send at all; if not, the client stays where it was. @default {true}
   */
  moved?(source: string): boolean;
  /** Releases the sockets. */
  close(): void;
}

/** Options of {@linkcode DatagramEgress.send}. */
export interface SendDatagramOptions {
  /**
   * Called at once when the datagram must wait for something that concerns its target alone, such as a look-up. The caller can go on
   * with other datagrams; the number of datagrams that wait is limited here.
   */
  readonly onWait?: (() => void) | undefined;
}

/** Callbacks for datagrams from targets. */
export interface EgressListener {
  /** Called for each datagram from a target that may go to the client. */
  readonly onDatagram: (data: Bytes, from: Endpoint) => void;
  /** Called for each datagram that was dropped. */
  readonly onDrop: (reason: "denied" | "unsolicited") => void;
  /** Called when no more datagrams can come or be sent. */
  readonly onEnd: (reason: Error) => void;
}

/** Opens the side that faces targets. The request's endpoint is the one that the client declared, which is mostly unspecified. */
export type OpenDatagrams = (request: TargetRequest, listener: EgressListener) => Promise<DatagramEgress>;
