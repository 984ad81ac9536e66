/**
 * `gssocks klist`.
 *
 * @module
 */
import { reasonText } from "../../base/reason.ts";
import { systemRuntime } from "../../base/runtime.ts";
import { filePath, parseStoreName } from "../../kerberos/config/store_name.ts";
import type { CredentialCache, CredentialCacheData } from "../../kerberos/credentials/cache.ts";
import { readKeytab } from "../../kerberos/credentials/shell/stores.ts";
import { formatPrincipal } from "../../kerberos/principal.ts";
import { defaultClientKeytabName, defaultKeytabName, loadConfig } from "../../kerberos/system.ts";
import { type Command, exclude, ExitCode, type ParsedArguments, UsageError } from "../command/command.ts";
import { keyJson, keyText } from "../command/key_list.ts";
import { cacheFrom, cacheNamed, membersOf, namedOnce } from "../command/options.ts";
import { isCurrent, ticketRecord, ticketText } from "../command/ticket_list.ts";
import { VERSION } from "../command/version.ts";
import type { CliIo } from "../terminal/io.ts";

/** Options that are about caches alone. */
const OF_CACHES = ["cache", "ccache", "list", "all", "flags", "addresses", "configuration", "silent"];
/** Options that are about keytabs alone. */
const OF_KEYTABS = ["client-keytab", "timestamps", "keys"];

/** The command. */
export const command: Command = {
  summary: "show the tickets of a cache, or the keys of a keytab",
  usage: "[OPTIONS] [NAME]",
  words: [0, 1],
  options: {
    cache: { short: "c", help: "Show a cache: what happens without it" },
    keytab: { short: "k", help: "Show a keytab instead of a cache" },
    list: { short: "l", help: "Show a table of the caches of the collection" },
    all: { short: "A", help: "Show the tickets of all caches of the collection" },
    flags: { short: "f", help: "Show the flags of each ticket, as letters" },
    etypes: { short: "e", help: "Show encryption types" },
    addresses: { short: "a", help: "Show the addresses that a ticket is limited to" },
    numeric: { short: "n", help: "Show addresses as numbers: what happens without it" },
    configuration: { short: "C", help: "Show settings among the tickets, too" },
    silent: { short: "s", help: "Show nothing; exit with 3 where there is no ticket that is still good" },
    "client-keytab": { short: "i", help: "With -k: the client's keytab (KRB5_CLIENT_KTNAME), unless NAME is given" },
    timestamps: { short: "t", help: "With -k: show when each key was written" },
    keys: { short: "K", help: "With -k: show the SECRET KEYS" },
    ccache: { value: "CACHE", help: "The same as NAME, for a cache" },
    "keytab-file": { value: "FILE", help: "The same as -k NAME" },
    json: { help: "Show it as JSON, with times in ISO 8601" },
    version: { short: "V", help: "Show the version" },
  },
  details: `
NAME is the cache (default: KRB5CCNAME, krb5.conf, FILE:/tmp/krb5cc_UID) or, with -k, the keytab (default: KRB5_KTNAME,
krb5.conf, /etc/krb5.keytab). Caches: FILE:/path or a path alone, DIR:/path, DIR::/path/tktNAME, KCM:, KCM:NAME.
Letters of -f: F forwardable, f forwarded, P proxiable, p proxy, D postdateable, d postdated, R renewable, I initial,
i invalid, H hardware authenticated, A preauthenticated, T transit policy checked, O okay as delegate, a anonymous.`,
  async run(args, io): Promise<number> {
    if (args.has("version")) {
      io.out(`gssocks ${VERSION}, Kerberos version 5\n`);
      return ExitCode.Ok;
    }
    const keytab = args.has("keytab") || args.has("keytab-file");
    check(args, keytab);
    return keytab ? listKeytab(args, io) : await listCaches(args, io);
  },
};

/** Nothing that is given may be without effect. */
function check(args: ParsedArguments, keytab: boolean): void {
  for (const of of keytab ? OF_CACHES : []) exclude(args, of, "keytab", "keytab-file");
  for (const of of OF_KEYTABS) {
    if (!keytab && args.has(of)) throw new UsageError(`--${of} is about a keytab: it needs --keytab (-k)`);
  }
  if (args.has("numeric") && !args.has("addresses")) throw new UsageError("--numeric (-n) needs --addresses (-a)");
  exclude(args, "silent", "json", "list");
  exclude(args, "list", "all", "flags", "etypes", "addresses", "configuration");
  const [name] = args.words;
  namedOnce(name, args.value("keytab-file") ?? args.value("ccache"));
}

