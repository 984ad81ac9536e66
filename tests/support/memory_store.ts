/**
 * A shared store in memory for the servers of one test, with failures on demand.
 *
 * @module
 */
import type { LookOptions, StoreDriver, StoredSession, StoreEra } from "../../proxy/shared/store.ts";

/** State that several drivers share. */
export class MemoryStore {
  readonly tags: Map<string, number> = new Map<string, number>();
  /** Expiry of each session, by user and session. */
  readonly users: Map<string, Map<string, number>> = new Map<string, Map<string, number>>();
  era: { readonly id: string; readonly since: number } = { id: "first", since: performance.now() };
  /** How requests are answered. */
  mode: "well" | "silent" | Error = "well";
  /** Number of requests by kind. */
  readonly asked: Record<string, number> = {};

  /** Forgets all, as after a restart without persistence. */
  restart(): void {
    this.tags.clear();
    this.users.clear();
    this.era = { id: crypto.randomUUID(), since: performance.now() };
  }
}

/** A server's driver for the store. */
export class MemoryDriver implements StoreDriver {
  readonly name = "Memory";
  readonly #store: MemoryStore;
  closed = false;

  constructor(store: MemoryStore) {
    this.#store = store;
  }

  async #ask<T>(kind: string, answer: () => T): Promise<T> {
    const store = this.#store;
    store.asked[kind] = (store.asked[kind] ?? 0) + 1;
    if (store.mode === "silent") return await new Promise<T>(() => {});
    if (store.mode !== "well") throw store.mode;
    return answer();
  }

  look({ gap }: LookOptions): Promise<StoreEra> {
    return this.#ask("look", () => {
      if (gap) this.#store.era = { id: crypto.randomUUID(), since: performance.now() };
      const { id, since } = this.#store.era;
      return { id, age: performance.now() - since };
    });
  }

  remember(tag: string, milliseconds: number): Promise<boolean> {
    return this.#ask("remember", () => {
      const { tags } = this.#store;
      if ((tags.get(tag) ?? 0) > performance.now()) return false;
      tags.set(tag, performance.now() + milliseconds);
      return true;
    });
  }

  #of(user: string): Map<string, number> {
    const now = performance.now();
    const held = this.#store.users.get(user) ?? new Map<string, number>();
    for (const [session, until] of held) if (until <= now) held.delete(session);
    this.#store.users.set(user, held);
    return held;
  }

  enter({ user, session }: StoredSession, limit: number, lease: number): Promise<boolean> {
    return this.#ask("enter", () => {
      const held = this.#of(user);
      if (held.size >= limit) return false;
      held.set(session, performance.now() + lease);
      return true;
    });
  }

  leave({ user, session }: StoredSession): Promise<void> {
    return this.#ask("leave", () => void this.#of(user).delete(session));
  }

  renew(sessions: ReadonlyMap<string, readonly string[]>, lease: number): Promise<void> {
    return this.#ask("renew", () => {
      for (const [user, all] of sessions) {
        for (const session of all) this.#of(user).set(session, performance.now() + lease);
      }
    });
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}
