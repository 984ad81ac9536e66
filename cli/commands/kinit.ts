/**
 * `gssocks kinit`, with the options of MIT's.
 *
 * @module
 */
import { KerberosTickets } from "../../kerberos/credentials/tickets/tickets.ts";
import { traceKeytab } from "../../kerberos/credentials/keytabs/trace_keytab.ts";
import type { KerberosTracer } from "../../kerberos/reach/trace.ts";
import { KdcClient } from "../../kerberos/reach/kdc_client.ts";
import { type ClientKey, keytabKey, passwordKey } from "../../kerberos/exchange/client_key.ts";
import { systemResolveSrv } from "../../kerberos/reach/shell/srv.ts";
import { systemTransport } from "../../kerberos/reach/shell/transport.ts";
import { type KerberosConfig, withSettings } from "../../kerberos/config/krb5_conf.ts";
import { parseSpan } from "../../kerberos/config/values.ts";
import { defaultClientKeytabName, defaultKeytabName, loadConfig } from "../../kerberos/system.ts";
import { NameType } from "../../kerberos/registry/name_types.ts";
import { KerberosError } from "../../kerberos/errors.ts";
import {
  formatPrincipal,
  parseEnterprisePrincipal,
  parsePrincipal,
  type Principal,
  samePrincipal,
} from "../../kerberos/principal.ts";
import { cacheForNew, cacheOf } from "../../kerberos/credentials/collection.ts";
import type { CredentialCache } from "../../kerberos/credentials/cache.ts";
import { readKeytab } from "../../kerberos/credentials/shell/stores.ts";
import { type Command, exclude, ExitCode, type ParsedArguments, UsageError } from "../command/command.ts";
import { environmentTracer } from "../log/trace.ts";
import { PASSWORD_FILE_OPTION, passwordFrom } from "../command/credentials.ts";
import { cacheFrom, CCACHE_OPTION } from "../command/options.ts";
import type { CliIo } from "../terminal/io.ts";

/** Options of MIT's that would change what is done, and cannot be had here, with the reason. */
const NOT_HERE: Readonly<Record<string, string>> = {
  anonymous: "anonymous tickets need PKINIT, which is not supported",
  armor: "FAST is not supported",
  attribute: "PKINIT is not supported, nor are other pre-authentication mechanisms with attributes",
  "input-ccache": "no settings are taken over from another cache",
  addresses: "tickets are not limited to addresses, which network address translation would break",
};

/** Options that choose what an initial ticket is like; a ticket that there is stays as it is. */
const INITIAL_ONLY = [
  "use-keytab",
  "keytab",
  "client-keytab",
  "password-file",
  "lifetime",
  "start",
  "renewable",
  "forwardable",
  "not-forwardable",
  "proxiable",
  "not-proxiable",
  "canonicalize",
  "enterprise",
  "service",
] as const;

