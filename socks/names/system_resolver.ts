/**
 * The system's resolver: the hosts file first, then the name servers; or the C library if the configuration or the permissions require it.
 *
 * @module
 */
import { SocksReplyError } from "../errors.ts";
import type { Endpoint } from "../wire/address.ts";
import { hostName, isLocalhost, LOOPBACK_ADDRESSES } from "../wire/host_name.ts";
import { canonicalAddress, parseIp } from "../wire/ip.ts";
import { sortAddresses } from "./address_order.ts";
import { type HostsFile, parseHosts } from "./hosts_file.ts";
import { LookUps } from "./look_ups.ts";
import { type NameServers, parseResolvConf, usesFilesThenDns, withEnvironment } from "./resolv_conf.ts";
import type { LookUpOptions, Resolved, ReverseResolver } from "./resolver.ts";
import { lookUpAddresses, lookUpNames } from "./stub_resolver.ts";
import type { SystemNames } from "./system_names.ts";

/** A {@linkcode Resolver} that returns the names on the way as far as they are known. */
export type SystemResolver = (name: string, options: LookUpOptions) => Promise<Resolved>;

/** Options of {@linkcode systemResolverWith} and {@linkcode systemReverseWith}. Each replaces a setting of the system. */
export interface SystemResolverOptions {
  /** Addresses of the name servers. @default {those of resolv.conf} */
  readonly nameServers?: readonly Endpoint[] | undefined;
  /** Path of the hosts file. @default {"/etc/hosts"} */
  readonly hostsFile?: string | undefined;
  /** Path of resolv.conf with the name servers, the search list and the options. @default {"/etc/resolv.conf"} */
  readonly resolvConf?: string | undefined;
  /** Time for one name server in milliseconds. @default {that of resolv.conf, or 5000} */
  readonly timeout?: number | undefined;
  /** How often all name servers are asked. @default {that of resolv.conf, or 2} */
  readonly attempts?: number | undefined;
}

/** Where names are looked up now. */
export interface NameSources {
  /** The hosts file; `undefined` if the program may not read it. */
  readonly hosts: HostsFile | undefined;
  /** Name servers; `undefined` if the C library is asked. */
  readonly servers: NameServers | undefined;
}

/**
 * Limits of look-ups by name servers. Such a look-up holds a socket but no thread. One user or source has at most a quarter of the places, so
 * slow names of one user never delay all others.
 */
const SOCKETS = { places: 512, perOwner: 128, waiting: 1_024, abortable: true };
/**
 * Limits of look-ups by the C library. Each holds one of the runtime's blocking threads. Deno has 32 of them for everything: files, WebCrypto,
 * passwords. These look-ups use at most 6 of them, and 2 for one user or source, so 26 stay free whatever name servers do. A look-up that no
 * caller waits for goes on in the C library and keeps its place until then.
 */
const THREADS = { places: 6, perOwner: 2, waiting: 1_024, abortable: false };

// The limits belong to the runtime's threads and sockets, so all resolvers share them.
const bySocket = new LookUps<Resolved>(SOCKETS);
const byThread = new LookUps<Resolved>(THREADS);

/** Number of the next resolver. Resolvers with different sources must not share look-ups. */
let nextResolver = 0;

/** Returns the sources that the options and the system's files name. Call the result at each look-up. */
export function sourcesOf(system: SystemNames, options: SystemResolverOptions): () => NameSources {
  const hosts = system.file(options.hostsFile ?? "/etc/hosts", parseHosts);
  // A resolv.conf that the caller names is used without the environment.
  const isOwnFile = options.resolvConf !== undefined;
  const conf = system.file(options.resolvConf ?? "/etc/resolv.conf", (text) => {
    return parseResolvConf(isOwnFile ? text : withEnvironment(text, system.environment()));
  });
  const isPlain = system.file("/etc/nsswitch.conf", usesFilesThenDns);
  const { nameServers, timeout, attempts } = options;
  const isConfigured = nameServers !== undefined || isOwnFile;
  return (): NameSources => {
    const read = conf();
    const canQuery = () => read !== undefined && hosts() !== undefined && isPlain() && system.canQueryNameServers();
    if (!isConfigured && !canQuery()) return { hosts: hosts(), servers: undefined };
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

/** Returns a resolver that uses the given sources. */
export function resolverOf(sources: () => NameSources, system: SystemNames): SystemResolver {
  const id = nextResolver++;
  const sorted = ({ addresses, names }: Resolved): Resolved => {
    return { addresses: sortAddresses([...new Set(addresses.map(canonicalAddress))], system.ownAddresses()), names };
  };
  return async (given, options) => {
    options.signal?.throwIfAborted();
    const name = hostName(given);
    if (parseIp(name) !== undefined) return { addresses: [name], names: [] };
    // A dot at the end says that the name is fully qualified.
    const isFull = given.endsWith(".");
    const { hosts, servers: all } = sources();
    const conf = isFull && all !== undefined ? { ...all, search: [] } : all;
    const known = hosts?.byName.get(name);
    if (known !== undefined) return sorted(known);
    if (conf !== undefined) {
      // RFC 6761 section 6.3: name servers are not asked for localhost. The C library decides for itself.
      if (isLocalhost(name)) return sorted({ addresses: LOOPBACK_ADDRESSES, names: [] });
      const subject = { key: `${id} ${name}${isFull ? "." : ""}`, name };
      const start = (signal: AbortSignal) => lookUpAddresses(name, { conf, sockets: system.sockets, signal });
      return sorted(await bySocket.run(subject, start, options));
    }
    // The C library applies the search list without saying so, and rules cannot judge the result. So it does only for names of one label.
    const noSearch = !isLocalhost(name) && (isFull || (hosts !== undefined && name.includes(".")));
    const asked = noSearch ? `${name}.` : name;
    const start = async () => ({ addresses: await system.getAddresses(asked), names: [] });
    return await byThread.run({ key: asked, name }, start, options);
  };
}

/** Returns a resolver of addresses to names that uses the given sources, with the same limits as {@linkcode resolverOf}. */
export function reverseOf(sources: () => NameSources, system: SystemNames): ReverseResolver {
  const id = nextResolver++;
  return async (address, options) => {
    options.signal?.throwIfAborted();
    if (parseIp(address) === undefined) {
      throw new SocksReplyError("ADDRESS_TYPE_NOT_SUPPORTED", `${address} is no address`);
    }
    const { hosts, servers: conf } = sources();
    const known = hosts?.byAddress.get(canonicalAddress(address));
    if (known !== undefined) return known;
    const lookUps = conf === undefined ? byThread : bySocket;
    const start = async (signal: AbortSignal): Promise<Resolved> => {
      const names = conf === undefined
        ? await system.getNames(address)
        : await lookUpNames(address, { conf, sockets: system.sockets, signal });
      return { addresses: [], names };
    };
    const { names } = await lookUps.run({ key: `${id} ${address}`, name: address }, start, options);
    return names;
  };
}
