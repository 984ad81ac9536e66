/**
 * RESOLVE and RESOLVE_PTR for a server that looks up itself, by its rules.
 *
 * @module
 */
import { reasonText } from "../../../base/reason.ts";
import { SocksReplyError } from "../../errors.ts";
import type { Resolver, ReverseResolver } from "../../names/resolver.ts";
import type { RuleSet } from "../../rules/rule_set.ts";
import { hostName, normalEndpoint } from "../../wire/host_name.ts";
import { parseIp } from "../../wire/ip.ts";
import { decided, judgedAddresses } from "./judged.ts";
import type { ResolveHost } from "./target.ts";

/** Options of {@linkcode resolveDirectly}. */
export interface ResolveDirectlyOptions {
  /** Rules for requests. */
  readonly rules: () => RuleSet;
  /** Looks up the addresses of a name. */
  readonly resolve: Resolver;
  /** Looks up the names of an address. */
  readonly reverse: ReverseResolver;
}

/**
 * Looks up itself what the rules allow. An address that is denied is not given to the client.
 *
 * @example
 * ```ts
 * import { type ResolveHost, resolveDirectly, RuleSet, systemResolver, systemReverse } from "@gssocks/gssocks/socks";
 *
 * const rules = new RuleSet([]);
 * const resolve: ResolveHost = resolveDirectly({ rules: () => rules, resolve: systemResolver, reverse: systemReverse });
 * if (typeof resolve !== "function") throw new Error("nothing to open targets with");
 * ```
 */
export function resolveDirectly({ rules, resolve, reverse }: ResolveDirectlyOptions): ResolveHost {
  return async (request, direction): Promise<string> => {
    const { hostname, signal, identity, source } = normalEndpoint(request);
    const [first] = await judgedAddresses(request, { rules: rules(), resolve });
    decided(request, first!.verdict);
    if (direction === "address") return first!.address;
    if (parseIp(hostname) === undefined) {
      throw new SocksReplyError("ADDRESS_TYPE_NOT_SUPPORTED", `${hostname} is not an address`);
    }
    const [name] = await reverse(hostname, { signal, user: identity.name, source });
    if (name === undefined) throw new SocksReplyError("HOST_UNREACHABLE", `${hostname} has no name`);
    return foundName(hostname, name);
  };
}

/** Checks the name of an address: the owner of the address can give it any name. */
export function foundName(address: string, name: string): string {
  try {
    return hostName(name);
  } catch (cause) {
    const problem = reasonText(cause);
    throw new SocksReplyError("HOST_UNREACHABLE", `${address} has a name that is not a host name: ${problem}`, {
      cause,
    });
  }
}
