/**
 * What the client says when it fails: of the proxy, of the way to it, or of the target.
 *
 * @module
 */
import { reasonText } from "../../base/reason.ts";
import { type Bytes, concat, lenientText } from "../../base/bytes.ts";
import { abortable, startDeadline } from "../../base/deadline.ts";
import { printable, shortened } from "../../base/printable.ts";
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
import type { Connection } from "../stream/connection.ts";
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

/** Bytes of a first line that are waited for, and for how long, in milliseconds: it says more than its first byte. */
const FIRST_LINE = 256;
const LINE_TIME = 1_000;

/**
 * Whoever speaks something else than SOCKS says so with its first line: a portal, a server of another protocol, a middlebox.
 *
 * @param early What has come of it already.
 */
export async function inAnotherProtocol(
  error: unknown,
  { dialled, early, proxy, signal }: {
    readonly dialled: Connection;
    readonly early: Bytes;
    readonly proxy: Endpoint;
    readonly signal: AbortSignal;
  },
): Promise<unknown> {
  if (!(error instanceof SocksProtocolError) || error.code !== "BAD_VERSION") return error;
  const answer = await firstLine(dialled, early, signal);
  return new SocksProtocolError("BAD_VERSION", `Cannot use proxy ${formatEndpoint(proxy)}: ${protocolOf(answer)}`, {
    cause: error,
  });
}

async function firstLine(dialled: Connection, early: Bytes, signal: AbortSignal): Promise<Bytes> {
  using deadline = startDeadline({ milliseconds: LINE_TIME, signal, reason: () => new Error("line is not whole") });
  let line = early;
  try {
    while (line.length < FIRST_LINE && !line.includes(0x0a)) {
      const more = await abortable(dialled.read(), deadline.signal);
      if (more === null || more.length === 0) break;
      line = concat(line, more);
    }
  } catch {
    // What has come tells enough.
  }
  return line.subarray(0, FIRST_LINE);
}

/** What a proxy speaks that does not speak SOCKS5, in words that say what to do. */
function protocolOf(answer: Bytes): string {
  const [first = 0, second = 3] = answer;
  const line = lenientText(answer).split(/\r?\n/)[0]!;
  const said = JSON.stringify(printable(shortened(line, 80)));
  const [, status] = /^HTTP\/\d(?:\.\d)? (\d{3}.*)/.exec(line) ?? [];
  if (status !== undefined) {
    const who = /^(?:30[1278]|511)/.test(status)
      ? "a portal that wants a login, or the port of an HTTP proxy"
      : "the port of an HTTP proxy";
    return `it speaks HTTP: ${printable(shortened(status, 80))} (is this ${who}?)`;
  }
  if ("HTTP/".startsWith(line.slice(0, 5))) return "it speaks HTTP (is this the port of an HTTP proxy?)";
  // An alert, or a handshake (RFC 8446 section 5.1).
  if ((first === 21 || first === 22) && second === 3) {
    return "it answers in TLS: does it want SOCKS inside TLS (dialTls)?";
  }
  if (line.startsWith("SSH-")) return `it speaks SSH: ${said} (its port for SOCKS is another one)`;
  // The answers of SOCKS version 4 begin with 0, and those of some servers with its number.
  if ((first === 0 || first === 4) && second >= 0x5a && second <= 0x5d) {
    return "it speaks SOCKS4, which can protect nothing";
  }
  if (/^[\x20-\x7e]{3,}$/.test(line)) return `it speaks no SOCKS5: it says ${said}`;
  const bytes = [...answer.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return `it speaks no SOCKS5: its answer begins with ${bytes} (hex)`;
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
