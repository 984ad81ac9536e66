/**
 * Listeners over Deno's sockets.
 *
 * @module
 */
import { DenoConnection } from "./deno_connection.ts";
import type { ConnectionListener } from "../stream/listener.ts";
import type { Endpoint } from "../wire/address.ts";
import type { Connection } from "../stream/connection.ts";

/** The system does not say of what it speaks. The error stays the one that it is. */
export function named<T>(what: string, listen: () => T): T {
  try {
    return listen();
  } catch (error) {
    if (error instanceof Error) error.message = `${what}: ${error.message}`;
    throw error;
  }
}

/** What accepting a client says that is gone again: no trouble of the listener's, and nothing for which others have to wait. */
function isGone(error: unknown): boolean {
  const { NotConnected, ConnectionAborted, ConnectionReset } = Deno.errors;
  return [NotConnected, ConnectionAborted, ConnectionReset].some((kind) => error instanceof kind);
}

export function accepting(listener: Deno.Listener, addr: Endpoint): ConnectionListener {
  let closed = false;
  return {
    addr,
    async accept(): Promise<Connection | undefined> {
      for (;;) {
        try {
          return new DenoConnection(await listener.accept());
        } catch (error) {
          if (closed) return undefined;
          if (!isGone(error)) throw error;
        }
      }
    },
    close(): void {
      if (!closed) listener.close();
      closed = true;
    },
    ref: () => listener.ref(),
    unref: () => listener.unref(),
  };
}