function listKeytab(args: ParsedArguments, io: CliIo): number {
  const standard = args.has("client-keytab") ? defaultClientKeytabName : defaultKeytabName;
  const name = args.words[0] ?? args.value("keytab-file") ?? standard(loadConfig());
  const { entries } = readKeytab(name);
  const details = { timestamps: args.has("timestamps"), etypes: args.has("etypes"), keys: args.has("keys") };
  const shown = `${parseStoreName(name).kind}:${parseStoreName(name).rest}`;
  if (args.has("json")) io.out(keyJson(name, entries, details));
  else io.out(keyText(shown, entries, details));
  return ExitCode.Ok;
}

/** A cache with its contents. */
interface Found {
  readonly cache: CredentialCache;
  readonly data: CredentialCacheData;
}

async function listCaches(args: ParsedArguments, io: CliIo): Promise<number> {
  const [name] = args.words;
  const cache = name === undefined ? cacheFrom(args) : cacheNamed(name);
  const every = args.has("list") || args.has("all");
  const found = every ? await contentsOf(await membersOf(cache), io) : await contentsOfOne(cache, args, io);
  const now = systemRuntime.now();
  if (args.has("silent")) {
    return found.some(({ data }) => isCurrent(data, now)) ? ExitCode.Ok : ExitCode.Authentication;
  }
  if (every && !args.has("json") && found.length === 0) io.err(`gssocks klist: ${absent(cache)}\n`);
  if (args.has("list")) showTable(found, now, args, io);
  else showTickets(found, now, args, io);
  return found.length > 0 ? ExitCode.Ok : ExitCode.Authentication;
}

/** The contents of the cache that is meant. */
async function contentsOfOne(cache: CredentialCache, args: ParsedArguments, io: CliIo): Promise<readonly Found[]> {
  const one = await cache.collection?.primary() ?? cache;
  const data = await one.load();
  if (data !== undefined) return [{ cache: one, data }];
  if (!args.has("silent")) io.err(`gssocks klist: ${absent(one)}\n`);
  return [];
}

/** The contents of caches; one that cannot be read hides none of the others. */
async function contentsOf(caches: readonly CredentialCache[], io: CliIo): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (const cache of caches) {
    try {
      const data = await cache.load();
      if (data !== undefined) found.push({ cache, data });
    } catch (error) {
      io.err(`gssocks klist: ${reasonText(error)}\n`);
    }
  }
  return found;
}

/** That there is no such cache, as MIT's klist says it. */
function absent({ name }: CredentialCache): string {
  const path = filePath(name) ?? /^DIR::(.*)$/s.exec(name)?.[1];
  return `No credentials cache found (${path === undefined ? name : `filename: ${path}`}); run kinit`;
}

function showTable(found: readonly Found[], now: number, args: ParsedArguments, io: CliIo): void {
  const rows = found.map(({ cache, data }) => ({
    cache: cache.name,
    principal: formatPrincipal(data.principal),
    expired: !isCurrent(data, now),
  }));
  if (args.has("json")) {
    io.out(`${JSON.stringify({ caches: rows }, null, 2)}\n`);
    return;
  }
  const lines = [{ principal: "Principal name", cache: "Cache name", expired: false }, {
    principal: "--------------",
    cache: "----------",
    expired: false,
  }, ...rows];
  for (const { principal, cache, expired } of lines) {
    io.out(`${principal.slice(0, 30).padEnd(30)} ${cache}${expired ? " (Expired)" : ""}\n`);
  }
}

function showTickets(found: readonly Found[], now: number, args: ParsedArguments, io: CliIo): void {
  if (args.has("json")) {
    const records = found.map(({ cache, data }) => ticketRecord(cache.name, data, now));
    if (args.has("all")) io.out(`${JSON.stringify({ caches: records }, null, 2)}\n`);
    else for (const record of records) io.out(`${JSON.stringify(record, null, 2)}\n`);
    return;
  }
  const details = {
    flags: args.has("flags"),
    etypes: args.has("etypes"),
    addresses: args.has("addresses"),
    settings: args.has("configuration"),
  };
  io.out(found.map(({ cache, data }) => ticketText(cache.name, data, details)).join("\n"));
}
