/**
 * Look-ups for the datagrams of one association. A name that is looked up does not delay datagrams to other targets.
 *
 * @module
 */
import { abortable, startDeadline } from "../../../base/deadline.ts";
import { LruMap } from "../../../base/lru_map.ts";
import { SocksLimitError, SocksTimeoutError } from "../../errors.ts";
import type { Resolver } from "../../names/resolver.ts";

/** Longest time for a look-up, in milliseconds. */
export const LOOKUP_TIME = 5_000;
/** Look-ups of an association at one time. */
const LOOKUPS = 16;
/** Datagrams that wait for one look-up. */
const WAITING = 4;
/** Time in milliseconds for which a failed look-up is kept. */
const NOT_FOUND = 1_000;

type Found = ReturnType<Resolver>;

interface Entry {
  readonly found: Found;
  /** What was found, once it was. */
  result?: Awaited<Found>;
  /** Datagrams that wait; `undefined` once the look-up has ended. */
  waiting: number | undefined;
  /** When the look-up failed. */
  failedAt?: number;
}

/** Options of {@linkcode LookupCache}. */
interface LookupCacheOptions {
  /** Looks names up. */
  readonly resolve: Resolver;
  /** Most names that are kept. */
  readonly limit: number;
  /** Longest time for a look-up, in milliseconds. */
  readonly lookupTimeout: number;
  /** Ends the look-ups. */
  readonly signal: AbortSignal;
  /** Gives the time, in milliseconds. */
  readonly now: () => number;
}

/** The look-ups of an association. While a name is kept, it is not looked up again, so its addresses stay the same. */
export class LookupCache {
  readonly #options: LookupCacheOptions;
  readonly #entries: LruMap<Entry>;
  #lookups = 0;

  /** Creates an empty cache. */
  constructor(options: LookupCacheOptions) {
    this.#options = options;
    this.#entries = new LruMap(options.limit);
  }

  /**
   * Returns the addresses of a name.
   *
   * @param how Options for the resolver, whose signal is replaced.
   * @param onWait Called when the caller must wait for the look-up.
   * @throws {SocksLimitError} `LOOKUP_LIMIT` when too many datagrams wait for the name, or too many names are being looked up.
   * @throws {SocksTimeoutError} `CONNECT_TIMEOUT`
   * @throws What the resolver throws.
   */
  find(name: string, how: Parameters<Resolver>[1], onWait: () => void): Found {
    const known = this.#entries.get(name);
    if (known !== undefined && !this.#mayLookUpAgain(known)) {
      // Used now, so other names are forgotten first.
      this.#entries.set(name, known);
      if (known.waiting === undefined) return known.found;
      if (known.waiting >= WAITING) throw limit(`${WAITING} datagrams wait for the look-up of ${name}`);
      known.waiting++;
      onWait();
      return known.found;
    }
    if (this.#lookups >= LOOKUPS) throw limit(`${LOOKUPS} names are being looked up, so ${name} is not`);
    onWait();
    const found = this.#lookUp(name, how);
    const entry: Entry = { found, waiting: 1 };
    this.#entries.set(name, entry);
    // Known before whoever waits for it is told.
    found.then((result) => entry.result = result, () => {});
    found.catch(() => entry.failedAt = this.#options.now()).finally(() => entry.waiting = undefined);
    return found;
  }

  /** Returns the addresses of a name that was found; they are used now, so other names are forgotten first. */
  known(name: string): Awaited<Found> | undefined {
    const entry = this.#entries.get(name);
    if (entry?.result === undefined) return undefined;
    this.#entries.set(name, entry);
    return entry.result;
  }

  #mayLookUpAgain({ failedAt }: Entry): boolean {
    return failedAt !== undefined && this.#options.now() - failedAt >= NOT_FOUND;
  }

  async #lookUp(name: string, how: Parameters<Resolver>[1]): Promise<Awaited<Found>> {
    const { resolve, lookupTimeout: milliseconds, signal } = this.#options;
    this.#lookups++;
    using deadline = startDeadline({
      milliseconds,
      signal,
      reason: () => new SocksTimeoutError("CONNECT_TIMEOUT", `${name} was not found within ${milliseconds} ms`),
    });
    try {
      deadline.signal.throwIfAborted();
      return await abortable(resolve(name, { ...how, signal: deadline.signal }), deadline.signal);
    } finally {
      this.#lookups--;
    }
  }
}

function limit(problem: string): SocksLimitError {
  return new SocksLimitError("LOOKUP_LIMIT", `Datagram is dropped: ${problem}`);
}
