/**
 * Clients whose target is fixed by the port that they connect to, for programs that know no proxy. They send no request and get no reply.
 *
 * @module
 */
import type { Connection } from "../../stream/connection.ts";
import type { Endpoint } from "../../wire/address.ts";
import type { FrontOptions } from "./options.ts";
import type { ClientRequest } from "./request.ts";
import { acceptUnauthenticated } from "./unauthenticated.ts";

/** Returns the request of a client that connects to a port with a fixed target. */
export async function fixedRequest(
  accepted: Connection,
  target: Endpoint,
  options: FrontOptions,
): Promise<ClientRequest> {
  const channel = await acceptUnauthenticated(accepted, options);
  return {
    accepted,
    channel,
    command: "connect",
    target,
    begin: () => Promise.resolve(),
    reply: () => Promise.resolve(),
    rest: channel.connection,
  };
}
