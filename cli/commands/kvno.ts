/**
 * `gssocks kvno`, with the options of MIT's.
 *
 * @module
 */
import { readMessage } from "../../kerberos/messages/read.ts";
import { KeyUsage } from "../../kerberos/registry/key_usages.ts";
import { NameType } from "../../kerberos/registry/name_types.ts";
import { enctypeByName, enctypeName } from "../../kerberos/crypto/enctypes.ts";
import { type KerberosConfig, withSettings } from "../../kerberos/config/krb5_conf.ts";
import { MemoryCredentialCache } from "../../kerberos/credentials/caches/memory.ts";
import { KerberosTickets } from "../../kerberos/credentials/tickets/tickets.ts";
import { KerberosError } from "../../kerberos/errors.ts";
import { Ticket } from "../../kerberos/messages/ap.ts";
import { formatPrincipal, parsePrincipal, type Principal, principal } from "../../kerberos/principal.ts";
import type { Credential } from "../../kerberos/credential.ts";
import { readKeytab } from "../../kerberos/credentials/shell/stores.ts";
import { loadConfig, systemTickets } from "../../kerberos/system.ts";
import {
  type Command,
  errorLine,
  exclude,
  ExitCode,
  exitCodeFor,
  type ParsedArguments,
  UsageError,
} from "../command/command.ts";
import { environmentTracer } from "../log/trace.ts";
import { cacheFrom, CCACHE_OPTION } from "../command/options.ts";

/** Options of MIT's that cannot be had here, with the reason. */
const NOT_HERE: Readonly<Record<string, string>> = {
  "for-user": "protocol transition (S4U2Self) is not supported",
  "for-enterprise-user": "protocol transition (S4U2Self) is not supported",
  "for-cert": "protocol transition (S4U2Self) is not supported",
  "constrained-delegation": "constrained delegation (S4U2Proxy) is not supported",
  u2u: "user-to-user authentication is not supported",
  "out-cache": "tickets are stored in one cache; copy that",
};

/** The command. */
export const command: Command = {
  summary: "get service tickets and show their key versions",
  usage: "[OPTIONS] SERVICE...",
  words: [1, Infinity],
  options: {
    ...CCACHE_OPTION,
    keytab: { value: "FILE", short: "k", help: "Check that this keytab opens the tickets" },
    service: { value: "NAME", short: "S", help: "The arguments are hosts; get tickets for NAME/HOST" },
    enctype: { value: "ENCTYPE", short: "e", help: "Ask for a session key of this encryption type" },
    unknown: { short: "u", help: "Send the names with the type unknown" },
    canonicalize: { short: "C", help: "Let the KDC refer to another realm, as always" },
    "cached-only": { help: "Show only tickets that are in the cache" },
    "no-store": { help: "Do not store new tickets in the cache" },
    quiet: { short: "q", help: "Show nothing but errors" },
    json: { help: "Show it as JSON" },
    "for-user": { value: "USER", short: "I", help: "Not supported" },
    "for-enterprise-user": { value: "USER", short: "U", help: "Not supported" },
    "for-cert": { value: "FILE", short: "F", help: "Not supported" },
    "constrained-delegation": { short: "P", help: "Not supported" },
    u2u: { value: "CACHE", help: "Not supported" },
    "out-cache": { value: "CACHE", help: "Not supported" },
  },
  details: `
SERVICE is a principal such as rcmd/proxy.example.com, with a realm or without.`,
  async run(args, io): Promise<number> {
    checkOptions(args);
    const services = args.words.map((word) => serviceFrom(args, word));
    const tickets = await ticketsFrom(args);
    const keytab = args.value("keytab");
    const results: Result[] = [];
    let failure: number | undefined;
    for (const service of services) {
      try {
        results.push(await resultOf(await ticketFor(args, tickets, service, io.signal), keytab));
      } catch (error) {
        io.signal.throwIfAborted();
        // The services that follow may still have one.
        io.err(`gssocks kvno: ${errorLine(error)}\n`);
        failure ??= exitCodeFor(error);
        continue;
      }
      if (!args.has("quiet") && !args.has("json")) io.out(line(results.at(-1)!));
    }
    if (args.has("json")) io.out(`${JSON.stringify(results, null, 2)}\n`);
    const closed = results.some(({ keytabOpensIt }) => keytabOpensIt === false);
    return failure ?? (closed ? ExitCode.Failure : ExitCode.Ok);
  },
};

