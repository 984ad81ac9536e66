/**
 * Unix domain sockets through Deno: dialing and listening.
 *
 * @module
 */
import { abortable } from "../../base/deadline.ts";
import type { Dialer } from "../stream/connection.ts";
import { dialError } from "../stream/dial_error.ts";
import type { ConnectionListener } from "../stream/listener.ts";
import { DenoConnection } from "./deno_connection.ts";
import { listenerOf } from "./deno_listener.ts";
import { listenNaming } from "./listen_naming.ts";

/** Listens on a socket in the file system. */
export function denoListenUnix(path: string): ConnectionListener {
  const listener = listenNaming(`Cannot listen at ${path}`, () => Deno.listen({ transport: "unix", path }));
  return listenerOf(listener, { hostname: path, port: 0 });
}

/** Returns a dialer that connects to a socket in the file system. */
export function denoDialUnix(path: string): Dialer {
  return async (_target, { signal }) => {
    const opening = Deno.connect({ transport: "unix", path });
    try {
      return new DenoConnection(await abortable(opening, signal));
    } catch (error) {
      opening.then((conn) => conn.close(), () => {}); // Comes too late.
      signal?.throwIfAborted();
      throw dialError({ hostname: path, port: 0 }, error);
    }
  };
}
