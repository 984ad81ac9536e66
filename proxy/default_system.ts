/**
 * The machine that this program runs on.
 *
 * @module
 */
import { KeytabFile } from "../kerberos/credentials/shell/stores.ts";
import { systemTickets } from "../kerberos/system.ts";
import { platform } from "../socks/shell/default_platform.ts";
import { readSystemNames, systemResolver, systemReverse } from "../socks/shell/system_resolver.ts";
import type { ProxySystem } from "./system.ts";

/** The machine that this program runs on: its sockets, resolver, files and tickets. */
export const system: ProxySystem = {
  sockets: platform,
  resolve: systemResolver,
  reverse: systemReverse,
  readNames: readSystemNames,
  tickets: () => systemTickets(),
  keytabFile: (name, options) => new KeytabFile(name, options),
};
