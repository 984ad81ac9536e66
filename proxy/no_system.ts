/**
 * A runtime from which nothing is taken: what is needed is given, or is an error that says so.
 *
 * @module
 */
import { unsupported } from "../base/builtin.ts";
import { noPlatform } from "../socks/shell/no_platform.ts";
import type { ProxySystem } from "./system.ts";

/** No machine at all. */
export const noSystem: ProxySystem = {
  sockets: noPlatform,
  resolve: (name) => noPlatform.names.getAddresses(name).then((addresses) => addresses),
  reverse: (address) => noPlatform.names.getNames(address),
  readNames() {},
  tickets() {
    throw unsupported(
      "read tickets",
      "pass `credentials`, such as ticketsFrom({ config, transport, principal, password })",
    );
  },
  keytabFile() {
    throw unsupported("read a keytab file", "pass `keytab`: Keytab.decode(bytes)");
  },
};
