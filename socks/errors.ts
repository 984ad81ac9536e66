/**
 * Errors of the SOCKS layer, each with a stable `code` out of a closed set, and the reply codes of RFC 1928 section 6.
 *
 * @module
 */

/** Why an authentication failed. */
export type SocksAuthErrorCode =
  | "NO_ACCEPTABLE_METHOD"
  | "METHOD_NOT_OFFERED"
  | "BAD_CREDENTIALS"
  | "GSSAPI_FAILED"
  | "REFUSED_BY_PEER"
  | "PROTECTION_TOO_WEAK"
  | "FLAGS_MISSING"
  | "TICKET_EXPIRED"
  | "TOKEN_TOO_LARGE"
  | "TOO_MANY_LEGS";

/** How a peer broke the protocol. */
export type SocksProtocolErrorCode =
  | "BAD_VERSION"
  | "BAD_MESSAGE"
  | "UNEXPECTED_MESSAGE"
  | "UNEXPECTED_END"
  | "TOO_LARGE"
  | "NOT_GENUINE"
  | "NOT_SEALED"
  | "OUT_OF_ORDER";

/**
 * Why a connection could not be made; each has its reply code. `OUT_OF_RESOURCES` is told as a general failure, and is the machine's
 * that makes the connection: it has no descriptors or no memory for another one.
 */
export type SocksReplyErrorCode =
  | "GENERAL_FAILURE"
  | "NOT_ALLOWED"
  | "NETWORK_UNREACHABLE"
  | "HOST_UNREACHABLE"
  | "CONNECTION_REFUSED"
  | "TTL_EXPIRED"
  | "COMMAND_NOT_SUPPORTED"
  | "ADDRESS_TYPE_NOT_SUPPORTED"
  | "OUT_OF_RESOURCES";

/** The time allowed for something is over. */
export type SocksTimeoutErrorCode = "HANDSHAKE_TIMEOUT" | "CONNECT_TIMEOUT" | "IDLE_TIMEOUT";

/**
 * A limit of the server is reached: of sessions that have not said who they are, of one source, of one network, of one user, of
 * passwords of one source that are being checked, or of datagrams that wait for a name to be looked up.
 */
export type SocksLimitErrorCode =
  | "HALF_OPEN_LIMIT"
  | "SOURCE_LIMIT"
  | "NETWORK_LIMIT"
  | "USER_LIMIT"
  | "GUESS_LIMIT"
  | "LOOKUP_LIMIT";

/** The proxy cannot be reached: what its own error, the `cause`, says of a target is said of the proxy. */
export type SocksProxyErrorCode = "PROXY_UNREACHABLE";

/** A connection that was made is of no more use: this side closed it or that direction of it, or it is lost. */
export type SocksConnectionErrorCode = "CLOSED" | "LOST";

/** TLS could not be agreed upon, or its stream was cut: it ended without a close_notify (RFC 8446 section 6.1). */
export type SocksTlsErrorCode = "TLS_HANDSHAKE" | "TLS_CUT";

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
 * Base of the SOCKS layer's errors.
 *
 * @example What to do about each
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
   * Makes one.
   *
   * @param code Stable code.
   * @param message What failed, for people.
   * @param options Where it came from.
   */
  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Authentication failed, or would have been weaker than what is asked for.
 *
 * @example
 * ```ts
 * import { SocksAuthError } from "@gssocks/gssocks";
 *
 * export function needsKinit(error: unknown): boolean {
 *   return error instanceof SocksAuthError && error.code === "TICKET_EXPIRED";
 * }
 * ```
 */
export class SocksAuthError extends SocksError<SocksAuthErrorCode> {
  /** Name of the class. */
  override readonly name = "SocksAuthError";
}

/**
 * The peer broke the protocol, or somebody on the way did.
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
 * A connection could not be made: here, or by the proxy that says so in its reply.
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
  /** Text of the rule that decided, where one did. */
  readonly rule: string | undefined;

  /**
   * Makes one.
   *
   * @param code Stable code.
   * @param message What failed, for people.
   * @param options Where it came from, and the rule that decided.
   */
  constructor(
    code: SocksReplyErrorCode,
    message: string,
    options?: ErrorOptions & { readonly rule?: string | undefined },
  ) {
    super(code, message, options);
    this.rule = options?.rule;
  }

  /** REP field of the reply. */
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
 * @example Told to whoever watches a server
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
 * @example Another proxy where one is down
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
 * A connection that was made is of no more use. What the transport said is the `cause`.
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
 *     if (error instanceof SocksConnectionError) return true; // "CLOSED" by us, or "LOST"
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
 * @example An answer that may have been shortened on the way
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

/** RFC 1928 section 6. */
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

/** What to answer a request that failed. A time-out is told as an unreachable host, as other proxies do. */
export function replyCodeFor(error: unknown): number {
  if (error instanceof SocksReplyError) return error.reply;
  if (error instanceof SocksTimeoutError && error.code === "CONNECT_TIMEOUT") return REPLIES.HOST_UNREACHABLE;
  return REPLIES.GENERAL_FAILURE;
}

/** Code of a REP field; what RFC 1928 does not assign reads as a general failure. */
export function replyCodeName(reply: number): SocksReplyErrorCode {
  const found = Object.entries(REPLIES).find(([, value]) => value === reply);
  return (found?.[0] ?? "GENERAL_FAILURE") as SocksReplyErrorCode;
}
