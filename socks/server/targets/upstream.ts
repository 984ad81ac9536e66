/**
 * Requests that a server hands on to another proxy, names included: CONNECT, BIND, UDP ASSOCIATE, RESOLVE. The rules of that proxy
 * decide. The signal of a request ends the attempt; what comes of it belongs to the session.
 *
 * @module
 */
import { associateThrough, type AssociateThroughOptions } from "../../client/associate.ts";
import { ProxyBind } from "../../client/bind.ts";
import type { ConnectThroughOptions } from "../../client/connect.ts";
import { requestFromProxy, type ThroughOptions } from "../../client/request.ts";
import { resolveThrough } from "../../client/resolve.ts";
import { SocksProtocolError, SocksReplyError } from "../../errors.ts";
import { normalEndpoint } from "../../wire/host_name.ts";
import { parseIp } from "../../wire/ip.ts";
import { Command } from "../../wire/messages.ts";
import type { OpenBind, OpenDatagrams, OpenTarget, ResolveHost } from "./target.ts";

/**
 * Connects through another proxy.
 *
 * @example
 * ```ts
 * import { dialTcp, noAuthentication, openUpstream, type OpenTarget } from "@gssocks/gssocks/socks";
 *
 * export const open: OpenTarget = openUpstream({
 *   proxy: { hostname: "proxy.example.com", port: 1080 },
 *   auth: [noAuthentication()],
 *   dial: dialTcp,
 * });
 * ```
 */
export function openUpstream(upstream: Omit<ConnectThroughOptions, "target" | "signal" | "timeout">): OpenTarget {
  return async ({ hostname, port, signal }) => {
    const options = { ...upstream, timeout: Infinity, signal };
    const { connection, bound, protection, channel } = await requestFromProxy(options, Command.Connect, {
      hostname,
      port,
    });
    return { connection, bound, through: { proxy: upstream.proxy, user: channel.self ?? "", protection } };
  };
}

/**
 * Lets another proxy listen.
 *
 * @example
 * ```ts
 * import { dialTcp, noAuthentication, bindUpstream, type OpenBind } from "@gssocks/gssocks/socks";
 *
 * export const open: OpenBind = bindUpstream({
 *   proxy: { hostname: "proxy.example.com", port: 1080 },
 *   auth: [noAuthentication()],
 *   dial: dialTcp,
 * });
 * ```
 */
export function bindUpstream(upstream: Omit<ThroughOptions, "signal" | "timeout">): OpenBind {
  return async ({ hostname, port, signal }) => {
    const pending = await ProxyBind.open({ ...upstream, expected: { hostname, port }, timeout: Infinity, signal });
    return {
      bound: pending.bound,
      close: () => pending.close(),
      accept: async () => {
        const { connection, bound } = await pending.accept();
        return { connection, peer: bound };
      },
    };
  };
}

/**
 * Sends datagrams through another proxy.
 *
 * @example
 * ```ts
 * import { type OpenDatagrams, bindUdp, datagramsUpstream, dialTcp, noAuthentication, systemResolver } from "@gssocks/gssocks/socks";
 *
 * export const open: OpenDatagrams = datagramsUpstream({
 *   proxy: { hostname: "proxy.example.com", port: 1080 },
 *   auth: [noAuthentication()],
 *   dial: dialTcp,
 *   bind: bindUdp,
 *   resolve: systemResolver,
 * });
 * ```
 */
export function datagramsUpstream(upstream: Omit<AssociateThroughOptions, "signal" | "timeout">): OpenDatagrams {
  return async ({ signal }, listener) => {
    const datagrams = await associateThrough({ ...upstream, signal });
    // If this side closes the association, the loop just ends.
    const receiving = (async () => {
      for await (const [data, from] of datagrams) listener.onDatagram(data, from);
    })();
    receiving.catch((cause) =>
      listener.onEnd(new SocksProtocolError("UNEXPECTED_END", "Upstream has ended the association", { cause }))
    );
    return {
      send: async (data, to) => void await datagrams.send(data, to),
      close: () => datagrams.close(),
    };
  };
}

/**
 * Lets another proxy look hosts up: the address of a name, or the name of an address. The address of a literal address is that address;
 * the name of a name is refused.
 *
 * @example
 * ```ts
 * import { dialTcp, noAuthentication, resolveUpstream, type ResolveHost } from "@gssocks/gssocks/socks";
 *
 * export const open: ResolveHost = resolveUpstream({
 *   proxy: { hostname: "proxy.example.com", port: 1080 },
 *   auth: [noAuthentication()],
 *   dial: dialTcp,
 * });
 * ```
 */
export function resolveUpstream(upstream: Omit<ThroughOptions, "signal" | "timeout">): ResolveHost {
  return async (request, direction): Promise<string> => {
    const { hostname, signal } = normalEndpoint(request);
    const literal = parseIp(hostname) !== undefined;
    if (literal && direction === "address") return hostname;
    if (!literal && direction === "name") {
      throw new SocksReplyError("ADDRESS_TYPE_NOT_SUPPORTED", `${hostname} is not an address`);
    }
    return await resolveThrough({ ...upstream, hostname, timeout: Infinity, signal });
  };
}
