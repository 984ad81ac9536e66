/**
 * Clients whose protocol cannot authenticate: SOCKS version 4 and HTTP.
 *
 * @module
 */
import type { SecuredChannel } from "../../auth/method.ts";
import { SocksAuthError } from "../../errors.ts";
import type { Connection } from "../../stream/connection.ts";
import { Method } from "../../wire/messages.ts";
import { authOptions, type FrontOptions } from "./options.ts";

/** Returns the channel of a client whose protocol cannot authenticate. Such clients are admitted if the method "none" is accepted. */
export async function acceptUnauthenticated(connection: Connection, options: FrontOptions): Promise<SecuredChannel> {
  const none = options.accepts.auth.find(({ code }) => code === Method.None);
  if (none === undefined) {
    throw new SocksAuthError(
      "NO_ACCEPTABLE_METHOD",
      "Client's protocol cannot authenticate, and the method none is not accepted",
    );
  }
  const channel = await none.accept(connection, authOptions(options));
  options.onChannel(channel);
  return channel;
}
