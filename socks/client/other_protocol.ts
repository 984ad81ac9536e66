/**
 * Recognizes a server that does not speak SOCKS5 by the first line that it sends: a portal, another kind of proxy, a middlebox.
 *
 * @module
 */
import { type Bytes, concat, lenientText } from "../../base/bytes.ts";
import { abortable, startDeadline } from "../../base/deadline.ts";
import { printable, shortened } from "../../base/printable.ts";
import { SocksProtocolError } from "../errors.ts";
import type { Connection } from "../stream/connection.ts";
import { type Endpoint, formatEndpoint } from "../wire/address.ts";

/** Longest first line to wait for, in bytes. */
const FIRST_LINE = 256;
/** Longest time to wait for it, in milliseconds. */
const LINE_TIME = 1_000;

/** Options of {@linkcode otherProtocolError}. */
interface OtherProtocolOptions {
  /** The connection to the proxy. */
  readonly dialled: Connection;
  /** Bytes received so far. */
  readonly early: Bytes;
  /** The proxy. */
  readonly proxy: Endpoint;
  /** Ends the wait for the line. */
  readonly signal: AbortSignal;
}

/**
 * Replaces an error about the SOCKS version by one that names the other protocol, and an end without an answer by one that says what it
 * may be. Returns all other errors unchanged.
 */
export async function otherProtocolError(error: unknown, options: OtherProtocolOptions): Promise<unknown> {
  if (!(error instanceof SocksProtocolError)) return error;
  const proxy = formatEndpoint(options.proxy);
  if (error.code === "UNEXPECTED_END" && options.early.length === 0) {
    const why = "it does not allow clients from here, has no room for more, or is no SOCKS5 proxy; its log says which";
    return new SocksProtocolError("UNEXPECTED_END", `Proxy ${proxy} closed the connection without an answer: ${why}`, {
      cause: error,
    });
  }
  if (error.code !== "BAD_VERSION") return error;
  const answer = await readFirstLine(options);
  const text = `Cannot use proxy ${proxy}: ${protocolOf(answer)}`;
  return new SocksProtocolError("BAD_VERSION", text, { cause: error });
}

async function readFirstLine({ dialled, early, signal }: OtherProtocolOptions): Promise<Bytes> {
  using deadline = startDeadline({ milliseconds: LINE_TIME, signal, reason: () => new Error("line is not whole") });
  let line = early;
  try {
    while (line.length < FIRST_LINE && !line.includes(0x0a)) {
      const more = await abortable(dialled.read(), deadline.signal);
      if (more === null || more.length === 0) break;
      line = concat(line, more);
    }
  } catch {
    // The bytes so far are enough.
  }
  return line.subarray(0, FIRST_LINE);
}

/** Names the protocol of an answer, with a hint what to do. */
function protocolOf(answer: Bytes): string {
  const [first = 0, second = 3] = answer;
  const line = lenientText(answer).split(/\r?\n/)[0]!;
  const quoted = JSON.stringify(printable(shortened(line, 80)));
  const [, status] = /^HTTP\/\d(?:\.\d)? (\d{3}.*)/.exec(line) ?? [];
  if (status !== undefined) {
    const who = /^(?:30[1278]|511)/.test(status)
      ? "a portal that wants a login, or the port of an HTTP proxy"
      : "the port of an HTTP proxy";
    return `it speaks HTTP: ${printable(shortened(status, 80))} (is this ${who}?)`;
  }
  if ("HTTP/".startsWith(line.slice(0, 5))) return "it speaks HTTP (is this the port of an HTTP proxy?)";
  // An alert or a handshake record (RFC 8446 section 5.1).
  if ((first === 21 || first === 22) && second === 3) {
    return "it answers in TLS: does it want SOCKS inside TLS (dialTls)?";
  }
  if (line.startsWith("SSH-")) return `it speaks SSH: ${quoted} (its port for SOCKS is another one)`;
  // A reply of SOCKS version 4 begins with 0, that of some servers with 4.
  if ((first === 0 || first === 4) && second >= 0x5a && second <= 0x5d) {
    return "it speaks SOCKS4, which can protect nothing";
  }
  if (/^[\x20-\x7e]{3,}$/.test(line)) return `it speaks no SOCKS5: it says ${quoted}`;
  const bytes = [...answer.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return `it speaks no SOCKS5: its answer begins with ${bytes} (hex)`;
}
