/**
 * The interface of authentication methods: a method takes a connection and returns the channel that everything after it uses, with
 * the identity of the peer. It may exchange any number of messages, transform every byte that follows, and protect datagrams.
 *
 * @module
 */
import type { Identity, MethodName } from "../identity.ts";
import type { ProtectionLevel } from "../protection.ts";
import type { DatagramCodec } from "../stream/datagram_codec.ts";
import type { Connection } from "../stream/connection.ts";
import type { Endpoint } from "../wire/address.ts";

/** Result of an authentication. */
export interface SecuredChannel {
  /** Connection to use from now on. Closing it releases everything that the channel holds. */
  readonly connection: Connection;
  /** Identity of the peer. */
  readonly identity: Identity;
  /** Name by which this side has authenticated, for logs. @default {none} */
  readonly self?: string | undefined;
  /** Protection of the bytes that follow. */
  readonly protection: ProtectionLevel;
  /** Protection of the peer's datagrams; `undefined` if a repeated datagram would not be detected, so that none may be relayed. */
  readonly datagrams: DatagramCodec | undefined;
  /**
   * Whether lost, repeated and reordered messages of the connection are detected. If not, a server allows only UDP ASSOCIATE on it.
   *
   * @default {true}
   */
  readonly ordered?: boolean | undefined;
  /** When the peer's credential expires, in milliseconds since the epoch; `Infinity` if it does not. */
  readonly expiresAt: number;
}

/** Options of {@linkcode ClientAuthMethod.authenticate}. */
export interface AuthenticateOptions {
  /** The proxy, by the name that the caller used: its service name is made from it. */
  readonly proxy: Endpoint;
  /** Aborts the attempt. */
  readonly signal?: AbortSignal | undefined;
  /** Whether the channel will protect datagrams, which may be reordered on their way. @default {false} */
  readonly datagrams?: boolean | undefined;
}

/** A method on the client's side. */
export interface ClientAuthMethod {
  /** METHOD byte (RFC 1928 section 3). */
  readonly code: number;
  /** Name of the method. */
  readonly name: MethodName;
  /**
   * Authenticates to a proxy that chose this method.
   *
   * @throws {SocksAuthError} When authentication fails, or would be weaker than the caller accepts.
   */
  authenticate(connection: Connection, options: AuthenticateOptions): Promise<SecuredChannel>;
}

/** Options of {@linkcode ServerAuthMethod.accept}. */
export interface AcceptAuthOptions {
  /** Aborts the attempt. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Called by the method with a function that sends the client a refusal: the server uses it if it ends the session during
   * authentication. Called with `undefined` once the protocol has no refusal any more.
   */
  readonly beforeClosing?: ((tell: (() => Promise<void>) | undefined) => void) | undefined;
  /**
   * Called by the method if it sees the client go while it waits for something else (a password check, a replay cache). The
   * server then aborts `signal`.
   */
  readonly onGone?: ((reason: Error) => void) | undefined;
  /** Name of the client's source, which shares limits: its address, or its /64 for IPv6. @default {""} */
  readonly source?: string | undefined;
}

/** A method on the server's side. */
export interface ServerAuthMethod {
  /** METHOD byte (RFC 1928 section 3). */
  readonly code: number;
  /** Name of the method. */
  readonly name: MethodName;
  /**
   * Authenticates a client.
   *
   * @throws {SocksAuthError} When the client is refused. The method has sent the refusal.
   */
  accept(connection: Connection, options: AcceptAuthOptions): Promise<SecuredChannel>;
}
