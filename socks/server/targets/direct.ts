/**
 * CONNECT for a server that connects itself, by its rules.
 *
 * @module
 */
import { abortable } from "../../../base/deadline.ts";
import { interleaved } from "../../../base/interleaved.ts";
import { SocksReplyError } from "../../errors.ts";
import { throughNat64 } from "../../names/nat64_prefixes.ts";
import type { Resolver } from "../../names/resolver.ts";
import type { Nat64Source } from "../../rules/nat64.ts";
import type { RuleSet } from "../../rules/rule_set.ts";
import type { Verdict } from "../../rules/verdict.ts";
import type { Dialer } from "../../stream/connection.ts";
import type { Endpoint } from "../../wire/address.ts";
import { normalEndpoint } from "../../wire/host_name.ts";
import { parseIp } from "../../wire/ip.ts";
import { firstToConnect } from "./happy_eyeballs.ts";
import { addressesOfJudged, decided, isKnownHost, judgeName } from "./judged.ts";
import type { OpenedTarget, OpenTarget, TargetRequest } from "./target.ts";

/** Options of {@linkcode openDirectly}. */
export interface OpenDirectlyOptions {
  /** Rules for requests. */
  readonly rules: RuleSet | (() => RuleSet);
  /** Looks names up. */
  readonly resolve: Resolver;
  /** Connects to addresses. */
  readonly dial: Dialer;
  /** Proxies that rules may name. */
  readonly upstreams?: Readonly<Record<string, OpenTarget>> | undefined;
}

/**
 * Judges the name, looks it up once, judges each address (16 at most), and dials the addresses that are allowed, by RFC 8305: in
 * their order with the families alternating, the next address when the one before fails or is slow, four at one time. Only addresses that
 * were judged are dialled. An IPv4 address without a route is dialled under the NAT64 prefixes that the rules know. If the rule that
 * allows a name also names an upstream, the request goes to the upstream with the name; a literal address or a loopback name is judged as
 * an address, and goes to the upstream as an address.
 *
 * @example
 * ```ts
 * import { type OpenTarget, dialTcp, openDirectly, RuleSet, systemResolver } from "@gssocks/gssocks/socks";
 *
 * const open: OpenTarget = openDirectly({ rules: new RuleSet([]), resolve: systemResolver, dial: dialTcp });
 * if (typeof open !== "function") throw new Error("nothing to open targets with");
 * ```
 */
export function openDirectly({ rules, resolve, dial, upstreams = {} }: OpenDirectlyOptions): OpenTarget {
  return async (received: TargetRequest): Promise<OpenedTarget> => {
    const request = normalEndpoint(received);
    const { hostname, port, signal } = request;
    const current = typeof rules === "function" ? rules() : rules;
    const named = judgeName(request, current);
    const { rule } = named;
    // A rule about the name decides before any look-up: names behind an upstream may be unknown here.
    if (rule?.upstream !== undefined && !isKnownHost(hostname)) {
      const opened = await openNamed(rule.upstream, request);
      decided(request, named);
      return opened;
    }
    const judged = interleaved(
      await addressesOfJudged(request, { rules: current, resolve }),
      ({ address }) => parseIp(address)?.length,
    );
    // Each address may be allowed by another rule.
    const verdicts = new WeakMap<OpenedTarget, Verdict>();
    const opened = await firstToConnect(
      judged.map(({ address, verdict }) => async (signal: AbortSignal) => {
        const upstream = verdict.rule?.upstream;
        const made = upstream === undefined
          ? await reach({ hostname: address, port }, signal, current.nat64)
          : await openNamed(upstream, { ...request, hostname: address, signal });
        verdicts.set(made, verdict);
        return made;
      }),
      signal,
    );
    decided(request, verdicts.get(opened));
    return opened;
  };

  async function open(address: Endpoint, signal: AbortSignal): Promise<OpenedTarget> {
    const connection = await dial(address, { signal });
    return { connection, bound: connection.local ?? { hostname: "0.0.0.0", port: 0 }, address };
  }

  /** Connects to an address; to an IPv4 address without a route through a NAT64 translator, where there is one. */
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
        // Together they are one attempt of the request.
        { atOnce: 1 },
      );
    }
  }

  async function openNamed(name: string, request: TargetRequest): Promise<OpenedTarget> {
    const upstream = Object.hasOwn(upstreams, name) ? upstreams[name] : undefined;
    if (upstream === undefined) throw new SocksReplyError("GENERAL_FAILURE", `There is no upstream "${name}"`);
    return await upstream(request);
  }
}
