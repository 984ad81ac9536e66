/**
 * A configuration as what a server is started with.
 *
 * @module
 */
import { defaultKeytabName, loadConfig } from "../../kerberos/system.ts";
import { KerberosError } from "../../kerberos/errors.ts";
import type { Capaths, ServeOptions } from "../../mod.ts";
import { at, ConfigError } from "./config_error.ts";
import { readRule } from "./rule_text.ts";
import type { ServerConfig } from "./settings.ts";
import { readText } from "./read_text.ts";
import { readUpstreams } from "./upstreams.ts";
import { checkAnnounce } from "../../socks/server/targets/announce.ts";
import { parseClientRuleText } from "../../socks/rules/client_rules.ts";
import { hashedPasswords, KnownPasswords, parsePasswordFile } from "../passwords/passwords.ts";
import { platform } from "../../socks/shell/default_platform.ts";
import { checkOwnAddresses } from "../../socks/stream/own_addresses.ts";

/**
 * What a configuration says, but for where to listen.
 *
 * @throws {ConfigError} With the place of what cannot be used.
 * @throws {KerberosError} When the keytab or krb5.conf cannot be read.
 */
export function serveOptions(config: ServerConfig): ServeOptions {
  const { methods = ["gssapi"], upstreams = {} } = config;
  const { keytab, ...kerberos } = methods.includes("gssapi") ? keytabAndLimits(config.keytab) : {};
  const options: ServeOptions = {
    keytab,
    protection: config.protection,
    gssapi: { ...config.gssapi, ...kerberos },
    passwords: methods.includes("password") ? readPasswords(config) : undefined,
    allowUnauthenticated: methods.includes("none"),
    commands: config.commands,
    protocols: config.protocols,
    clients: config.clients?.map((text, i) => at(`clients[${i}]`, () => parseClientRuleText(text))),
    rules: (config.rules ?? []).map((rule, i) => at(`rules[${i}]`, () => readRule(rule))),
    upstreams: readUpstreams(upstreams),
    egress: config.egress,
    datagrams: config.datagrams,
    timeouts: config.timeouts,
    limits: config.limits,
  };
  checkTogether(config);
  return options;
}

/** What a server takes from krb5.conf. */
interface KerberosLimits {
  readonly keytab: string;
  readonly capaths?: Capaths | undefined;
  readonly enctypes?: readonly number[] | undefined;
}

/** Where a keytab is named nothing else of krb5.conf is needed, so a server may be run without the permission to read it. */
function keytabAndLimits(keytab: string | undefined): KerberosLimits {
  try {
    const config = loadConfig();
    const { capaths, permittedEnctypes: enctypes } = config;
    return { keytab: keytab ?? defaultKeytabName(config), capaths, enctypes };
  } catch (error) {
    const forbidden = error instanceof KerberosError && error.cause instanceof Deno.errors.NotCapable;
    if (keytab !== undefined && forbidden) return { keytab };
    throw error;
  }
}

/** Checks settings that depend on each other. */
function checkTogether(config: ServerConfig): void {
  const { methods = ["gssapi"], protocols = [], rules = [], upstreams = {}, listen = [], tls } = config;
  at("datagrams.announce", () => checkAnnounce(config.datagrams?.announce));
  if (protocols.length > 0 && !methods.includes("none")) {
    throw new ConfigError(
      `protocols: clients of ${protocols.join(" and ")} do not authenticate, and method none is not accepted`,
    );
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
 * Checks that this machine has the addresses of egress. A server checks that itself when it starts.
 *
 * @throws {ConfigError} With the first address that it does not have.
 */
export function checkEgress({ egress: { addresses = [] } = {} }: ServerConfig): void {
  for (const [i, address] of addresses.entries()) {
    at(`egress.addresses[${i}]`, () => checkOwnAddresses([address], platform.listen));
  }
}

/** What this process knows of passwords; reading the configuration again does not forget it. */
const KNOWN = new KnownPasswords();

function readPasswords({ passwordFile }: ServerConfig): ServeOptions["passwords"] {
  if (passwordFile === undefined) throw new ConfigError("passwordFile: is needed for the method password");
  return at(
    "passwordFile",
    () => hashedPasswords(parsePasswordFile(readText(passwordFile), passwordFile), undefined, KNOWN),
  );
}
