/**
 * The target behind the proxy that is played to a client: where it is, and what it answers.
 *
 * @module
 */
import { type Bytes, utf8 } from "../../base/bytes.ts";
import type { Endpoint } from "../../socks/wire/address.ts";

/** The target of the client's request, which the kit plays itself. Nothing listens there. */
export const TARGET: Endpoint = { hostname: "target.test", port: 80 };

/** What the target answers: its first part. */
export const PAGE_START: Bytes = utf8("The page begins, ");
/** Its second part. */
export const PAGE_END: Bytes = utf8("and here it ends.\n");

/** Head of an answer of HTTP, for a page of a length. */
export function pageHead(length: number): Bytes {
  return utf8(`HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n`);
}
