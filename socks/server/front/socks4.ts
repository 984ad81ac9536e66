/**
 * SOCKS version 4 and 4A on the server's side. The user's name in a request is nothing to go by: such clients are nobody.
 *
 * @module
 */
import { type Asked, commandOf, unknownCommand } from "../commands/command.ts";
import { SocksProtocolError } from "../../errors.ts";
import type { Connection } from "../../stream/connection.ts";
import { MessageReader } from "../../stream/message_reader.ts";
import { Command } from "../../wire/messages.ts";
import { decodeSocks4Request, encodeSocks4Reply } from "../../wire/socks4.ts";
import { Answers } from "./answers.ts";
import { type FrontOptions, nameless } from "./front.ts";

/** The longest request has two names of 255 bytes. */
const LIMIT = 1024;
/** Commands of version 4, and the one that Tor adds (socks-extensions.txt section 2). */
const COMMANDS: readonly number[] = [Command.Connect, Command.Bind, Command.Resolve];

/** Talks to a client of SOCKS version 4. One that is refused, or says what cannot be read, is told so. */
export async function askSocks4(accepted: Connection, client: Connection, options: FrontOptions): Promise<Asked> {
  const reader = new MessageReader(client, LIMIT);
  try {
    options.beforeClosing(() => reject(client));
    const { command, hostname, port } = await reader.next(decodeSocks4Request);
    options.beforeClosing(undefined);
    const channel = await nameless(reader.rest(), options);
    const answers = new Answers(client, 0);
    return {
      accepted,
      channel,
      ...(COMMANDS.includes(command) ? commandOf(command) : { command: unknownCommand(command) }),
      target: { hostname, port },
      begin: () => answers.begin(),
      reply: (reply) => answers.write(encodeSocks4Reply(reply.reply === 0, reply)),
      rest: () => channel.connection,
    };
  } catch (error) {
    await reject(client);
    throw error;
  }
}

/** Tells a client of SOCKS version 4 that nobody here speaks it. */
export async function refuseSocks4(client: Connection): Promise<never> {
  await reject(client);
  throw new SocksProtocolError("BAD_VERSION", "Client speaks SOCKS version 4, which is not served");
}

async function reject(client: Connection): Promise<void> {
  await client.write(encodeSocks4Reply(false, { hostname: "0.0.0.0", port: 0 })).catch(() => {});
}
