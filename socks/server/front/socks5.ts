/**
 * SOCKS version 5 on the server's side, up to the request (RFC 1928 sections 3 and 4).
 *
 * @module
 */
import type { ServerAuthMethod } from "../../auth/method.ts";
import { SocksAuthError } from "../../errors.ts";
import { Handshake } from "../../handshake.ts";
import { Method, methodName, type Request } from "../../wire/messages.ts";
import { receive } from "../../handshake_io.ts";
import type { Connection } from "../../stream/connection.ts";
import { withPrefix } from "../../stream/prefix.ts";
import { type AcceptedProtocols, authOptions, type FrontOptions } from "./options.ts";
import { ReplyWriter } from "./reply_writer.ts";
import { type ClientRequest, commandOf } from "./request.ts";

/** Reads the request of a client that speaks SOCKS version 5. */
export async function readSocks5Request(
  accepted: Connection,
  client: Connection,
  options: FrontOptions,
): Promise<ClientRequest> {
  const handshake = new Handshake("server");
  const { methods } = await receive(handshake, client, "offer");
  const method = selectMethod(methods, options.accepts);
  await client.write(handshake.send({ type: "choice", method: method?.code ?? Method.NoneAcceptable }));
  if (method === undefined) {
    const offered = methods.map(methodName).join(", ") || "none";
    throw new SocksAuthError(
      "NO_ACCEPTABLE_METHOD",
      `Client offers no method that is accepted; it offers ${offered}`,
    );
  }
  const early = withPrefix(client, handshake.trailingData());
  const { end } = options;
  const beforeClosing = (refusal: (() => Promise<void>) | undefined) => {
    end.refusal = refusal;
  };
  const channel = await method.accept(early, authOptions(options, beforeClosing));
  handshake.authenticated();
  options.onChannel(channel);
  const { connection } = channel;
  const { command, hostname, port } = await receiveRequest(handshake, connection, options);
  const replies = new ReplyWriter(connection, 5);
  return {
    accepted,
    channel,
    ...commandOf(command),
    target: { hostname, port },
    begin: () => replies.begin(),
    reply: (reply) => replies.write(handshake.send({ type: "reply", reply })),
    rest: withPrefix(connection, handshake.trailingData()),
  };
}

/** Receives the request. A request that is malformed or incomplete is refused (RFC 1928 section 6). */
async function receiveRequest(
  handshake: Handshake,
  connection: Connection,
  { end }: FrontOptions,
): Promise<Request> {
  const tell = async (): Promise<void> => {
    const answer = handshake.refusal();
    if (answer !== undefined) await connection.write(answer);
  };
  try {
    end.refusal = () => {
      handshake.abandon();
      return tell();
    };
    const { request } = await receive(handshake, connection, "request");
    end.refusal = undefined;
    return request;
  } catch (error) {
    await tell().catch(() => {});
    throw error;
  }
}

/**
 * Selects the method for a client. Programs built with GSS-API offer it even without a ticket, so "none" is preferred where it is
 * accepted, unless `preferGssapi` is set.
 */
export function selectMethod(
  offered: readonly number[],
  { auth, preferGssapi = false }: AcceptedProtocols,
): ServerAuthMethod | undefined {
  const usable = auth.filter(({ code }) => offered.includes(code));
  const first = preferGssapi ? Method.Gssapi : Method.None;
  return usable.find(({ code }) => code === first) ?? usable[0];
}
