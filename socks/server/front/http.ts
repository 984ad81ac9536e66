/**
 * HTTP on the server's side, for programs that know HTTP_PROXY and HTTPS_PROXY and no SOCKS: CONNECT (RFC 9110 section 9.3.6), and
 * requests in absolute form (RFC 9112 section 3.2.2).
 *
 * @module
 */
import { concat, utf8 } from "../../../base/bytes.ts";
import type { SecuredChannel } from "../../auth/method.ts";
import { replyCodeName, SocksProtocolError, type SocksReplyErrorCode, SocksTimeoutError } from "../../errors.ts";
import type { Connection } from "../../stream/connection.ts";
import { MessageReader } from "../../stream/message_reader.ts";
import { MAX_HEAD } from "./http_head.ts";
import { proxyStatus, shownReason } from "./http_reason.ts";
import { type ProxyRequest, RefusedRequest, requestDecoder } from "./http_request.ts";
import type { FrontOptions } from "./options.ts";
import { ReplyWriter } from "./reply_writer.ts";
import type { ClientRequest } from "./request.ts";
import { acceptUnauthenticated } from "./unauthenticated.ts";

/** Reads the request of a client that speaks HTTP. A request that is refused gets a status. */
export async function readHttpRequest(
  accepted: Connection,
  client: Connection,
  options: FrontOptions,
): Promise<ClientRequest> {
  const reader = new MessageReader(client, MAX_HEAD + 1);
  let request: ProxyRequest;
  try {
    options.end.refusal = () => answer(client, cutStatus(options.clock.signal));
    request = await reader.next(requestDecoder());
    options.end.refusal = undefined;
  } catch (error) {
    await answerProblem(client, error, options);
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
  const front = { accepted, channel, client, options };
  return clientRequest(front, request, channel.connection, CHANGES);
}

/** Most changes of the target on one connection; the client begins a new one after that. */
const CHANGES = 100;

/** What stays from one request of a client to the next one. */
interface HttpFront {
  readonly accepted: Connection;
  readonly channel: SecuredChannel;
  readonly client: Connection;
  readonly options: FrontOptions;
}

function clientRequest(front: HttpFront, request: ProxyRequest, rest: Connection, changes: number): ClientRequest {
  const { accepted, channel, client, options } = front;
  const { target, forwarded } = request;
  const replies = new ReplyWriter(client, utf8("HTTP")[0]!);
  return {
    accepted,
    channel,
    command: "connect",
    target,
    begin: () => replies.begin(),
    async reply({ reply }, error): Promise<void> {
      if (reply === 0) return await replies.write(utf8("HTTP/1.1 200 Connection established\r\n\r\n"));
      if (error instanceof RefusedRequest) return await answerProblem(replies, error, options);
      const status = error instanceof SocksTimeoutError && error.code === "HANDSHAKE_TIMEOUT"
        ? "408 Request Timeout"
        : STATUS[replyCodeName(reply)] ?? "502 Bad Gateway";
      if (!options.accepts.tellReasons || error === undefined) return await answer(replies, status);
      const reason = shownReason(error);
      await answer(replies, status, `${reason}\n`, proxyStatus(error, reason));
    },
    rest,
    forward: forwarded && {
      request: forwarded,
      write: (bytes) => replies.write(bytes),
      next: changes === 0 ? undefined : (later, behind) => clientRequest(front, later, behind, changes - 1),
    },
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

/** Answers a request that cannot be served; what is wrong with it is no secret. */
async function answerProblem(
  client: Pick<Connection, "write">,
  error: unknown,
  { accepts: { tellReasons = false } }: FrontOptions,
): Promise<void> {
  if (!(error instanceof RefusedRequest)) return await answer(client, "400 Bad Request");
  const reason = shownReason(error);
  await answer(client, error.status, `${reason}\n`, tellReasons ? proxyStatus(error, reason) : "");
}

async function answer(client: Pick<Connection, "write">, status: string, text = "", field = ""): Promise<void> {
  const body = utf8(text);
  const head = `HTTP/1.1 ${status}\r\n${field}Content-Type: text/plain; charset=utf-8\r\n` +
    `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
  await client.write(concat(utf8(head), body)).catch(() => {});
}

const STATUS: Partial<Record<SocksReplyErrorCode, string>> = {
  NOT_ALLOWED: "403 Forbidden",
  HOST_UNREACHABLE: "504 Gateway Timeout",
  COMMAND_NOT_SUPPORTED: "501 Not Implemented",
};