/** The command. */
export const command: Command = {
  summary: "get an initial ticket",
  usage: "[OPTIONS] [PRINCIPAL]",
  words: [0, 1],
  options: {
    ...CCACHE_OPTION,
    "use-keytab": { short: "k", help: "Use a key of the keytab instead of a password" },
    keytab: { value: "FILE", short: "t", help: "The keytab (default: KRB5_KTNAME, krb5.conf, /etc/krb5.keytab)" },
    "client-keytab": { short: "i", help: "Use the default client keytab (KRB5_CLIENT_KTNAME, krb5.conf)" },
    ...PASSWORD_FILE_OPTION,
    lifetime: { value: "TIME", short: "l", help: "Lifetime, such as 10h (default: krb5.conf, 24h)" },
    renewable: { value: "TIME", short: "r", help: "Renewable lifetime, such as 7d" },
    start: { value: "TIME", short: "s", help: "Ask for a postdated ticket, which is valid that much later" },
    renew: { short: "R", help: "Renew the ticket in the cache" },
    validate: { short: "v", help: "Validate the postdated ticket in the cache" },
    forwardable: { short: "f", help: "Ask for a forwardable ticket" },
    "not-forwardable": { short: "F", help: "Ask for one that is not forwardable" },
    proxiable: { short: "p", help: "Ask for a proxiable ticket" },
    "not-proxiable": { short: "P", help: "Ask for one that is not proxiable" },
    "no-addresses": { short: "A", help: "Ask for a ticket without addresses, as always" },
    canonicalize: { short: "C", help: "Let the KDC replace the name by its canonical form" },
    enterprise: { short: "E", help: "The name is an enterprise name: user@example.com or user@example.com@REALM" },
    service: {
      value: "SERVICE",
      short: "S",
      help: "Get the ticket for this service instead of the ticket-granting one",
    },
    verbose: { short: "V", help: "Say which cache, principal and keytab are used" },
    anonymous: { short: "n", help: "Not supported" },
    addresses: { short: "a", help: "Not supported" },
    armor: { value: "CACHE", short: "T", help: "Not supported" },
    attribute: { value: "NAME[=VALUE]", short: "X", multiple: true, help: "Not supported" },
    "input-ccache": { value: "CACHE", short: "I", help: "Not supported" },
  },
  details: `
The password is prompted for, or read as one line from standard input where that is no terminal; never from an argument.`,
  async run(args, io): Promise<number> {
    checkOptions(args);
    const config = configured(args, loadConfig());
    const cache = cacheFrom(args, config);
    const say = (text: string) => args.has("verbose") && io.err(`${text}\n`);
    const sayCache = ({ name }: CredentialCache) =>
      say(`Using ${args.has("ccache") ? "specified" : "default"} cache: ${name}`);
    const tracer = environmentTracer();
    const kdc = new KdcClient({ config, transport: systemTransport, resolveSrv: systemResolveSrv, tracer });
    const options = { signal: io.signal };
    if (args.has("renew") || args.has("validate")) {
      const held = await cacheHeld(args, config, cache);
      sayCache(held);
      const tickets = new KerberosTickets({ config, kdc, cache: held, tracer });
      const { credential } = args.has("renew")
        ? await tickets.renewedTicket(options)
        : await tickets.validatedTicket(options);
      say(`Using principal: ${formatPrincipal(credential.client)}`);
    } else {
      const client = await clientFrom(args, config, cache);
      // Of a collection, the client has a cache of its own, which is the primary one from now on.
      const own = cache.collection === undefined ? cache : await cacheForNew(cache.collection, client);
      sayCache(own);
      say(`Using principal: ${formatPrincipal(client)}`);
      if (usesKeytab(args)) say(`Using keytab: ${keytabName(args, config)}`);
      const asked = { ...options, service: serviceFrom(args, client), startDelay: given(args, "start") ?? 0 };
      const key = await keyFrom(args, io, client, { config, tracer });
      await new KerberosTickets({ config, kdc, cache: own, initial: { client, key }, tracer }).initialTicket(asked);
      if (own !== cache) await own.makePrimary?.();
    }
    say("Authenticated to Kerberos v5");
    return ExitCode.Ok;
  },
};

function checkOptions(args: ParsedArguments): void {
  for (const [name, reason] of Object.entries(NOT_HERE)) {
    if (args.has(name)) throw new UsageError(`--${name} (-${command.options[name]!.short}) cannot be used: ${reason}`);
  }
  exclude(args, "renew", "validate", ...INITIAL_ONLY);
  exclude(args, "validate", ...INITIAL_ONLY);
  exclude(args, "forwardable", "not-forwardable");
  exclude(args, "proxiable", "not-proxiable");
  exclude(args, "client-keytab", "keytab");
  exclude(args, "password-file", "use-keytab", "keytab", "client-keytab");
  if (args.has("enterprise") && args.words.length === 0) throw new UsageError("--enterprise needs a PRINCIPAL");
}

/** The configuration with what the options say; what they do not say is not read here, since it may be unusable. */
function configured(args: ParsedArguments, config: KerberosConfig): KerberosConfig {
  const choice = (yes: string, no: string) => args.has(yes) ? true : args.has(no) ? false : undefined;
  return withSettings(config, {
    ticketLifetime: given(args, "lifetime"),
    renewLifetime: given(args, "renewable"),
    forwardable: choice("forwardable", "not-forwardable"),
    proxiable: choice("proxiable", "not-proxiable"),
    canonicalize: args.has("canonicalize") ? true : undefined,
  });
}

