/**
 * Listeners over Deno's sockets.
 *
 * @module
 */
import type { Connection } from "../stream/connection.ts";
import type { ConnectionListener } from "../stream/listener.ts";
import type { Endpoint } from "../wire/address.ts";
import { DenoConnection } from "./deno_connection.ts";

/** Converts one of Deno's listeners. */
export function listenerOf(listener: Deno.Listener, addr: Endpoint): ConnectionListener {
  let closed = false;
  return {
    addr,
    async accept(): Promise<Connection | undefined> {
      for (;;) {
        try {
          return new DenoConnection(await listener.accept());
        } catch (error) {
          if (closed) return undefined;
          if (!isClientGone(error)) throw error;
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

/** Whether accepting failed because the client has already closed. That is no error of the listener, and other clients need not wait. */
function isClientGone(error: unknown): boolean {
  const { NotConnected, ConnectionAborted, ConnectionReset } = Deno.errors;
  return [NotConnected, ConnectionAborted, ConnectionReset].some((kind) => error instanceof kind);
}
