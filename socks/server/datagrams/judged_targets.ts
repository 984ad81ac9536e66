/**
 * The verdicts on the targets of an association, each asked for once in a period.
 *
 * @module
 */
import { LruMap } from "../../../base/lru_map.ts";
import type { Resolver } from "../../names/resolver.ts";
import { type Endpoint, formatEndpoint } from "../../wire/address.ts";
import { parseIp } from "../../wire/ip.ts";
import { judgedAddresses } from "../targets/judged.ts";
import type { LookupCache } from "./lookup_cache.ts";
import type { Period } from "./periods.ts";

/** Options of {@linkcode JudgedTargets}. */
interface JudgedTargetsOptions {
  /** Looks names up. */
  readonly lookups: LookupCache;
  /** Most targets whose verdict is kept. */
  readonly limit: number;
}

/** A verdict on a target. */
interface Kept {
  /** When it was judged. */
  readonly period: Period;
  /** What the look-up of its name has found; `undefined` without a look-up. */
  readonly found: Awaited<ReturnType<Resolver>> | undefined;
  /** Where datagrams may be sent. */
  readonly allowed: readonly Endpoint[];
}

/** Judges targets, and keeps what is allowed: a datagram to where one has just gone waits for nothing. */
export class JudgedTargets {
  readonly #lookups: LookupCache;
  readonly #kept: LruMap<Kept>;
  /** How many datagrams to a target are being judged. */
  readonly #judging = new Map<string, number>();

  /** Creates it without verdicts. */
  constructor({ lookups, limit }: JudgedTargetsOptions) {
    this.#lookups = lookups;
    this.#kept = new LruMap(limit);
  }

  /** Returns where a datagram to a target may be sent, if a verdict is kept that holds: in this period, and for this look-up of its name. */
  known(target: Endpoint, period: Period): readonly Endpoint[] | undefined {
    const key = formatEndpoint(target);
    const kept = this.#kept.get(key);
    if (kept?.period !== period || this.#judging.has(key)) return undefined;
    const isFound = kept.found === undefined || kept.found === this.#lookups.known(target.hostname);
    return isFound ? kept.allowed : undefined;
  }

  /**
   * Judges a target and sends a datagram there. Until that is done no verdict on it is {@linkcode known}, so that later datagrams stay behind
   * this one.
   *
   * @param send Called with where the datagram may be sent.
   * @param onWait Called when the caller must wait for a look-up.
   * @throws What {@linkcode judgedAddresses}, {@linkcode LookupCache.find} and `send` throw.
   */
  async judge(
    target: Endpoint,
    period: Period,
    { send, onWait }: { readonly send: (allowed: readonly Endpoint[]) => Promise<void>; readonly onWait: () => void },
  ): Promise<void> {
    const { rules, request } = period;
    const { hostname, port } = target;
    const key = formatEndpoint(target);
    let found: Kept["found"];
    const resolve: Resolver = async (name, how) => found = await this.#lookups.find(name, how, onWait);
    this.#judging.set(key, (this.#judging.get(key) ?? 0) + 1);
    try {
      const judged = await judgedAddresses({ ...request, hostname, port }, { rules, resolve });
      const allowed = judged.map(({ address }) => Object.freeze({ hostname: address, port }));
      if (found !== undefined || parseIp(hostname) !== undefined) this.#kept.set(key, { period, found, allowed });
      return send(allowed);
    } finally {
      const others = this.#judging.get(key)! - 1;
      if (others > 0) this.#judging.set(key, others);
      else this.#judging.delete(key);
    }
  }
}
