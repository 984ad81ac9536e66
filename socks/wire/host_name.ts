/**
 * The one form of a host, made where a name comes in and the same from there on: for rules, the resolver, the next proxy, replies
 * and logs. Names become A-labels by UTS 46 as browsers apply it (the WHATWG URL standard's "domain to ASCII", which the runtime
 * has), so that no other spelling of a name gets around a rule; whatever a resolver would read as an address becomes that
 * address.
 *
 * @module
 */
import { shortened } from "../../base/printable.ts";
import { formatIp, isIpv4, parseIp, unmapped } from "./ip.ts";

/** Why a text is no host. */
export type HostNameErrorCode = "EMPTY" | "TOO_LONG" | "ZONE" | "NOT_A_HOST";

/**
 * Thrown for a text that no host can have as its name or address.
 *
 * @example
 * ```ts
 * import { connect, HostNameError, noAuthentication } from "@gssocks/gssocks";
 *
 * const wrong = { proxy: "proxy.example.com", auth: [noAuthentication()], hostname: "no host", port: 80 };
 * const error = await connect(wrong).catch((error) => error);
 * if (!(error instanceof HostNameError) || error.code !== "NOT_A_HOST") throw error;
 * ```
 */
export class HostNameError extends RangeError {
  /** Name of the class. */
  override readonly name = "HostNameError";
  /** Stable code. */
  readonly code: HostNameErrorCode;

  /**
   * Makes one.
   *
   * @param code Stable code.
   * @param message What is wrong, for people.
   * @param options Where it came from.
   */
  constructor(code: HostNameErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Bytes that a name may have (RFC 1035 section 2.3.4: 255 with the lengths of the labels and the root's). */
const LONGEST_NAME = 253;
/** Characters that a name may have before it is mapped, which may drop some: no more is read. */
const LONGEST_SPELLING = 1_024;
/** Letters, digits and hyphens (RFC 1123 section 2.1), and the underscores of service names (RFC 2782). */
const NAME = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;
const LONG_LABEL = /[^.]{64}/;
/** What mapping would change, or must judge: A-labels, and a last label that makes the whole an address or nothing. */
const TO_MAP = /(?:^|\.)xn--|(?:^|\.)(?:\d+|0x[0-9a-f]*)$/;
/** What ends a host in a URL, is written otherwise there, or is dropped from it; none of it is in a name. */
const FORBIDDEN = /[\s\p{Cc}\p{Cs}:/\\@?#%[\]]/u;

/**
 * A host in its one form: a name in A-labels, lower case, without the dot at its end; an address in canonical text, and an
 * IPv4 address that is mapped into IPv6 as itself. Brackets around an IPv6 address are taken off. The same text again comes out
 * as it is.
 *
 * Texts that `inet_aton` reads as an address (`127.1`, `0x7f000001`, `017700000001`) are that address, and other texts whose last
 * label is a number are nothing. An address with a zone (`fe80::1%eth0`) is refused: zones mean something on one
 * machine only (RFC 4007 section 6).
 *
 * @throws {HostNameError} When no host can be called that.
 */
export function hostName(text: string): string {
  if (isIpv4(text)) return text;
  if (text.length <= LONGEST_NAME && NAME.test(text) && !TO_MAP.test(text) && !LONG_LABEL.test(text)) return text;
  if (text === "") throw new HostNameError("EMPTY", "Cannot use host: its name is empty");
  if (text.length > LONGEST_SPELLING) throw refusal(text, "TOO_LONG", `it has ${text.length} characters`);
  const address = parseIp(/^\[([^\]]*:[^\]]*)\]$/.exec(text)?.[1] ?? text);
  if (address !== undefined) return formatIp(unmapped(address));
  if (/^\[?[0-9a-f:.]*:[0-9a-f:.]*%/i.test(text)) {
    throw refusal(text, "ZONE", "a zone means something on one machine only; leave it out");
  }
  const mapped = mappedName(text).replace(/\.$/, "");
  if (!NAME.test(mapped)) throw refusal(text, "NOT_A_HOST", "names have letters, digits, hyphens and single dots");
  if (mapped.length > LONGEST_NAME || LONG_LABEL.test(mapped)) {
    throw refusal(text, "TOO_LONG", `DNS takes ${LONGEST_NAME} bytes, and 63 in a label, as A-labels`);
  }
  return mapped;
}

/**
 * The domain in ASCII, or the IPv4 address. The parser of URLs reads it in every runtime; what means something else to it is sorted
 * out before.
 */
function mappedName(text: string): string {
  if (FORBIDDEN.test(text)) throw refusal(text, "NOT_A_HOST", "it holds what no host name can");
  try {
    return new URL(`http://${text}/`).hostname;
  } catch (cause) {
    throw refusal(text, "NOT_A_HOST", "it is no domain name by UTS 46", cause);
  }
}

/** An endpoint with its host in the one form; throws as {@linkcode hostName} does. */
export function normalEndpoint<T extends { readonly hostname: string }>(endpoint: T): T {
  const hostname = hostName(endpoint.hostname);
  return hostname === endpoint.hostname ? endpoint : { ...endpoint, hostname };
}

/** An endpoint that this machine itself connects to: as {@linkcode normalEndpoint}, but an address keeps its zone. */
export function reachableEndpoint<T extends { readonly hostname: string }>(endpoint: T): T {
  return /^[0-9a-f:.]*:[0-9a-f:.]*%[^%]+$/i.test(endpoint.hostname) ? endpoint : normalEndpoint(endpoint);
}

/** Whether a name in its one form is `localhost` or below it, which is this machine and nobody else's (RFC 6761 section 6.3). */
export function isLocalhost(hostname: string): boolean {
  return hostname === "localhost" || hostname.endsWith(".localhost");
}

/** The addresses of {@linkcode isLocalhost} names, whatever a resolver says (RFC 6761 section 6.3). */
export const LOOPBACK_ADDRESSES: readonly string[] = ["127.0.0.1", "::1"];

function refusal(text: string, code: HostNameErrorCode, problem: string, cause?: unknown): HostNameError {
  return new HostNameError(code, `Cannot use host ${quoted(text)}: ${problem}`, cause === undefined ? {} : { cause });
}

/** For messages: nothing but printable ASCII, and not too much of it. */
function quoted(text: string): string {
  return JSON.stringify(shortened(text, 80)).replace(/[^\x20-\x7e]/gu, (character) => {
    return `\\u{${character.codePointAt(0)!.toString(16)}}`;
  });
}
