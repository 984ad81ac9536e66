/**
 * Options of a proxy, shared by everything that uses one.
 *
 * @module
 */
import { spnegoInitiator } from "../gss/spnego/initiator.ts";
import type { TicketSource } from "../kerberos/credentials/ticket_source.ts";
import { KerberosInitiatorCredential } from "../kerberos/mech/credentials.ts";
import { gssapiClient } from "../socks/auth/gssapi/client.ts";
import type { ClientAuthMethod } from "../socks/auth/method.ts";
import { isAtLeast, PROTECTION_LEVELS, type ProtectionLevel } from "../socks/protection.ts";
import { checkEndpoint } from "../socks/argument_checks.ts";
import type { Dialer } from "../socks/stream/connection.ts";
import { type Endpoint, parseLocalEndpointText } from "../socks/wire/address.ts";
import type { ProxySystem } from "./system.ts";

/** Port of a proxy or server that names none. */
export const SOCKS_PORT = 1080;

/** Which proxy, and how it is reached. */
export interface ProxyAddress {
  /**
   * Proxy: an endpoint, `host:port` (default port 1080), or a URL such as `socks5h://host:port`, also as text. Its host is
   * also the host of its Kerberos service. The proxy looks up the names of targets, with `socks5:` and `socks5h:` alike. A URL with
   * a user name or a password is refused: give `auth: [passwordClient({ username, password })]`.
   */
  readonly proxy: Endpoint | string | URL;
  /** How the proxy itself is reached. @default {TCP} */
  readonly dial?: Dialer | undefined;
}

/** Options of GSS-API as the method for a proxy. */
export interface GssapiProxyOptions {
  /** Tickets. @default {systemTickets(): krb5.conf and the default credential cache} */
  readonly credentials?: TicketSource | undefined;
  /**
   * Service name of the proxy: `rcmd`, or `rcmd@proxy.example.com` (RFC 2743 section 4.1) with the host that its keytab has, for a
   * proxy that is reached by an address, an alias or a tunnel.
   *
   * @default {"rcmd", with the host of `proxy`}
   */
  readonly service?: string | undefined;
  /** Protection level requested. @default {"confidentiality"} */
  readonly protection?: ProtectionLevel | undefined;
  /** Weakest protection level accepted. @default {the one requested} */
  readonly minimumProtection?: ProtectionLevel | undefined;
  /** Whether to wrap Kerberos in SPNEGO (RFC 4178), for a proxy that requires it. @default {false} */
  readonly spnego?: boolean | undefined;
  /** Whether the proxy gets the user's own credentials. @default {false} */
  readonly delegate?: boolean | undefined;
  /**
   * Whether the protection level is negotiated in clear, as NEC's reference code does. An attacker on the path can change it.
   *
   * @default {false}
   */
  readonly insecureNecMode?: boolean | undefined;
}

/** Other methods for a proxy. */
export interface MethodsProxyOptions {
  /** Methods offered, in order of preference. For GSS-API among them, use `gssapiClient`. */
  readonly auth: readonly ClientAuthMethod[] | undefined;
}

/** None of the options of T. */
export type Without<T> = { readonly [K in keyof T]?: undefined };

/** Options of a proxy: GSS-API, which is the default, or other methods in `auth`, never both. */
export type ProxyOptions =
  & ProxyAddress
  & ((GssapiProxyOptions & Without<MethodsProxyOptions>) | (MethodsProxyOptions & Without<GssapiProxyOptions>));

/** A proxy with the methods to offer it, and the way to it. */
export interface Upstream {
  /** The proxy. */
  readonly proxy: Endpoint;
  /** Methods offered. */
  readonly auth: readonly ClientAuthMethod[];
  /** How it is reached. */
  readonly dial: Dialer;
}

/**
 * Reads {@linkcode ProxyOptions}.
 *
 * @throws {TypeError} When one is not what it must be, or two do not go together.
 */
export function upstreamOf(system: ProxySystem, options: ProxyOptions): Upstream {
  const { proxy, dial = system.sockets.dial } = options;
  return { proxy: proxyEndpoint(proxy), auth: methodsOf(system, options), dial };
}

/**
 * Reads {@linkcode ProxyOptions.proxy}.
 *
 * @throws {TypeError} When it is none. What it says of a password is in no error.
 */
export function proxyEndpoint(proxy: ProxyOptions["proxy"]): Endpoint {
  if (typeof proxy === "string") return endpointOfText(proxy);
  if (proxy instanceof URL) return endpointOfText(proxy.href);
  return checkEndpoint("proxy", proxy);
}

function endpointOfText(text: string): Endpoint {
  // What stands before it may be a password, so the text is in no error.
  if (text.includes("@")) {
    throw new TypeError(
      "Cannot use proxy: a user name and a password have no place in it; give auth: [passwordClient({ username, password })]",
    );
  }
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return parseLocalEndpointText(text, SOCKS_PORT);
  if (scheme !== "socks5" && scheme !== "socks5h") {
    throw new TypeError(
      `Cannot use proxy ${JSON.stringify(text)}: this is a client of SOCKS5 (socks5h://HOST:PORT) alone`,
    );
  }
  return parseLocalEndpointText(decodedHost(text.slice(scheme.length + "://".length).replace(/\/$/, "")), SOCKS_PORT);
}

/** URLs have names that are no ASCII in percent-encoding. */
function decodedHost(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Names of the options of GSS-API. */
const GSSAPI_OPTIONS = [
  "credentials",
  "service",
  "protection",
  "minimumProtection",
  "spnego",
  "delegate",
  "insecureNecMode",
] as const satisfies readonly (keyof GssapiProxyOptions)[];

function methodsOf(system: ProxySystem, options: ProxyOptions): readonly ClientAuthMethod[] {
  if (options.auth !== undefined) {
    // JavaScript may give both.
    const given: GssapiProxyOptions = options;
    const idle = GSSAPI_OPTIONS.filter((name) => given[name] !== undefined && given[name] !== false);
    if (idle.length === 0) return options.auth;
    throw new TypeError(`Cannot use ${idle.join(", ")} together with auth: give them to gssapiClient() there`);
  }
  const { credentials, service, spnego, protection = "confidentiality", delegate, insecureNecMode } = options;
  const { minimumProtection = protection } = options;
  for (const [name, level] of Object.entries({ protection, minimumProtection })) {
    if (PROTECTION_LEVELS.includes(level)) continue;
    throw new TypeError(`Cannot use ${name}: it is one of ${PROTECTION_LEVELS.join(", ")}`);
  }
  if (!isAtLeast(protection, minimumProtection)) {
    throw new TypeError(
      `Cannot use minimumProtection "${minimumProtection}": protection "${protection}" is less than that`,
    );
  }
  const kerberos = new KerberosInitiatorCredential(credentials ?? system.tickets());
  const credential = spnego ? spnegoInitiator(kerberos) : kerberos;
  return [gssapiClient({ credential, service, protection, minimumProtection, delegate, insecureNecMode })];
}
