/**
 * HTTP's CONNECT on the server's side (RFC 9110 section 9.3.6), for programs that know HTTPS_PROXY and no SOCKS.
 *
 * @module
 */
import { type Bytes, utf8 } from "../../gss/bytes.ts";
import type { Asked } from "../commands/command.ts";
import { replyCodeName, SocksProtocolError, type SocksReplyErrorCode } from "../errors.ts";
import { type Connection, MessageReader } from "../stream/connection.ts";
import { type Decoded, type Endpoint, parseEndpointText, readName } from "../wire/address.ts";
import { Command } from "../wire/messages.ts";
import { type FrontOptions, nameless } from "./front.ts";

/** Octets that a request's head may have. */
const LIMIT = 8_192;

interface RequestLine {
  readonly method: string;
  readonly target: string;
}

/** Talks to a client of HTTP. */
export async function askHttp(accepted: Connection, client: Connection, options: FrontOptions): Promise<Asked> {
  const reader = new MessageReader(client, LIMIT);
  const answer = (status: string, text = "", headers = "") =>
    client.write(utf8(
      `HTTP/1.1 ${status}\r\n${headers}Content-Type: text/plain\r\nContent-Length: ${text.length}\r\n` +
        `Connection: close\r\n\r\n${text}`,
    )).catch(() => {});
  let target: Endpoint;
  try {
    const line = await reader.next(decodeHead);
    if (line.method !== "CONNECT") {
      await answer("405 Method Not Allowed", "This proxy knows CONNECT only.\n", "Allow: CONNECT\r\n");
      throw new SocksProtocolError("UNEXPECTED_MESSAGE", `HTTP method ${line.method} came, CONNECT is wanted`);
    }
    target = authority(line.target);
  } catch (error) {
    if (error instanceof SocksProtocolError && error.code === "BAD_MESSAGE") await answer("400 Bad Request");
    throw error;
  }
  const channel = await nameless(reader.rest(), options).catch(async (error) => {
    await answer("403 Forbidden", "This proxy wants to know who asks, which HTTP clients cannot tell it.\n");
    throw error;
  });
  return {
    accepted,
    channel,
    command: Command.Connect,
    target,
    async reply({ reply }): Promise<void> {
      if (reply === 0) await client.write(utf8("HTTP/1.1 200 Connection established\r\n\r\n"));
      else await answer(STATUS[replyCodeName(reply)] ?? "502 Bad Gateway");
    },
    rest: () => channel.connection,
  };
}

const STATUS: Partial<Record<SocksReplyErrorCode, string>> = {
  NOT_ALLOWED: "403 Forbidden",
  HOST_UNREACHABLE: "504 Gateway Timeout",
};

/** Request line and headers; the headers are nobody's business here. */
function decodeHead(bytes: Bytes): Decoded<RequestLine> | undefined {
  let end = bytes.indexOf(0x0a);
  while (end >= 0 && !endsHead(bytes, end)) end = bytes.indexOf(0x0a, end + 1);
  if (end < 0) return undefined;
  const head = new TextDecoder().decode(bytes.subarray(0, end));
  const parts = /^([A-Z]{1,32}) (\S{1,1024}) HTTP\/1\.[01]\r?\n/.exec(head);
  if (parts === null) throw new SocksProtocolError("BAD_MESSAGE", "Cannot read HTTP request: its first line is none");
  return { value: { method: parts[1]!, target: parts[2]! }, length: end + 1 };
}

/** Whether the line that ends here is empty. */
function endsHead(bytes: Bytes, end: number): boolean {
  return bytes[end - 1] === 0x0a || (bytes[end - 1] === 0x0d && bytes[end - 2] === 0x0a);
}

function authority(text: string): Endpoint {
  try {
    const { hostname, port } = parseEndpointText(text);
    return { hostname: readName(utf8(hostname)), port };
  } catch (cause) {
    throw new SocksProtocolError("BAD_MESSAGE", "Cannot read HTTP request: CONNECT HOST:PORT wanted", { cause });
  }
}
