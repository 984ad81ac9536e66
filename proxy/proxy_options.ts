/**
 * How a proxy is used: what every way of going through one takes.
 *
 * @module
 */
import type { GssInitiatorCredential } from "../gss/mechanism.ts";
import { spnegoInitiator } from "../gss/spnego/initiator.ts";
import type { TicketSource } from "../kerberos/client/tickets.ts";
import { KerberosInitiatorCredential } from "../kerberos/mech/credentials.ts";
import { systemTickets } from "../kerberos/system_tickets.ts";
import { gssapiClient } from "../socks/auth/gssapi.ts";
import type { ClientAuthMethod } from "../socks/auth/method.ts";
import { connectThrough } from "../socks/client.ts";
import type { Dialer } from "../socks/stream/connection.ts";
import { dialTcp } from "../socks/stream/deno.ts";
import type { ProtectionLevel } from "../socks/stream/protected.ts";
import { type Endpoint, parseEndpointText } from "../socks/wire/address.ts";

/** Port of a proxy or server that names none. */
export const SOCKS_PORT = 1080;

/** How a proxy is used. */
export interface ProxyOptions {
  /** Proxy: an endpoint, or `host:port` (the port defaults to 1080). Its host is also that of its Kerberos service. */
  readonly proxy: Endpoint | string;
  /** Tickets for GSS-API. @default {systemTickets(): krb5.conf and the ordinary credential cache} */
  readonly credentials?: TicketSource;
  /** Methods offered instead of GSS-API with {@linkcode credentials}. */
  readonly auth?: readonly ClientAuthMethod[];
  /** Service that the proxy runs as. @default {"rcmd"} */
  readonly service?: string;
  /** Protection to ask for. @default {"confidentiality"} */
  readonly protection?: ProtectionLevel;
  /** Weakest protection to accept. @default {the one asked for} */
  readonly minimumProtection?: ProtectionLevel;
  /** Whether SPNEGO (RFC 4178) goes around Kerberos, for a proxy that asks for it. @default {false} */
  readonly spnego?: boolean;
  /** Whether the proxy gets the user's own credentials. @default {false} */
  readonly delegate?: boolean;
  /**
   * Whether the level of protection is agreed upon in clear, as NEC's reference code does. Whoever is on the way can
   * change it then.
   *
   * @default {false}
   */
  readonly insecureNecMode?: boolean;
  /** How the proxy itself is reached. @default {TCP} */
  readonly dial?: Dialer;
}

/** A proxy with the methods to offer it, and the way to it. */
export interface Upstream {
  /** The proxy. */
  readonly proxy: Endpoint;
  /** Methods offered. */
  readonly auth: readonly ClientAuthMethod[];
  /** How it is reached. */
  readonly dial: Dialer;
}

/** Reads {@linkcode ProxyOptions}. */
export function upstreamOf(options: ProxyOptions): Upstream {
  const { service, protection, minimumProtection, delegate, insecureNecMode } = options;
  const proxy = typeof options.proxy === "string" ? parseEndpointText(options.proxy, SOCKS_PORT) : options.proxy;
  const auth = options.auth ?? [gssapiClient({
    credential: initiatorOf(options),
    ...(service === undefined ? {} : { service }),
    ...(protection === undefined ? {} : { protection }),
    ...(minimumProtection === undefined ? {} : { minimumProtection }),
    ...(delegate === undefined ? {} : { delegate }),
    ...(insecureNecMode === undefined ? {} : { insecureNecMode }),
  })];
  return { proxy, auth, dial: options.dial ?? dialTcp };
}

function initiatorOf({ credentials = systemTickets(), spnego }: ProxyOptions): GssInitiatorCredential {
  const kerberos = new KerberosInitiatorCredential(credentials);
  return spnego ? spnegoInitiator(kerberos) : kerberos;
}

/**
 * A dialer that goes through a proxy: for chains of proxies, each with methods of its own, and for everything else that
 * takes a dialer.
 *
 * @example A proxy behind another one
 * ```ts
 * import { connect, dialThrough, passwordClient } from "@gssocks/gssocks";
 *
 * export async function reach(username: string, password: string): Promise<void> {
 *   const outer = dialThrough({ proxy: "outer.example.com", auth: [passwordClient({ username, password })] });
 *   await using connection = await connect({ proxy: "inner.example.com", dial: outer, hostname: "intranet", port: 80 });
 *   await connection.write(new TextEncoder().encode("hello"));
 * }
 * ```
 */
export function dialThrough(options: ProxyOptions): Dialer {
  const upstream = upstreamOf(options);
  return async (target, { signal }) =>
    (await connectThrough({ ...upstream, target, timeout: Infinity, signal })).connection;
}
