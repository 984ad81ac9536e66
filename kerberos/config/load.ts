/**
 * Finds and reads configuration as MIT krb5 does: the files of `KRB5_CONFIG`, or `/etc/krb5.conf`; and the names of the default cache
 * and keytab.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { reasonText } from "../../base/reason.ts";
import { KerberosError } from "../errors.ts";
import type { Environment } from "./environment.ts";
import { expandTokens } from "./expand_tokens.ts";
import { DEFAULT_CONFIG, type KerberosConfig } from "./krb5_conf.ts";
import { configOf } from "./parse.ts";
import type { ProfileSource } from "./profile.ts";
import { type ProfileReading, readProfile } from "./profile_reader.ts";
import { systemFailure } from "./system_error.ts";

const DEFAULT_PATH = "/etc/krb5.conf";

/** What to do where the user's number, which is in the name of a keytab, may not be read. */
const WITHOUT_NUMBER = "name the keytab without %{uid}";

/** Names of caches, keytabs and the KCM daemon's socket where neither the environment nor krb5.conf has any. */
export const DEFAULT_NAMES = {
  ccache: "FILE:/tmp/krb5cc_%{uid}",
  keytab: "FILE:/etc/krb5.keytab",
  clientKeytab: "FILE:/var/krb5/user/%{euid}/client.keytab",
  kcmSocket: "/var/run/.heim_org.h5l.kcm-socket",
} as const;

/** Access to configuration files. A method fails with an error whose message is the reason. */
interface ConfigFiles {
  /** Reads a file; `undefined` if it does not exist. */
  readSync(path: string): { readonly bytes: Bytes } | undefined;
  /** Returns the names in a folder. */
  namesIn(folder: string): readonly string[];
}

/** Parts of the system that configuration is read from. */
interface ConfigSystem {
  readonly environment: Environment;
  readonly files: ConfigFiles;
}

/** Options of `loadConfig`. */
export interface LoadConfigOptions {
  /** Files; the first one has precedence. @default {those of KRB5_CONFIG, or /etc/krb5.conf} */
  readonly paths?: readonly string[] | undefined;
}

/** Finds and reads configuration on one system. */
export class ConfigLoader {
  readonly #environment: Environment;
  readonly #files: ConfigFiles;

  constructor({ environment, files }: ConfigSystem) {
    this.#environment = environment;
    this.#files = files;
  }

  /**
   * Reads the configuration. A file that does not exist counts as empty, but at least one of those that KRB5_CONFIG names must exist.
   * A file that may not be read is an error, never empty: another configuration would mean other KDCs.
   *
   * @throws {KerberosError} `BAD_CONFIG`
   */
  load(options: LoadConfigOptions = {}): KerberosConfig {
    const reading = this.read(options);
    return reading === undefined ? DEFAULT_CONFIG : configOf(reading.profile);
  }

