/**
 * Errors of the SOCKS layer, each with a stable `code` from a closed set, and the reply codes of RFC 1928 section 6.
 *
 * @module
 */

/** Why authentication failed. */
export type SocksAuthErrorCode =
  /** The proxy accepts none of the methods that the client offers (RFC 1928 section 3: X'FF'). */
  | "NO_ACCEPTABLE_METHOD"
  /** The proxy chose a method that the client did not offer. */
  | "METHOD_NOT_OFFERED"
  /** The username or the password is wrong. */
  | "BAD_CREDENTIALS"
  /** GSS-API failed; the `cause` is the `GssError`. */
  | "GSSAPI_FAILED"
  /** The peer refused the GSS-API authentication (RFC 1961 section 3.8). */
  | "REFUSED_BY_PEER"
  /** The protection level is weaker than this side accepts, or the server's policy refuses it. */
  | "PROTECTION_TOO_WEAK"
  /** The security context lacks services that the protection level needs. */
  | "FLAGS_MISSING"
  /** The peer's ticket has expired during the session. */
  | "TICKET_EXPIRED"
  /** A GSS-API token does not fit into a frame. */
  | "TOKEN_TOO_LARGE"
  /** The GSS-API negotiation does not end. */
  | "TOO_MANY_LEGS";

/** How a peer broke the protocol. */
export type SocksProtocolErrorCode =
  /** A message has a version that is not supported. */
  | "BAD_VERSION"
  /** A message cannot be decoded. */
  | "BAD_MESSAGE"
  /** A message is not allowed at this point. */
  | "UNEXPECTED_MESSAGE"
  /** The connection ended inside a message, or before a message that must follow. */
  | "UNEXPECTED_END"
  /** A message is longer than its limit. */
  | "TOO_LARGE"
  /** The checksum of a protected message is wrong. */
  | "NOT_GENUINE"
  /** A protected message is only signed although encryption was agreed. */
  | "NOT_SEALED"
  /** A protected message is repeated, lost or reordered. */
  | "OUT_OF_ORDER";

/** Why a connection could not be opened. Each code has its reply code (RFC 1928 section 6). */
export type SocksReplyErrorCode =
  /** X'01' general SOCKS server failure. */
  | "GENERAL_FAILURE"
  /** X'02' connection not allowed by ruleset. */
  | "NOT_ALLOWED"
  /** X'03' network unreachable. */
  | "NETWORK_UNREACHABLE"
  /** X'04' host unreachable. */
  | "HOST_UNREACHABLE"
  /** X'05' connection refused. */
  | "CONNECTION_REFUSED"
  /** X'06' TTL expired. This package never sends it; other proxies do. */
  | "TTL_EXPIRED"
  /** X'07' command not supported. */
  | "COMMAND_NOT_SUPPORTED"
  /** X'08' address type not supported. */
  | "ADDRESS_TYPE_NOT_SUPPORTED"
  /** This machine has no descriptors or no memory for another connection. Sent as X'01'. */
  | "OUT_OF_RESOURCES";

/** Which time is over. */
export type SocksTimeoutErrorCode =
  /** The time for authentication and the request. */
  | "HANDSHAKE_TIMEOUT"
  /** The time to connect to the target or the proxy. */
  | "CONNECT_TIMEOUT"
  /** The time without any byte. */
  | "IDLE_TIMEOUT";

/** Which limit of the server is reached. */
export type SocksLimitErrorCode =
  /** Sessions that are not authenticated yet, or balancers' connections without their header. */
  | "HALF_OPEN_LIMIT"
  /** Sessions of one address. */
  | "SOURCE_LIMIT"
  /** Sessions of one network. */
  | "NETWORK_LIMIT"
  /** Sessions of one user. */
  | "USER_LIMIT"
  /** Pending password checks of one source. */
  | "GUESS_LIMIT"
  /** Datagrams that wait for a name to be resolved. */
  | "LOOKUP_LIMIT";

/** Why a proxy is of no use. */
export type SocksProxyErrorCode =
  /** The proxy cannot be reached; the `cause` is why. */
  "PROXY_UNREACHABLE";

/** Why an open connection cannot be used any more. */
export type SocksConnectionErrorCode =
  /** This side closed the connection, or its writing direction. */
  | "CLOSED"
  /** The connection is lost; the `cause` is the transport's error. */
  | "LOST";

