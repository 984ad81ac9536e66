/**
 * RESOLVE and RESOLVE_PTR of the client, which are commands of Tor: a proxy looks up a name or an address.
 *
 * @module
 */
import { checkHost } from "../argument_checks.ts";
import { hostName } from "../wire/host_name.ts";
import { parseIp } from "../wire/ip.ts";
import { Command } from "../wire/messages.ts";
import { requestFromProxy, type ThroughOptions } from "./request.ts";

/**
 * Asks a proxy for the address of a name, or for the name of an address.
 *
 * @returns Returns the address or the name.
 * @throws {SocksReplyError} The proxy found nothing, refused the request, or does not know the command.
 * @throws {SocksAuthError} As {@linkcode connectThrough}.
 * @throws {HostNameError} As {@linkcode connectThrough}.
 *
 * @example
 * ```ts
 * import { dialTcp, noAuthentication, resolveThrough } from "@gssocks/gssocks/socks";
 *
 * export async function address(): Promise<string> {
 *   const proxy = { hostname: "proxy.example.com", port: 1080 };
 *   return await resolveThrough({ proxy, auth: [noAuthentication()], dial: dialTcp, hostname: "intranet" });
 * }
 * ```
 */
export async function resolveThrough(options: ThroughOptions & { readonly hostname: string }): Promise<string> {
  const hostname = hostName(checkHost("hostname", options.hostname));
  const command = parseIp(hostname) === undefined ? Command.Resolve : Command.ResolvePtr;
  const { bound, connection } = await requestFromProxy(options, command, { hostname, port: 0 });
  connection.close();
  return bound.hostname;
}
