/**
 * The socket of a KCM daemon.
 *
 * @module
 */
import { reasonText } from "../../../base/reason.ts";
import { sockets } from "../../reach/shell/default_sockets.ts";
import type { KcmSocket } from "../kcm_socket.ts";
import { hasCode, isNotPermitted } from "./default_file_system.ts";
import { systemWords } from "./reason.ts";

/** Returns the socket at a path. */
export function kcmSocket(path: string): KcmSocket {
  return {
    path,
    async connect() {
      try {
        const connection = await sockets.connectUnix(path);
        let open = true;
        return {
          read: (into) => connection.read(into),
          write: (bytes) => connection.write(bytes),
          close() {
            if (open) connection[Symbol.dispose]();
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
  if (isNotPermitted(error)) {
    const flags = `--allow-read=${path} --allow-write=${path} --allow-net=unix:${path}`;
    return `not permitted; allow it with ${flags}`;
  }
  const told = systemWords(reasonText(error));
  const start = hasCode(error, "ENOENT", "ECONNREFUSED");
  return start
    ? `${told}; start it (systemctl start sssd-kcm.socket), or use a file: ` +
      "export KRB5CCNAME=FILE:/tmp/krb5cc_$(id -u); kinit"
    : told;
}
