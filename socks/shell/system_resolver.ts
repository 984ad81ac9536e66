/**
 * The machine's own resolver: the hosts file, then its name servers; or the C library where that knows more, or must be asked.
 *
 * @module
 */
import { startDeadline } from "../../base/deadline.ts";
import { SocksReplyError } from "../errors.ts";
import { makeUnlessAborted } from "../stream/make_unless_aborted.ts";
import type { Endpoint } from "../wire/address.ts";
import { hostName, isLocalhost, LOOPBACK_ADDRESSES } from "../wire/host_name.ts";
import { canonicalAddress, parseIp } from "../wire/ip.ts";
import { getAddresses, getNames } from "./getaddrinfo.ts";
import { type HostsFile, parseHosts } from "../names/hosts_file.ts";
import { LookUps } from "../names/look_ups.ts";
import { inOrder } from "../names/order.ts";
import { asksFilesThenDns, type NameServers, parseResolvConf, withSurroundings } from "../names/resolv_conf.ts";
import type { LookUpOptions, Resolved, Resolver, ReverseResolver } from "../names/resolver.ts";
import { lookUpAddresses, lookUpNames } from "../names/stub.ts";
import { isLinux, mayAskAnybody, ownAddresses, surroundings, systemFile } from "./system_files.ts";

/** A {@linkcode Resolver} that tells the names on the way as far as they are known. */
export type SystemResolver = (name: string, options: LookUpOptions) => Promise<Resolved>;

/** What {@linkcode systemResolverWith} and {@linkcode systemReverseWith} take, each instead of what the system has. */
export interface SystemResolverOptions {
  /** Name servers, by address. @default {those of resolv.conf} */
  readonly nameServers?: readonly Endpoint[] | undefined;
  /** The hosts file. @default {"/etc/hosts"} */
  readonly hostsFile?: string | undefined;
  /** Where the name servers stand, the search list, and the options. @default {"/etc/resolv.conf"} */
  readonly resolvConf?: string | undefined;
  /** Time for one name server, in milliseconds. @default {resolv.conf's, which has 5000 where it says nothing} */
  readonly timeout?: number | undefined;
  /** How often all name servers are asked. @default {resolv.conf's, which has 2 where it says nothing} */
  readonly attempts?: number | undefined;
}

/** Where names are looked up now. */
export interface Sources {
  /** The hosts file; `undefined` where it may not be read. */
  readonly hosts: HostsFile | undefined;
  /** Name servers; `undefined` where the C library is asked. */
  readonly servers: NameServers | undefined;
}

/**
 * Look-ups that wait for a name server hold a socket and no thread. One user, or one source of clients that are nobody, has a
 * quarter of them: his own slow names are seldom in front of his quick ones, and never all in front of others'.
 */
const SOCKETS = { places: 512, perOwner: 128, waiting: 1_024, ends: true };
/**
 * Look-ups by the C library hold one of the runtime's blocking threads each, of which Deno has 32 for everything: reading files,
 * WebCrypto, passwords. These have 6 at most, and one user or source 2, so that 26 are left whatever name servers do. A look-up
 * for which nobody waits any more goes on in the C library and keeps its place for so long.
 */
const THREADS = { places: 6, perOwner: 2, waiting: 1_024, ends: false };

// Threads are the runtime's, so the share of them is too, whoever makes resolvers.
const bySocket = new LookUps<Resolved>(SOCKETS);
const byThread = new LookUps<Resolved>(THREADS);

/** Numbers resolvers: what one is finding out is no other one's answer. */
let made = 0;

/**
 * Makes a resolver that goes by the system's files. Names are looked up in the hosts file first and then by asking the name
 * servers, as resolv.conf(5) says: `nameserver`, `search`, `domain`, `ndots`, `timeout`, `attempts`, `rotate`, `use-vc` and
 * `no-aaaa`, with `LOCALDOMAIN` and `RES_OPTIONS` of the environment. That takes no thread, ends when nobody waits any more, and knows every name on the way.
 *
 * Where nsswitch.conf has something else than `hosts: files dns` (mDNS, systemd-resolved's own protocol, SSSD), where the system is not
 * Linux, or where permissions do not allow it (`--allow-net` as a whole, and to read the three files), `getaddrinfo` is asked,
 * for at most 6 names at one time and 2 on behalf of one user or source. It does not tell which names were on the way. A name
 * with a dot in it is looked up there without the search list, if the hosts file may be read.
 *
 * At one time 512 look-ups ask name servers, 128 of them for one user or source, for whom 1,024 more may wait. No answer is remembered; of
 * a name server that was silent it is, and it has a second until it answers again, where there is another one to ask behind it.
 *
 * An address is its own, and a text that is no host's name a {@linkcode HostNameError}. A name with a dot at its end is looked up as it is.
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
  return resolverOf(sourcesOf(options));
}

/**
 * A resolver that goes by given sources.
 *
 * @param getaddrinfo Asks the C library.
 */
