/**
 * The resolvers of the running system.
 *
 * @module
 */
import {
  resolverOf,
  reverseOf,
  sourcesOf,
  type SystemResolver,
  type SystemResolverOptions,
} from "../names/system_resolver.ts";
import { platform } from "./default_platform.ts";
import type { ReverseResolver } from "../names/resolver.ts";

const { names } = platform;
const systemSources = sourcesOf(names, {});

/**
 * Creates a resolver that uses the system's files. It looks names up in the hosts file first and then asks the name servers, as resolv.conf(5)
 * says: `nameserver`, `search`, `domain`, `ndots`, `timeout`, `attempts`, `rotate`, `use-vc` and `no-aaaa`, with `LOCALDOMAIN` and `RES_OPTIONS`
 * of the environment. Such a look-up takes no thread, ends when no caller waits for it, and knows every name on the way.
 *
 * It calls `getaddrinfo` instead if nsswitch.conf has anything else than `hosts: files dns` (mDNS, systemd-resolved's own protocol, SSSD), if
 * the system is not Linux, or if the permissions do not suffice (`--allow-net` without hosts, and read access to the three files). Then at
 * most 6 names are looked up at the same time, and 2 for one user or source; the names on the way are unknown; and a name with a dot is
 * looked up without the search list if the hosts file can be read.
 *
 * At most 512 look-ups ask name servers at the same time, 128 of them for one user or source, for which 1,024 more may wait. Answers are
 * not cached. A name server that did not answer has only one second until it answers again, if there is another server to ask.
 *
 * An address resolves to itself. A text that is no host name is a {@linkcode HostNameError}. A name with a dot at the end is looked up without
 * the search list.
 *
 * @example
 * ```ts
 * import { serve, systemResolverWith } from "@gssocks/gssocks";
 *
 * export async function main(): Promise<void> {
 *   const resolve = systemResolverWith({ nameServers: [{ hostname: "192.0.2.53", port: 53 }] });
 *   await using server = serve({ keytab: "/etc/krb5.keytab", rules: ["allow .example.com"], resolve });
 *   await server.finished;
 * }
 * ```
 */
export function systemResolverWith(options: SystemResolverOptions = {}): SystemResolver {
  return resolverOf(sourcesOf(names, options), names);
}

/**
 * Creates a resolver of addresses to names, as {@linkcode systemResolverWith} does and with the same limits.
 *
 * @example
 * ```ts
 * import { type ReverseResolver, systemReverseWith } from "@gssocks/gssocks/socks";
 *
 * export const reverse: ReverseResolver = systemReverseWith();
 * ```
 */
export function systemReverseWith(options: SystemResolverOptions = {}): ReverseResolver {
  return reverseOf(sourcesOf(names, options), names);
}

/**
 * Reads the system's files for names while the permissions allow it. A server that drops its permissions later goes on with what was read.
 */
export function readSystemNames(): void {
  systemSources();
  names.ownAddresses();
}

/** Whether the system's resolver asks name servers itself and so knows every name on the way. Otherwise it calls `getaddrinfo`. */
export function asksNameServers(): boolean {
  return systemSources().servers !== undefined;
}

/**
 * The system's resolver. It returns addresses in the order that the system prefers: {@linkcode systemResolverWith} without options.
 *
 * @example
 * ```ts
 * import { type Resolver, serve, systemResolver } from "@gssocks/gssocks";
 *
 * // This resolver knows the names of a laboratory; the system resolves all others.
 * const resolve: Resolver = async (name, options) =>
 *   name === "printer.lab" ? ["192.0.2.9"] : await systemResolver(name, options);
 *
 * export function start(): void {
 *   serve({ keytab: "/etc/krb5.keytab", rules: ["allow *"], resolve });
 * }
 * ```
 */
export const systemResolver: SystemResolver = resolverOf(systemSources, names);

/**
 * Names of an address, by the system's resolver.
 *
 * @example
 * ```ts
 * import { systemReverse } from "@gssocks/gssocks/socks";
 *
 * const names = await systemReverse("127.0.0.1", { signal: AbortSignal.timeout(5_000) }).catch(() => []);
 * if (!Array.isArray(names)) throw new Error("no list");
 * ```
 */
export const systemReverse: ReverseResolver = reverseOf(systemSources, names);
