/**
 * Credentials of commands that run on: a cache, a keytab or a password, with a ticket that is kept good in the background.
 *
 * @module
 */
import { KdcError, KerberosError } from "../../kerberos/errors.ts";
import { readKeytab } from "../../kerberos/credentials/shell/stores.ts";
import type { KerberosTickets } from "../../kerberos/credentials/tickets/tickets.ts";
import { formatPrincipal, parsePrincipal } from "../../kerberos/principal.ts";
import { loadConfig, systemTickets } from "../../kerberos/system.ts";
import { environmentTracer } from "../log/trace.ts";
import type { CliIo } from "../terminal/io.ts";
import { readSecretFile } from "../terminal/secret_file.ts";
import { exclude, type OptionSpec, type ParsedArguments, UsageError } from "./command.ts";
import { cacheFrom, ticketsFrom } from "./options.ts";

/** A file with the password. */
export const PASSWORD_FILE_OPTION: Readonly<Record<string, OptionSpec>> = {
  "password-file": {
    value: "FILE",
    help: "Read the password from the first line of a file; STDIN or - for standard input",
  },
};

/** Where the tickets come from, if not from a cache alone. */
export const CREDENTIAL_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  keytab: { value: "FILE", help: "Get tickets with a key of this keytab; they are kept in memory, or in --ccache" },
  principal: {
    value: "NAME",
    help: "Whose tickets: a key of --keytab (default: its first), or else the password is asked for",
  },
  ...PASSWORD_FILE_OPTION,
  "no-renew": { help: "Do not renew the ticket in the background" },
};

/** Reads {@linkcode CREDENTIAL_OPTIONS}, and asks for the password if that is what is used. */
export async function credentialsFrom(args: ParsedArguments, io: CliIo): Promise<KerberosTickets> {
  const [keytab, file, name] = [args.value("keytab"), args.value("password-file"), args.value("principal")];
  exclude(args, "password-file", "keytab");
  if (keytab === undefined && name === undefined) {
    if (file !== undefined) throw new UsageError("--password-file needs --principal, whose password it is");
    return ticketsFrom(args);
  }
  const config = loadConfig();
  const tracer = environmentTracer();
  const principal = name ?? firstIn(keytab!);
  const { realm } = parsePrincipal(principal, { defaultRealm: config.defaultRealm ?? "" });
  if (realm === "") {
    throw new UsageError(`${principal} has no realm, and krb5.conf has no default_realm; write ${principal}@REALM`);
  }
  const cache = args.value("ccache") === undefined ? undefined : cacheFrom(args, config);
  if (keytab !== undefined) return systemTickets({ config, cache, principal, keytab, tracer });
  return systemTickets({ config, cache, principal, tracer, password: await passwordFrom(file, io, principal) });
}

function firstIn(keytab: string): string {
  const first = readKeytab(keytab).entries[0];
  if (first === undefined) throw new UsageError(`--keytab: ${keytab} has no key`);
  return formatPrincipal(first.principal);
}

/**
 * Reads the password of a principal: out of the first line of a file; from standard input if that is STDIN or -, or there is none. On a
 * terminal it is prompted for.
 */
export async function passwordFrom(file: string | undefined, io: CliIo, principal: string): Promise<string> {
  return file === undefined || file === "STDIN" || file === "-"
    ? await io.readPassword(`Password for ${principal}: `)
    : await readSecretFile(file);
}

/**
 * Requests the first ticket of a client with a secret, so that a wrong one, or a keytab without its key, is noticed at once. A KDC that cannot be reached is no reason
 * not to start.
 *
 * @throws {KdcError} When the KDC refuses.
 * @throws {KerberosError} `NO_CREDENTIALS` when the keytab has no key of the client.
 */
export async function firstTicket(tickets: KerberosTickets, signal: AbortSignal): Promise<void> {
  if (!tickets.hasSecret) return;
  try {
    await tickets.freshTicket({ signal });
  } catch (error) {
    const settled = error instanceof KdcError || error instanceof KerberosError && error.code === "NO_CREDENTIALS";
    if (settled || signal.aborted) throw error;
  }
}
