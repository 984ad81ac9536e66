/**
 * `gssocks kinit`.
 *
 * @module
 */
import { KerberosTickets } from "../../kerberos/credentials/tickets/tickets.ts";
import { traceKeytab } from "../../kerberos/credentials/keytabs/trace_keytab.ts";
import type { KerberosTracer } from "../../kerberos/reach/trace.ts";
import { KdcClient } from "../../kerberos/reach/kdc_client.ts";
import { type ClientKey, keytabKey, passwordKey } from "../../kerberos/exchange/client_key.ts";
import { denoResolveSrv } from "../../kerberos/reach/shell/srv.ts";
import { denoTransport } from "../../kerberos/reach/shell/transport.ts";
import { type KerberosConfig, withSettings } from "../../kerberos/config/krb5_conf.ts";
import { parseSpan } from "../../kerberos/config/values.ts";
import { defaultKeytabName, loadConfig } from "../../kerberos/system.ts";
import { NameType } from "../../kerberos/registry/name_types.ts";
import { KerberosError } from "../../kerberos/errors.ts";
import { formatPrincipal, parsePrincipal, type Principal, samePrincipal } from "../../kerberos/principal.ts";
import { cacheForNew } from "../../kerberos/credentials/collection.ts";
import type { CredentialCache } from "../../kerberos/credentials/cache.ts";
import { readKeytab } from "../../kerberos/credentials/shell/stores.ts";
import { type Command, exclude, ExitCode, type ParsedArguments, UsageError } from "../command/command.ts";
import { environmentTracer } from "../log/trace.ts";
import type { CliIo } from "../terminal/io.ts";
import { cacheFrom, CCACHE_OPTION } from "../command/options.ts";

/** The command. */
export const command: Command = {
  summary: "get an initial ticket",
  usage: "[OPTIONS] [PRINCIPAL]",
  words: [0, 1],
  options: {
    ...CCACHE_OPTION,
    "use-keytab": { short: "k", help: "Use a key of the keytab instead of a password" },
    keytab: { value: "FILE", short: "t", help: "The keytab (default: KRB5_KTNAME, krb5.conf, /etc/krb5.keytab)" },
    lifetime: { value: "TIME", short: "l", help: "Lifetime, such as 10h (default: krb5.conf, 24h)" },
    renewable: { value: "TIME", short: "r", help: "Renewable lifetime, such as 7d" },
    renew: { short: "R", help: "Renew the ticket in the cache" },
    forwardable: { short: "f", help: "Ask for a forwardable ticket" },
    canonicalize: { short: "C", help: "Let the KDC replace the name by its canonical form" },
    enterprise: { short: "E", help: "The name is an enterprise name, such as user@example.com" },
  },
  details: `
The password is prompted for, or read as one line from standard input where that is no terminal; never from an argument.`,
  async run(args, io): Promise<number> {
    exclude(
      args,
      "renew",
      "use-keytab",
      "keytab",
      "lifetime",
      "renewable",
      "forwardable",
      "canonicalize",
      "enterprise",
    );
    if (args.has("enterprise") && args.words.length === 0) throw new UsageError("--enterprise needs a PRINCIPAL");
    const config = configured(args, loadConfig());
    const cache = cacheFrom(args, config);
    const tracer = environmentTracer();
    const kdc = new KdcClient({ config, transport: denoTransport, resolveSrv: denoResolveSrv, tracer });
    if (args.has("renew")) {
      await checkOwner(args, config, cache);
      await new KerberosTickets({ config, kdc, cache, tracer }).renewedTicket({ signal: io.signal });
      return ExitCode.Ok;
    }
    const client = await clientFrom(args, config, cache);
    const key = await keyFrom(args, io, client, { config, tracer });
    // Of a collection, the client has a cache of its own, which is the primary one from now on.
    const own = cache.collection === undefined ? cache : await cacheForNew(cache.collection, client);
    await new KerberosTickets({ config, kdc, cache: own, initial: { client, key }, tracer }).initialTicket({
      signal: io.signal,
    });
    if (own !== cache) await own.makePrimary?.();
    return ExitCode.Ok;
  },
};

/** The configuration with what the options say; what they do not say is not read here, since it may be unusable. */
function configured(args: ParsedArguments, config: KerberosConfig): KerberosConfig {
  const duration = (name: string) => {
    const text = args.value(name);
    if (text === undefined) return undefined;
    try {
      return parseSpan(name, text);
    } catch (error) {
      throw new UsageError(`--${name}: ${(error as Error).message}`);
    }
  };
  const ticketLifetime = duration("lifetime");
  const renewLifetime = duration("renewable");
  return withSettings(config, {
    ...(ticketLifetime === undefined ? {} : { ticketLifetime }),
    ...(renewLifetime === undefined ? {} : { renewLifetime }),
    ...(args.has("forwardable") ? { forwardable: true } : {}),
    ...(args.has("canonicalize") ? { canonicalize: true } : {}),
  });
}

/** Checks that the cache belongs to the principal named. */
async function checkOwner(args: ParsedArguments, config: KerberosConfig, cache: CredentialCache): Promise<void> {
  const [text] = args.words;
  if (text === undefined) return;
  const wanted = parsePrincipal(text, { defaultRealm: config.defaultRealm ?? "" });
  const held = await cache.load();
  if (held === undefined || samePrincipal(held.principal, wanted)) return;
  const owner = formatPrincipal(held.principal);
  throw new KerberosError("NO_CREDENTIALS", `Cannot renew: ${cache.name} has the tickets of ${owner}, not of ${text}`);
}

/** The principal named, the one whose cache it is, or for a keytab the first in it. */
async function clientFrom(
  args: ParsedArguments,
  config: KerberosConfig,
  cache: CredentialCache,
): Promise<Principal> {
  const [text] = args.words;
  const defaultRealm = config.defaultRealm ?? "";
  if (text !== undefined) {
    const client = args.has("enterprise")
      ? { ...parsePrincipal("x", { defaultRealm }), components: [text], nameType: NameType.Enterprise }
      : parsePrincipal(text, { defaultRealm });
    if (client.realm === "") throw new UsageError(`${text} has no realm, and krb5.conf has no default_realm`);
    return client;
  }
  if (args.has("use-keytab") || args.has("keytab")) {
    const name = keytabName(args, config);
    const first = readKeytab(name).entries[0];
    if (first !== undefined) return first.principal;
    throw new KerberosError("NO_CREDENTIALS", `Cannot authenticate: keytab ${name} has no key`);
  }
  const held = await cache.load();
  if (held === undefined) throw new UsageError("PRINCIPAL is needed");
  return held.principal;
}

function keytabName(args: ParsedArguments, config: KerberosConfig): string {
  return args.value("keytab") ?? defaultKeytabName(config);
}

async function keyFrom(
  args: ParsedArguments,
  io: CliIo,
  client: Principal,
  { config, tracer }: { readonly config: KerberosConfig; readonly tracer: KerberosTracer | undefined },
): Promise<ClientKey> {
  if (args.has("use-keytab") || args.has("keytab")) {
    const keytab = keytabName(args, config);
    const keys = readKeytab(keytab);
    traceKeytab(tracer, { keytab, keys, client });
    return keytabKey(keys, client);
  }
  return passwordKey(await io.readPassword(`Password for ${formatPrincipal(client)}: `));
}
