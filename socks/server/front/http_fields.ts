/**
 * Fields on their way through a proxy: those that belong to one connection are removed (RFC 9110 section 7.6.1), and the proxy adds
 * itself (section 7.6.3).
 *
 * @module
 */
import { type HttpField, listOf } from "./http_head.ts";

/** Fields of one connection, whether `Connection` names them or not; and those that say where a message ends, which are made anew. */
const OF_A_CONNECTION: readonly string[] = [
  "connection",
  "proxy-connection",
  "keep-alive",
  "te",
  "transfer-encoding",
  "content-length",
  "upgrade",
  "proxy-authorization",
  "proxy-authenticate",
  "proxy-authentication-info",
];

/** Fields that have no place in trailers (RFC 9110 section 6.5.1): they route, authenticate, or say how a message is read. */
const NOT_IN_TRAILERS: readonly string[] = [
  "host",
  "trailer",
  "authorization",
  "set-cookie",
  "cookie",
  "content-encoding",
  "content-type",
  "content-range",
  "expect",
  "max-forwards",
  "via",
];

/** Returns the fields that go on. */
export function endToEnd(fields: readonly HttpField[]): readonly HttpField[] {
  const named = new Set(listOf(fields, "connection").map((name) => name.toLowerCase()));
  return fields.filter(({ key }) => !OF_A_CONNECTION.includes(key) && !named.has(key));
}

/** Returns the trailers that go on. */
export function endToEndTrailers(fields: readonly HttpField[]): readonly HttpField[] {
  return endToEnd(fields).filter(({ key }) => !NOT_IN_TRAILERS.includes(key));
}

/** The field that a proxy adds. */
export const VIA = "Via: 1.1 gssocks\r\n";

/** Fields as lines. */
export function fieldLines(fields: readonly HttpField[]): string {
  return fields.map(({ name, value }) => `${name}: ${value}\r\n`).join("");
}
