/**
 * SOCKS version 4 and 4A on the server's side. USERID is an unverified claim and ignored: such clients are unauthenticated.
 *
 * @module
 */
import { SocksProtocolError } from "../../errors.ts";
import type { Connection } from "../../stream/connection.ts";
import { MessageReader } from "../../stream/message_reader.ts";
import { Command } from "../../wire/messages.ts";
import { decodeSocks4Request, encodeSocks4Reply } from "../../wire/socks4.ts";
import type { FrontOptions } from "./options.ts";
import { ReplyWriter } from "./reply_writer.ts";
import { type ClientRequest, commandOf, unknownCommand } from "./request.ts";
import { acceptUnauthenticated } from "./unauthenticated.ts";

/** The longest request has two names of 255 bytes. */
const LIMIT = 1024;
/** Commands of version 4, and the one that Tor adds (socks-extensions.txt section 2). */
const COMMANDS: readonly number[] = [Command.Connect, Command.Bind, Command.Resolve];

/** Reads the request of a client that speaks SOCKS version 4, and refuses a request that is malformed. */
export async function readSocks4Request(
  accepted: Connection,
  client: Connection,
  options: FrontOptions,
): Promise<ClientRequest> {
  const reader = new MessageReader(client, LIMIT);
  try {
    options.end.refusal = () => reject(client);
    const { command, hostname, port } = await reader.next(decodeSocks4Request);
    options.end.refusal = undefined;
    const channel = await acceptUnauthenticated(reader.rest(), options);
    const replies = new ReplyWriter(client, 0);
    return {
      accepted,
      channel,
      ...(COMMANDS.includes(command) ? commandOf(command) : { command: unknownCommand(command) }),
      target: { hostname, port },
      begin: () => replies.begin(),
      reply: (reply) => replies.write(encodeSocks4Reply(reply.reply === 0, reply)),
      rest: channel.connection,
    };
  } catch (error) {
    await reject(client);
    throw error;
  }
}

/** Refuses a client that speaks SOCKS version 4, because this server does not accept it. */
export async function refuseSocks4(client: Connection): Promise<never> {
  await reject(client);
  throw new SocksProtocolError("BAD_VERSION", "Client speaks SOCKS version 4, which this server does not accept");
}

async function reject(client: Connection): Promise<void> {
  await client.write(encodeSocks4Reply(false, { hostname: "0.0.0.0", port: 0 })).catch(() => {});
}
