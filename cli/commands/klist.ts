/**
 * `gssocks klist`.
 *
 * @module
 */
import { systemRuntime } from "../../base/runtime.ts";
import { readMessage } from "../../kerberos/messages/read.ts";
import { defaultKeytabName, loadConfig } from "../../kerberos/system.ts";
import { TicketFlag } from "../../kerberos/registry/flags.ts";
import { enctypeName } from "../../kerberos/crypto/enctypes.ts";
import { Ticket } from "../../kerberos/messages/ap.ts";
import { formatPrincipal } from "../../kerberos/principal.ts";
import type { Credential } from "../../kerberos/credential.ts";
import { openCredentialCache, readKeytab } from "../../kerberos/credentials/shell/stores.ts";
import { type Command, exclude, ExitCode, type ParsedArguments, UsageError } from "../command/command.ts";
import type { CliIo } from "../terminal/io.ts";
import { cacheFrom, CCACHE_OPTION } from "../command/options.ts";

/** The command. */
export const command: Command = {
  summary: "show the tickets of a cache, or the keys of a keytab",
  usage: "[OPTIONS] [NAME]",
  words: [0, 1],
  options: {
    ...CCACHE_OPTION,
    keytab: { short: "k", help: "Show a keytab instead of a cache" },
    "keytab-file": {
      value: "FILE",
      short: "t",
      help: "The keytab (default: KRB5_KTNAME, krb5.conf, /etc/krb5.keytab)",
    },
    json: { help: "Show it as JSON" },
    silent: { short: "s", help: "Show nothing; exit with 3 where there is no ticket that is still good" },
  },
  details: `
NAME is the cache or, with --keytab, the keytab.`,
  async run(args, io): Promise<number> {
    const keytab = args.has("keytab") || args.has("keytab-file");
    exclude(args, "ccache", "keytab", "keytab-file");
    exclude(args, "silent", "json", "keytab", "keytab-file");
    const [name] = args.words;
    const named = args.value("keytab-file") ?? args.value("ccache");
    if (name !== undefined && named !== undefined) throw new UsageError(`there is "${name}" beside "${named}"`);
    return keytab ? listKeytab(args, io) : await listCache(args, io);
  },
};

function listKeytab(args: ParsedArguments, io: CliIo): number {
  const name = args.words[0] ?? args.value("keytab-file") ?? defaultKeytabName(loadConfig());
  const entries = readKeytab(name).entries.map(({ principal, kvno, key, timestamp = 0 }) => ({
    principal: formatPrincipal(principal),
    kvno,
    enctype: enctypeName(key.enctype),
    timestamp: new Date(timestamp).toISOString(),
  }));
  if (args.has("json")) io.out(`${JSON.stringify({ keytab: name, entries }, null, 2)}\n`);
  else {
    io.out(`Keytab: ${name}\n\nkvno  enctype                     principal\n`);
    for (const { principal, kvno, enctype } of entries) {
      io.out(`${String(kvno).padStart(4)}  ${enctype.padEnd(26)}  ${principal}\n`);
    }
  }
  return ExitCode.Ok;
}

async function listCache(args: ParsedArguments, io: CliIo): Promise<number> {
  const [name] = args.words;
  const cache = name === undefined ? cacheFrom(args) : openCredentialCache(name);
  const data = await cache.load();
  const now = systemRuntime.now();
  const tickets = data?.credentials.filter((credential) => !credential.isConfiguration) ?? [];
  if (args.has("silent")) {
    return tickets.some(({ server, endtime }) => server.components[0] === "krbtgt" && endtime > now)
      ? ExitCode.Ok
      : ExitCode.Authentication;
  }
  if (data === undefined) {
    io.err(`gssocks klist: ${cache.name} is empty\n`);
    return ExitCode.Authentication;
  }
  const principal = formatPrincipal(data.principal);
  const shown = tickets.map((ticket) => describe(ticket, now));
  if (args.has("json")) io.out(`${JSON.stringify({ cache: cache.name, principal, tickets: shown }, null, 2)}\n`);
  else {
    io.out(`Cache: ${cache.name}\nPrincipal: ${principal}\n\n`);
    for (const ticket of shown) {
      io.out(
        `${ticket.service}\n    ${ticket.starts} to ${ticket.ends}${ticket.expired ? " (expired)" : ""}` +
          `${ticket.renewUntil === null ? "" : `, renewable until ${ticket.renewUntil}`}\n` +
          `    session key ${ticket.sessionEnctype}, ticket ${ticket.ticketEnctype}; ${ticket.flags.join(", ")}\n`,
      );
    }
  }
  return ExitCode.Ok;
}

function describe(credential: Credential, now: number) {
  const time = (milliseconds: number) => new Date(milliseconds).toISOString().replace(".000", "");
  return {
    service: formatPrincipal(credential.server),
    client: formatPrincipal(credential.client),
    starts: time(credential.starttime),
    ends: time(credential.endtime),
    renewUntil: credential.renewTill > 0 ? time(credential.renewTill) : null,
    expired: credential.endtime <= now,
    sessionEnctype: enctypeName(credential.key.enctype),
    ticketEnctype: ticketEnctype(credential),
    flags: Object.entries(TicketFlag).filter(([, mask]) => (credential.flags & mask) !== 0).map(([name]) => name),
  };
}

function ticketEnctype(credential: Credential): string {
  try {
    return enctypeName(readMessage(Ticket, credential.ticket).encPart.etype);
  } catch {
    return "unreadable";
  }
}
