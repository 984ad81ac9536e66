/**
 * The socket of a KCM daemon, through Deno.
 *
 * @module
 */
import { reasonText } from "../../../base/reason.ts";
import type { KcmSocket } from "../kcm_socket.ts";

/** Returns the socket at a path. */
export function kcmSocket(path: string): KcmSocket {
  return {
    path,
    async connect() {
      try {
        const connection = await Deno.connect({ transport: "unix", path });
        let open = true;
        return {
          read: (into) => connection.read(into),
          write: (bytes) => connection.write(bytes),
          close() {
            if (open) connection.close();
            open = false;
          },
        };
      } catch (error) {
        throw new Error(reason(error, path), { cause: error });
      }
    },
  };
}

/** Why it cannot be reached, and what to do. */
function reason(error: unknown, path: string): string {
  if (error instanceof Deno.errors.NotCapable) {
    const flags = `--allow-read=${path} --allow-write=${path} --allow-net=unix:${path}`;
    return `not permitted; allow it with ${flags}`;
  }
  const told = reasonText(error).replace(/ \(os error \d+\).*$/s, "");
  const start = error instanceof Deno.errors.NotFound || error instanceof Deno.errors.ConnectionRefused;
  return start
    ? `${told}; start it (systemctl start sssd-kcm.socket), or use a file: ` +
      "export KRB5CCNAME=FILE:/tmp/krb5cc_$(id -u); kinit"
    : told;
}
