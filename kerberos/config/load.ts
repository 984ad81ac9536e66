/**
 * Finds and reads configuration as MIT krb5 does: `KRB5_CONFIG`, or `/etc/krb5.conf`. With the stores' files, the only
 * place of the Kerberos tree that touches environment and disk.
 *
 * @module
 */
import { KerberosError } from "../errors.ts";
import { filePath } from "../stores/files.ts";
import { DEFAULT_CONFIG, type KerberosConfig, parseKrb5Conf } from "./krb5_conf.ts";
import type { ProfileSource } from "./profile.ts";

const DEFAULT_PATH = "/etc/krb5.conf";

/** Where configuration is to be read from. */
export interface LoadConfigOptions {
  /** Files, the first counting most. @default {those of KRB5_CONFIG, or /etc/krb5.conf} */
  readonly paths?: readonly string[];
}

/**
 * Reads the configuration. A file that is not there counts as empty; so does the default one where reading is not
 * permitted.
 *
 * @throws {KerberosError} `BAD_CONFIG`
 */
export function loadConfig(options: LoadConfigOptions = {}): KerberosConfig {
  const named = options.paths ?? variable("KRB5_CONFIG")?.split(":").filter((path) => path !== "");
  const sources: ProfileSource[] = [];
  for (const path of named ?? [DEFAULT_PATH]) {
    try {
      sources.push(readSource(path));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) continue;
      if (named === undefined && error instanceof Deno.errors.NotCapable) continue;
      if (error instanceof KerberosError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new KerberosError("BAD_CONFIG", `Cannot read ${path}: ${reason}`, { cause: error });
    }
  }
  return sources.length === 0 ? DEFAULT_CONFIG : parseKrb5Conf(...sources);
}

function readSource(path: string): ProfileSource {
  return { name: path, text: Deno.readTextFileSync(path), include };
}

/** `includedir` takes names of letters, digits, `-` and `_`, or ones that end in `.conf`, and no hidden ones. */
function include(path: string, directory: boolean): readonly ProfileSource[] {
  if (!directory) return [readSource(path)];
  const names = [...Deno.readDirSync(path)].map((entry) => entry.name);
  return names.filter((name) => /^[A-Za-z0-9_-]+$/.test(name) || /^[^.].*\.conf$/.test(name)).sort()
    .map((name) => readSource(`${path.replace(/\/$/, "")}/${name}`));
}

/** An environment variable, where it may be read. */
function variable(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch {
    return undefined;
  }
}

/**
 * Name of the credential cache to use: `KRB5CCNAME`, the configured one, or `FILE:/tmp/krb5cc_UID`.
 *
 * @throws {KerberosError} `NO_CREDENTIALS` when there is none and the user's number may not be asked for.
 */
export function defaultCcacheName(config: KerberosConfig): string {
  return variable("KRB5CCNAME") || expand(config.defaultCcacheName ?? "FILE:/tmp/krb5cc_%{uid}");
}

/** Name of the keytab to use: `KRB5_KTNAME`, the configured one, or `FILE:/etc/krb5.keytab`. */
export function defaultKeytabName(config: KerberosConfig): string {
  return variable("KRB5_KTNAME") || expand(config.defaultKeytabName ?? "FILE:/etc/krb5.keytab");
}

/** Parameter expansion of paths in krb5.conf. */
function expand(name: string): string {
  if (filePath(name) === undefined) return name;
  return name.replace(/%\{([^}]*)\}/g, (_, token: string) => {
    switch (token) {
      case "uid":
      case "euid":
      case "USERID":
        return userNumber(name);
      case "TEMP":
        return variable("TMPDIR") ?? "/tmp";
      case "null":
        return "";
      default:
        throw new KerberosError("BAD_CONFIG", `Cannot expand ${name}: %{${token}} is not known`);
    }
  });
}

function userNumber(name: string): string {
  let uid: number | null = null;
  try {
    uid = Deno.uid();
  } catch {
    // Without --allow-sys=uid there is no saying whose cache it would be.
  }
  if (uid === null) {
    throw new KerberosError("NO_CREDENTIALS", `Cannot expand ${name}: set KRB5CCNAME, or allow --allow-sys=uid`);
  }
  return String(uid);
}
