/**
 * HTTP's CONNECT on the server's side (RFC 9110 section 9.3.6), for programs that know HTTPS_PROXY and no SOCKS.
 *
 * @module
 */
import { type Bytes, concat, lenientText, utf8 } from "../../../base/bytes.ts";
import {
  replyCodeName,
  SocksProtocolError,
  type SocksProtocolErrorCode,
  type SocksReplyErrorCode,
  SocksTimeoutError,
} from "../../errors.ts";
import type { Connection } from "../../stream/connection.ts";
import { MessageReader } from "../../stream/message_reader.ts";
import type { Decoded } from "../../wire/decoded.ts";
import { type Endpoint, parseEndpointText } from "../../wire/address.ts";
import { proxyStatus, shownReason } from "./http_reason.ts";
import type { FrontOptions } from "./options.ts";
import { ReplyWriter } from "./reply_writer.ts";
import type { ClientRequest } from "./request.ts";
import { acceptUnauthenticated } from "./unauthenticated.ts";

/** Longest head of a request: Kerberos tickets of users in many groups travel in it. */
const MAX_HEAD = 65_536;
/** Longest first line of a request (RFC 9112 section 3 asks for 8,000 bytes at least). */
const MAX_LINE = 8_192;
/** Methods of HTTP that this proxy does not serve (RFC 9110 section 9.3, RFC 5789). */
const OTHER_METHODS: readonly string[] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"];

/** A request that is refused with a status. */
class RefusedRequest extends SocksProtocolError {
  /** Status code and reason phrase of the response. */
  readonly status: string;

  constructor(status: string, code: SocksProtocolErrorCode, problem: string, options?: ErrorOptions) {
    super(code, `Cannot serve HTTP request: ${problem}`, options);
    this.status = status;
  }
}

/** Reads the request of a client that speaks HTTP. A request that is refused gets a status. */
export async function readHttpRequest(
  accepted: Connection,
  client: Connection,
  options: FrontOptions,
): Promise<ClientRequest> {
  const reader = new MessageReader(client, MAX_HEAD + 1);
  let target: Endpoint;
  try {
    options.end.refusal = () => answer(client, cutStatus(options.signal));
    target = await reader.next(headDecoder());
    options.end.refusal = undefined;
  } catch (error) {
    await answer(client, error instanceof RefusedRequest ? error.status : "400 Bad Request");
    throw error;
  }
  const channel = await acceptUnauthenticated(reader.rest(), options).catch(async (error) => {
    await answer(
      client,
      "403 Forbidden",
      "This proxy requires authentication, which it does not support over HTTP. Use SOCKS instead.\n",
    );
    throw error;
  });
  const replies = new ReplyWriter(client, utf8("HTTP")[0]!);
  return {
    accepted,
    channel,
    command: "connect",
    target,
    begin: () => replies.begin(),
    async reply({ reply }, error): Promise<void> {
      if (reply === 0) return await replies.write(utf8("HTTP/1.1 200 Connection established\r\n\r\n"));
      const status = STATUS[replyCodeName(reply)] ?? "502 Bad Gateway";
      if (!options.accepts.tellReasons || error === undefined) return await answer(replies, status);
      const reason = shownReason(error);
      await answer(replies, status, `${reason}\n`, proxyStatus(error, reason));
    },
    rest: channel.connection,
  };
}

/** Refuses a client that speaks HTTP, because this server does not accept it. */
export async function refuseHttp(client: Connection): Promise<never> {
  await answer(client, "501 Not Implemented", "This proxy accepts SOCKS, not HTTP.\n");
  throw new SocksProtocolError("BAD_VERSION", "Client speaks HTTP, which this server does not accept");
}

/** Returns the status for a client whose session ends before its request is complete. */
function cutStatus({ reason }: AbortSignal): string {
  return reason instanceof SocksTimeoutError ? "408 Request Timeout" : "503 Service Unavailable";
}

