/**
 * Reads handshake messages from a connection.
 *
 * @module
 */
import type { Handshake, HandshakeMessage } from "./handshake.ts";
import type { Connection } from "./stream/connection.ts";

/** Reads until the next message is complete, which has this type. */
export async function receive<T extends HandshakeMessage["type"]>(
  handshake: Handshake,
  connection: Connection,
  type: T,
): Promise<HandshakeMessage & { type: T }> {
  for (;;) {
    const event = handshake.nextEvent();
    if (event !== undefined) return event as HandshakeMessage & { type: T };
    const bytes = await connection.read();
    if (bytes === null) handshake.ended(type);
    handshake.receive(bytes);
  }
}
