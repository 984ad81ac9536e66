/**
 * Listeners over Deno's sockets.
 *
 * @module
 */
import type { Connection } from "../stream/connection.ts";
import type { ConnectionListener } from "../stream/listener.ts";
import type { Endpoint } from "../wire/address.ts";
import { DenoConnection } from "./deno_connection.ts";

/**
 * Listens, and says in the message of an error what failed, why, and what to do: the system's error does not even name the address. The
 * class of the error stays.
 */
export function listenNaming<T>(what: string, listen: () => T): T {
  try {
    return listen();
  } catch (error) {
    if (error instanceof Error) error.message = `${what}: ${listenReason(error)}`;
    throw error;
  }
}

function listenReason(error: Error): string {
  const reason = error.message.replace(/ \(os error \d+\)$/, "");
  if (error instanceof Deno.errors.AddrInUse) return "something listens there already; end it, or choose another port";
  if (error instanceof Deno.errors.AddrNotAvailable) return "this machine does not have that address";
  if (error instanceof Deno.errors.PermissionDenied) {
    return `${reason}; ports below 1024 need a right of their own (CAP_NET_BIND_SERVICE)`;
  }
  return /failed to lookup|[Nn]ame or service not known|nodename/.test(reason)
    ? "there is no host of that name; write an address"
    : reason;
}

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
