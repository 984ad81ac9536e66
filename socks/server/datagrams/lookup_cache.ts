/**
 * Names that datagrams of one association go to, looked up once each, so that none of them holds up what goes elsewhere.
 *
 * @module
 */
import { abortable, startDeadline } from "../../../base/deadline.ts";
import { SocksLimitError, SocksTimeoutError } from "../../errors.ts";
import type { Resolver } from "../../names/resolver.ts";
import { Recent } from "./lru_map.ts";

/** Longest time for a look-up, in milliseconds. */
export const LOOKUP_TIME = 5_000;
/** Names of an association that are looked up at one time. */
const LOOKUPS = 16;
/** Datagrams that wait for one of them. */
const WAITING = 4;
/** How long a name that was not found is not looked up again, in milliseconds. */
const NOT_FOUND = 1_000;

type Found = ReturnType<Resolver>;

interface Entry {
  readonly found: Found;
  /** Datagrams that wait; `undefined` once it has been looked up. */
  waiting: number | undefined;
  /** When it was not found. */
  failedAt?: number;
}

/** What {@linkcode Names} is made of. */
export interface NamesOptions {
  /** Looks names up. */
  readonly resolve: Resolver;
  /** How many are remembered. */
  readonly limit: number;
  /** Longest time for a look-up, in milliseconds. */
  readonly lookupTimeout: number;
  /** Ends look-ups. */
  readonly signal: AbortSignal;
  /** Gives the time, in milliseconds. */
  readonly now: () => number;
}

/** Names of an association. A second look-up cannot bring another answer while one is remembered. */
export class Names {
  readonly #options: NamesOptions;
  readonly #entries: Recent<Entry>;
  #lookups = 0;

  /** Makes them. */
  constructor(options: NamesOptions) {
    this.#options = options;
    this.#entries = new Recent(options.limit);
  }

  /**
   * What a name stands for.
   *
   * @param how What the resolver is told, but for the signal.
   * @param onWait Called where that must be waited for.
   * @throws {SocksLimitError} `LOOKUP_LIMIT` when too many datagrams wait for the name, or too many names are being looked up.
   * @throws {SocksTimeoutError} `CONNECT_TIMEOUT`
   * @throws What the resolver throws.
   */
  find(name: string, how: Parameters<Resolver>[1], onWait: () => void): Found {
    const known = this.#entries.get(name);
    if (known !== undefined && !this.#mayAskAgain(known)) {
      // Used now, so not what makes room.
      this.#entries.set(name, known);
      if (known.waiting === undefined) return known.found;
      if (known.waiting >= WAITING) throw limit(`${WAITING} datagrams wait for the look-up of ${name}`);
      known.waiting++;
      onWait();
      return known.found;
    }
    if (this.#lookups >= LOOKUPS) throw limit(`${LOOKUPS} names are being looked up, so ${name} is not`);
    onWait();
    const found = this.#look(name, how);
    const entry: Entry = { found, waiting: 1 };
    this.#entries.set(name, entry);
    found.catch(() => entry.failedAt = this.#options.now()).finally(() => entry.waiting = undefined);
    return found;
  }

  #mayAskAgain({ failedAt }: Entry): boolean {
    return failedAt !== undefined && this.#options.now() - failedAt >= NOT_FOUND;
  }

  async #look(name: string, how: Parameters<Resolver>[1]): Promise<Awaited<Found>> {
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
