/**
 * `gssocks kinit`.
 *
 * @module
 */
import { KerberosTickets } from "../kerberos/client/tickets.ts";
import { KdcClient } from "../kerberos/client/kdc_client.ts";
import { type ClientKey, keytabKey, passwordKey } from "../kerberos/client/client_key.ts";
import { denoResolveSrv, denoTransport } from "../kerberos/client/transports.ts";
import { type KerberosConfig, parseDuration } from "../kerberos/config/krb5_conf.ts";
import { defaultKeytabName, loadConfig } from "../kerberos/config/load.ts";
import { NameType } from "../kerberos/constants.ts";
import { formatPrincipal, parsePrincipal, type Principal } from "../kerberos/principal.ts";
import { readKeytab } from "../kerberos/stores/files.ts";
import { type Command, ExitCode, type ParsedArguments, UsageError } from "./command.ts";
import type { CliIo } from "./io.ts";
import { cacheFrom, CCACHE_OPTION } from "./options.ts";

/** The command. */
export const command: Command = {
  summary: "get an initial ticket",
  usage: "[OPTIONS] [PRINCIPAL]",
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
    const config = configured(args, loadConfig());
    const cache = cacheFrom(args, config);
    const kdc = new KdcClient({ config, transport: denoTransport, resolveSrv: denoResolveSrv });
    if (args.has("renew")) {
      await new KerberosTickets({ config, kdc, cache }).renewedTicket({ signal: io.signal });
      return ExitCode.Ok;
    }
    if (args.words.length > 1) throw new UsageError("one PRINCIPAL at most is taken");
    const client = await clientFrom(args, config, cache);
    const key = await keyFrom(args, io, client, config);
    await new KerberosTickets({ config, kdc, cache, initial: { client, key } }).initialTicket({ signal: io.signal });
    return ExitCode.Ok;
  },
};

function configured(args: ParsedArguments, config: KerberosConfig): KerberosConfig {
  const duration = (name: string, fallback: number) => {
    const text = args.value(name);
    return text === undefined ? fallback : 1000 * parseDuration(text);
  };
  return {
    ...config,
    ticketLifetime: duration("lifetime", config.ticketLifetime),
    renewLifetime: duration("renewable", config.renewLifetime),
    forwardable: config.forwardable || args.has("forwardable"),
    canonicalize: config.canonicalize || args.has("canonicalize"),
  };
}

/** The principal named, the one whose cache it is, or for a keytab the first in it. */
async function clientFrom(
  args: ParsedArguments,
  config: KerberosConfig,
  cache: ReturnType<typeof cacheFrom>,
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
  if (args.has("use-keytab")) {
    const first = readKeytab(keytabName(args, config)).entries[0];
    if (first !== undefined) return first.principal;
  }
  const held = await cache.load().catch(() => undefined);
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
  config: KerberosConfig,
): Promise<ClientKey> {
  if (args.has("use-keytab") || args.has("keytab")) return keytabKey(readKeytab(keytabName(args, config)), client);
  return passwordKey(await io.readPassword(`Password for ${formatPrincipal(client)}: `));
}
