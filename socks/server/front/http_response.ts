/**
 * Responses of HTTP/1.1 on their way back through the proxy (RFC 9112 sections 4 and 6.3).
 *
 * @module
 */
import type { Bytes } from "../../../base/bytes.ts";
import { SocksProtocolError } from "../../errors.ts";
import type { Decoded } from "../../wire/decoded.ts";
import { type BodyFraming, framingLine } from "./http_body.ts";
import { endToEnd, fieldLines, VIA } from "./http_fields.ts";
import { headDecoder, type HttpField, type HttpHead, latin1Bytes, listOf, valuesOf } from "./http_head.ts";
import type { HttpRequest } from "./http_request.ts";

/** The first line of a response. */
interface StatusLine {
  readonly modern: boolean;
  readonly status: number;
  readonly reason: string;
}

/** A response. */
export interface HttpResponse extends StatusLine {
  /** Its fields. */
  readonly fields: readonly HttpField[];
  /** Where its body ends; `undefined` without one. */
  readonly body: BodyFraming | undefined;
  /** Whether the target's connection may be used again. */
  readonly keepAlive: boolean;
  /** Whether another response to the same request follows (RFC 9110 section 15.2). */
  readonly interim: boolean;
}

/** A response that cannot be forwarded. */
export class BadResponse extends SocksProtocolError {}

/** Returns the error for a response that cannot be read. */
export function badResponse(problem: string): BadResponse {
  return new BadResponse("BAD_MESSAGE", `Cannot forward HTTP response of the target: ${problem}`);
}

/** Returns a decoder of one response's head. */
export function responseDecoder(): (bytes: Bytes) => Decoded<HttpHead<StatusLine>> | undefined {
  return headDecoder({
    start: readStatusLine,
    refuse: (_, problem) => badResponse(problem),
    emptyLinesFirst: false,
  });
}

function readStatusLine(line: string): StatusLine {
  const parts = /^HTTP\/1\.(\d) ([1-5]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/.exec(line);
  if (parts === null) throw badResponse("its first line is not a status line of HTTP/1");
  return { modern: parts[1] !== "0", status: Number(parts[2]), reason: parts[3] ?? "" };
}

/** Reads what a head says, as the response to a request. */
export function responseOf({ start, fields }: HttpHead<StatusLine>, { method }: HttpRequest): HttpResponse {
  const { modern, status } = start;
  const declared = declaredBody(fields, modern);
  const bodiless = method === "HEAD" || status < 200 || status === 204 || status === 304;
  const body = bodiless ? undefined : declared ?? { type: "close" };
  return {
    ...start,
    fields,
    body,
    interim: status < 200 && status !== 101,
    keepAlive: modern && body?.type !== "close" &&
      !listOf(fields, "connection").some((name) => name.toLowerCase() === "close"),
  };
}

/** RFC 9112 section 6.3. A response that says it in two ways, which may not be the same, is refused. */
function declaredBody(fields: readonly HttpField[], modern: boolean): BodyFraming | undefined {
  const lengths = valuesOf(fields, "content-length");
  const codings = valuesOf(fields, "transfer-encoding");
  if (codings.length > 0) {
    if (lengths.length > 0) throw badResponse("it has Transfer-Encoding and Content-Length");
    if (!modern) throw badResponse("it has Transfer-Encoding, which HTTP/1.0 does not know");
    if (codings.length > 1 || codings[0]!.toLowerCase() !== "chunked") {
      throw badResponse("its Transfer-Encoding is not chunked, and nothing else was asked for");
    }
    return { type: "chunked" };
  }
  if (lengths.length === 0) return undefined;
  if (lengths.length > 1) throw badResponse("it has more than one Content-Length field");
  if (!/^\d{1,15}$/.test(lengths[0]!)) throw badResponse("its Content-Length is not a number");
  return { type: "length", length: Number(lengths[0]) };
}

/** Whether a change of protocol is to those that the client named (RFC 9110 sections 7.8 and 15.2.2). */
export function isAskedFor({ fields }: HttpResponse, { upgrade = "" }: HttpRequest): boolean {
  const asked = upgrade.split(", ").map((name) => name.toLowerCase());
  const chosen = listOf(fields, "upgrade");
  return chosen.length > 0 && chosen.every((name) => asked.includes(name.toLowerCase()));
}

/** How a response goes on. */
interface ForwardedResponse {
  /** How its body ends on the client's connection. */
  readonly body: BodyFraming | undefined;
  /** Whether the client's connection is closed behind it. */
  readonly closes: boolean;
}

/** Returns the head that goes to the client. */
export function returnedHead(response: HttpResponse, { body, closes }: ForwardedResponse): Bytes {
  const { status, reason, fields } = response;
  const length = valuesOf(fields, "content-length")[0];
  // A response to HEAD, and 304, tell the length of a body that does not come; a 204 and an interim response never do.
  const told = body === undefined && status !== 204 && status >= 200 && length !== undefined;
  const framing = told ? `Content-Length: ${length}\r\n` : body === undefined ? "" : framingLine(body);
  const upgrade = status === 101 ? `Connection: upgrade\r\nUpgrade: ${listOf(fields, "upgrade").join(", ")}\r\n` : "";
  return latin1Bytes(
    `HTTP/1.1 ${status} ${reason}\r\n${fieldLines(endToEnd(fields))}${framing}${upgrade}` +
      `${closes ? "Connection: close\r\n" : ""}${VIA}\r\n`,
  );
}