/** How TLS failed. */
export type SocksTlsErrorCode =
  /** The handshake failed. */
  | "TLS_HANDSHAKE"
  /** The stream ended without close_notify (RFC 8446 section 6.1): it may be incomplete. */
  | "TLS_CUT";

/** Every code of the SOCKS layer. */
export type SocksErrorCode =
  | SocksAuthErrorCode
  | SocksProtocolErrorCode
  | SocksReplyErrorCode
  | SocksTimeoutErrorCode
  | SocksLimitErrorCode
  | SocksProxyErrorCode
  | SocksConnectionErrorCode
  | SocksTlsErrorCode;

/**
 * Base class of the errors of the SOCKS layer.
 *
 * @example What each class means
 * ```ts
 * import { connect, type ConnectOptions, SocksAuthError, SocksError, SocksReplyError } from "@gssocks/gssocks";
 *
 * export async function problemOf(options: ConnectOptions): Promise<string> {
 *   try {
 *     (await connect(options)).close();
 *     return "none";
 *   } catch (error) {
 *     if (error instanceof SocksAuthError) return "who I am";
 *     if (error instanceof SocksReplyError && error.code === "NOT_ALLOWED") return "where I want to go";
 *     if (error instanceof SocksError) return error.code;
 *     throw error;
 *   }
 * }
 * ```
 */
export abstract class SocksError<Code extends SocksErrorCode = SocksErrorCode> extends Error {
  /** Stable code. */
  readonly code: Code;

  /**
   * Creates an error.
   *
   * @param code Stable code.
   * @param message What failed, for people.
   * @param options The cause.
   */
  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Authentication failed, or would be weaker than required.
 *
 * @example
 * ```ts
 * import { SocksAuthError } from "@gssocks/gssocks";
 *
 * export function isWrongPassword(error: unknown): boolean {
 *   return error instanceof SocksAuthError && error.code === "BAD_CREDENTIALS";
 * }
 * ```
 */
export class SocksAuthError extends SocksError<SocksAuthErrorCode> {
  /** Name of the class. */
  override readonly name = "SocksAuthError";
}

/**
 * The peer broke the protocol, or an attacker on the path did.
 *
 * @example
 * ```ts
 * import { SocksProtocolError } from "@gssocks/gssocks";
 *
 * export function wasForged(error: unknown): boolean {
 *   return error instanceof SocksProtocolError && error.code === "NOT_GENUINE";
 * }
 * ```
 */
export class SocksProtocolError extends SocksError<SocksProtocolErrorCode> {
  /** Name of the class. */
  override readonly name = "SocksProtocolError";
}

/**
 * A connection could not be opened: by this side, or by the proxy, which says so in its reply.
 *
 * @example
 * ```ts
 * import { SocksReplyError } from "@gssocks/gssocks";
 *
 * const error = new SocksReplyError("HOST_UNREACHABLE", "Proxy cannot reach db.intranet:5432");
 * if (error.reply !== 4) throw new Error("RFC 1928 section 6 has X'04'");
 * ```
 */
export class SocksReplyError extends SocksError<SocksReplyErrorCode> {
  /** Name of the class. */
  override readonly name = "SocksReplyError";
  /** Text of the rule that decided, if a rule did. */
  readonly rule: string | undefined;
  /** Number of that rule in its list, from 1. */
  readonly ruleNumber: number | undefined;

  /**
   * Creates an error.
   *
   * @param code Stable code.
   * @param message What failed, for people.
   * @param options The cause, and the rule that decided, with its number.
   */
  constructor(
    code: SocksReplyErrorCode,
    message: string,
    options?: ErrorOptions & { readonly rule?: string | undefined; readonly ruleNumber?: number | undefined },
  ) {
    super(code, message, options);
    this.rule = options?.rule;
    this.ruleNumber = options?.ruleNumber;
  }

