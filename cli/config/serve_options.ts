/**
 * A configuration as what a server is started with.
 *
 * @module
 */
import { defaultKeytabName, loadConfig, systemTickets } from "../../kerberos/system.ts";
import { KerberosError } from "../../kerberos/errors.ts";
import { openCredentialCache } from "../../kerberos/credentials/shell/stores.ts";
import { dialThrough, type ProxyOptions, type ServeOptions } from "../../mod.ts";
import { proxyEndpoint } from "../../proxy/proxy_options.ts";
import { withEnctypeNames } from "../../proxy/rule_enctypes.ts";
import { noAuthentication } from "../../socks/auth/none.ts";
import { passwordClient } from "../../socks/auth/password.ts";
import { checkAnnounce } from "../../socks/server/targets/announce.ts";
import { parseClientRuleText } from "../../socks/rules/client_rules.ts";
import { parseNat64Prefix } from "../../socks/rules/nat64.ts";
import { parseRuleText } from "../../socks/rules/parse_rule.ts";
import { type RuleFields, ruleFromFields } from "../../socks/rules/rule_fields.ts";
import type { Rule } from "../../socks/rules/rule.ts";
import { parseIp } from "../../socks/wire/ip.ts";
import type { ProtectionLevel } from "../../socks/protection.ts";
import { hashedPasswords, KnownPasswords, parsePasswordFile } from "../server/passwords.ts";
import { platform } from "../../socks/shell/default_platform.ts";
import { checkOwnAddresses } from "../../socks/stream/own_addresses.ts";
import { ConfigError, type ServerConfig, type UpstreamConfig } from "./server_config.ts";
import { bytes, milliseconds } from "./units.ts";

/**
 * What a configuration says, but for where to listen.
 *
 * @throws {ConfigError} With the place of what cannot be used.
 * @throws {KerberosError} When the keytab or krb5.conf cannot be read.
 */
export function serveOptions(config: ServerConfig): ServeOptions {
  const { methods = ["gssapi"], gssapi = {}, timeouts = {}, limits = {}, announce, upstreams = {} } = config;
  const time = (duration: number | string | undefined) => duration === undefined ? undefined : milliseconds(duration);
  const size = (value: number | string | undefined) => value === undefined ? undefined : bytes(value);
  const share = (value: number | "any" | undefined) => value === "any" ? Infinity : value;
  const { keytab, capaths } = methods.includes("gssapi") ? keytabAndCapaths(gssapi.keytab) : {};
  const options: ServeOptions = {
    keytab,
    services: gssapi.services,
    protection: gssapi.protection,
    ticketExpiry: gssapi.ticketExpiry,
    capaths,
    insecureNecMode: gssapi.insecureNecMode,
    insecureWithoutMutual: gssapi.insecureWithoutMutual,
    insecureUnordered: gssapi.insecureUnordered,
    passwords: methods.includes("password") ? readPasswords(config) : undefined,
    allowUnauthenticated: methods.includes("none"),
    preferGssapi: config.preferGssapi,
    commands: config.commands,
    protocols: config.protocols,
    clients: config.clients?.map((text, i) => at(`clients[${i}]`, () => parseClientRuleText(text))),
    rules: (config.rules ?? []).map((rule, i) => at(`rules[${i}]`, () => readRule(rule))),
    upstreams: readUpstreams(upstreams),
    egress: config.egress,
    nat64: config.nat64,
    timeouts: {
      handshake: time(timeouts.handshake),
      connect: time(timeouts.connect),
      idle: time(timeouts.idle),
      halfClose: time(timeouts.halfClose),
    },
    datagrams: {
      announce,
      answersFromAnyPort: config.answersFromAnyPort,
      idleTimeout: time(timeouts.udpIdle),
      maxAssociations: limits.associations,
      maxDestinations: limits.destinations,
    },
    limits: {
      sessions: limits.sessions,
      halfOpen: limits.halfOpen,
      sessionsPerSource: share(limits.sessionsPerSource),
      sessionsPerNetwork: share(limits.sessionsPerNetwork),
      sessionsPerUser: share(limits.sessionsPerUser),
      acceptsPerSecond: limits.acceptsPerSecond,
      bandwidthPerSession: size(limits.bandwidthPerSession),
      bandwidthPerUser: size(limits.bandwidthPerUser),
    },
  };
  checkTogether(config);
  return options;
}

/** Where a keytab is named nothing else of krb5.conf is needed, so a server may be run without the permission to read it. */
function keytabAndCapaths(keytab: string | undefined): Pick<ServeOptions, "keytab" | "capaths"> {
  try {
    const config = loadConfig();
    return { keytab: keytab ?? defaultKeytabName(config), capaths: config.capaths };
  } catch (error) {
    const forbidden = error instanceof KerberosError && error.cause instanceof Deno.errors.NotCapable;
    if (keytab !== undefined && forbidden) return { keytab };
    throw error;
  }
}

