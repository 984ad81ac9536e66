/**
 * SOCKS5 with Kerberos (RFC 1928, 1929, 1961): a client, a server, and a bridge that lets programs without Kerberos use
 * a Kerberos proxy.
 *
 * @example All three, with an embedded KDC
 * ```ts
 * import { connect, serve, systemTickets } from "@gssocks/gssocks";
 * import { startTestKdc } from "@gssocks/gssocks/kerberos/kdc";
 *
 * await using kdc = await startTestKdc({ principals: { alice: "secret", "rcmd/localhost": {} } });
 * await using origin = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => new Response("hello"));
 * await using server = serve({ port: 0, keytab: kdc.keytab("rcmd/localhost"), rules: ["allow localhost"] });
 *
 * await using connection = await connect({
 *   proxy: { hostname: "localhost", port: server.addr.port },
 *   hostname: "127.0.0.1",
 *   port: origin.addr.port,
 *   credentials: systemTickets({ config: kdc.config, principal: "alice", password: "secret" }),
 * });
 * await connection.write(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
 * const answer = await new Response(connection.readable).text();
 * if (!answer.endsWith("hello")) throw new Error(answer);
 * ```
 *
 * @module
 */
import { KerberosAcceptorCredential, KerberosInitiatorCredential } from "./kerberos/mech/credentials.ts";
import type { ReplayCache } from "./kerberos/mech/replay_cache.ts";
import type { TicketSource } from "./kerberos/client/tickets.ts";
import type { Keytab } from "./kerberos/stores/keytab.ts";
import { readKeytab } from "./kerberos/stores/files.ts";
import { systemTickets } from "./kerberos/system_tickets.ts";
import { gssapiClient, gssapiServer, type GssapiServerOptions } from "./socks/auth/gssapi.ts";
import { type ClientAuthMethod, noAuthentication, type ServerAuthMethod } from "./socks/auth/method.ts";
import { type PasswordCheck, passwordServer } from "./socks/auth/password.ts";
import { connectThrough } from "./socks/client.ts";
import { openDirectly, openThrough } from "./socks/open_target.ts";
import { parseRule, type Rule, type RuleAction, RuleSet } from "./socks/rules/rules.ts";
import { specialKind } from "./socks/rules/special_ranges.ts";
import { type ServerEvent, type ShutdownOptions, SocksServer } from "./socks/server.ts";
import { SocksConnection } from "./socks/socks_connection.ts";
import type { Dialer } from "./socks/stream/connection.ts";
import { dialTcp, listenTcp, type Resolver, systemResolver } from "./socks/stream/deno.ts";
import type { ProtectionLevel } from "./socks/stream/protected.ts";
import { type Endpoint, parseEndpointText } from "./socks/wire/address.ts";
import { parseIp } from "./socks/wire/ip.ts";

export { type GssName, hostbasedService } from "./gss/names.ts";
export { GssError } from "./gss/status.ts";
export { KdcError, KerberosError } from "./kerberos/errors.ts";
export { systemTickets, type SystemTicketsOptions } from "./kerberos/system_tickets.ts";
export { noAuthentication } from "./socks/auth/method.ts";
export { fixedPasswords, type PasswordCheck, passwordClient } from "./socks/auth/password.ts";
export { SocksAuthError, SocksError, SocksProtocolError, SocksReplyError, SocksTimeoutError } from "./socks/errors.ts";
export type { ServerEvent, ShutdownOptions } from "./socks/server.ts";
export { SocksConnection } from "./socks/socks_connection.ts";
export type { ProtectionLevel } from "./socks/stream/protected.ts";
export type { Endpoint } from "./socks/wire/address.ts";

const SOCKS_PORT = 1080;

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
  /** Whether the proxy gets the user's own credentials. @default {false} */
  readonly delegate?: boolean;
  /** How the proxy itself is reached. @default {TCP} */
  readonly dial?: Dialer;
}

/** What {@linkcode connect} takes. */
export interface ConnectOptions extends ProxyOptions {
  /** Host of the target. A name goes to the proxy as it is. */
  readonly hostname: string;
  /** Port of the target. */
  readonly port: number;
  /** Time until the target is reached, in milliseconds. @default {60000} */
  readonly timeout?: number;
  /** Ends the attempt, and closes the connection. */
  readonly signal?: AbortSignal;
}

