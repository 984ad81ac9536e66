/**
 * Requests of HTTP to a proxy (RFC 9112): CONNECT, and requests in absolute form, which are forwarded.
 *
 * @module
 */
import { type Bytes, lenientText } from "../../../base/bytes.ts";
import { SocksProtocolError, type SocksProtocolErrorCode } from "../../errors.ts";
import { type Endpoint, parseEndpointText } from "../../wire/address.ts";
import type { Decoded } from "../../wire/decoded.ts";
import { type BodyFraming, framingLine } from "./http_body.ts";
import { endToEnd, fieldLines, VIA } from "./http_fields.ts";
import { headDecoder, type HeadProblem, type HttpField, latin1Bytes, listOf, trimmed, valuesOf } from "./http_head.ts";

/** A request that is refused with a status. */
export class RefusedRequest extends SocksProtocolError {
  /** Status code and reason phrase of the response. */
  readonly status: string;

  constructor(status: string, code: SocksProtocolErrorCode, problem: string, options?: ErrorOptions) {
    super(code, `Cannot serve HTTP request: ${problem}`, options);
    this.status = status;
  }
}

/** Returns the error for a message that others could read differently. */
export function badRequest(problem: string, options?: ErrorOptions): RefusedRequest {
  return new RefusedRequest("400 Bad Request", "BAD_MESSAGE", problem, options);
}

function notImplemented(problem: string): RefusedRequest {
  return new RefusedRequest("501 Not Implemented", "UNEXPECTED_MESSAGE", problem);
}

/** A request that is forwarded. */
export interface HttpRequest {
  /** The method. */
  readonly method: string;
  /** Where it goes. */
  readonly target: Endpoint;
  /** Path and query. */
  readonly path: string;
  /** Whether the client speaks HTTP/1.1 at least; if not, it speaks 1.0. */
  readonly modern: boolean;
  /** Its fields. */
  readonly fields: readonly HttpField[];
  /** Where its body ends; `undefined` without one. */
  readonly body: BodyFraming | undefined;
  /** Whether the client's connection may be used again. */
  readonly keepAlive: boolean;
  /** Protocols that the client would change to. */
  readonly upgrade: string | undefined;
}

/** What an HTTP client asks for: a tunnel to a target, or that a request is forwarded. */
export type ProxyRequest =
  | { readonly target: Endpoint; readonly forwarded?: undefined }
  | { readonly target: Endpoint; readonly forwarded: HttpRequest };

/** The first line of a request. */
interface RequestLine {
  readonly method: string;
  readonly target: Endpoint;
  /** Path and query of a request in absolute form. */
  readonly path: string | undefined;
  readonly modern: boolean;
}

/** Status and code for each problem of a head (RFC 6585 section 5 has 431). */
const PROBLEMS: Readonly<Record<HeadProblem, readonly [status: string, code: SocksProtocolErrorCode]>> = {
  "malformed": ["400 Bad Request", "BAD_MESSAGE"],
  "line too long": ["414 URI Too Long", "TOO_LARGE"],
  "head too long": ["431 Request Header Fields Too Large", "TOO_LARGE"],
  "too many fields": ["431 Request Header Fields Too Large", "TOO_LARGE"],
};

/** Returns a decoder of one request's head. A bad first line is refused as soon as it is complete. */
export function requestDecoder(): (bytes: Bytes) => Decoded<ProxyRequest> | undefined {
  const decode = headDecoder({
    start: readRequestLine,
    refuse: (kind, problem) => new RefusedRequest(...PROBLEMS[kind], problem),
    emptyLinesFirst: true,
  });
  return (bytes) => {
    const decoded = decode(bytes);
    return decoded && { value: proxyRequest(decoded.value.start, decoded.value.fields), length: decoded.length };
  };
}

function readRequestLine(line: string): RequestLine {
  const parts = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e\x80-\xff]+) HTTP\/(\d)\.(\d)$/.exec(line);
  if (parts === null) throw badRequest("its first line is not a request line");
  const [, method, text, major, minor] = parts as unknown as [string, string, string, string, string];
  if (major !== "1") {
    const status = "505 HTTP Version Not Supported";
    throw new RefusedRequest(status, "BAD_VERSION", `it has HTTP version ${major}, expected 1`);
  }
  const modern = minor !== "0";
  if (method === "CONNECT") return { method, target: authority(text), path: undefined, modern };
  return { method, modern, ...absoluteForm(method, text) };
}

/** Reads a target in absolute form (RFC 9112 section 3.2.2). */
function absoluteForm(method: string, text: string): Pick<RequestLine, "target" | "path"> {
  const parts = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#]*)([^#]*)$/.exec(text);
  if (parts === null) {
    throw badRequest("this is a proxy, and its target is neither http://HOST/PATH nor, with CONNECT, HOST:PORT");
  }
  const [, scheme, host, rest] = parts as unknown as [string, string, string, string];
  if (scheme.toLowerCase() !== "http") {
    throw notImplemented(`it has scheme ${scheme.slice(0, 32)}; this proxy forwards http: and tunnels CONNECT`);
  }
  const target = authority(host.replace(/:$/, ""), 80);
  if (rest === "" && method === "OPTIONS") return { target, path: "*" };
  return { target, path: rest.startsWith("/") ? rest : `/${rest}` };
}

