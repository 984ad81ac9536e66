/**
 * The two ways in which a server reaches a target: itself, by its rules, or through another proxy.
 *
 * @module
 */
import { abortable } from "../../../base/deadline.ts";
import { interleaved } from "../../../base/interleaved.ts";
import type { TargetRequest } from "../commands/command.ts";
import type { OpenedTarget, OpenTarget } from "../commands/connect.ts";
import { SocksReplyError } from "../../errors.ts";
import { firstToConnect } from "./happy_eyeballs.ts";
import { addressesOfJudged, isKnownHost, judgeName } from "./judged_addresses.ts";
import { throughNat64 } from "../../names/nat64_prefixes.ts";
import type { RuleSet } from "../../rules/rule_set.ts";
import type { Nat64Source } from "../../rules/nat64.ts";
import type { Dialer } from "../../stream/connection.ts";
import type { Resolver } from "../../names/resolver.ts";
import type { Endpoint } from "../../wire/address.ts";
import { normalEndpoint } from "../../wire/host_name.ts";
import { parseIp } from "../../wire/ip.ts";

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
 * Judges the name, looks it up once, judges each address, 16 at most, and dials those that passed, in the manner of RFC 8305: in
 * their order with the families alternating, the next one when the one before fails or is slow, four at one time. They are the very
 * ones that were judged. An IPv4 address to which no way leads is dialled under the NAT64 prefixes that the rules know of. Where
 * the rule that allowed a name also names an upstream, the request goes there with the name; literal addresses and loopback names
 * are judged as the addresses that they are, and only those go anywhere.
 */
export function openDirectly({ rules, resolve, dial, upstreams = {} }: OpenDirectlyOptions): OpenTarget {
  return async (asked: TargetRequest): Promise<OpenedTarget> => {
    const request = normalEndpoint(asked);
    const { hostname, port, signal } = request;
    const current = typeof rules === "function" ? rules() : rules;
    const { rule } = judgeName(request, current);
    // A rule about the name decides before anything is looked up: behind an upstream, names may be nobody's here.
    if (rule?.upstream !== undefined && !isKnownHost(hostname)) return await through(rule.upstream, request);
    const judged = interleaved(
      await addressesOfJudged(request, { rules: current, resolve }),
      ({ address }) => parseIp(address)?.length,
    );
    return await firstToConnect(
      judged.map(({ address, verdict: { rule } }) => async (signal: AbortSignal) =>
        rule?.upstream === undefined
          ? await reach({ hostname: address, port }, signal, current.nat64)
          : await through(rule.upstream, { ...request, hostname: address, signal })
      ),
      signal,
    );
  };

  async function open(address: Endpoint, signal: AbortSignal): Promise<OpenedTarget> {
    const connection = await dial(address, { signal });
    return { connection, bound: connection.local ?? { hostname: "0.0.0.0", port: 0 }, address };
  }

  /** An IPv4 address to which no way of IPv4 leads is reached by a translator, where there is one. */
  async function reach(address: Endpoint, signal: AbortSignal, nat64: Nat64Source): Promise<OpenedTarget> {
    try {
      return await open(address, signal);
    } catch (error) {
      if (!(error instanceof SocksReplyError) || error.code !== "NETWORK_UNREACHABLE") throw error;
      await abortable(nat64.pending ?? Promise.resolve(), signal);
      const others = throughNat64(address.hostname, nat64.prefixes);
      if (others.length === 0) throw error;
      return await firstToConnect(
        others.map((hostname) => (signal: AbortSignal) => open({ ...address, hostname }, signal)),
        signal,
        // All of them are one attempt of the request's.
        { atOnce: 1 },
      );
    }
  }

  async function through(name: string, request: TargetRequest): Promise<OpenedTarget> {
    const upstream = Object.hasOwn(upstreams, name) ? upstreams[name] : undefined;
    if (upstream === undefined) throw new SocksReplyError("GENERAL_FAILURE", `There is no upstream "${name}"`);
    return await upstream(request);
  }
}
