/**
 * What a server does for its clients by way of another proxy: BIND and UDP ASSOCIATE, handed on as they are.
 *
 * @module
 */
import { requestFromProxy, type ThroughOptions } from "../../client/request.ts";
import type { ConnectThroughOptions } from "../../client/connect.ts";
import type { TargetRequest } from "../commands/command.ts";
import type { OpenedTarget, OpenTarget } from "../commands/connect.ts";
import { Command } from "../../wire/messages.ts";
import { ProxyBind } from "../../client/bind.ts";
import { resolveThrough } from "../../client/resolve.ts";
import type { OpenBind } from "../commands/bind.ts";
import { SocksProtocolError, SocksReplyError } from "../../errors.ts";
import type { ResolveHost } from "../commands/resolve.ts";
import { associateThrough, type AssociateThroughOptions } from "../../client/associate.ts";
import type { OpenDatagrams } from "../datagrams/egress.ts";
import { normalEndpoint } from "../../wire/host_name.ts";
import { parseIp } from "../../wire/ip.ts";

/** Has another proxy listen. */
export function bindWith(upstream: Omit<ThroughOptions, "signal" | "timeout">): OpenBind {
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

/** Sends datagrams through another proxy, names included; that proxy's rules decide. */
export function datagramsThrough(upstream: Omit<AssociateThroughOptions, "signal" | "timeout">): OpenDatagrams {
  return async ({ signal }, listener) => {
    const datagrams = await associateThrough({ ...upstream, signal });
    // The loop ends without a word where this side has closed it.
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

/** Has another proxy look hosts up. What is asked of it goes by the host: a literal address is its own, and a name is no address. */
export function resolveWith(upstream: Omit<ThroughOptions, "signal" | "timeout">): ResolveHost {
  return async (request, direction): Promise<string> => {
    const { hostname, signal } = normalEndpoint(request);
    const literal = parseIp(hostname) !== undefined;
    if (literal && direction === "address") return hostname;
    if (!literal && direction === "name") {
      throw new SocksReplyError("ADDRESS_TYPE_NOT_SUPPORTED", `${hostname} is no address`);
    }
    return await resolveThrough({ ...upstream, hostname, timeout: Infinity, signal });
  };
}

/** Hands every request on to another proxy, names included; that proxy's rules decide. */
export function openThrough(upstream: Omit<ConnectThroughOptions, "target" | "signal" | "timeout">): OpenTarget {
  return ({ hostname, port, signal }: TargetRequest): Promise<OpenedTarget> =>
    // What comes of it is the session's to end.
    requestFromProxy({ ...upstream, timeout: Infinity, signal }, Command.Connect, { hostname, port });
}
