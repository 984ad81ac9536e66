/**
 * Authenticators that were seen at any machine.
 *
 * @module
 */
import { MemoryReplayCache } from "../../kerberos/ap/replay/memory.ts";
import type { ReplayCache, ReplayEntry } from "../../kerberos/ap/replay/cache.ts";
import { SharedStoreError } from "./store.ts";
import type { WatchedStore } from "./watched.ts";

/** Two clocks are read one after the other, and one of them in whole milliseconds. */
const ROUNDED = 2;

/** Remembers authenticators for all machines: to ask and to remember is one step of the store. */
export class SharedReplays implements ReplayCache {
  readonly #store: WatchedStore;
  /** What this server has seen itself, for when the store is lost; each user has a share of it. */
  readonly #own = new MemoryReplayCache();

  constructor(store: WatchedStore) {
    this.#store = store;
  }

  /** A store that has begun anew may have nothing of before, and meanwhile each machine may have gone by what it had seen itself. */
  get knowsSince(): number {
    return this.#store.knowsSince;
  }

  async insert(entry: ReplayEntry): Promise<boolean> {
    if (!this.#own.insert(entry)) return false;
    const { tag, expiresAt, now, madeAt } = entry;
    try {
      const milliseconds = Math.max(1, Math.ceil(expiresAt - now));
      if (!await this.#store.ask((driver) => driver.remember(tag, milliseconds))) return false;
    } catch (error) {
      return this.#store.withoutAnswer(error, "Cannot tell a replay", () => true);
    }
    this.#mustBeKnown(madeAt);
    return true;
  }

  /** Refuses an authenticator from before the store began anew: another machine may have accepted it. */
  #mustBeKnown(madeAt: number | undefined): void {
    const { onLoss, knowsSince } = this.#store;
    if (onLoss === "allow" || madeAt === undefined || madeAt >= knowsSince - ROUNDED) return;
    throw new SharedStoreError(
      "Cannot tell a replay: the authenticator was made before the shared store began anew, and may have been used; " +
        `the client's clock, if it is behind, is past that in ${Math.ceil((knowsSince - madeAt) / 1_000)} s`,
    );
  }
}
