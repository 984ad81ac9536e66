/**
 * What the client says when it fails: of the proxy, of the way to it, or of the target.
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

/** What a dialer says of its target is said of the proxy. What is wrong with the way itself, or with what was given, stays what it is. */
export function unreachable(proxy: Endpoint, error: unknown): unknown {
  if (error instanceof SocksError && !(error instanceof SocksReplyError)) return error;
  if (error instanceof TypeError || error instanceof RangeError) return error;
  const reason = reasonText(error);
  const text = reason.replace(/^(?:Proxy|Cannot)\b/, (word) => word.toLowerCase());
  return new SocksProxyError("PROXY_UNREACHABLE", `Cannot reach proxy ${formatEndpoint(proxy)}: ${text}`, {
    cause: error,
  });
}

const UNABLE: Readonly<Record<number, string>> = {
  [Command.Bind]: "cannot listen for",
  [Command.UdpAssociate]: "cannot relay datagrams for",
  [Command.Resolve]: "cannot look up",
  [Command.ResolvePtr]: "cannot look up",
};

const FOR_ANYBODY: readonly number[] = [Command.Bind, Command.UdpAssociate];

/** What RFC 1928 section 6 has a number for, in words that say what to do where that is not plain. */
const WHY: Readonly<Record<SocksReplyErrorCode, string>> = {
  GENERAL_FAILURE: "it failed, and does not say why; its administrator can look into its log",
  NOT_ALLOWED: "its rules do not allow it; ask its administrator",
  NETWORK_UNREACHABLE: "no way leads there from the proxy",
  HOST_UNREACHABLE: "the host is not found, or does not answer",
  CONNECTION_REFUSED: "refused, nobody listens there",
  TTL_EXPIRED: "packets expire on the way",
  COMMAND_NOT_SUPPORTED: "it does not do that for its clients",
  ADDRESS_TYPE_NOT_SUPPORTED: "it does not know addresses of this kind",
  OUT_OF_RESOURCES: "it has no room for another connection",
};

/** A reply that refuses the request, in words. */
export function refusal(reply: number, proxy: Endpoint, request: Request): SocksReplyError {
  const code = replyCodeName(reply);
  const what = UNABLE[request.command] ?? "cannot reach";
  // A number that RFC 1928 does not assign reads as a failure, and may say more to somebody.
  const number = reply > 8 ? `, reply ${reply}` : "";
  // An address that is none stands for anybody who may connect, and for this side, which sends the datagrams.
  const forAnybody = FOR_ANYBODY.includes(request.command) && isUnspecified(request.hostname);
  const whom = forAnybody ? "anybody" : formatEndpoint(request);
  const about = `Proxy ${formatEndpoint(proxy)} ${what} ${whom}`;
  return new SocksReplyError(code, `${about}: ${WHY[code]} (${code}${number})`);
}

/** A proxy that hangs up says nothing; where it did so is what there is to tell. */
export function described(error: unknown, proxy: Endpoint, target: Endpoint): unknown {
  const about = isUnspecified(target.hostname)
    ? `Cannot use proxy ${formatEndpoint(proxy)}`
    : `Cannot reach ${formatEndpoint(target)} through ${formatEndpoint(proxy)}`;
  if (error instanceof SocksProtocolError && !error.message.includes(formatEndpoint(proxy))) {
    return new SocksProtocolError(error.code, `${about}: ${error.message}`, { cause: error });
  }
  if (error instanceof SocksAuthError && error.code === "NO_ACCEPTABLE_METHOD") {
    return new SocksAuthError(error.code, error.message.replace("Proxy", () => `Proxy ${formatEndpoint(proxy)}`));
  }
  if (!isOfSystem(error)) return error;
  return new SocksConnectionError("LOST", `${about}: ${error.message}`, { cause: error });
}

/** Whether a transport failed, which says so in the system's words. */
function isOfSystem(error: unknown): error is Error {
  if (!(error instanceof Error) || error instanceof RangeError) return false;
  return /^E(?:RR_)?[A-Z_]+$/.test(String((error as { code?: unknown }).code));
}

/**
 * How far the way to a proxy has come, for whoever has waited in vain: what is silent is most often something else than a SOCKS proxy.
 */
export function tooLate(reason: unknown, proxy: Endpoint, progress: "dialling" | "silent" | "heard"): unknown {
  if (!(reason instanceof SocksTimeoutError) || reason.code === "IDLE_TIMEOUT" || progress === "heard") return reason;
  // The time of a call names the proxy already; that of a session names its target.
  const it = reason.code === "HANDSHAKE_TIMEOUT" ? "it" : `proxy ${formatEndpoint(proxy)}`;
  const where = progress === "dialling"
    ? `no connection to ${it} stands`
    : `${it} took the connection and has said nothing (does it want SOCKS inside TLS?)`;
  return new SocksTimeoutError(reason.code, `${reason.message}: ${where}`, { cause: reason });
}