/**
 * Connects to a target through a SOCKS5 proxy, in the manner of `Deno.connect`.
 *
 * @throws {SocksReplyError} The proxy cannot or will not reach the target, or cannot be reached itself.
 * @throws {SocksAuthError} Authentication failed, or the protection would be too weak.
 * @throws {SocksProtocolError} The proxy broke the protocol.
 * @throws {SocksTimeoutError} It took too long.
 *
 * @example
 * ```ts
 * import { connect } from "@gssocks/gssocks";
 *
 * export async function fetchPage(): Promise<string> {
 *   await using connection = await connect({ proxy: "proxy.example.com:1080", hostname: "intranet", port: 80 });
 *   await connection.write(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
 *   return await new Response(connection.readable).text();
 * }
 * ```
 */
export async function connect(options: ConnectOptions): Promise<SocksConnection> {
  const { hostname, port, signal, timeout } = options;
  const target = { hostname, port };
  const made = await connectThrough({ target, ...upstreamOf(options), timeout, signal });
  if (signal?.aborted) {
    made.connection.close();
    throw signal.reason;
  }
  return new SocksConnection(made, target, signal);
}

function upstreamOf(options: ProxyOptions): { proxy: Endpoint; auth: readonly ClientAuthMethod[]; dial: Dialer } {
  const { service, protection, minimumProtection, delegate } = options;
  const proxy = typeof options.proxy === "string" ? parseEndpointText(options.proxy, SOCKS_PORT) : options.proxy;
  const auth = options.auth ?? [gssapiClient({
    credential: new KerberosInitiatorCredential(options.credentials ?? systemTickets()),
    ...(service === undefined ? {} : { service }),
    ...(protection === undefined ? {} : { protection }),
    ...(minimumProtection === undefined ? {} : { minimumProtection }),
    ...(delegate === undefined ? {} : { delegate }),
  })];
  return { proxy, auth, dial: options.dial ?? dialTcp };
}

/** What the servers have in common. */
export interface ListenerOptions {
  /** Address to listen on. @default {"127.0.0.1"} */
  readonly hostname?: string;
  /** Port to listen on, 0 for a free one. @default {1080} */
  readonly port?: number;
  /**
   * Whether other servers may listen on the same port. Linux spreads the connections over them. They must share a
   * {@linkcode ServeOptions.replayCache}. Needs `deno run --unstable-net`.
   *
   * @default {false}
   */
  readonly reusePort?: boolean;
  /** Ends the server at once, with all its sessions. */
  readonly signal?: AbortSignal;
  /** Time for greeting, authentication and request, in milliseconds. @default {10000} */
  readonly handshakeTimeout?: number;
  /** Time for reaching a target, in milliseconds. @default {30000} */
  readonly connectTimeout?: number;
  /** Time without an octet either way after which a connection is closed, in milliseconds. @default {Infinity} */
  readonly idleTimeout?: number;
  /** Sessions at one time. @default {10000} */
  readonly maxSessions?: number;
  /** Told where the server listens. */
  readonly onListen?: (address: Endpoint) => void;
  /** Told what happens. */
  readonly onEvent?: (event: ServerEvent) => void;
}

/** What {@linkcode serve} takes. */
export interface ServeOptions extends ListenerOptions {
  /** Keys of the service, or the file that they are in. Needed for GSS-API. */
  readonly keytab?: Keytab | string;
  /** Names of the services accepted, such as `rcmd`. @default {every one that has a key} */
  readonly services?: readonly string[];
  /** Levels of protection granted. @default {["confidentiality", "integrity", "selective"]} */
  readonly protection?: GssapiServerOptions["protection"];
  /** Authenticators seen before; share one between servers with the same keys. @default {one in memory} */
  readonly replayCache?: ReplayCache;
  /** Says which passwords are right; with it the method "password" is accepted. */
  readonly passwords?: PasswordCheck;
  /** Whether clients that name nobody are accepted. @default {false} */
  readonly allowUnauthenticated?: boolean;
  /** Whether a client that offers GSS-API must use it although "none" would do. @default {false} */
  readonly preferGssapi?: boolean;
  /**
   * Who may go where, the first that fits: `"allow 10.0.0.0/8:443"`, `"deny *"`; see `parseRule`. Addresses that are not
   * public are denied unless a rule names them.
   *
   * @default {[]}
   */
  readonly rules?: readonly (string | Rule)[];
  /** Looks names up. @default {the system's resolver} */
  readonly resolve?: Resolver;
  /** Connects to targets. @default {TCP} */
  readonly dial?: Dialer;
}

/** A running server, in the manner of `Deno.HttpServer`. */
export interface RunningServer extends AsyncDisposable {
  /** Where it listens. */
  readonly addr: Endpoint;
  /** Sessions under way. */
  readonly sessions: number;
  /** Resolved when it has ended. */
  readonly finished: Promise<void>;
  /** Accepts nobody any more and lets the sessions under way end. */
  shutdown(options?: ShutdownOptions): Promise<void>;
}

