/**
 * Finds and reads configuration as MIT krb5 does: the files of `KRB5_CONFIG`, or `/etc/krb5.conf`; and the names of the default cache
 * and keytab.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { KerberosError } from "../errors.ts";
import { DEFAULT_CONFIG, type KerberosConfig } from "./krb5_conf.ts";
import { parseKrb5Conf } from "./parse.ts";
import type { ProfileSource } from "./profile.ts";
import { systemFailure } from "./system_error.ts";

const DEFAULT_PATH = "/etc/krb5.conf";

/** Access to environment variables and to the user's number. Each platform implements it in a `shell/` folder. */
export interface Environment {
  /**
   * Returns the value of a variable; `undefined` if it is not set.
   *
   * @throws {Error} If it may not be read; the message is the reason.
   */
  variable(name: string): string | undefined;
  /** Returns the user's number; `undefined` if it is not known. */
  userNumber(): number | undefined;
}

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
    const variable = options.paths === undefined ? this.#variable("KRB5_CONFIG", "configuration to read") : undefined;
    const named = variable?.split(":").filter((path) => path !== "");
    const sources = (options.paths ?? named ?? [DEFAULT_PATH]).map((path) => this.#source(path));
    const found = sources.filter((source) => source !== undefined);
    if (found.length > 0) return parseKrb5Conf(...found);
    if (named === undefined) return DEFAULT_CONFIG;
    throw new KerberosError(
      "BAD_CONFIG",
      `Cannot read configuration: KRB5_CONFIG is "${variable}", and no such file exists`,
    );
  }

  /** Name of the default credential cache: `KRB5CCNAME`, the configured one, or `FILE:/tmp/krb5cc_UID`. */
  ccacheName({ defaultCcacheName }: KerberosConfig): string {
    return this.#variable("KRB5CCNAME", "credential cache to use") ??
      this.#expanded(defaultCcacheName ?? "FILE:/tmp/krb5cc_%{uid}");
  }

  /** Name of the default keytab: `KRB5_KTNAME`, the configured one, or `FILE:/etc/krb5.keytab`. */
  keytabName({ defaultKeytabName }: KerberosConfig): string {
    return this.#variable("KRB5_KTNAME", "keytab to use") ??
      this.#expanded(defaultKeytabName ?? "FILE:/etc/krb5.keytab");
  }

  /** Name of the default keytab of a client. */
  clientKeytabName({ defaultClientKeytabName }: KerberosConfig): string {
    return this.#variable("KRB5_CLIENT_KTNAME", "client keytab to use") ??
      this.#expanded(defaultClientKeytabName ?? "FILE:/var/krb5/user/%{euid}/client.keytab");
  }

  #source(path: string): ProfileSource | undefined {
    try {
      return this.#read(path);
    } catch (error) {
      throw systemFailure("BAD_CONFIG", `Cannot read ${path}`, error);
    }
  }

  #read(path: string): ProfileSource | undefined {
    const file = this.#files.readSync(path);
    if (file === undefined) return undefined;
    const text = new TextDecoder().decode(file.bytes);
    return { name: path, text, include: (named, directory) => this.#included(path, named, directory) };
  }

  /** `includedir` takes names of letters, digits, `-` and `_`, or ones that end in `.conf`, and no hidden ones. */
  #included(from: string, path: string, directory: boolean): readonly ProfileSource[] {
    const required = (name: string): ProfileSource => {
      const source = this.#read(name);
      if (source === undefined) throw new Error("No such file or directory");
      return source;
    };
    try {
      if (!directory) return [required(path)];
      const names = this.#files.namesIn(path);
      return names.filter((name) => /^[A-Za-z0-9_-]+$/.test(name) || /^[^.].*\.conf$/.test(name)).sort()
        .map((name) => required(`${path.replace(/\/$/, "")}/${name}`));
    } catch (error) {
      throw systemFailure("BAD_CONFIG", `Cannot read ${path}, which ${from} includes`, error);
    }
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

  /** Expands the parameters of a path. */
  #expanded(name: string): string {
    return name.replace(/%\{([^}]*)\}/g, (_, token: string) => {
      switch (token) {
        case "uid":
        case "euid":
        case "USERID":
          return this.#userNumber(name);
        case "TEMP":
          return this.#temporaryFolder(name);
        case "null":
          return "";
        default:
          throw new KerberosError("BAD_CONFIG", `Cannot expand ${name}: %{${token}} is not known`);
      }
    });
  }

  #userNumber(name: string): string {
    const uid = this.#environment.userNumber();
    if (uid === undefined) {
      throw new KerberosError("NO_CREDENTIALS", `Cannot expand ${name}: set KRB5CCNAME, or allow --allow-sys=uid`);
    }
    return String(uid);
  }

  #temporaryFolder(name: string): string {
    try {
      return this.#environment.variable("TMPDIR") || "/tmp";
    } catch (error) {
      throw systemFailure("BAD_CONFIG", `Cannot expand ${name}`, error);
    }
  }
}