async function answer(client: Pick<Connection, "write">, status: string, text = "", field = ""): Promise<void> {
  const allow = status.startsWith("405") ? "Allow: CONNECT\r\n" : field;
  const body = utf8(status.startsWith("405") ? "This proxy serves CONNECT only.\n" : text);
  const head = `HTTP/1.1 ${status}\r\n${allow}Content-Type: text/plain; charset=utf-8\r\n` +
    `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
  await client.write(concat(utf8(head), body)).catch(() => {});
}

const STATUS: Partial<Record<SocksReplyErrorCode, string>> = {
  NOT_ALLOWED: "403 Forbidden",
  HOST_UNREACHABLE: "504 Gateway Timeout",
  COMMAND_NOT_SUPPORTED: "501 Not Implemented",
};

/**
 * Returns a decoder of a request's head that gives the target; headers are ignored. Bytes that were scanned are not scanned again when
 * more arrive, and a bad first line is refused as soon as it is complete.
 */
function headDecoder(): (bytes: Bytes) => Decoded<Endpoint> | undefined {
  let scanned = 0;
  let begin = 0;
  let target: Endpoint | undefined;
  return (bytes) => {
    for (let end = bytes.indexOf(0x0a, scanned); end >= 0 && end < MAX_HEAD; end = bytes.indexOf(0x0a, scanned)) {
      const line = bytes.subarray(begin, end);
      scanned = end + 1;
      if (target === undefined && isEmpty(line)) begin = scanned;
      else if (target === undefined) target = readTarget(line);
      else if (endsHead(bytes, end)) return { value: target, length: end + 1 };
    }
    if (target === undefined && bytes.length > MAX_LINE) throw tooLong(MAX_LINE);
    if (bytes.length > MAX_HEAD) {
      const status = "431 Request Header Fields Too Large"; // RFC 6585 section 5
      throw new RefusedRequest(status, "TOO_LARGE", `its head has more than ${MAX_HEAD} bytes`);
    }
    scanned = bytes.length;
    return undefined;
  };
}

/** Whether a line is empty; empty lines may precede a request (RFC 9112 section 2.2). */
function isEmpty(line: Bytes): boolean {
  return line.length === 0 || (line.length === 1 && line[0] === 0x0d);
}

/** Whether the line that ends at `end` is empty. */
function endsHead(bytes: Bytes, end: number): boolean {
  return bytes[end - 1] === 0x0a || (bytes[end - 1] === 0x0d && bytes[end - 2] === 0x0a);
}

/** Returns the target in a request line (RFC 9112 section 3). */
function readTarget(line: Bytes): Endpoint {
  if (line.length > MAX_LINE) throw tooLong(MAX_LINE);
  const parts = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) HTTP\/(\d)\.\d\r?$/.exec(lenientText(line));
  if (parts === null) {
    throw new RefusedRequest("400 Bad Request", "BAD_MESSAGE", "its first line is not a request line");
  }
  const [, method, target, version] = parts;
  if (version !== "1") {
    throw new RefusedRequest(
      "505 HTTP Version Not Supported",
      "BAD_VERSION",
      `it has HTTP version ${version}, expected 1`,
    );
  }
  if (method !== "CONNECT") {
    const status = OTHER_METHODS.includes(method!) ? "405 Method Not Allowed" : "501 Not Implemented";
    throw new RefusedRequest(status, "UNEXPECTED_MESSAGE", `it has method ${method!.slice(0, 32)}, expected CONNECT`);
  }
  return authority(target!);
}

function tooLong(bytes: number): RefusedRequest {
  return new RefusedRequest("414 URI Too Long", "TOO_LARGE", `its first line has more than ${bytes} bytes`);
}

function authority(text: string): Endpoint {
  let problem: unknown;
  try {
    const target = parseEndpointText(text);
    if (target.port !== 0) return target;
  } catch (cause) {
    problem = cause;
  }
  throw new RefusedRequest("400 Bad Request", "BAD_MESSAGE", "its target is not HOST:PORT", { cause: problem });
}