function authority(text: string, defaultPort?: number): Endpoint {
  // RFC 9110 section 4.2.4. The text is not quoted: it has a password.
  if (text.includes("@")) throw badRequest("its target has user information (USER@), which no target has");
  let problem: unknown;
  try {
    const target = parseEndpointText(lenientText(latin1Bytes(text)), defaultPort);
    if (target.port !== 0) return target;
  } catch (cause) {
    problem = cause;
  }
  throw badRequest("its target is not HOST:PORT", { cause: problem });
}

function proxyRequest(line: RequestLine, fields: readonly HttpField[]): ProxyRequest {
  const { target, path, method, modern } = line;
  // What a CONNECT says about a body has no meaning (RFC 9110 section 9.3.6): what follows it belongs to the tunnel.
  if (path === undefined) return { target };
  checkHost(fields, modern);
  checkForwards(method, fields);
  const options = [...listOf(fields, "connection"), ...listOf(fields, "proxy-connection")].map((name) =>
    name.toLowerCase()
  );
  const upgrade = modern && options.includes("upgrade") ? listOf(fields, "upgrade").join(", ") : "";
  const forwarded: HttpRequest = {
    method,
    target,
    path,
    modern,
    fields,
    body: requestBody(fields, modern),
    keepAlive: modern && !options.includes("close"),
    upgrade: upgrade === "" ? undefined : upgrade,
  };
  return { target, forwarded };
}

const HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~%!$&'()*+;=\x80-\xff-]*)(?::\d*)?$/;

/** RFC 9112 section 3.2: one Host, which is well formed. What it says does not count in absolute form (section 3.2.2). */
function checkHost(fields: readonly HttpField[], modern: boolean): void {
  const hosts = valuesOf(fields, "host");
  if (hosts.length > 1) throw badRequest("it has more than one Host field");
  if (hosts.length === 0 && modern) throw badRequest("it has no Host field");
  if (hosts.length === 1 && !HOST.test(hosts[0]!)) throw badRequest("its Host field is not HOST or HOST:PORT");
}

/** RFC 9110 section 7.6.2: what may go no further is answered here, and RFC 9110 section 10.1.1: one expectation is known. */
function checkForwards(method: string, fields: readonly HttpField[]): void {
  const ends = (method === "TRACE" || method === "OPTIONS") &&
    valuesOf(fields, "max-forwards").some((value) => /^0+$/.test(value));
  if (ends) throw notImplemented(`this proxy answers no ${method} itself (Max-Forwards: 0)`);
  if (listOf(fields, "expect").some((value) => value.toLowerCase() !== "100-continue")) {
    throw new RefusedRequest("417 Expectation Failed", "UNEXPECTED_MESSAGE", "it expects more than 100-continue");
  }
}

/** RFC 9112 section 6.3: one way to say where the body ends, and no other one beside it. */
function requestBody(fields: readonly HttpField[], modern: boolean): BodyFraming | undefined {
  const lengths = valuesOf(fields, "content-length");
  const codings = valuesOf(fields, "transfer-encoding");
  if (codings.length > 0) {
    if (lengths.length > 0) throw badRequest("it has Transfer-Encoding and Content-Length");
    if (!modern) throw badRequest("it has Transfer-Encoding, which HTTP/1.0 does not know");
    return chunked(codings);
  }
  if (lengths.length === 0) return undefined;
  if (lengths.length > 1) throw badRequest("it has more than one Content-Length field");
  if (!/^\d{1,15}$/.test(lengths[0]!)) throw badRequest("its Content-Length is not a number");
  return { type: "length", length: Number(lengths[0]) };
}

function chunked(values: readonly string[]): BodyFraming {
  const codings = values.flatMap((value) => value.split(",")).map((coding) => trimmed(coding).toLowerCase());
  const last = codings.pop();
  if (last !== "chunked" || codings.includes("chunked")) {
    throw badRequest("its Transfer-Encoding does not end with one chunked");
  }
  if (codings.length > 0) throw notImplemented("it has a transfer coding other than chunked");
  return { type: "chunked" };
}

/** Returns the head that is forwarded: in origin form, by our own version, with the Host of the target (RFC 9112 section 3.2.2). */
export function forwardedHead(request: HttpRequest): Bytes {
  const { method, path, target, fields, body, upgrade, modern } = request;
  const { hostname, port } = target;
  const host = `${hostname.includes(":") ? `[${hostname}]` : hostname}${port === 80 ? "" : `:${port}`}`;
  const kept = endToEnd(fields).filter(({ key }) => key !== "host" && (modern || key !== "expect")).map(forwardedOnce);
  return latin1Bytes(
    `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n${fieldLines(kept)}${body === undefined ? "" : framingLine(body)}` +
      `${upgrade === undefined ? "" : `Connection: upgrade\r\nUpgrade: ${upgrade}\r\n`}${VIA}\r\n`,
  );
}

/** Counts Max-Forwards down (RFC 9110 section 7.6.2). */
function forwardedOnce(field: HttpField): HttpField {
  const { key, value } = field;
  return key === "max-forwards" && /^[1-9]\d{0,8}$/.test(value)
    ? { ...field, value: String(Number(value) - 1) }
    : field;
}
