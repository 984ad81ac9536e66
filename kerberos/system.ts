/**
 * The tickets of whoever runs the program: krb5.conf, the ordinary credential cache, KDCs over the network. Every part
 * can be given instead of found.
 *
 * @module
 */
import { keytabKey, passwordKey } from "./exchange/client_key.ts";
import { KdcClient, type KdcTransport } from "./reach/kdc_client.ts";
import { KerberosTickets, type KerberosTicketsOptions } from "./credentials/tickets/tickets.ts";
import { denoResolveSrv, denoTransport } from "./reach/socket_transport.ts";
import type { KerberosConfig } from "./config/krb5_conf.ts";
import { defaultCcacheName, loadConfig } from "./config/load.ts";
import { parsePrincipal } from "./principal.ts";
import { type CredentialCache, MemoryCredentialCache } from "./credentials/cache.ts";
import { FileCredentialCache, readKeytab } from "./credentials/caches/file.ts";
import type { Keytab } from "./credentials/formats/keytab.ts";

/** Where tickets come from. */
export interface SystemTicketsOptions {
  /** Configuration. @default {KRB5_CONFIG, or /etc/krb5.conf} */
  readonly config?: KerberosConfig | undefined;
  /** Credential cache. @default {KRB5CCNAME or the configured one; memory where a password or keytab is given} */
  readonly cache?: CredentialCache | undefined;
  /** Client, such as `alice` or `alice@EXAMPLE.COM`. Needed with a password or keytab. */
  readonly principal?: string | undefined;
  /** Password of the client. */
  readonly password?: string | undefined;
  /** Keytab with a key of the client, or the file that it is in. */
  readonly keytab?: Keytab | string | undefined;
  /** How KDCs are reached. @default {TCP, then UDP} */
  readonly transport?: KdcTransport | undefined;
}

/**
 * Tickets as the options say.
 *
 * @throws {KerberosError} `BAD_CONFIG`; `NO_CREDENTIALS` when no cache can be named; `BAD_FILE` when the keytab cannot be read.
 * @throws {TypeError} When there is a password or a keytab and nothing says whose.
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

function initialOf(options: SystemTicketsOptions, config: KerberosConfig): KerberosTicketsOptions["initial"] {
  const { principal, password, keytab } = options;
  if (password === undefined && keytab === undefined) return undefined;
  if (principal === undefined) throw new TypeError("Cannot get tickets: a password or keytab needs a principal");
  const client = parsePrincipal(principal, { defaultRealm: config.defaultRealm ?? "" });
  if (password !== undefined) return { client, key: passwordKey(password) };
  return { client, key: keytabKey(typeof keytab === "string" ? readKeytab(keytab) : keytab!, client) };
}
