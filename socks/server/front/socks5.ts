/**
 * SOCKS version 5 on the server's side, up to the request (RFC 1928 sections 3 and 4).
 *
 * @module
 */
import type { ServerAuthMethod } from "../../auth/method.ts";
import { receive } from "../../handshake_io.ts";
import { type Asked, commandOf } from "../commands/command.ts";
import { SocksAuthError } from "../../errors.ts";
import { Handshake } from "../../handshake.ts";
import { Method, methodName, type Request } from "../../wire/messages.ts";
import type { Connection } from "../../stream/connection.ts";
import { withPrefix } from "../../stream/prefix.ts";
import { Answers } from "./answers.ts";
import type { FrontOptions } from "./front.ts";

/** Talks to a client of SOCKS version 5. */
export async function askSocks5(accepted: Connection, client: Connection, options: FrontOptions): Promise<Asked> {
  const handshake = new Handshake("server");
  const { methods } = await receive(handshake, client, "offer");
  const method = selectMethod(methods, options);
  await client.write(handshake.send({ type: "choice", method: method?.code ?? Method.NoneAcceptable }));
  if (method === undefined) {
    const offered = methods.map(methodName).join(", ") || "none";
    throw new SocksAuthError(
      "NO_ACCEPTABLE_METHOD",
      `Client offers no method that is accepted; it offers ${offered}`,
    );
  }
  const early = withPrefix(client, handshake.trailingData());
  const { signal, beforeClosing, onGone, source } = options;
  const channel = await method.accept(early, { signal, beforeClosing, onGone, source });
  handshake.authenticated();
  options.onChannel(channel);
  const { connection } = channel;
  const { command, hostname, port } = await receiveRequest(handshake, connection, options);
  const answers = new Answers(connection, 5);
  return {
    accepted,
    channel,
    ...commandOf(command),
    target: { hostname, port },
    begin: () => answers.begin(),
    reply: (reply) => answers.write(handshake.send({ type: "reply", reply })),
    rest: () => withPrefix(connection, handshake.trailingData()),
  };
}

/** The request. Whoever sent one that cannot be read, or only half of one, is told so (RFC 1928 section 6). */
async function receiveRequest(
  handshake: Handshake,
  connection: Connection,
  { beforeClosing }: FrontOptions,
): Promise<Request> {
  const tell = async (): Promise<void> => {
    const answer = handshake.refusal();
    if (answer !== undefined) await connection.write(answer);
  };
  try {
    beforeClosing(() => {
      handshake.abandon();
      return tell();
    });
    const { request } = await receive(handshake, connection, "request");
    beforeClosing(undefined);
    return request;
  } catch (error) {
    await tell().catch(() => {});
    throw error;
  }
}

/**
 * The method for a client. Programs built with GSS-API offer it whether they have a ticket or not, so where "none" is
 * accepted too it is taken, unless the server is told to prefer GSS-API.
 */
export function selectMethod(
  offered: readonly number[],
  { auth, preferGssapi }: Pick<FrontOptions, "auth" | "preferGssapi">,
): ServerAuthMethod | undefined {
  const usable = auth.filter(({ code }) => offered.includes(code));
  const first = preferGssapi ? Method.Gssapi : Method.None;
  return usable.find(({ code }) => code === first) ?? usable[0];
}
