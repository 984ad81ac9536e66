/**
 * Errors of the client. Their messages name the proxy, the target, and what failed.
 *
 * @module
 */
import { reasonText } from "../../base/reason.ts";
import {
  replyCodeName,
  SocksAuthError,
  SocksConnectionError,
  SocksError,
  SocksProtocolError,
  SocksProxyError,
  SocksReplyError,
  type SocksReplyErrorCode,
  SocksTimeoutError,
} from "../errors.ts";
import { isUnspecified } from "../rules/special_ranges.ts";
import { type Endpoint, formatEndpoint } from "../wire/address.ts";
import { Command, type Request } from "../wire/messages.ts";

/**
 * The error of a dialer that could not reach the proxy. Errors about invalid arguments, and about the connection itself (TLS, another proxy), are
 * returned unchanged.
 */
export function proxyUnreachable(proxy: Endpoint, error: unknown): unknown {
  if (error instanceof SocksError && !(error instanceof SocksReplyError)) return error;
  if (error instanceof TypeError || error instanceof RangeError) return error;
  const reason = reasonText(error);
  const text = reason.replace(/^(?:Proxy|Cannot)\b/, (word) => word.toLowerCase());
  return new SocksProxyError("PROXY_UNREACHABLE", `Cannot reach proxy ${formatEndpoint(proxy)}: ${text}`, {
    cause: error,
  });
}

/** What a proxy did not do, by command. */
const FAILED_TO: Readonly<Record<number, string>> = {
  [Command.Bind]: "cannot listen for",
  [Command.UdpAssociate]: "cannot relay datagrams for",
  [Command.Resolve]: "cannot look up",
  [Command.ResolvePtr]: "cannot look up",
};

/** Commands whose address may be unspecified. */
const WITHOUT_TARGET: readonly number[] = [Command.Bind, Command.UdpAssociate];

/** Reasons by reply (RFC 1928 section 6), with a hint what to do. */
const REASONS: Readonly<Record<SocksReplyErrorCode, string>> = {
  GENERAL_FAILURE: "it failed, and does not say why; its administrator can look into its log",
  NOT_ALLOWED: "its rules do not allow it; ask its administrator",
  NETWORK_UNREACHABLE: "the proxy has no route to it",
  HOST_UNREACHABLE: "the host is not found, or does not answer",
  CONNECTION_REFUSED: "the host refused the connection, no program listens there",
  TTL_EXPIRED: "packets expire on the way",
  COMMAND_NOT_SUPPORTED: "it does not do that for its clients",
  ADDRESS_TYPE_NOT_SUPPORTED: "it does not know addresses of this kind",
  OUT_OF_RESOURCES: "it has no room for another connection",
};

/** The error for a reply that refuses the request. */
export function replyError(reply: number, proxy: Endpoint, request: Request): SocksReplyError {
  const code = replyCodeName(reply);
  const what = FAILED_TO[request.command] ?? "cannot reach";
  // A number that RFC 1928 does not assign reads as a general failure, so the message has it too.
  const number = reply > 8 ? `, reply ${reply}` : "";
  // BIND and UDP ASSOCIATE with an unspecified address are for any peer.
  const isForAny = WITHOUT_TARGET.includes(request.command) && isUnspecified(request.hostname);
  const peer = isForAny ? "any peer" : formatEndpoint(request);
  const about = `Proxy ${formatEndpoint(proxy)} ${what} ${peer}`;
  return new SocksReplyError(code, `${about}: ${REASONS[code]} (${code}${number})`);
}

/** Adds the proxy and the target to the message of an error that does not name them. */
export function withProxyNamed(error: unknown, proxy: Endpoint, target: Endpoint): unknown {
  const about = isUnspecified(target.hostname)
    ? `Cannot use proxy ${formatEndpoint(proxy)}`
    : `Cannot reach ${formatEndpoint(target)} through ${formatEndpoint(proxy)}`;
  if (error instanceof SocksProtocolError && !error.message.includes(formatEndpoint(proxy))) {
    return new SocksProtocolError(error.code, `${about}: ${error.message}`, { cause: error });
  }
  if (error instanceof SocksAuthError && error.code === "NO_ACCEPTABLE_METHOD") {
    return new SocksAuthError(error.code, error.message.replace("Proxy", () => `Proxy ${formatEndpoint(proxy)}`));
  }
  if (!isSystemError(error)) return error;
  return new SocksConnectionError("LOST", `${about}: ${error.message}`, { cause: error });
}

/** Whether an error is the system's error of a transport. */
function isSystemError(error: unknown): error is Error {
  if (!(error instanceof Error) || error instanceof RangeError) return false;
  return /^E(?:RR_)?[A-Z_]+$/.test(String((error as { code?: unknown }).code));
}

/** Adds to a timeout error how far the connection to the proxy came. A silent proxy is most often no SOCKS proxy. */
export function timeoutWithProgress(
  reason: unknown,
  proxy: Endpoint,
  progress: "dialling" | "silent" | "answered",
): unknown {
  const isTimeout = reason instanceof SocksTimeoutError && reason.code !== "IDLE_TIMEOUT";
  if (!isTimeout || progress === "answered") return reason;
  // The timeout of a call names the proxy already; that of a session names its target.
  const it = reason.code === "HANDSHAKE_TIMEOUT" ? "it" : `proxy ${formatEndpoint(proxy)}`;
  const where = progress === "dialling"
    ? `there is no connection to ${it} yet`
    : `${it} accepted the connection but sent nothing (does it want SOCKS inside TLS?)`;
  return new SocksTimeoutError(reason.code, `${reason.message}: ${where}`, { cause: reason });
}
