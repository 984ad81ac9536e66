/**
 * The two ways in which a server reaches a target: itself, by its rules, or through another proxy.
 *
 * @module
 */
import { connectThrough, type ConnectThroughOptions } from "./client.ts";
import { SocksReplyError } from "./errors.ts";
import { canonicalAddress } from "./rules/special_ranges.ts";
import type { RuleSet } from "./rules/rules.ts";
import type { OpenedTarget, OpenTarget, TargetRequest } from "./session.ts";
import type { Connection, Dialer } from "./stream/connection.ts";
import type { Resolver } from "./stream/deno.ts";
import { formatEndpoint } from "./wire/address.ts";
import { parseIp } from "./wire/ip.ts";

/** What {@linkcode openDirectly} goes by. */
export interface OpenDirectlyOptions {
  /** Who may go where. */
  readonly rules: RuleSet;
  /** Looks names up. */
  readonly resolve: Resolver;
  /** Connects to addresses. */
  readonly dial: Dialer;
}

/**
 * Judges the name, looks it up once, judges each address, and dials the addresses that passed, in their order: the very
 * ones that were judged, so that a second look-up cannot bring another answer.
 */
export function openDirectly({ rules, resolve, dial }: OpenDirectlyOptions): OpenTarget {
  return async (request: TargetRequest): Promise<OpenedTarget> => {
    const { hostname, port, signal } = request;
    const named = rules.judgeName(request);
    if (!named.allowed) throw notAllowed(request, named.reason);
    const found = parseIp(hostname) === undefined ? await resolve(hostname, { signal }) : [hostname];
    const addresses = [...new Set(found.map(canonicalAddress))];
    if (addresses.length === 0) throw new SocksReplyError("HOST_UNREACHABLE", `${hostname} has no address`);
    const verdicts = addresses.map((address) => ({ address, ...rules.judgeAddress(request, address) }));
    const allowed = verdicts.filter((verdict) => verdict.allowed);
    if (allowed.length === 0) {
      throw notAllowed(request, verdicts.map(({ address, reason }) => `${address}: ${reason}`).join("; "));
    }
    let failure: unknown;
    for (const { address } of allowed) {
      try {
        return opened(await dial({ hostname: address, port }, { signal }));
      } catch (error) {
        signal.throwIfAborted();
        failure = error;
      }
    }
    throw failure;
  };
}

function notAllowed(request: TargetRequest, reason: string): SocksReplyError {
  return new SocksReplyError("NOT_ALLOWED", `${formatEndpoint(request)} is not allowed: ${reason}`);
}

function opened(connection: Connection): OpenedTarget {
  return { connection, bound: connection.local ?? { hostname: "0.0.0.0", port: 0 } };
}

/** Hands every request on to another proxy, names included; that proxy's rules decide. */
export function openThrough(upstream: Omit<ConnectThroughOptions, "target" | "signal" | "timeout">): OpenTarget {
  return ({ hostname, port, signal }: TargetRequest): Promise<OpenedTarget> =>
    connectThrough({ ...upstream, target: { hostname, port }, timeout: Infinity, signal });
}
