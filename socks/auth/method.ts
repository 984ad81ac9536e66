/**
 * The seam that everything else hangs on: an authentication method takes a connection and RETURNS the one to use from
 * then on, with who the peer is. It may take any number of legs, transform every byte that follows, and protect
 * datagrams.
 *
 * @module
 */
import type { Identity, MethodName } from "../identity.ts";
import type { Connection } from "../stream/connection.ts";
import type { ProtectionLevel } from "../protection.ts";
import { type DatagramCodec, plainDatagrams } from "../stream/datagram_codec.ts";
import type { Endpoint } from "../wire/address.ts";
import { Method } from "../wire/messages.ts";

/** What authentication ends with. */
export interface SecuredChannel {
  /** Connection to use from now on. Closing it releases everything that the channel holds. */
  readonly connection: Connection;
  /** The peer. */
  readonly identity: Identity;
  /** How what follows is protected. */
  readonly protection: ProtectionLevel;
  /** How datagrams of this peer are protected; `undefined` where one that comes twice would not be noticed. */
  readonly datagrams: DatagramCodec | undefined;
  /**
   * Whether a message of the connection that is left out, comes twice or out of its turn is noticed. Where it is not, a server
   * carries out nothing on it but UDP ASSOCIATE.
   *
   * @default {true}
   */
  readonly ordered?: boolean | undefined;
  /** When the peer's credentials expire, in milliseconds since the epoch; `Infinity` where they do not. */
  readonly expiresAt: number;
}

/** What a client's method is told. */
export interface AuthenticateOptions {
  /** The proxy as it was named, for the name of its service. */
  readonly proxy: Endpoint;
  /** Ends the attempt. */
  readonly signal?: AbortSignal | undefined;
  /** Whether datagrams will be protected too, which may overtake one another. @default {false} */
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
   * @throws {SocksAuthError} When it cannot, or would have to go below what is asked for.
   */
  authenticate(connection: Connection, options: AuthenticateOptions): Promise<SecuredChannel>;
}

/** What a server's method is told. */
export interface AcceptAuthOptions {
  /** Ends the attempt. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Takes what tells the client that it is refused, for a session that is ended while the method is under way; `undefined` takes it
   * back, once there is nothing to tell any more.
   */
  readonly beforeClosing?: ((tell: (() => Promise<void>) | undefined) => void) | undefined;
  /**
   * Told that the client has gone, by a method that watches for it while it waits for something else than the client. The signal is aborted
   * then.
   */
  readonly onGone?: ((reason: Error) => void) | undefined;
  /** Name of where the client comes from, for what is shared out between those: its address, or its /64 of IPv6. @default {""} */
  readonly source?: string | undefined;
}

/** A method on the server's side. */
export interface ServerAuthMethod {
  /** METHOD byte. */
  readonly code: number;
  /** Name of the method. */
  readonly name: MethodName;
  /**
   * Finds out who a client is.
   *
   * @throws {SocksAuthError} When it is nobody who may use the proxy. The client has been told then.
   */
  accept(connection: Connection, options: AcceptAuthOptions): Promise<SecuredChannel>;
}

/** A channel without protection. */
export function plainChannel(connection: Connection, identity: Identity): SecuredChannel {
  return { connection, identity, protection: "none", datagrams: plainDatagrams, expiresAt: Infinity };
}

const NOBODY: Identity = Object.freeze({ method: "none", name: "", attributes: Object.freeze({}) });

/**
 * The method that asks for nothing, on both sides.
 *
 * @example
 * ```ts
 * import { noAuthentication } from "@gssocks/gssocks/socks";
 *
 * if (noAuthentication().code !== 0) throw new Error("X'00' is NO AUTHENTICATION REQUIRED");
 * ```
 */
export function noAuthentication(): ClientAuthMethod & ServerAuthMethod {
  return {
    code: Method.None,
    name: "none",
    authenticate: (connection) => Promise.resolve(plainChannel(connection, NOBODY)),
    accept: (connection) => Promise.resolve(plainChannel(connection, NOBODY)),
  };
}