/** What can be read and makes no sense. */
function checkTogether(
  {
    methods = ["gssapi"],
    protocols = [],
    rules = [],
    upstreams = {},
    listen = [],
    egress = [],
    nat64 = [],
    tls,
    announce,
  }: ServerConfig,
): void {
  at("announce", () => checkAnnounce(announce));
  for (const [i, prefix] of nat64.entries()) {
    if (prefix !== "discover") {
      at(`nat64[${i}]`, () => parseNat64Prefix(prefix));
    }
  }
  if (protocols.length > 0 && !methods.includes("none")) {
    throw new ConfigError(
      `protocols: clients of ${protocols.join(" and ")} name nobody, and method none is not accepted`,
    );
  }
  for (const [i, address] of egress.entries()) {
    if (parseIp(address) === undefined) throw new ConfigError(`egress[${i}]: "${address}" is no address`);
  }
  for (const [i, rule] of rules.entries()) {
    const { upstream } = readRule(rule);
    if (upstream !== undefined && !Object.hasOwn(upstreams, upstream)) {
      throw new ConfigError(`rules[${i}]: there is no upstream "${upstream}"`);
    }
  }
  if (listen.some((where) => where.startsWith("tls://")) && tls === undefined) {
    throw new ConfigError("tls: a certificate and a key are needed for tls://");
  }
}

/**
 * Whether this machine has the addresses that targets are to be reached from; a server that starts asks that itself.
 *
 * @throws {ConfigError} With the first that it has not.
 */
export function checkEgress({ egress = [] }: ServerConfig): void {
  for (const [i, address] of egress.entries()) at(`egress[${i}]`, () => checkOwnAddresses([address], platform.listen));
}

function readRule(rule: string | RuleFields): Rule {
  return withEnctypeNames(typeof rule === "string" ? parseRuleText(rule) : ruleFromFields(rule));
}

/** What this process knows of passwords; reading the configuration again does not forget it. */
const KNOWN = new KnownPasswords();

function readPasswords({ passwordFile }: ServerConfig): ServeOptions["passwords"] {
  if (passwordFile === undefined) throw new ConfigError("passwordFile: is needed for the method password");
  return at(
    "passwordFile",
    () => hashedPasswords(parsePasswordFile(Deno.readTextFileSync(passwordFile), passwordFile), undefined, KNOWN),
  );
}

function readUpstreams(upstreams: Readonly<Record<string, UpstreamConfig>>): Readonly<Record<string, ProxyOptions>> {
  const made = new Map<string, ProxyOptions>();
  const read = (name: string, seen: readonly string[]): ProxyOptions => {
    const where = `upstreams.${name}`;
    const config = Object.hasOwn(upstreams, name) ? upstreams[name]! : undefined;
    if (config === undefined) throw new ConfigError(`upstreams.${seen.at(-1)}.via: there is no upstream "${name}"`);
    if (seen.includes(name)) throw new ConfigError(`${where}.via: goes around in a circle`);
    const options = made.get(name) ?? at(where, () => proxyOptions(config, (via) => read(via, [...seen, name])));
    made.set(name, options);
    return options;
  };
  for (const name of Object.keys(upstreams)) read(name, []);
  return Object.fromEntries(made);
}

function proxyOptions(config: UpstreamConfig, via: (name: string) => ProxyOptions): ProxyOptions {
  checkUpstream(config);
  const { proxy, service, protection, minimumProtection, ccache, user, passwordFile, unauthenticated } = config;
  const auth = user !== undefined && passwordFile !== undefined
    ? [passwordClient({ username: user, password: Deno.readTextFileSync(passwordFile).split(/\r?\n/)[0]! })]
    : unauthenticated
    ? [noAuthentication()]
    : undefined;
  if ((user === undefined) !== (passwordFile === undefined)) throw new TypeError("user and passwordFile go together");
  return {
    proxy: proxyEndpoint(proxy),
    dial: config.via === undefined ? undefined : dialThrough(via(config.via)),
    service,
    spnego: config.spnego,
    protection: protection as ProtectionLevel | undefined,
    minimumProtection: minimumProtection as ProtectionLevel | undefined,
    auth,
    credentials: auth !== undefined || ccache === undefined
      ? undefined
      : systemTickets({ cache: openCredentialCache(ccache) }),
  };
}

/** Nothing that is said of an upstream may be without effect, and nothing secret be said in the wrong place. */
function checkUpstream(config: UpstreamConfig): void {
  // What stands before it may be a password, so the text is in no error.
  if (config.proxy.includes("@")) {
    throw new TypeError("proxy: a user name is said in user, and a password in passwordFile");
  }
  const { ccache, user, unauthenticated, service, spnego, protection, minimumProtection } = config;
  const given = (settings: Record<string, unknown>) =>
    Object.keys(settings).filter((name) => settings[name] !== undefined);
  const ways = given({ ccache, user, unauthenticated: unauthenticated || undefined });
  if (ways.length > 1) throw new TypeError(`${ways.join(" and ")} exclude each other`);
  const gssapi = given({ service, spnego, protection, minimumProtection });
  if (gssapi.length > 0 && (user !== undefined || unauthenticated)) {
    throw new TypeError(`${gssapi.join(", ")}: only GSS-API has this, and ${ways[0]} is in its place`);
  }
}

/** Says where in the configuration something is wrong. */
function at<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`${where}: ${(error as Error).message}`, { cause: error });
  }
}
