/**
 * The bridge: a server on this machine, without authentication, that carries everything through a proxy with Kerberos.
 *
 * @module
 */
import { noAuthentication } from "../socks/auth/none.ts";
import { AssociateCommand } from "../socks/server/commands/associate.ts";
import { bindUpstream, datagramsUpstream, openUpstream, resolveUpstream } from "../socks/server/targets/upstream.ts";
import { isLoopback } from "../socks/rules/special_ranges.ts";
import { SocksServer } from "../socks/server/server.ts";
import { systemResolver } from "../socks/shell/system_resolver.ts";
import { platform } from "../socks/shell/default_platform.ts";
import { parseIp } from "../socks/wire/ip.ts";
import { type ProxyOptions, upstreamOf } from "./proxy_options.ts";
import { checkDatagrams, type ListenerOptions, type RunningServer, start, withListeners } from "./running.ts";

/**
 * What {@linkcode bridge} takes. The defaults differ from those of `serve` in three places: `timeouts.connect` is 60000, and `limits.sessionsPerSource` and
 * `limits.sessionsPerNetwork` are `Infinity`, because all clients are on this machine.
 */
export interface BridgeOptions extends ProxyOptions, ListenerOptions {}

/**
 * Starts a bridge: a proxy without authentication, on this machine only, that carries everything through a proxy with
 * Kerberos. It speaks SOCKS5, SOCKS4 and HTTP's CONNECT on one port, so that browsers, `fetch`, git and npm use the proxy
 * through it; datagrams and BIND go through it too. Whoever can open a connection on this machine can use it, with the
 * rights of the tickets.
 *
 * @throws {TypeError} When the address to listen on, or that of a listener, is not a loopback one, a time, a limit or the port is none, or `listeners`
 * are given and a place to listen too.
 * @throws {Deno.errors.AddrInUse} When somebody else listens there; other errors of the system as `Deno.listen` has them.
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
  return withListeners(options, () => startBridge(options));
}

function startBridge(options: BridgeOptions): RunningServer {
  checkLoopback(options);
  checkDatagrams(options.datagrams);
  const upstream = upstreamOf(options);
  const { connect = 60_000 } = options.timeouts ?? {};
  const { sessionsPerSource = Infinity, sessionsPerNetwork = Infinity } = options.limits ?? {};
  const server = new SocksServer({
    ...options,
    protocols: options.protocols ?? ["socks4", "http"],
    timeouts: { ...options.timeouts, connect },
    // Whoever asks here is on this machine, and waits for what went wrong with his own tickets and his own proxy.
    tellReasons: true,
    // All of its clients are on this machine.
    limits: {
      ...options.limits,
      sessionsPerSource,
      sessionsPerNetwork,
    },
    auth: [noAuthentication()],
    open: openUpstream(upstream),
    bind: bindUpstream(upstream),
    resolve: resolveUpstream(upstream),
    associate: new AssociateCommand({
      ...options.datagrams,
      bind: platform.bindDatagrams,
      open: datagramsUpstream({ ...upstream, bind: platform.bindDatagrams, resolve: systemResolver }),
    }),
  });
  return start(server, options);
}

/** A bridge asks nobody who he is, so that nobody may reach it from elsewhere. What has no address is somebody's own affair. */
function checkLoopback({ hostname = "localhost", listeners }: BridgeOptions): void {
  const hosts = listeners?.map(({ addr }) => addr.hostname).filter((host) => parseIp(host) !== undefined) ?? [hostname];
  const elsewhere = hosts.find((host) => !isLoopback(host));
  if (elsewhere === undefined) return;
  throw new TypeError(
    `Cannot start bridge on ${elsewhere}: only loopback addresses are possible, since it asks nobody who he is`,
  );
}
