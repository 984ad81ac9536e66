/**
 * Asks a proxy to resolve a host (RESOLVE and RESOLVE_PTR of Tor).
 *
 * @module
 */
import { givenHost } from "../given.ts";
import { hostName } from "../wire/host_name.ts";
import { parseIp } from "../wire/ip.ts";
import { requestThrough, type ThroughOptions } from "./request.ts";
import { Command } from "../wire/messages.ts";

/**
 * Has a proxy look up the address of a name, or the name of an address, with Tor's commands RESOLVE and RESOLVE_PTR.
 *
 * @returns The address, or the name.
 * @throws {SocksReplyError} The proxy could not, would not, or does not know the command.
 * @throws {SocksAuthError} As {@linkcode connectThrough}.
 * @throws {HostNameError} As {@linkcode connectThrough}.
 */
export async function resolveThrough(options: ThroughOptions & { readonly hostname: string }): Promise<string> {
  const hostname = hostName(givenHost("hostname", options.hostname));
  const command = parseIp(hostname) === undefined ? Command.Resolve : Command.ResolvePtr;
  const { bound, connection } = await requestThrough(options, command, { hostname, port: 0 });
  connection.close();
  return bound.hostname;
}
