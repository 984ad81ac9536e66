/**
 * SOCKS version 4 and 4A on the server's side. The user's name in a request is nothing to go by: such clients are nobody.
 *
 * @module
 */
import type { Asked } from "../commands/command.ts";
import { type Connection, MessageReader } from "../stream/connection.ts";
import { decodeSocks4Request, encodeSocks4Reply } from "../wire/socks4.ts";
import { type FrontOptions, nameless } from "./front.ts";

/** The longest request has two names of 255 octets. */
const LIMIT = 1024;

/** Talks to a client of SOCKS version 4. */
export async function askSocks4(accepted: Connection, client: Connection, options: FrontOptions): Promise<Asked> {
  const reader = new MessageReader(client, LIMIT);
  const { command, hostname, port } = await reader.next(decodeSocks4Request);
  try {
    const channel = await nameless(reader.rest(), options);
    return {
      accepted,
      channel,
      command,
      target: { hostname, port },
      reply: (reply) => client.write(encodeSocks4Reply(reply.reply === 0, reply)),
      rest: () => channel.connection,
    };
  } catch (error) {
    await client.write(encodeSocks4Reply(false, { hostname: "0.0.0.0", port: 0 })).catch(() => {});
    throw error;
  }
}
