/**
 * The two ways in which a server reaches a target: itself, by its rules, or through another proxy.
 *
 * @module
 */
import { type ConnectThroughOptions, requestThrough } from "./client.ts";
import type { TargetRequest } from "./commands/command.ts";
import type { OpenedTarget, OpenTarget } from "./commands/connect.ts";
import { SocksReplyError } from "./errors.ts";
import { firstToConnect } from "./happy_eyeballs.ts";
import { addressesOfJudged, isKnownHost, judgeName } from "./judged_addresses.ts";
import type { RuleSet } from "./rules/rules.ts";
import type { Connection, Dialer } from "./stream/connection.ts";
import type { Resolver } from "./names/resolver.ts";
import { normalEndpoint } from "./wire/host_name.ts";
import { Command } from "./wire/messages.ts";

/** What {@linkcode openDirectly} goes by. */
export interface OpenDirectlyOptions {
  /** Who may go where. */
  readonly rules: RuleSet | (() => RuleSet);
  /** Looks names up. */
  readonly resolve: Resolver;
  /** Connects to addresses. */
  readonly dial: Dialer;
  /** Proxies that rules name. */
  readonly upstreams?: Readonly<Record<string, OpenTarget>> | undefined;
}

/**
 * Judges the name, looks it up once, judges each address, and dials the addresses that passed, in their order, the next one
 * when the one before fails or is slow: the very ones that were judged. Where the rule that allowed a name also names an
 * upstream, the request goes there with the name; literal addresses and loopback names are judged as the addresses that they
 * are, and only those go anywhere.
 */
export function openDirectly({ rules, resolve, dial, upstreams = {} }: OpenDirectlyOptions): OpenTarget {
  return async (asked: TargetRequest): Promise<OpenedTarget> => {
    const request = normalEndpoint(asked);
    const { hostname, port, signal } = request;
    const current = typeof rules === "function" ? rules() : rules;
    const { rule } = judgeName(request, current);
    // A rule about the name decides before anything is looked up: behind an upstream, names may be nobody's here.
    if (rule?.upstream !== undefined && !isKnownHost(hostname)) return await through(rule.upstream, request);
    const judged = await addressesOfJudged(request, { rules: current, resolve });
    return await firstToConnect(
      judged.map(({ address, verdict: { rule } }) => async (signal: AbortSignal) =>
        rule?.upstream === undefined
          ? opened(await dial({ hostname: address, port }, { signal }))
          : await through(rule.upstream, { ...request, hostname: address, signal })
      ),
      signal,
    );
  };

  async function through(name: string, request: TargetRequest): Promise<OpenedTarget> {
    const upstream = Object.hasOwn(upstreams, name) ? upstreams[name] : undefined;
    if (upstream === undefined) throw new SocksReplyError("GENERAL_FAILURE", `There is no upstream "${name}"`);
    return await upstream(request);
  }
}

function opened(connection: Connection): OpenedTarget {
  return { connection, bound: connection.local ?? { hostname: "0.0.0.0", port: 0 } };
}

/** Hands every request on to another proxy, names included; that proxy's rules decide. */
export function openThrough(upstream: Omit<ConnectThroughOptions, "target" | "signal" | "timeout">): OpenTarget {
  return ({ hostname, port, signal }: TargetRequest): Promise<OpenedTarget> =>
    // What comes of it is the session's to end.
    requestThrough({ ...upstream, timeout: Infinity, signal }, Command.Connect, { hostname, port });
}
