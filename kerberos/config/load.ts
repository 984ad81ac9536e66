/**
 * Finds and reads configuration as MIT krb5 does: `KRB5_CONFIG`, or `/etc/krb5.conf`. With the stores' files, the only
 * place of the Kerberos tree that touches environment and disk.
 *
 * @module
 */
import { KerberosError } from "../errors.ts";
import { filePath } from "../credentials/caches/file.ts";
import { fileReason, readFileAtOnce } from "../credentials/shell/held_file.ts";
import { DEFAULT_CONFIG, type KerberosConfig, parseKrb5Conf } from "./krb5_conf.ts";
import type { ProfileSource } from "./profile.ts";

const DEFAULT_PATH = "/etc/krb5.conf";

/** Where configuration is to be read from. */
export interface LoadConfigOptions {
  /** Files, the first counting most. @default {those of KRB5_CONFIG, or /etc/krb5.conf} */
  readonly paths?: readonly string[] | undefined;
}

/**
 * Reads the configuration. A file that is not there counts as empty, but of those that KRB5_CONFIG names one has to be
 * there. What may not be read for lack of a permission is an error, never empty: another configuration would mean other
 * KDCs.
 *
 * @throws {KerberosError} `BAD_CONFIG`
 */
export function loadConfig(options: LoadConfigOptions = {}): KerberosConfig {
  const variable = options.paths === undefined ? environment("KRB5_CONFIG", "configuration to read") : undefined;
  const named = variable?.split(":").filter((path) => path !== "");
  const sources: ProfileSource[] = [];
  for (const path of options.paths ?? named ?? [DEFAULT_PATH]) {
    try {
      sources.push(readSource(path));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) continue;
      throw new KerberosError("BAD_CONFIG", `Cannot read ${path}: ${fileReason(error, path)}`, { cause: error });
    }
  }
  if (sources.length > 0) return parseKrb5Conf(...sources);
  if (named === undefined) return DEFAULT_CONFIG;
  throw new KerberosError(
    "BAD_CONFIG",
    `Cannot read configuration: KRB5_CONFIG is "${variable}", and no such file is there`,
  );
}

function readSource(path: string): ProfileSource {
  const text = new TextDecoder().decode(readFileAtOnce(path));
  return { name: path, text, include: (named, directory) => included(path, named, directory) };
}

/** `includedir` takes names of letters, digits, `-` and `_`, or ones that end in `.conf`, and no hidden ones. */
function included(from: string, path: string, directory: boolean): readonly ProfileSource[] {
  try {
    if (!directory) return [readSource(path)];
    const names = [...Deno.readDirSync(path)].map((entry) => entry.name);
    return names.filter((name) => /^[A-Za-z0-9_-]+$/.test(name) || /^[^.].*\.conf$/.test(name)).sort()
      .map((name) => readSource(`${path.replace(/\/$/, "")}/${name}`));
  } catch (error) {
    throw new KerberosError("BAD_CONFIG", `Cannot read ${path}, which ${from} includes: ${fileReason(error, path)}`, {
      cause: error,
    });
  }
}

/**
 * An environment variable. One that may not be read is an error: without it another identity or configuration would be
 * used, and nobody would know. So is one that is set and empty, as with MIT's tools.
 */
function environment(name: string, what: string): string | undefined {
  let value: string | undefined;
  try {
    value = Deno.env.get(name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    const problem = `the environment variable ${name} may not be read; allow it with --allow-env=${name}`;
    throw new KerberosError("BAD_CONFIG", `Cannot tell which ${what}: ${problem}`, { cause: error });
  }
  if (value !== "") return value;
  throw new KerberosError("BAD_CONFIG", `Cannot tell which ${what}: the environment variable ${name} is set and empty`);
}

/**
 * Name of the credential cache to use: `KRB5CCNAME`, the configured one, or `FILE:/tmp/krb5cc_UID`.
 *
 * @throws {KerberosError} `NO_CREDENTIALS` when there is none and the user's number may not be asked for; `BAD_CONFIG` when
 * `KRB5CCNAME` may not be read or is empty, or the configured name has a parameter that is not known.
 */
export function defaultCcacheName(config: KerberosConfig): string {
  return environment("KRB5CCNAME", "credential cache to use") ??
    expand(config.defaultCcacheName ?? "FILE:/tmp/krb5cc_%{uid}");
}

/**
 * Name of the keytab to use: `KRB5_KTNAME`, the configured one, or `FILE:/etc/krb5.keytab`.
 *
 * @throws {KerberosError} `BAD_CONFIG` when `KRB5_KTNAME` may not be read or is empty, or the configured name has a parameter
 * that is not known.
 */
export function defaultKeytabName(config: KerberosConfig): string {
  return environment("KRB5_KTNAME", "keytab to use") ?? expand(config.defaultKeytabName ?? "FILE:/etc/krb5.keytab");
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
        return temporaryFolder(name);
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
  } catch (error) {
    // Without --allow-sys=uid there is no saying whose cache it would be.
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
  }
  if (uid === null) {
    throw new KerberosError("NO_CREDENTIALS", `Cannot expand ${name}: set KRB5CCNAME, or allow --allow-sys=uid`);
  }
  return String(uid);
}

function temporaryFolder(name: string): string {
  try {
    return Deno.env.get("TMPDIR") || "/tmp";
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    throw new KerberosError("BAD_CONFIG", `Cannot expand ${name}: allow --allow-env=TMPDIR`, { cause: error });
  }
}
