/**
 * Options that several commands share.
 *
 * @module
 */
import { serviceAt } from "../../gss/names.ts";
import { openCredentialCache } from "../../kerberos/credentials/shell/stores.ts";
import { type GssapiProxyOptions, type ProxyAddress, proxyEndpoint } from "../../proxy/proxy_options.ts";
import { readTime, TIME_FORMS } from "./units.ts";
import type { LogFormat } from "../log/event_log.ts";
import { environmentTracer } from "../log/trace.ts";
import { exclude, type OptionSpec, type ParsedArguments, UsageError } from "./command.ts";
import { cacheOf } from "../../kerberos/credentials/collection.ts";
import { KerberosError } from "../../kerberos/errors.ts";
import { formatPrincipal, parsePrincipal } from "../../kerberos/principal.ts";
import { parseStoreName } from "../../kerberos/config/store_name.ts";
import type { KerberosConfig } from "../../kerberos/config/krb5_conf.ts";
import { defaultCcacheName, loadConfig, systemTickets } from "../../kerberos/system.ts";
import type { CredentialCache } from "../../kerberos/credentials/cache.ts";
import type { KerberosTickets } from "../../kerberos/credentials/tickets/tickets.ts";
import { PROTECTION_LEVELS, type ProtectionLevel } from "../../socks/protection.ts";
import { type Endpoint, parseLocalEndpointText } from "../../socks/wire/address.ts";
import { hostName } from "../../socks/wire/host_name.ts";

/** The credential cache. */
export const CCACHE_OPTION: Readonly<Record<string, OptionSpec>> = {
  ccache: {
    value: "CACHE",
    short: "c",
    help: "Credential cache (default: KRB5CCNAME, krb5.conf, FILE:/tmp/krb5cc_UID)",
  },
};

/** The proxy that a client uses, and how. */
export const PROXY_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  proxy: {
    value: "HOST[:PORT]",
    short: "p",
    help: "SOCKS5 proxy with GSS-API (port 1080 unless given); socks5h://HOST:PORT too",
  },
  service: {
    value: "NAME[@HOST]",
    help: "Service name of the proxy (default: rcmd), and the host in its keytab if --proxy differs",
  },
  protection: {
    value: "LEVEL",
    help: "Protection level requested: confidentiality (default), integrity, selective or none",
  },
  "minimum-protection": { value: "LEVEL", help: "Weakest level accepted (default: the one requested)" },
  spnego: { help: "Wrap Kerberos in SPNEGO, for a proxy that requires it" },
  ...CCACHE_OPTION,
};

/** Reads {@linkcode PROXY_OPTIONS}, all but the tickets. */
export function proxyOptions(args: ParsedArguments): ProxyAddress & GssapiProxyOptions {
  const proxy = args.value("proxy");
  if (proxy === undefined) throw new UsageError("--proxy HOST:PORT is needed");
  const protection = args.value("protection");
  const minimum = args.value("minimum-protection");
  const service = args.value("service");
  if (service !== undefined) usable(() => serviceAt(service, "localhost"));
  return {
    proxy: proxyFrom(proxy),
    service,
    spnego: args.has("spnego"),
    protection: protection === undefined ? undefined : level(protection),
    minimumProtection: minimum === undefined ? undefined : level(minimum),
  };
}

/** Reads a proxy, which may be a URL out of `ALL_PROXY`. */
function proxyFrom(text: string): Endpoint {
  // What stands before it may be a password, so the text is in no error.
  if (text.includes("@")) {
    throw new UsageError("--proxy takes no user name and no password: this command authenticates with Kerberos");
  }
  return usable(() => proxyEndpoint(text));
}

/** Reads a level of protection. */
function level(text: string): ProtectionLevel {
  const found = PROTECTION_LEVELS.find((name) => name === text);
  if (found === undefined) {
    throw new UsageError(`"${text}" is no protection level; the levels are ${PROTECTION_LEVELS.join(", ")}`);
  }
  return found;
}

/** Reads an endpoint to listen on. */
export function endpoint(text: string, defaultPort?: number): Endpoint {
  if (/^\d{1,5}$/.test(text)) throw new UsageError(`"${text}" is a port without an address; write 127.0.0.1:${text}`);
  return usable(() => parseLocalEndpointText(text, defaultPort));
}

