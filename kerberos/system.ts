/**
 * Kerberos on this machine: krb5.conf, the default credential cache and keytab, KDCs over the network. This file alone chooses them;
 * every part can be given instead.
 *
 * @module
 */
import type { Runtime } from "../base/runtime.ts";
import type { KerberosConfig } from "./config/krb5_conf.ts";
import { ConfigLoader, type LoadConfigOptions } from "./config/load.ts";
import type { ProfileReading } from "./config/profile_reader.ts";
import { systemEnvironment } from "./config/shell/environment.ts";
import type { CredentialCache } from "./credentials/cache.ts";
import { MemoryCredentialCache } from "./credentials/caches/memory.ts";
import type { Keytab } from "./credentials/formats/keytab.ts";
import { systemFiles } from "./credentials/shell/files.ts";
import { openCredentialCache, readKeytab } from "./credentials/shell/stores.ts";
import { KerberosTickets, type KerberosTicketsOptions } from "./credentials/tickets/tickets.ts";
import { traceKeytab } from "./credentials/keytabs/trace_keytab.ts";
import { KerberosError } from "./errors.ts";
import { type ClientKey, keytabKey } from "./exchange/client_key.ts";
import type { Principal } from "./principal.ts";
import { clientOf, initialFrom } from "./tickets_from.ts";
import { KdcClient } from "./reach/kdc_client.ts";
import { systemResolveSrv } from "./reach/shell/srv.ts";
import { systemTransport } from "./reach/shell/transport.ts";
import type { KerberosTracer } from "./reach/trace.ts";
import type { KdcTransport } from "./reach/transport.ts";

const loader = new ConfigLoader({ environment: systemEnvironment, files: systemFiles });

/**
 * Reads the configuration as MIT krb5 does. A file that does not exist counts as empty, but at least one of those that KRB5_CONFIG
 * names must exist. A file that may not be read is an error, never empty: another configuration would mean other KDCs.
 *
 * @throws {KerberosError} `BAD_CONFIG`
 *
 * @example
 * ```ts
 * import { loadConfig } from "@gssocks/gssocks/kerberos";
 *
 * export function realm(): string | undefined {
 *   return loadConfig().defaultRealm;
 * }
 * ```
 */
export function loadConfig(options: LoadConfigOptions = {}): KerberosConfig {
  return loader.load(options);
}

/**
 * Reads the files of the configuration; `undefined` if KRB5_CONFIG is not set, and there is no /etc/krb5.conf.
 *
 * @throws {KerberosError} As {@linkcode loadConfig}.
 */
export function readConfigFiles(): ProfileReading | undefined {
  return loader.read();
}

/**
 * Name of the credential cache to use: `KRB5CCNAME`, the configured one, or `FILE:/tmp/krb5cc_UID`.
 *
 * @throws {KerberosError} `NO_CREDENTIALS` if none is named and the user's number may not be read; `BAD_CONFIG` if `KRB5CCNAME` may
 * not be read or is empty, or the configured name has an unknown parameter.
 *
 * @example
 * ```ts
 * import { defaultCcacheName, loadConfig } from "@gssocks/gssocks/kerberos";
 *
 * export function whichCache(): string {
 *   return defaultCcacheName(loadConfig());
 * }
 * ```
 */
export function defaultCcacheName(config: KerberosConfig): string {
  return loader.ccacheName(config);
}

/**
 * Name of the keytab to use: `KRB5_KTNAME`, the configured one, or `FILE:/etc/krb5.keytab`.
 *
 * @throws {KerberosError} `BAD_CONFIG` if `KRB5_KTNAME` may not be read or is empty, or the configured name has an unknown parameter.
 *
 * @example
 * ```ts
 * import { defaultKeytabName, loadConfig } from "@gssocks/gssocks/kerberos";
 *
 * export function whichKeytab(): string {
 *   return defaultKeytabName(loadConfig());
 * }
 * ```
 */
export function defaultKeytabName(config: KerberosConfig): string {
  return loader.keytabName(config);
}

/**
 * Name of the keytab with the keys of this machine's user: `KRB5_CLIENT_KTNAME`, the configured one, or
 * `FILE:/var/krb5/user/UID/client.keytab`.
 *
 * @throws {KerberosError} `BAD_CONFIG` if `KRB5_CLIENT_KTNAME` may not be read or is empty, or the configured name has an unknown
 * parameter; `NO_CREDENTIALS` if the user's number may not be read.
 *
 * @example
 * ```ts
 * import { defaultClientKeytabName, loadConfig } from "@gssocks/gssocks/kerberos";
 *
 * export function whichClientKeytab(): string {
 *   return defaultClientKeytabName(loadConfig());
 * }
 * ```
 */
