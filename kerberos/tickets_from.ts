/**
 * Tickets from what the caller gives: no file, no environment, no socket.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import type { Runtime } from "../base/runtime.ts";
import type { KerberosConfig } from "./config/krb5_conf.ts";
import { parseKrb5Conf } from "./config/parse.ts";
import { MemoryCredentialCache } from "./credentials/caches/memory.ts";
import { decodeCcache } from "./credentials/formats/ccache.ts";
import { Keytab } from "./credentials/formats/keytab.ts";
import { KerberosTickets, type KerberosTicketsOptions } from "./credentials/tickets/tickets.ts";
import { keytabKey, passwordKey } from "./exchange/client_key.ts";
import { parsePrincipal, type Principal } from "./principal.ts";
import { KdcClient } from "./reach/kdc_client.ts";
import type { KerberosTracer } from "./reach/trace.ts";
import type { KdcTransport } from "./reach/transport.ts";

/** Options of {@linkcode ticketsFrom}: a cache alone, or a principal with a password or a keytab. */
export interface TicketsFromOptions {
  /** Text of krb5.conf, or the result of `parseKrb5Conf`. It names the realm and its KDCs: the DNS is not asked. */
  readonly config: KerberosConfig | string;
  /** How KDCs are reached: `kdcThrough(dial)`, or a function over `fetch`. */
  readonly transport: KdcTransport;
  /** Client, such as `alice` or `alice@EXAMPLE.COM`. */
  readonly principal?: string | undefined;
  /** Password of the client. */
  readonly password?: string | undefined;
  /** Keytab with a key of the client, or the bytes of its file. */
  readonly keytab?: Keytab | Bytes | undefined;
  /** Tickets: the bytes of a credential cache's file. */
  readonly ccache?: Bytes | undefined;
  /** Called with each step on the way to a ticket. @default {none} */
  readonly tracer?: KerberosTracer | undefined;
  /** Clock and randomness. @default {the runtime's} */
  readonly runtime?: Runtime | undefined;
}

/**
 * Returns a source of tickets that uses nothing of the machine. Its tickets stay in memory.
 *
 * @throws {KerberosError} `BAD_CONFIG`, or `BAD_FILE` if the keytab or the cache cannot be decoded.
 * @throws {TypeError} If there is a password or a keytab without a principal, both of them, or none of them and no cache.
 *
 * @example
 * ```ts
 * import { type Dialer, kdcThrough, ticketsFrom, type KerberosTickets } from "@gssocks/gssocks/edge";
 *
 * export function tickets(dial: Dialer, password: string): KerberosTickets {
 *   const config = "[libdefaults]\n default_realm = EXAMPLE.COM\n[realms]\n EXAMPLE.COM = {\n  kdc = kdc.example.com\n }\n";
 *   return ticketsFrom({ config, transport: kdcThrough(dial), principal: "alice", password });
 * }
 * ```
 */
export function ticketsFrom(options: TicketsFromOptions): KerberosTickets {
  const { transport, runtime, tracer, keytab, password, ccache } = options;
  const config = typeof options.config === "string"
    ? parseKrb5Conf({ name: "config", text: options.config })
    : options.config;
  const client = clientOf(options, config);
  if (client === undefined && ccache === undefined) {
    throw new TypeError("Cannot get tickets: give a principal with a password or a keytab, or a ccache");
  }
  const keys = keytab instanceof Uint8Array ? Keytab.decode(keytab) : keytab;
  const initial = client !== undefined && keys !== undefined
    ? { client, key: keytabKey(keys, client) }
    : initialFrom(client, password);
  const cache = new MemoryCredentialCache(ccache === undefined ? undefined : decodeCcache(ccache));
  const kdc = new KdcClient({ config, transport, runtime, tracer });
  return new KerberosTickets({ config, kdc, cache, initial, runtime, tracer });
}

/** A client, with the secrets of which it must have one at most. */
interface ClientOptions {
  readonly principal?: string | undefined;
  readonly password?: string | undefined;
  readonly keytab?: unknown;
}

/**
 * Reads the client whose secret is given; `undefined` if there is no secret. Callers in JavaScript may give what the types exclude.
 *
 * @throws {TypeError} If there are two secrets, or one without a principal.
 */
export function clientOf(
  { principal, password, keytab }: ClientOptions,
  config: KerberosConfig,
): Principal | undefined {
  if (password === undefined && keytab === undefined) return undefined;
  if (password !== undefined && keytab !== undefined) {
    throw new TypeError("Cannot get tickets: give a password or a keytab, not both");
  }
  if (principal === undefined) throw new TypeError("Cannot get tickets: a password or keytab needs a principal");
  return parsePrincipal(principal, { defaultRealm: config.defaultRealm ?? "" });
}

/** The client with its password, if there is one. */
export function initialFrom(
  client: Principal | undefined,
  password: string | undefined,
): KerberosTicketsOptions["initial"] {
  return client === undefined || password === undefined ? undefined : { client, key: passwordKey(password) };
}