/** Reads a host. */
export function host(text: string): string {
  return usable(() => hostName(text));
}

/** Returns what `read` returns; its error is one of the arguments. */
export function usable<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/**
 * Reads a time as a server's configuration has it: `500ms`, `90s`, `30m`, `8h`, `1d`, `never`, or a number of milliseconds.
 *
 * @param name Of the option, with its dashes.
 */
export function time(name: string, text: string): number {
  const milliseconds = readTime(text) ?? (/^\d{1,11}$/.test(text) ? Number(text) : undefined);
  if (milliseconds !== undefined) return milliseconds;
  throw new UsageError(`${name} takes a time (${TIME_FORMS}), not "${text}"`);
}

/**
 * Reads a count.
 *
 * @param name Of the option, with its dashes, or of the word.
 */
export function count(name: string, text: string, maximum: number = Number.MAX_SAFE_INTEGER): number {
  if (!/^\d{1,15}$/.test(text) || Number(text) > maximum) {
    const what = maximum === Number.MAX_SAFE_INTEGER ? "a number" : `a number up to ${maximum}`;
    throw new UsageError(`${name} takes ${what}, not "${text}"`);
  }
  return Number(text);
}

/** How events are logged. */
export const LOG_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  json: { help: "Log events as JSON lines" },
  quiet: { short: "q", help: "Log nothing" },
};

/** Whether steps are said. */
export const VERBOSE_OPTION: Readonly<Record<string, OptionSpec>> = {
  verbose: { short: "v", help: "Say each step on standard error" },
};

/** Reads {@linkcode LOG_OPTIONS}. */
export function logFormat(args: ParsedArguments): LogFormat {
  exclude(args, "quiet", "json");
  return args.has("quiet") ? "none" : args.has("json") ? "json" : "text";
}

/** The cache that the options name, or the default one, for which alone the configuration is read. */
export function cacheFrom(args: ParsedArguments, config?: KerberosConfig): CredentialCache {
  const name = args.value("ccache");
  return name === undefined ? defaultCache(config ?? loadConfig()) : cacheNamed(name, config);
}

/**
 * Checks that a cache or keytab is named once: as a word or by an option.
 *
 * @throws {UsageError}
 */
export function namedOnce(word: string | undefined, option: string | undefined): void {
  if (word !== undefined && option !== undefined) throw new UsageError(`there is "${word}" beside "${option}"`);
}

/** Opens the default cache. */
export function defaultCache(config: KerberosConfig): CredentialCache {
  return openCredentialCache(defaultCcacheName(config), config);
}

/** Opens a cache by its name. Only for a kind that is configured, the configuration is read. */
export function cacheNamed(name: string, config?: KerberosConfig): CredentialCache {
  return openCredentialCache(name, parseStoreName(name).kind === "KCM" ? config ?? loadConfig() : {});
}

/** The caches of the collection that a cache stands for; a cache that stands for itself is the only one. */
export async function membersOf(cache: CredentialCache): Promise<readonly CredentialCache[]> {
  return await cache.collection?.caches() ?? [cache];
}

/**
 * The cache of a principal in the collection that a cache stands for.
 *
 * @throws {KerberosError} `NO_CREDENTIALS` if there is none.
 */
export async function cacheOfPrincipal(named: CredentialCache, text: string): Promise<CredentialCache> {
  const client = parsePrincipal(text, { defaultRealm: text.includes("@") ? "" : loadConfig().defaultRealm ?? "" });
  const caches = () => membersOf(named);
  const found = await cacheOf({ name: named.name, caches }, client);
  if (found !== undefined) return found;
  const wanted = formatPrincipal(client);
  throw new KerberosError("NO_CREDENTIALS", `Matching credential not found: ${named.name} has no cache of ${wanted}`);
}

/** Tickets out of the cache that the options name. */
export function ticketsFrom(args: ParsedArguments): KerberosTickets {
  const config = loadConfig();
  return systemTickets({ config, cache: cacheFrom(args, config), tracer: environmentTracer() });
}
