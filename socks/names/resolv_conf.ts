/**
 * Where names are asked for: resolv.conf(5), and whether nsswitch.conf(5) has anything else do it.
 *
 * @module
 */
import type { Endpoint } from "../wire/address.ts";
import { hostName } from "../wire/host_name.ts";
import { canonicalAddress, parseIp } from "../wire/ip.ts";

/** Name servers, and how they are asked. */
export interface NameServers {
  /** The servers, in the order in which they are asked. */
  readonly servers: readonly Endpoint[];
  /** Domains under which names are looked up too. */
  readonly search: readonly string[];
  /** Dots that a name needs to be looked up as it is first. */
  readonly ndots: number;
  /** Time for one server, in milliseconds. */
  readonly timeout: number;
  /** How often all servers are asked. */
  readonly attempts: number;
  /** Whether the servers take turns in being the first. */
  readonly rotate: boolean;
  /** Whether they are asked over TCP only. */
  readonly tcp: boolean;
  /** Whether nobody is asked for IPv6 addresses. */
  readonly noIpv6: boolean;
}

const DNS_PORT = 53;
/** As many as glibc has (MAXNS). */
const MOST_SERVERS = 3;
/** More would make many questions of one. */
const MOST_DOMAINS = 16;

/** What counts beside the file. */
export interface Surroundings {
  /** Name of this machine, whose domain is the search list where the file has none. */
  readonly host?: string | undefined;
  /** `LOCALDOMAIN`: a search list instead of the file's. */
  readonly localDomain?: string | undefined;
  /** `RES_OPTIONS`: options that count more than the file's. */
  readonly options?: string | undefined;
}

/** A file's text with what counts beside it, each as the line that it stands for. */
export function withSurroundings(text: string, { host = "", localDomain, options = "" }: Surroundings): string {
  const line = (value: string) => value.replace(/\s+/g, " ");
  const domain = host.slice(host.indexOf(".") + 1);
  return [
    ...host.includes(".") ? [`domain ${line(domain)}`] : [],
    text,
    ...localDomain === undefined ? [] : [`search ${line(localDomain)}`],
    `options ${line(options)}`,
  ].join("\n");
}

/** Reads a file; what stands nowhere, or cannot be read, is as the system has it. */
export function parseResolvConf(text: string): NameServers {
  const servers: Endpoint[] = [];
  let search: readonly string[] = [];
  const options: string[] = [];
  for (const line of text.split("\n")) {
    if (/^\s*[#;]/.test(line)) continue;
    const [key, ...values] = line.trim().split(/\s+/);
    if (key === "nameserver" && values[0] !== undefined && isServer(values[0]) && servers.length < MOST_SERVERS) {
      servers.push({ hostname: reached(values[0]), port: DNS_PORT });
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

/** A server's address may have a zone. */
function isServer(text: string): boolean {
  return parseIp(text.replace(/%[^%]+$/, "")) !== undefined;
}

/** Whoever stands for all addresses of this machine answers from one of them; a mapped address is reached over IPv4. */
function reached(server: string): string {
  const address = server.includes("%") ? server : canonicalAddress(server);
  return address === "0.0.0.0" ? "127.0.0.1" : address === "::" ? "::1" : address;
}

function domains(texts: readonly string[]): readonly string[] {
  return texts.slice(0, MOST_DOMAINS).flatMap((text) => {
    // The root alone says that there is no list.
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

/** Names to look up for one, in their order: as it is, and under each domain of the list (resolv.conf(5), `ndots`). */
export function candidates(name: string, { search, ndots }: Pick<NameServers, "search" | "ndots">): readonly string[] {
  // What does not fit is nobody's name.
  const below = search.map((domain) => `${name}.${domain}`).filter(({ length }) => length <= 253);
  return name.split(".").length - 1 >= ndots ? [name, ...below] : [...below, name];
}

/** Whether names come from the hosts file and then from name servers, and from nothing else: mDNS, SSSD and the like. */
export function asksFilesThenDns(nsswitch: string): boolean {
  const line = /^[ \t]*hosts:([^\n#]*)/m.exec(nsswitch);
  return line === null || line[1]!.trim().split(/\s+/).join(" ") === "files dns";
}
