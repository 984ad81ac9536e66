/**
 * The tickets of whoever runs the program: krb5.conf, the ordinary credential cache, KDCs over the network. Every part
 * can be given instead of found.
 *
 * @module
 */
import { type ClientKey, keytabKey, passwordKey } from "./client/client_key.ts";
import { KdcClient, type KdcTransport } from "./client/kdc_client.ts";
import { KerberosTickets } from "./client/tickets.ts";
import { denoResolveSrv, denoTransport } from "./client/transports.ts";
import type { KerberosConfig } from "./config/krb5_conf.ts";
import { defaultCcacheName, loadConfig } from "./config/load.ts";
import { parsePrincipal } from "./principal.ts";
import { type CredentialCache, MemoryCredentialCache } from "./stores/cache.ts";
import { FileCredentialCache } from "./stores/files.ts";
import type { Keytab } from "./stores/keytab.ts";

/** Where tickets come from. */
export interface SystemTicketsOptions {
  /** Configuration. @default {KRB5_CONFIG, or /etc/krb5.conf} */
  readonly config?: KerberosConfig;
  /** Credential cache. @default {KRB5CCNAME or the configured one; memory where a password or keytab is given} */
  readonly cache?: CredentialCache;
  /** Client, such as `alice` or `alice@EXAMPLE.COM`. Needed with a password or keytab. */
  readonly principal?: string;
  /** Password of the client. */
  readonly password?: string;
  /** Keytab with a key of the client. */
  readonly keytab?: Keytab;
  /** How KDCs are reached. @default {TCP, then UDP} */
  readonly transport?: KdcTransport;
}

/**
 * Tickets as the options say.
 *
 * @throws {KerberosError} `BAD_CONFIG`, or `NO_CREDENTIALS` when no cache can be named.
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
  const kdc = new KdcClient({ config, transport: options.transport ?? denoTransport, resolveSrv: denoResolveSrv });
  const initial = initialOf(options, config);
  const cache = options.cache ??
    (initial === undefined ? new FileCredentialCache(defaultCcacheName(config)) : new MemoryCredentialCache());
  return new KerberosTickets({ config, kdc, cache, initial });
}

function initialOf(options: SystemTicketsOptions, config: KerberosConfig) {
  const { principal, password, keytab } = options;
  if (password === undefined && keytab === undefined) return undefined;
  if (principal === undefined) throw new TypeError("Cannot get tickets: a password or keytab needs a principal");
  const client = parsePrincipal(principal, { defaultRealm: config.defaultRealm ?? "" });
  const key: ClientKey = password !== undefined ? passwordKey(password) : keytabKey(keytab!, client);
  return { client, key };
}
