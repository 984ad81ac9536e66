/**
 * Stream sockets through Deno.
 *
 * @module
 */
import type { StreamSockets } from "./stream_sockets.ts";

/** Deno's sockets. */
export const denoSockets: StreamSockets = {
  connect: ({ hostname, port, signal }) => Deno.connect({ hostname, port, signal }),
  connectUnix: (path) => Deno.connect({ transport: "unix", path }),
  async listen({ hostname, port }) {
    return await Promise.resolve(Deno.listen({ hostname, port }));
  },
  mayReach(host): boolean {
    try {
      return Deno.permissions.querySync({ name: "net", host }).state === "granted";
    } catch {
      // A permission cannot be given for such a host.
      return false;
    }
  },
};