export function defaultClientKeytabName(config: KerberosConfig): string {
  return loader.clientKeytabName(config);
}

/** Parts of the system that {@linkcode systemTickets} uses unless others are given. */
export interface SystemParts {
  /** Configuration. @default {KRB5_CONFIG, or /etc/krb5.conf} */
  readonly config?: KerberosConfig | undefined;
  /** Credential cache; of a collection (`DIR:`, `KCM:`), the cache is used that fits the service. @default {KRB5CCNAME or the configured one; memory if a password or keytab is given} */
  readonly cache?: CredentialCache | undefined;
  /** How KDCs are reached. @default {TCP, then UDP} */
  readonly transport?: KdcTransport | undefined;
  /** Called with each step on the way to a ticket. @default {none} */
  readonly tracer?: KerberosTracer | undefined;
  /** Clock and randomness. @default {the system's} */
  readonly runtime?: Runtime | undefined;
}

/** Options of {@linkcode systemTickets} for the tickets in a cache. */
export interface CachedTicketsOptions extends SystemParts {
  /** Not used: the cache says whose tickets they are. */
  readonly principal?: undefined;
  /** Not used. */
  readonly password?: undefined;
  /** Not used. */
  readonly keytab?: undefined;
}

/** Options of {@linkcode systemTickets} for tickets of a client with a password. */
export interface PasswordTicketsOptions extends SystemParts {
  /** Client, such as `alice` or `alice@EXAMPLE.COM`. */
  readonly principal: string;
  /** Password of the client. */
  readonly password: string;
  /** Not used: a client has a password or a keytab. */
  readonly keytab?: undefined;
}

/** Options of {@linkcode systemTickets} for tickets of a client with a key in a keytab. */
export interface KeytabTicketsOptions extends SystemParts {
  /** Client, such as `backup` or `backup@EXAMPLE.COM`. */
  readonly principal: string;
  /** Keytab with a key of the client, or the name of its file. */
  readonly keytab: Keytab | string;
  /** Not used: a client has a password or a keytab. */
  readonly password?: undefined;
}

/** Options of {@linkcode systemTickets}: a cache alone, or a principal with a password or a keytab. */
export type SystemTicketsOptions = CachedTicketsOptions | PasswordTicketsOptions | KeytabTicketsOptions;

/**
 * Returns a source of tickets.
 *
 * @throws {KerberosError} `BAD_CONFIG`; `NO_CREDENTIALS` if no cache can be named; `BAD_FILE` if the keytab cannot be read, or the
 * default cache is of a kind that is not supported.
 * @throws {TypeError} If there is a password or a keytab without a principal, or both of them.
 *
 * @example
 * ```ts
 * import { systemTickets } from "@gssocks/gssocks";
 *
 * const tickets = systemTickets({ principal: "backup@EXAMPLE.COM", password: "secret" });
 * if (tickets.cache.name !== "MEMORY:") throw new Error("a password's tickets stay in memory");
 * ```
 */
export function systemTickets(options: SystemTicketsOptions = {}): KerberosTickets {
  const config = options.config ?? loadConfig();
  const { transport = systemTransport, runtime, tracer } = options;
  const kdc = new KdcClient({ config, transport, resolveSrv: systemResolveSrv, runtime, tracer });
  const initial = initialOf(options, config);
  const cache = options.cache ??
    (initial === undefined ? openCredentialCache(defaultCcacheName(config), config) : new MemoryCredentialCache());
  return new KerberosTickets({ config, kdc, cache, initial, runtime, tracer });
}

/** The client and its secret. */
function initialOf(options: SystemTicketsOptions, config: KerberosConfig): KerberosTicketsOptions["initial"] {
  const { keytab, tracer } = options;
  const client = clientOf(options, config);
  if (client === undefined || keytab === undefined) return initialFrom(client, options.password);
  const keys = typeof keytab === "string" ? readKeytab(keytab) : keytab;
  traceKeytab(tracer, { keytab: typeof keytab === "string" ? keytab : "in memory", keys, client });
  return { client, key: typeof keytab === "string" ? keytabFileKey(keytab, client) : keytabKey(keys, client) };
}

/** The keys of a client in a file, which is read again for each request to a KDC: keys are replaced while programs run. */
function keytabFileKey(name: string, client: Principal): ClientKey {
  let key = keytabKey(readKeytab(name), client, { name });
  return {
    usable(enctypes): readonly number[] {
      try {
        key = keytabKey(readKeytab(name), client, { name });
      } catch (error) {
        // The keys that were read before may still do.
        if (!(error instanceof KerberosError)) throw error;
      }
      return key.usable(enctypes);
    },
    keyFor: (parameters) => key.keyFor(parameters),
    describe: () => key.describe!(),
  };
}