/**
 * Starts a SOCKS5 server, in the manner of `Deno.serve`.
 *
 * @throws {TypeError} When there is no method by which anybody could come in, or a rule cannot be read.
 * @throws {KerberosError} `BAD_FILE` when the keytab cannot be read.
 *
 * @example
 * ```ts
 * import { serve } from "@gssocks/gssocks";
 *
 * export async function main(): Promise<void> {
 *   const server = serve({ hostname: "0.0.0.0", keytab: "/etc/krb5.keytab", rules: ["allow 10.0.0.0/8"] });
 *   await server.finished;
 * }
 * ```
 */
export function serve(options: ServeOptions): RunningServer {
  const rules = new RuleSet((options.rules ?? []).map((rule) => typeof rule === "string" ? readRule(rule) : rule));
  const open = openDirectly({ rules, resolve: options.resolve ?? systemResolver, dial: options.dial ?? dialTcp });
  return start(
    new SocksServer({ ...options, auth: serverMethods(options), open }),
    options,
  );
}

function serverMethods(options: ServeOptions): ServerAuthMethod[] {
  const { keytab, services, protection, replayCache, passwords } = options;
  const methods: ServerAuthMethod[] = [];
  if (keytab !== undefined) {
    const credential = new KerberosAcceptorCredential({
      keys: typeof keytab === "string" ? readKeytab(keytab) : keytab,
      services,
      ...(replayCache === undefined ? {} : { replayCache }),
    });
    methods.push(gssapiServer({ credential, ...(protection === undefined ? {} : { protection }) }));
  }
  if (passwords !== undefined) methods.push(passwordServer(passwords));
  if (options.allowUnauthenticated) methods.push(noAuthentication());
  if (methods.length === 0) {
    throw new TypeError("Cannot serve: a keytab, passwords or allowUnauthenticated is needed for anybody to come in");
  }
  return methods;
}

/** `allow DESTINATION` or `deny DESTINATION`. */
function readRule(text: string): Rule {
  const parts = /^(allow|deny)\s+(\S+)$/.exec(text.trim());
  if (parts === null) throw new TypeError(`Cannot read rule ${JSON.stringify(text)}: "allow ..." or "deny ..." wanted`);
  return parseRule(parts[1] as RuleAction, parts[2]!);
}

/** What {@linkcode bridge} takes. */
export interface BridgeOptions extends ProxyOptions, ListenerOptions {}

/**
 * Starts a bridge: a SOCKS5 server without authentication, on this machine only, that carries everything through a proxy
 * with Kerberos. Browsers, `fetch`, git and npm use the proxy through it. Whoever can open a connection on this machine
 * can use it too, with the rights of the tickets.
 *
 * @throws {TypeError} When the address to listen on is not a loopback one.
 *
 * @example
 * ```ts
 * import { bridge } from "@gssocks/gssocks";
 *
 * export async function fetchPage(): Promise<string> {
 *   await using local = bridge({ proxy: "proxy.example.com", port: 0 });
 *   using client = Deno.createHttpClient({ proxy: { url: `socks5h://127.0.0.1:${local.addr.port}` } });
 *   return await (await fetch("https://intranet.example.com/", { client })).text();
 * }
 * ```
 */
export function bridge(options: BridgeOptions): RunningServer {
  const hostname = options.hostname ?? "127.0.0.1";
  const address = hostname === "localhost" ? "127.0.0.1" : hostname;
  const octets = parseIp(address);
  if (octets === undefined || specialKind(octets) !== "loopback") {
    throw new TypeError(
      `Cannot start bridge on ${hostname}: only loopback addresses are possible, since it asks nobody who he is`,
    );
  }
  const open = openThrough(upstreamOf(options));
  return start(
    new SocksServer({ ...options, connectTimeout: options.connectTimeout ?? 60_000, auth: [noAuthentication()], open }),
    { ...options, hostname: address },
  );
}

function start(server: SocksServer, options: ListenerOptions): RunningServer {
  const listener = listenTcp({
    hostname: options.hostname ?? "127.0.0.1",
    port: options.port ?? SOCKS_PORT,
    reusePort: options.reusePort ?? false,
  });
  const { addr } = listener;
  const finished = server.listen(listener).then(() => server.shutdown());
  options.onListen?.(addr);
  return {
    addr,
    finished,
    get sessions(): number {
      return server.sessions;
    },
    shutdown: (how) => server.shutdown(how).then(() => finished),
    async [Symbol.asyncDispose](): Promise<void> {
      await server[Symbol.asyncDispose]();
      await finished;
    },
  };
}