  /**
   * Reads the files; `undefined` if KRB5_CONFIG is not set, and no file is there.
   *
   * @throws {KerberosError} As {@linkcode load}.
   */
  read({ paths }: LoadConfigOptions = {}): ProfileReading | undefined {
    const variable = paths === undefined ? this.#variable("KRB5_CONFIG", "configuration to read") : undefined;
    const named = variable?.split(":").filter((path) => path !== "").map((path) => this.#ofHome(path));
    const found = (paths ?? named ?? [DEFAULT_PATH]).flatMap((path) => this.#sources(path));
    if (found.length > 0) return readProfile(...found);
    if (named === undefined) return undefined;
    throw new KerberosError(
      "BAD_CONFIG",
      `Cannot read configuration: KRB5_CONFIG is "${variable}", and no such file exists`,
    );
  }

  /** Name of the default credential cache: `KRB5CCNAME`, the configured one, or `FILE:/tmp/krb5cc_UID`. */
  ccacheName({ defaultCcacheName }: KerberosConfig): string {
    return this.#variable("KRB5CCNAME", "credential cache to use") ??
      expandTokens(defaultCcacheName ?? DEFAULT_NAMES.ccache, this.#environment, "set KRB5CCNAME");
  }

  /** Name of the default keytab: `KRB5_KTNAME`, the configured one, or `FILE:/etc/krb5.keytab`. */
  keytabName({ defaultKeytabName }: KerberosConfig): string {
    return this.#variable("KRB5_KTNAME", "keytab to use") ??
      expandTokens(defaultKeytabName ?? DEFAULT_NAMES.keytab, this.#environment, WITHOUT_NUMBER);
  }

  /** Name of the default keytab of a client. */
  clientKeytabName({ defaultClientKeytabName }: KerberosConfig): string {
    return this.#variable("KRB5_CLIENT_KTNAME", "client keytab to use") ??
      expandTokens(defaultClientKeytabName ?? DEFAULT_NAMES.clientKeytab, this.#environment, WITHOUT_NUMBER);
  }

  /** `~/` in front stands for the home folder. */
  #ofHome(path: string): string {
    if (!path.startsWith("~/")) return path;
    return `${this.#variable("HOME", "configuration to read") ?? "~"}${path.slice(1)}`;
  }

  /** A file, or the files of a folder; none if it does not exist. */
  #sources(path: string): readonly ProfileSource[] {
    try {
      const source = this.#read(path);
      return source === undefined ? [] : source === "folder" ? this.#inFolder(path) : [source];
    } catch (error) {
      throw systemFailure("BAD_CONFIG", `Cannot read ${path}`, error);
    }
  }

  #read(path: string): ProfileSource | "folder" | undefined {
    const file = this.#attempt(path);
    if (file === undefined || file === "folder") return file;
    const text = new TextDecoder().decode(file.bytes);
    const include = (named: string, directory: boolean) => directory ? this.#inFolder(named) : this.#required(named);
    return { name: path, text, include };
  }

  #attempt(path: string): ReturnType<ConfigFiles["readSync"]> | "folder" {
    try {
      return this.#files.readSync(path);
    } catch (error) {
      if (this.#isFolder(path)) return "folder";
      throw error;
    }
  }

  #isFolder(path: string): boolean {
    try {
      return this.#files.namesIn(path) !== undefined;
    } catch {
      return false;
    }
  }

  /** A file that must exist. Nothing is read of a folder, as MIT has it. */
  #required(path: string): readonly ProfileSource[] {
    const source = path === "" ? undefined : this.#read(path);
    if (source === undefined) throw new Error("No such file or directory");
    return source === "folder" ? [] : [source];
  }

  /** The files that `includedir` takes: names of letters, digits, `-` and `_`, or ones that end in `.conf`, and no hidden ones. */
  #inFolder(folder: string): readonly ProfileSource[] {
    const names = this.#files.namesIn(folder).filter((name) =>
      /^[A-Za-z0-9_-]+$/.test(name) || (!name.startsWith(".") && name.endsWith(".conf"))
    );
    return names.sort().flatMap((name) => {
      const path = `${folder.replace(/\/$/, "")}/${name}`;
      try {
        return this.#required(path);
      } catch (error) {
        throw new Error(`${path}: ${reasonText(error)}`, {
          cause: error instanceof Error ? error.cause ?? error : error,
        });
      }
    });
  }

  /**
   * An environment variable. One that may not be read is an error: without it another identity or configuration would be used
   * unnoticed. So is one that is set and empty, as with MIT's tools.
   */
  #variable(name: string, choice: string): string | undefined {
    let value: string | undefined;
    try {
      value = this.#environment.variable(name);
    } catch (error) {
      throw systemFailure("BAD_CONFIG", `Cannot tell which ${choice}`, error);
    }
    if (value !== "") return value;
    throw new KerberosError(
      "BAD_CONFIG",
      `Cannot tell which ${choice}: the environment variable ${name} is set and empty`,
    );
  }
}
