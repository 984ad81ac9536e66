/**
 * The channel of methods without protection.
 *
 * @module
 */
import type { Identity } from "../identity.ts";
import type { Connection } from "../stream/connection.ts";
import { plainDatagrams } from "../stream/datagram_codec.ts";
import type { SecuredChannel } from "./method.ts";

/** Returns a channel that uses the connection as it is. */
export function plainChannel(connection: Connection, identity: Identity): SecuredChannel {
  return { connection, identity, protection: "none", datagrams: plainDatagrams, expiresAt: Infinity };
}