/** A time as krb5.conf has it, in milliseconds. */
function given(args: ParsedArguments, name: string): number | undefined {
  const text = args.value(name);
  return text === undefined ? undefined : usable(`--${name}`, () => parseSpan(name, text));
}

/** What is read, or an error about the argument that it was read from. */
function usable<T>(argument: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UsageError(`${argument}: ${(error as Error).message}`);
  }
}

function principalFrom(args: ParsedArguments, text: string, defaultRealm: string): Principal {
  const read = args.has("enterprise") ? parseEnterprisePrincipal : parsePrincipal;
  return usable("PRINCIPAL", () => read(text, { defaultRealm }));
}

/** The cache with the ticket to renew or validate: of a collection, that of the principal named, otherwise the primary. */
async function cacheHeld(
  args: ParsedArguments,
  config: KerberosConfig,
  cache: CredentialCache,
): Promise<CredentialCache> {
  const [text] = args.words;
  if (text === undefined) return await cache.collection?.primary() ?? cache;
  const wanted = principalFrom(args, text, config.defaultRealm ?? "");
  const own = cache.collection && await cacheOf(cache.collection, wanted);
  if (own !== undefined) return own;
  const held = await cache.load();
  if (held === undefined || samePrincipal(held.principal, wanted)) return cache;
  const owner = formatPrincipal(held.principal);
  const what = args.has("renew") ? "renew" : "validate";
  throw new KerberosError(
    "NO_CREDENTIALS",
    `Cannot ${what}: ${cache.name} has the tickets of ${owner}, not of ${text}`,
  );
}

/** The principal named, the one whose cache it is, or for a keytab the first in it. */
async function clientFrom(
  args: ParsedArguments,
  config: KerberosConfig,
  cache: CredentialCache,
): Promise<Principal> {
  const [text] = args.words;
  if (text !== undefined) {
    const client = principalFrom(args, text, config.defaultRealm ?? "");
    if (client.realm === "") {
      throw new UsageError(`${text} has no realm, and krb5.conf has no default_realm; write ${text}@REALM`);
    }
    return client;
  }
  if (usesKeytab(args)) {
    const name = keytabName(args, config);
    const first = readKeytab(name).entries[0];
    if (first !== undefined) return first.principal;
    throw new KerberosError("NO_CREDENTIALS", `Cannot authenticate: keytab ${name} has no key`);
  }
  const held = await cache.load();
  if (held === undefined) throw new UsageError("PRINCIPAL is needed");
  return held.principal;
}

/** The service of the initial ticket; an AS-REQ has one realm for both of its names (RFC 4120 section 5.4.1). */
function serviceFrom(args: ParsedArguments, client: Principal): Principal | undefined {
  const text = args.value("service");
  if (text === undefined) return undefined;
  const options = { defaultRealm: client.realm, nameType: NameType.SrvInst };
  const service = usable("--service", () => parsePrincipal(text, options));
  if (service.realm === client.realm) return service;
  throw new UsageError(`--service: an initial ticket is for a service of the client's own realm, ${client.realm}`);
}

function usesKeytab(args: ParsedArguments): boolean {
  return args.has("use-keytab") || args.has("keytab") || args.has("client-keytab");
}

function keytabName(args: ParsedArguments, config: KerberosConfig): string {
  if (args.has("client-keytab")) return defaultClientKeytabName(config);
  return args.value("keytab") ?? defaultKeytabName(config);
}

async function keyFrom(
  args: ParsedArguments,
  io: CliIo,
  client: Principal,
  { config, tracer }: { readonly config: KerberosConfig; readonly tracer: KerberosTracer | undefined },
): Promise<ClientKey> {
  if (usesKeytab(args)) {
    const name = keytabName(args, config);
    const keys = readKeytab(name);
    traceKeytab(tracer, { keytab: name, keys, client });
    return keytabKey(keys, client, { name });
  }
  return passwordKey(await passwordFrom(args.value("password-file"), io, formatPrincipal(client)));
}