export function resolverOf(sources: () => Sources, getaddrinfo: typeof getAddresses = getAddresses): SystemResolver {
  const id = made++;
  return async (given, how) => {
    how.signal?.throwIfAborted();
    const name = hostName(given);
    if (parseIp(name) !== undefined) return { addresses: [name], names: [] };
    // As everywhere, a dot at the end says that the name is whole.
    const isWhole = given.endsWith(".");
    const { hosts, servers: all } = sources();
    const servers = isWhole && all !== undefined ? { ...all, search: [] } : all;
    const known = hosts?.byName.get(name);
    if (known !== undefined) return sorted(known);
    // RFC 6761 section 6.3: not a matter of name servers. The C library has its own say.
    if (servers !== undefined && isLocalhost(name)) return sorted({ addresses: LOOPBACK_ADDRESSES, names: [] });
    if (servers !== undefined) {
      const key = `${id} ${name}${isWhole ? "." : ""}`;
      return sorted(await bySocket.look(key, name, (signal) => lookUpAddresses(name, servers, signal), how));
    }
    // The search list is for names of one label: what it makes of others is not known, and cannot be judged.
    const asWhole = !isLocalhost(name) && (isWhole || (hosts !== undefined && name.includes(".")));
    const asked = asWhole ? `${name}.` : name;
    return await byThread.look(asked, name, async () => ({ addresses: await getaddrinfo(asked), names: [] }), how);
  };
}

function sorted({ addresses, names }: Resolved): Resolved {
  return { addresses: inOrder([...new Set(addresses.map(canonicalAddress))], ownAddresses()), names };
}

/** Makes a resolver of addresses, which gives their names, as {@linkcode systemResolverWith} does, and out of the same share. */
export function systemReverseWith(options: SystemResolverOptions = {}): ReverseResolver {
  return reverseOf(sourcesOf(options));
}

/** A resolver of addresses that goes by given sources, as {@linkcode resolverOf}. */
export function reverseOf(sources: () => Sources, getnameinfo: typeof getNames = getNames): ReverseResolver {
  const id = made++;
  return async (address, how) => {
    how.signal?.throwIfAborted();
    const bytes = parseIp(address);
    if (bytes === undefined) throw new SocksReplyError("ADDRESS_TYPE_NOT_SUPPORTED", `${address} is no address`);
    const { hosts, servers } = sources();
    const known = hosts?.byAddress.get(canonicalAddress(address));
    if (known !== undefined) return known;
    const [share, find] = servers === undefined
      ? [byThread, () => getnameinfo(address)] as const
      : [bySocket, (signal: AbortSignal) => lookUpNames(bytes, address, servers, signal)] as const;
    const { names } = await share.look(
      `${id} ${address}`,
      address,
      async (signal) => ({ addresses: [], names: await find(signal) }),
      how,
    );
    return names;
  };
}

function sourcesOf(options: SystemResolverOptions): () => Sources {
  const hosts = systemFile(options.hostsFile ?? "/etc/hosts", parseHosts);
  // Whoever names a file means that file.
  const own = options.resolvConf !== undefined;
  const conf = systemFile(options.resolvConf ?? "/etc/resolv.conf", (text) => {
    return parseResolvConf(own ? text : withSurroundings(text, surroundings()));
  });
  const plain = systemFile("/etc/nsswitch.conf", asksFilesThenDns);
  const { nameServers, timeout, attempts } = options;
  const ours = nameServers !== undefined || own;
  return (): Sources => {
    const read = conf();
    if (!ours && (read === undefined || hosts() === undefined || !plain() || !isLinux() || !mayAskAnybody())) {
      return { hosts: hosts(), servers: undefined };
    }
    const base = read ?? parseResolvConf("");
    const servers = {
      ...base,
      servers: nameServers ?? base.servers,
      timeout: timeout ?? base.timeout,
      attempts: attempts ?? base.attempts,
    };
    return { hosts: hosts(), servers };
  };
}

const systemSources = sourcesOf({});

/**
 * Reads what the system says of names while that is still allowed: a server that gives up its permissions goes by what it has read
 * before.
 */
export function readSystemNames(): void {
  systemSources();
  ownAddresses();
}

/** Whether the system's resolver asks name servers by itself, and so knows every name on the way; else `getaddrinfo` is asked. */
export function asksNameServers(): boolean {
  return systemSources().servers !== undefined;
}

/**
 * The system's resolver, in the order that it prefers: {@linkcode systemResolverWith} without options.
 *
 * @example
 * ```ts
 * import { type Resolver, serve, systemResolver } from "@gssocks/gssocks";
 *
 * // Names of a laboratory are known here; all others are the system's business.
 * const resolve: Resolver = async (name, options) =>
 *   name === "printer.lab" ? ["192.0.2.9"] : await systemResolver(name, options);
 *
 * export const start = () => serve({ keytab: "/etc/krb5.keytab", rules: ["allow *"], resolve });
 * ```
 */
export const systemResolver: SystemResolver = resolverOf(systemSources);

/** Names of an address, by the system's resolver. */
export const systemReverse: ReverseResolver = reverseOf(systemSources);

/** A resolver that has so long for a name, and says that it was the look-up that took too long. */
export function inTime(resolve: Resolver, milliseconds: number): Resolver {
  return async (name, options) => {
    const text = `Cannot find ${name}: name servers did not answer within ${milliseconds} ms`;
    const reason = () => new SocksReplyError("HOST_UNREACHABLE", text);
    using deadline = startDeadline({ milliseconds, signal: options.signal, reason });
    const { signal } = deadline;
    // It may be anybody's, and give no promise.
    return await makeUnlessAborted(async () => await resolve(name, { ...options, signal }), signal, () => {});
  };
}
