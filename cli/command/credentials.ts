/**
 * Credentials of commands that run on: a cache, a keytab or a password, with a ticket that is kept good in the background.
 *
 * @module
 */
import { KdcError } from "../../kerberos/errors.ts";
import { readKeytab } from "../../kerberos/credentials/shell/stores.ts";
import type { KerberosTickets } from "../../kerberos/credentials/tickets/tickets.ts";
import { formatPrincipal, parsePrincipal } from "../../kerberos/principal.ts";
import { loadConfig, systemTickets } from "../../kerberos/system.ts";
import { environmentTracer } from "../log/trace.ts";
import type { CliIo } from "../terminal/io.ts";
import { readSecretFile } from "../terminal/secret_file.ts";
import { type OptionSpec, type ParsedArguments, UsageError } from "./command.ts";
import { cacheFrom, ticketsFrom } from "./options.ts";

/** Where the tickets come from, if not from a cache alone. */
export const CREDENTIAL_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  keytab: { value: "FILE", help: "Get tickets with a key of this keytab; they are kept in memory, or in --ccache" },
  principal: {
    value: "NAME",
    help: "Whose tickets: a key of --keytab (default: its first), or else the password is asked for",
  },
  "password-file": { value: "FILE", help: "Read the password of --principal from the first line of FILE, or of STDIN" },
  "no-renew": { help: "Do not renew the ticket in the background" },
};

/** Reads {@linkcode CREDENTIAL_OPTIONS}, and asks for the password if that is what is used. */
export async function credentialsFrom(args: ParsedArguments, io: CliIo): Promise<KerberosTickets> {
  const [keytab, file, name] = [args.value("keytab"), args.value("password-file"), args.value("principal")];
  if (keytab !== undefined && file !== undefined) {
    throw new UsageError("--keytab and --password-file exclude each other");
  }
  if (keytab === undefined && name === undefined) {
    if (file !== undefined) throw new UsageError("--password-file needs --principal, whose password it is");
    return ticketsFrom(args);
  }
  const config = loadConfig();
  const tracer = environmentTracer();
  const principal = name ?? firstIn(keytab!);
  const { realm } = parsePrincipal(principal, { defaultRealm: config.defaultRealm ?? "" });
  if (realm === "") throw new UsageError(`${principal} has no realm, and krb5.conf has no default_realm`);
  const cache = args.value("ccache") === undefined ? undefined : cacheFrom(args, config);
  if (keytab !== undefined) return systemTickets({ config, cache, principal, keytab, tracer });
  return systemTickets({ config, cache, principal, tracer, password: await passwordFrom(file, io, principal) });
}

function firstIn(keytab: string): string {
  const first = readKeytab(keytab).entries[0];
  if (first === undefined) throw new UsageError(`--keytab: ${keytab} has no key`);
  return formatPrincipal(first.principal);
}

async function passwordFrom(file: string | undefined, io: CliIo, principal: string): Promise<string> {
  if (file === undefined) return await io.readPassword(`Password for ${principal}: `);
  if (file === "STDIN" || file === "-") return await io.readPassword("");
  return await readSecretFile(file);
}

/**
 * Requests the first ticket of a client with a secret, so that a wrong one is noticed at once. A KDC that cannot be reached is no reason
 * not to start.
 *
 * @throws {KdcError} When the KDC refuses.
 */
export async function firstTicket(tickets: KerberosTickets, signal: AbortSignal): Promise<void> {
  if (!tickets.hasSecret) return;
  try {
    await tickets.freshTicket({ signal });
  } catch (error) {
    if (error instanceof KdcError || signal.aborted) throw error;
  }
}
