/**
 * Permissions that `gssocks serve` gives up once it listens, and the files for which it keeps one.
 *
 * @module
 */
import { filePath } from "../../kerberos/config/store_name.ts";
import type { ParsedArguments } from "../command/command.ts";
import type { ServerConfig } from "../config/settings.ts";
import type { CliIo } from "../terminal/io.ts";

/** What a server is started with, as far as permissions go. */
export interface Started {
  /** The command line. */
  readonly args: ParsedArguments;
  /** The configuration. */
  readonly config: ServerConfig;
  /** Input and output. */
  readonly io: CliIo;
}

/**
 * Gives up what is not needed any more, so that a fault of this program has less to do harm with. Reading and the
 * environment stay where a reload needs them, and what tickets need where an upstream has any.
 */
export async function dropPermissions({ args, config, io }: Started): Promise<void> {
  await io.revoke?.(unneeded(args, config));
}

/** Permissions that a server with this configuration can do without once it listens. */
function unneeded(args: ParsedArguments, config: ServerConfig) {
  const { methods = ["gssapi"], upstreams = {}, tls, workers = 1, listen = [], shared } = config;
  const names: Deno.PermissionName[] = ["run", "ffi"];
  if (Object.keys(upstreams).length > 0) return names;
  // A worker that takes another one's place listens as the first one did.
  const again = workers > 1 && listen.some((place) => place.startsWith("unix:"));
  if (!again && shared?.kv === undefined) names.push("write");
  names.push("sys");
  // A reload reads files anew, those that are named on the command line too: a keytab gets new keys.
  const files = args.value("config") !== undefined || methods.includes("gssapi") || methods.includes("password") ||
    tls !== undefined;
  // The program of a worker that takes another one's place is read anew, and a database whose file is gone is opened anew.
  if (!files && workers === 1 && shared?.kv === undefined) names.push("read");
  // krb5.conf says where the keytab is, and has [capaths].
  if (!methods.includes("gssapi")) names.push("env");
  return names;
}

/**
 * Refuses a configuration that needs a permission that was dropped: files would be ignored, or, on a terminal, Deno would ask for
 * the permission and stop the server until it is answered.
 */
export function checkPermitted(args: ParsedArguments, before: ServerConfig, after: ServerConfig): void {
  const needed = unneeded(args, before).filter((name) => !unneeded(args, after).includes(name));
  if (needed.length === 0) return;
  throw new Error(
    `it needs permissions that were given up when the server had started (${needed.join(", ")}); restart it`,
  );
}

/** The files that a reload reads, by their names. A keytab that is not named is where krb5.conf or the environment has it. */
export function reloadFiles(
  args: ParsedArguments,
  config: ServerConfig,
  keytab: string | undefined = config.keytab,
): readonly string[] {
  const { tls, passwordFile, methods = ["gssapi"], upstreams = {} } = config;
  return [
    args.value("config"),
    keytab !== undefined && methods.includes("gssapi") ? filePath(keytab) : undefined,
    methods.includes("password") ? passwordFile : undefined,
    tls?.certificate,
    tls?.key,
    ...Object.values(upstreams).map((upstream) => upstream.passwordFile),
  ].filter((file) => file !== undefined);
}

/** What is to be said where SIGHUP would change nothing, since a file may not be read any more. */
export function reloadWarnings(files: readonly string[]): string[] {
  const unreadable = files.filter((path) => Deno.permissions.querySync({ name: "read", path }).state !== "granted");
  if (unreadable.length === 0) return [];
  return [
    `Warning: SIGHUP will not work: ${unreadable.join(", ")} may not be read any more; allow it with ` +
    `--allow-read=${unreadable.join(",")}`,
  ];
}