async function resultOf(credential: Credential, keytab: string | undefined): Promise<Result> {
  const { encPart } = readMessage(Ticket, credential.ticket);
  return {
    service: formatPrincipal(credential.server),
    kvno: encPart.kvno ?? null,
    enctype: enctypeName(encPart.etype),
    keytabOpensIt: keytab === undefined ? undefined : await opens(keytab, credential),
  };
}

interface Result {
  readonly service: string;
  readonly kvno: number | null;
  readonly enctype: string;
  readonly keytabOpensIt: boolean | undefined;
}

function line({ service, kvno, enctype, keytabOpensIt }: Result): string {
  const check = keytabOpensIt === undefined ? "" : keytabOpensIt ? ", keytab opens it" : ", keytab does NOT open it";
  return `${service}: kvno = ${kvno ?? "?"} (${enctype})${check}\n`;
}

function checkOptions(args: ParsedArguments): void {
  for (const [name, reason] of Object.entries(NOT_HERE)) {
    if (args.has(name)) throw new UsageError(`--${name} cannot be used: ${reason}`);
  }
  exclude(args, "unknown", "service");
  exclude(args, "quiet", "json");
  exclude(args, "cached-only", "no-store");
}

/** The service of a word: a principal, or with `--service` a host in small letters, as MIT has it. */
function serviceFrom(args: ParsedArguments, word: string): Principal {
  const service = args.value("service");
  if (service !== undefined) return principal("", [service, word.toLowerCase()], NameType.SrvHst);
  try {
    return parsePrincipal(word, { nameType: args.has("unknown") ? NameType.Unknown : NameType.SrvInst });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function configured(args: ParsedArguments, config: KerberosConfig): KerberosConfig {
  const name = args.value("enctype");
  if (name === undefined) return config;
  const enctype = enctypeByName(name.toLowerCase());
  if (enctype !== undefined) return withSettings(config, { defaultTgsEnctypes: [enctype] });
  const known = config.permittedEnctypes.map(enctypeName).join(", ");
  throw new UsageError(`--enctype: "${name}" is not supported; supported are ${known}`);
}

async function ticketsFrom(args: ParsedArguments): Promise<KerberosTickets> {
  const config = configured(args, loadConfig());
  const cache = cacheFrom(args, config);
  const tracer = environmentTracer();
  if (args.has("cached-only")) return new KerberosTickets({ config, cache, tracer });
  if (!args.has("no-store")) return systemTickets({ config, cache, tracer });
  const data = await cache.load();
  return systemTickets({ config, cache: new MemoryCredentialCache(data, cache.name), tracer });
}

async function ticketFor(
  args: ParsedArguments,
  tickets: KerberosTickets,
  service: Principal,
  signal: AbortSignal,
): Promise<Credential> {
  try {
    return (await tickets.serviceTicket(service, { signal })).credential;
  } catch (error) {
    if (!args.has("cached-only") || !(error instanceof KerberosError) || error.code !== "KDC_UNREACHABLE") throw error;
    const name = formatPrincipal(service).replace(/@$/, "");
    throw new KerberosError(
      "NO_CREDENTIALS",
      `Cannot show a ticket for ${name}: ${tickets.cache.name} has no good one`,
    );
  }
}

async function opens(keytab: string, credential: Credential): Promise<boolean> {
  const { encPart } = readMessage(Ticket, credential.ticket);
  const wanted = { service: credential.server, enctype: encPart.etype, kvno: encPart.kvno };
  for (const { key } of readKeytab(keytab).candidates(wanted)) {
    if (await key.decrypt(KeyUsage.KdcRepTicket, encPart.cipher).then(() => true, () => false)) return true;
  }
  return false;
}
