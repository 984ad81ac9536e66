/**
 * The normal form of a host name. It is made where a name enters, and used for rules, the resolver, the next proxy, replies and logs.
 * Names become A-labels by UTS 46 as browsers apply it ("domain to ASCII" of the WHATWG URL standard, which the runtime implements), so
 * that no other spelling of a name bypasses a rule. Text that a resolver would read as an address becomes that address.
 *
 * @module
 */
import { shortened } from "../../base/printable.ts";
import { formatIp, isIpv4, parseIp, unmapped } from "./ip.ts";

/** Why a text is not a host. */
export type HostNameErrorCode = "EMPTY" | "TOO_LONG" | "ZONE" | "NOT_A_HOST";

/**
 * Thrown for text that is neither a host name nor an address.
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
   * Creates an error.
   *
   * @param code Stable code.
   * @param message What is wrong, for people.
   * @param options The cause.
   */
  constructor(code: HostNameErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Longest name, in bytes (RFC 1035 section 2.3.4: 255 with the length bytes of the labels and the root). */
const LONGEST_NAME = 253;
/** Longest text before mapping, which may drop characters. */
const LONGEST_SPELLING = 1_024;
/** Letters, digits and hyphens (RFC 1123 section 2.1), and the underscores of service names (RFC 2782). */
const NAME = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;
const LONG_LABEL = /[^.]{64}/;
/** Names that need mapping: with A-labels, or with a numeric last label, which makes the name an address or invalid. */
const TO_MAP = /(?:^|\.)xn--|(?:^|\.)(?:\d+|0x[0-9a-f]*)$/;
/** Characters that end a host in a URL, are escaped there or dropped; no name has them. */
const FORBIDDEN = /[\s\p{Cc}\p{Cs}:/\\@?#%[\]]/u;

/**
 * Returns the normal form of a host: a name in A-labels, in lower case, without the final dot; an address in canonical text, an
 * IPv4-mapped IPv6 address as the IPv4 address. Brackets around an IPv6 address are removed. The normal form of a normal form is itself.
 *
 * Text that `inet_aton` reads as an address (`127.1`, `0x7f000001`, `017700000001`) becomes that address; other text with a numeric last
 * label is not valid. An address with a zone (`fe80::1%eth0`) is not valid: a zone has a meaning on one machine only
 * (RFC 4007 section 6).
 *
 * @throws {HostNameError} When the text is not a host.
 *
 * @example
 * ```ts
 * import { hostName } from "@gssocks/gssocks/socks";
 *
 * if (hostName("B\u00fccher.example") !== "xn--bcher-kva.example") throw new Error("another name");
 * ```
 */
export function hostName(text: string): string {
  if (isIpv4(text)) return text;
  if (text.length <= LONGEST_NAME && NAME.test(text) && !TO_MAP.test(text) && !LONG_LABEL.test(text)) return text;
  if (text === "") throw new HostNameError("EMPTY", "Cannot use host: its name is empty");
  if (text.length > LONGEST_SPELLING) throw refusal(text, "TOO_LONG", `it has ${text.length} characters`);
  const address = parseIp(/^\[([^\]]*:[^\]]*)\]$/.exec(text)?.[1] ?? text);
  if (address !== undefined) return formatIp(unmapped(address));
  if (/^\[?[0-9a-f:.]*:[0-9a-f:.]*%/i.test(text)) {
    throw refusal(text, "ZONE", "a zone has a meaning on one machine only; leave it out");
  }
  const mapped = mappedName(text).replace(/\.$/, "");
  if (!NAME.test(mapped)) throw refusal(text, "NOT_A_HOST", "names have letters, digits, hyphens and single dots");
  if (mapped.length > LONGEST_NAME || LONG_LABEL.test(mapped)) {
    throw refusal(text, "TOO_LONG", `its A-labels are longer than ${LONGEST_NAME} bytes, or one is longer than 63`);
  }
  return mapped;
}

/**
 * Returns the domain in ASCII, or the IPv4 address, by the URL parser of the runtime. Characters with another meaning in a URL are refused
 * first.
 */
function mappedName(text: string): string {
  if (FORBIDDEN.test(text)) throw refusal(text, "NOT_A_HOST", "it has characters that no host name has");
  try {
    return new URL(`http://${text}/`).hostname;
  } catch (cause) {
    throw refusal(text, "NOT_A_HOST", "it is not a domain name by UTS 46", cause);
  }
}

/** Returns an endpoint with its host in normal form; throws as {@linkcode hostName} does. */
export function normalEndpoint<T extends { readonly hostname: string }>(endpoint: T): T {
  const hostname = hostName(endpoint.hostname);
  return hostname === endpoint.hostname ? endpoint : { ...endpoint, hostname };
}

/** Returns an endpoint that this machine connects to: as {@linkcode normalEndpoint}, but an address keeps its zone. */
export function reachableEndpoint<T extends { readonly hostname: string }>(endpoint: T): T {
  return /^[0-9a-f:.]*:[0-9a-f:.]*%[^%]+$/i.test(endpoint.hostname) ? endpoint : normalEndpoint(endpoint);
}

/** Whether a name in normal form is `localhost` or below it: always this machine (RFC 6761 section 6.3). */
export function isLocalhost(hostname: string): boolean {
  return hostname === "localhost" || hostname.endsWith(".localhost");
}

/** Addresses of {@linkcode isLocalhost} names, without asking a resolver (RFC 6761 section 6.3). */
export const LOOPBACK_ADDRESSES: readonly string[] = ["127.0.0.1", "::1"];

function refusal(text: string, code: HostNameErrorCode, problem: string, cause?: unknown): HostNameError {
  return new HostNameError(code, `Cannot use host ${quoted(text)}: ${problem}`, cause === undefined ? {} : { cause });
}

/** Returns text for messages: printable ASCII only, and shortened. */
function quoted(text: string): string {
  return JSON.stringify(shortened(text, 80)).replace(/[^\x20-\x7e]/gu, (character) => {
    return `\\u{${character.codePointAt(0)!.toString(16)}}`;
  });
}
