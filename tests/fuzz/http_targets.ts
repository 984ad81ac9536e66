/**
 * Fuzz targets: HTTP requests and responses on their way through the proxy, whole and in random pieces.
 *
 * @module
 */
import { type Bytes, concat, EMPTY, utf8 } from "../../base/bytes.ts";
import { BodyDecoder, chunkOf, lastChunk } from "../../socks/server/front/http_body.ts";
import { latin1, MAX_HEAD } from "../../socks/server/front/http_head.ts";
import { badRequest, forwardedHead, type HttpRequest, requestDecoder } from "../../socks/server/front/http_request.ts";
import { badResponse, responseDecoder, responseOf, returnedHead } from "../../socks/server/front/http_response.ts";
import { ReceiveBuffer } from "../../socks/wire/receive_buffer.ts";
import { socksError } from "./expected.ts";
import type { Target } from "./fuzz.ts";
import type { Random } from "./random.ts";

const FIELDS = "Host: a\r\nConnection: X, close\r\nX: y\r\nProxy-Authorization: Basic x\r\nCookie: c=\u00e9\r\n";
const CHUNKED =
  'Transfer-Encoding: chunked\r\n\r\n4;a="b"\r\nwiki\r\n00A\r\n0123456789\r\n0\r\nX-Sum: 1\r\nHost: b\r\n\r\n';
const REQUESTS = [
  `GET http://a.example:81/x?y HTTP/1.1\r\n${FIELDS}\r\nGET http://b/ HTTP/1.1\r\nHost: b\r\n\r\n`,
  `POST http://[::1]/ HTTP/1.1\r\n${FIELDS}Content-Length: 4\r\n\r\nbodyGET http://b/ HTTP/1.1\r\nHost: b\r\n\r\n`,
  `POST http://a/ HTTP/1.1\r\n${FIELDS}${CHUNKED}OPTIONS http://b HTTP/1.0\r\nMax-Forwards: 3\r\n\r\n`,
].map(utf8);
const RESPONSES = [
  `HTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: X\r\nX: y\r\n\r\nhi`,
  `HTTP/1.1 200 OK\r\n${CHUNKED}HTTP/1.1 204 None\r\nContent-Length: 3\r\n\r\n`,
  "HTTP/1.0 200 OK\r\nServer: x\r\n\r\nto the end",
].map(utf8);

/** What goes on of an input, or why it is refused, in one text. */
type Forwarding = (pieces: readonly Bytes[], request?: HttpRequest) => string;

/** Forwards all requests of an input. */
function forwardRequests(pieces: readonly Bytes[]): string {
  const buffer = new ReceiveBuffer(MAX_HEAD + 1);
  const out: Bytes[] = [];
  let decode = requestDecoder();
  let body: BodyDecoder | undefined;
  let chunked = false;
  const data: Bytes[] = [];
  for (const piece of pieces) {
    for (let rest = piece; rest.length > 0 || buffer.length > 0;) {
      if (body === undefined) {
        buffer.push(rest);
        rest = EMPTY;
        const forwarded = buffer.next(decode)?.forwarded;
        if (forwarded === undefined) break;
        decode = requestDecoder();
        out.push(forwardedHead(forwarded));
        chunked = forwarded.body?.type === "chunked";
        body = new BodyDecoder(forwarded.body ?? { type: "length", length: 0 }, badRequest);
        rest = buffer.takeAll();
      }
      const taken = body.push(rest);
      data.push(taken.data);
      rest = taken.rest;
      if (!body.done) break;
      // How a body is cut into chunks may differ.
      const all = concat(...data.splice(0));
      out.push(chunked ? concat(chunkOf(all), lastChunk(taken.trailers)) : all);
      body = undefined;
    }
  }
  return latin1(concat(...out, ...data));
}

/** Returns all responses of an input as they go to the client. */
function returnResponses(pieces: readonly Bytes[]): string {
  const request = requestDecoder()(REQUESTS[0]!)!.value.forwarded!;
  const buffer = new ReceiveBuffer(MAX_HEAD + 1);
  let out = "";
  let decode = responseDecoder();
  let body: BodyDecoder | undefined;
  for (const piece of pieces) {
    for (let rest = piece; rest.length > 0 || buffer.length > 0;) {
      if (body === undefined) {
        buffer.push(rest);
        rest = EMPTY;
        const head = buffer.next(decode);
        if (head === undefined) break;
        decode = responseDecoder();
        const response = responseOf(head, request);
        out += latin1(returnedHead(response, { body: response.body, closes: false }));
        body = new BodyDecoder(response.body ?? { type: "length", length: 0 }, badResponse);
        rest = buffer.takeAll();
      }
      const taken = body.push(rest);
      out += latin1(taken.data) + taken.trailers.map(({ name, value }) => `${name}=${value};`).join("");
      rest = taken.rest;
      if (!body.done) break;
      body = undefined;
    }
  }
  return out;
}

function inPieces(input: Bytes, random: Random): readonly Bytes[] {
  const pieces: Bytes[] = [];
  const longest = random.pick([1, 5, 60]);
  for (let at = 0; at < input.length;) pieces.push(input.slice(at, at += 1 + random.below(longest)));
  return pieces;
}

function outcome(forward: Forwarding, pieces: readonly Bytes[]): { readonly text: string; readonly error?: unknown } {
  try {
    return { text: forward(pieces) };
  } catch (error) {
    return { text: String(error), error };
  }
}

function streamTarget(
  name: string,
  seeds: readonly Bytes[],
  forward: Forwarding,
  check: (text: string) => void,
): Target {
  return {
    name,
    seeds,
    expects: socksError,
    run(input, random): void {
      const whole = outcome(forward, [input]);
      const pieces = outcome(forward, inPieces(input, random));
      if (whole.text !== pieces.text) throw new Error(`in pieces ${JSON.stringify([whole.text, pieces.text])}`);
      if (whole.error !== undefined) throw whole.error;
      check(whole.text);
    },
  };
}

/** What goes to a target is in origin form, and the same for the strictest reader: each head has one Host and one length. */
function checkForwarded(text: string): void {
  const head = /^[^\r\n ]+ [^\r\n ]+ HTTP\/1\.1\r\n((?:[^\r\n:]+: ?[^\r\n]*\r\n)+)\r\n/.exec(text);
  if (text === "") return;
  if (head === null) throw new Error(`not a head: ${JSON.stringify(text)}`);
  const names = head[1]!.split("\r\n").map((line) => line.split(":")[0]!.toLowerCase());
  const count = (...wanted: string[]) => names.filter((name) => wanted.includes(name)).length;
  if (count("host") !== 1 || count("content-length", "transfer-encoding") > 1) throw new Error(`framing: ${names}`);
  if (count("proxy-authorization", "proxy-connection", "te", "keep-alive") > 0) throw new Error(`of a hop: ${names}`);
}

/** Returns the targets. */
export function httpTargets(): Target[] {
  return [
    streamTarget("HTTP requests", REQUESTS, forwardRequests, checkForwarded),
    streamTarget("HTTP responses", RESPONSES, returnResponses, () => {}),
  ];
}