  /** REP field of the reply (RFC 1928 section 6). */
  get reply(): number {
    return REPLIES[this.code];
  }
}

/**
 * Something took too long.
 *
 * @example
 * ```ts
 * import { SocksTimeoutError } from "@gssocks/gssocks";
 *
 * export function mayTryAgain(error: unknown): boolean {
 *   return error instanceof SocksTimeoutError;
 * }
 * ```
 */
export class SocksTimeoutError extends SocksError<SocksTimeoutErrorCode> {
  /** Name of the class. */
  override readonly name = "SocksTimeoutError";
}

/**
 * A limit of the server is reached.
 *
 * @example In an event of a server
 * ```ts
 * import { type ServerEvent, SocksLimitError } from "@gssocks/gssocks";
 *
 * export function isFlood(event: ServerEvent): boolean {
 *   return event.type === "refused" && event.error instanceof SocksLimitError && event.error.code === "HALF_OPEN_LIMIT";
 * }
 * ```
 */
export class SocksLimitError extends SocksError<SocksLimitErrorCode> {
  /** Name of the class. */
  override readonly name = "SocksLimitError";
}

/**
 * The proxy cannot be reached. A target that the proxy cannot reach is a {@linkcode SocksReplyError}.
 *
 * @example Trying another proxy
 * ```ts
 * import { connect, type ConnectOptions, type SocksConnection, SocksProxyError } from "@gssocks/gssocks";
 *
 * export async function connectByOneOf(proxies: string[], options: ConnectOptions): Promise<SocksConnection> {
 *   for (const proxy of proxies) {
 *     try {
 *       return await connect({ ...options, proxy });
 *     } catch (error) {
 *       if (!(error instanceof SocksProxyError)) throw error;
 *     }
 *   }
 *   throw new Error("No proxy can be reached");
 * }
 * ```
 */
export class SocksProxyError extends SocksError<SocksProxyErrorCode> {
  /** Name of the class. */
  override readonly name = "SocksProxyError";
}

/**
 * An open connection cannot be used any more. The `cause` is the error of the transport.
 *
 * @example
 * ```ts
 * import { type SocksConnection, SocksConnectionError } from "@gssocks/gssocks";
 *
 * export async function isGone(connection: SocksConnection): Promise<boolean> {
 *   try {
 *     await connection.write(new Uint8Array([0]));
 *     return false;
 *   } catch (error) {
 *     if (error instanceof SocksConnectionError) return true; // "CLOSED" by this side, or "LOST"
 *     throw error;
 *   }
 * }
 * ```
 */
export class SocksConnectionError extends SocksError<SocksConnectionErrorCode> {
  /** Name of the class. */
  override readonly name = "SocksConnectionError";
}

/**
 * TLS with a target or a proxy failed, or was cut.
 *
 * @example Detecting an answer that may be incomplete
 * ```ts
 * import { SocksTlsError } from "@gssocks/gssocks";
 *
 * export function isCut(error: unknown): boolean {
 *   return error instanceof SocksTlsError && error.code === "TLS_CUT";
 * }
 * ```
 */
export class SocksTlsError extends SocksError<SocksTlsErrorCode> {
  /** Name of the class. */
  override readonly name = "SocksTlsError";
}

/** Reply codes (RFC 1928 section 6). */
const REPLIES: Readonly<Record<SocksReplyErrorCode, number>> = {
  GENERAL_FAILURE: 1,
  NOT_ALLOWED: 2,
  NETWORK_UNREACHABLE: 3,
  HOST_UNREACHABLE: 4,
  CONNECTION_REFUSED: 5,
  TTL_EXPIRED: 6,
  COMMAND_NOT_SUPPORTED: 7,
  ADDRESS_TYPE_NOT_SUPPORTED: 8,
  OUT_OF_RESOURCES: 1,
};

/** Returns the reply code for a failed request. A time-out is reported as an unreachable host, as by other proxies. */
export function replyCodeFor(error: unknown): number {
  if (error instanceof SocksReplyError) return error.reply;
  if (error instanceof SocksTimeoutError && error.code === "CONNECT_TIMEOUT") return REPLIES.HOST_UNREACHABLE;
  return REPLIES.GENERAL_FAILURE;
}

/** Returns the code of a REP field; values that RFC 1928 does not assign are a general failure. */
export function replyCodeName(reply: number): SocksReplyErrorCode {
  const found = Object.entries(REPLIES).find(([, value]) => value === reply);
  return (found?.[0] ?? "GENERAL_FAILURE") as SocksReplyErrorCode;
}
