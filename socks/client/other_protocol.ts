/**
 * Recognizes what a server speaks that does not speak SOCKS5, by the first line it sends.
 *
 * @module
 */
import { type Bytes, concat, lenientText } from "../../base/bytes.ts";
import { abortable, startDeadline } from "../../base/deadline.ts";
import { printable, shortened } from "../../base/printable.ts";
import { SocksProtocolError } from "../errors.ts";
import type { Connection } from "../stream/connection.ts";
import { type Endpoint, formatEndpoint } from "../wire/address.ts";

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
