/**
 * The configuration of the system's resolver: resolv.conf(5), and the `hosts` line of nsswitch.conf(5).
 *
 * @module
 */
import type { Endpoint } from "../wire/address.ts";
import { hostName } from "../wire/host_name.ts";
import { canonicalAddress, parseIp } from "../wire/ip.ts";

/** Name servers, and how to ask them. */
export interface NameServers {
  /** The servers, in the order in which to ask them. */
  readonly servers: readonly Endpoint[];
  /** Domains to append to names. */
  readonly search: readonly string[];
  /** Number of dots from which on a name is first looked up as it is. */
  readonly ndots: number;
  /** Time for one server in milliseconds. */
  readonly timeout: number;
  /** How often all servers are asked. */
  readonly attempts: number;
  /** Whether each look-up starts with the next server. */
  readonly rotate: boolean;
  /** Whether to use TCP only. */
  readonly tcp: boolean;
  /** Whether to look up IPv4 addresses only. */
  readonly noIpv6: boolean;
}

const DNS_PORT = 53;
/** Limit of glibc (MAXNS). */
const MAX_SERVERS = 3;
/** Limit of queries that one name may cause. */
const MAX_DOMAINS = 16;

/** Settings of the resolver outside of resolv.conf. */
export interface ResolverEnvironment {
  /** Name of this machine. Its domain is the search list if the file has none. */
  readonly host?: string | undefined;
  /** `LOCALDOMAIN`: the search list instead of the file's. */
  readonly localDomain?: string | undefined;
  /** `RES_OPTIONS`: options that override the file's. */
  readonly options?: string | undefined;
}

/** Adds the settings of the environment to the text of the file, each as the line that it stands for. */
export function withEnvironment(text: string, { host = "", localDomain, options = "" }: ResolverEnvironment): string {
  const line = (value: string) => value.replace(/\s+/g, " ");
  const domain = host.slice(host.indexOf(".") + 1);
  return [
    ...host.includes(".") ? [`domain ${line(domain)}`] : [],
    text,
    ...localDomain === undefined ? [] : [`search ${line(localDomain)}`],
    `options ${line(options)}`,
  ].join("\n");
}

/** Parses resolv.conf. Missing and malformed settings have the system's defaults. */
export function parseResolvConf(text: string): NameServers {
  const servers: Endpoint[] = [];
  let search: readonly string[] = [];
  const options: string[] = [];
  for (const line of text.split("\n")) {
    if (/^\s*[#;]/.test(line)) continue;
    const [key, ...values] = line.trim().split(/\s+/);
    if (key === "nameserver" && values[0] !== undefined && isServer(values[0]) && servers.length < MAX_SERVERS) {
      servers.push({ hostname: reachableAddress(values[0]), port: DNS_PORT });
    } else if (key === "search" || key === "domain") search = domains(key === "domain" ? values.slice(0, 1) : values);
    else if (key === "options") options.push(...values);
  }
  return {
    servers: servers.length === 0 ? [{ hostname: "127.0.0.1", port: DNS_PORT }] : servers,
    search,
    ndots: numberOf(options, "ndots", 1, [0, 15]),
    timeout: numberOf(options, "timeout", 5, [1, 30]) * 1_000,
    attempts: numberOf(options, "attempts", 2, [1, 5]),
    rotate: options.includes("rotate"),
    tcp: options.includes("use-vc"),
    noIpv6: options.includes("no-aaaa"),
  };
}

/** Whether the text is an address, with or without a zone. */
function isServer(text: string): boolean {
  return parseIp(text.replace(/%[^%]+$/, "")) !== undefined;
}

/** A server at all addresses of this machine answers from loopback. An IPv4-mapped address is reached over IPv4. */
function reachableAddress(server: string): string {
  const address = server.includes("%") ? server : canonicalAddress(server);
  return address === "0.0.0.0" ? "127.0.0.1" : address === "::" ? "::1" : address;
}

function domains(texts: readonly string[]): readonly string[] {
  return texts.slice(0, MAX_DOMAINS).flatMap((text) => {
    // "search ." means: no search list.
    if (/^\.?$/.test(text)) return [];
    try {
      return [hostName(text)];
    } catch {
      return [];
    }
  });
}

function numberOf(
  options: readonly string[],
  name: string,
  otherwise: number,
  [least, most]: [number, number],
): number {
  const found = options.map((option) => new RegExp(`^${name}:(\\d+)$`).exec(option)?.[1]).findLast((text) =>
    text !== undefined
  );
  return found === undefined ? otherwise : Math.min(Math.max(Number(found), least), most);
}

/** Names to look up for a name, in order: the name itself, and the name in each domain of the search list (resolv.conf(5), `ndots`). */
export function candidates(name: string, { search, ndots }: Pick<NameServers, "search" | "ndots">): readonly string[] {
  // A longer name cannot exist.
  const below = search.map((domain) => `${name}.${domain}`).filter(({ length }) => length <= 253);
  return name.split(".").length - 1 >= ndots ? [name, ...below] : [...below, name];
}

/** Whether nsswitch.conf has `hosts: files dns` and no other source of names such as mDNS or SSSD. */
export function usesFilesThenDns(nsswitch: string): boolean {
  const line = /^[ \t]*hosts:([^\n#]*)/m.exec(nsswitch);
  return line === null || line[1]!.trim().split(/\s+/).join(" ") === "files dns";
}
