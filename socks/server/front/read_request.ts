/**
 * Reads the request of a client. The first byte tells the protocol: SOCKS version 5 and, where they are accepted, SOCKS version 4
 * and HTTP on the same port.
 *
 * @module
 */
import { SocksProtocolError } from "../../errors.ts";
import type { Connection } from "../../stream/connection.ts";
import { withPrefix } from "../../stream/prefix.ts";
import { readHttpRequest, refuseHttp } from "./http.ts";
import type { FrontOptions } from "./options.ts";
import type { ClientRequest } from "./request.ts";
import { readSocks4Request, refuseSocks4 } from "./socks4.ts";
import { readSocks5Request } from "./socks5.ts";

/**
 * Talks to a client until its request is there. A client whose protocol is not accepted gets an answer in that protocol.
 *
 * @throws {SocksError} When there is no request. The client has been answered, where its protocol has an answer to that.
 */
export async function readRequest(accepted: Connection, options: FrontOptions): Promise<ClientRequest> {
  const { protocols = [] } = options.accepts;
  let first = await accepted.read();
  while (first?.length === 0) first = await accepted.read();
  if (first === null) throw new SocksProtocolError("UNEXPECTED_END", "Client closed the connection and sent nothing");
  const client = withPrefix(accepted, first);
  const byte = first[0]!;
  if (byte === 4) {
    return await (protocols.includes("socks4") ? readSocks4Request(accepted, client, options) : refuseSocks4(client));
  }
  // Empty lines may come before a request (RFC 9112 section 2.2).
  if (isLetter(byte) || (isLineEnd(byte) && protocols.includes("http"))) {
    return await (protocols.includes("http") ? readHttpRequest(accepted, client, options) : refuseHttp(client));
  }
  return await readSocks5Request(accepted, client, options);
}

/** Whether a byte is a letter. Methods of HTTP begin with one, and no version of SOCKS is one. */
function isLetter(byte: number): boolean {
  const upper = byte & ~0x20;
  return upper >= 0x41 && upper <= 0x5a;
}

function isLineEnd(byte: number): boolean {
  return byte === 0x0d || byte === 0x0a;
}
