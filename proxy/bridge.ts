/**
 * The bridge: a local server without authentication that relays everything through a proxy with Kerberos.
 *
 * @module
 */
import { OTHER_PROTOCOLS } from "../socks/server/front/options.ts";
import { noAuthentication } from "../socks/auth/none.ts";
import { AssociateCommand } from "../socks/server/commands/associate.ts";
import { bindUpstream, datagramsUpstream, openUpstream, resolveUpstream } from "../socks/server/targets/upstream.ts";
import { isLoopback } from "../socks/rules/special_ranges.ts";
import { SocksServer } from "../socks/server/server.ts";
import { parseIp } from "../socks/wire/ip.ts";
import { system } from "./default_system.ts";
import { type Forward, forwardOf, type ForwardOptions } from "./forwards.ts";
import { checkBridgePlaces } from "./moved_options.ts";
import { type ProxyOptions, upstreamOf } from "./proxy_options.ts";
import { checkAssociations, type ListenerOptions, type RunningServer, start, withListeners } from "./running.ts";

/**
 * Options of {@linkcode bridge}. Three defaults differ from those of `serve`: `timeouts.connect` is 60000, and
 * `limits.sessionsPerSource` and `limits.sessionsPerNetwork` are `Infinity`, because all clients are on this machine.
 */
export type BridgeOptions = ProxyOptions & ListenerOptions & ForwardedPorts;

/** Ports for programs that know no proxy. */
export interface ForwardedPorts {
  /**
   * Ports of this machine that lead to one target each, through the proxy: `"127.0.0.1:5432=db.example.com:5432"`, `"5432=..."`,
   * `"unix:/run/db.sock=..."`, or objects.
   *
   * @default {none}
   */
  readonly forwards?: readonly (string | ForwardOptions)[] | undefined;
}

/**
 * Starts a bridge: a proxy without authentication, on this machine only, that carries everything through a proxy with
 * Kerberos. It speaks SOCKS5, SOCKS4 and HTTP (CONNECT and `http:` requests) on one port, so that browsers, `fetch`, git and npm use the proxy
 * through it; datagrams and BIND go through it too. Every user of this machine can use it, with the rights
 * of the tickets.
 *
 * @throws {TypeError} When an address to listen on is not a loopback address, a forward is none, a time, a limit or the port is invalid, or both
 * `listeners` and a place to listen are given.
 * @throws {Deno.errors.AddrInUse} When the port is in use; other errors of the system as `Deno.listen` has them.
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
  const { listeners = [], forwards = [] } = options;
  const given = [...forwards].flatMap((forward) =>
    typeof forward === "object" && "accept" in forward.listen ? [forward.listen] : []
  );
  return withListeners({ listeners: [...listeners, ...given] }, () => startBridge(options));
}

function startBridge(options: BridgeOptions): RunningServer {
  checkBridgePlaces(options);
  const forwards = forwardsOf(options);
  checkLoopback(options, forwards);
  checkAssociations(options.datagrams);
  const upstream = upstreamOf(system, options);
  const { connect = 60_000 } = options.timeouts ?? {};
  const { sessionsPerSource = Infinity, sessionsPerNetwork = Infinity } = options.limits ?? {};
  const { announce, idleTimeout, maxAssociations } = options.datagrams ?? {};
  const server = new SocksServer({
    auth: [noAuthentication()],
    protocols: options.protocols ?? OTHER_PROTOCOLS,
    // All clients are programs on this machine: the reason is for their user.
    tellReasons: true,
    timeouts: { ...options.timeouts, connect },
    // All of its clients are on this machine.
    limits: { ...options.limits, sessionsPerSource, sessionsPerNetwork },
    signal: options.signal,
    onEvent: options.onEvent,
    onTrouble: options.onTrouble,
    open: openUpstream(upstream),
    bind: bindUpstream(upstream),
    resolve: resolveUpstream(upstream),
    associate: new AssociateCommand({
      announce,
      idleTimeout,
      maxAssociations,
      bind: system.sockets.bindDatagrams,
      open: datagramsUpstream({ ...upstream, bind: system.sockets.bindDatagrams, resolve: system.resolve }),
    }),
  });
  return start(system, server, options, forwards);
}

/** A bridge does not authenticate clients, so only loopback addresses are allowed; so are listeners without an address. */
function checkLoopback({ hostname = "localhost", listeners }: BridgeOptions, forwards: readonly Forward[]): void {
  const own = listeners?.map(({ addr }) => addr.hostname).filter((host) => parseIp(host) !== undefined) ?? [hostname];
  const hosts = [...own, ...forwards.map((forward) => forward.hostname ?? "localhost")];
  const elsewhere = hosts.find((host) => !isLoopback(host));
  if (elsewhere === undefined) return;
  throw new TypeError(
    `Cannot start bridge on ${elsewhere}: only loopback addresses are allowed, because the bridge does not authenticate clients`,
  );
}

function forwardsOf({ forwards = [] }: ForwardedPorts): readonly Forward[] {
  if (!Array.isArray(forwards)) throw new TypeError("Cannot use forwards: it must be a list");
  return forwards.map(forwardOf);
}
