/**
 * Sessions of users over all machines.
 *
 * @module
 */
import { encodeHex } from "@std/encoding/hex";
import { pause } from "../../base/deadline.ts";
import { monotonicNow, randomBytes } from "../../base/runtime.ts";
import type { UserLedger } from "../../socks/server/limits/user_ledger.ts";
import { Tally } from "../../socks/server/limits/tally.ts";
import type { WatchedStore } from "./watched.ts";

/** Counts sessions of users over all machines. A machine that dies is not counted any more when its lease has run out. */
export class SharedLedger implements UserLedger {
  readonly #store: WatchedStore;
  readonly #lease: number;
  readonly #server = encodeHex(randomBytes(8));
  /** Sessions of this server by user. */
  readonly #sessions = new Map<string, string[]>();
  readonly #own = new Tally();
  #count = 0;
  #renewing: Promise<void> = Promise.resolve();

  constructor(store: WatchedStore, lease: number) {
    this.#store = store;
    this.#lease = lease;
    // A store in a new era does not know these sessions.
    store.onBack = () => void this.#renew();
    void this.#keep();
  }

  async enter(user: string, limit: number): Promise<boolean> {
    if (!this.#own.enter(user, limit)) return false;
    const session = { user, session: `${this.#server}:${++this.#count}` };
    try {
      const entered = await this.#store.ask((driver) => driver.enter(session, limit, this.#lease));
      if (!entered) this.#own.leave(user);
      else this.#of(user).push(session.session);
      return entered;
    } catch (error) {
      try {
        return this.#store.withoutAnswer(error, "Cannot count the user's sessions", () => {
          this.#of(user).push(session.session);
          return true;
        });
      } catch (refusal) {
        this.#own.leave(user);
        // It may have been counted all the same; if it cannot be taken out, it runs out.
        this.#store.driver.leave(session).catch(() => {});
        throw refusal;
      }
    }
  }

  leave(user: string): void {
    this.#own.leave(user);
    const sessions = this.#of(user);
    const session = sessions.pop();
    if (sessions.length === 0) this.#sessions.delete(user);
    if (session === undefined) return;
    // One that cannot be taken out runs out.
    this.#store.ask((driver) => driver.leave({ user, session })).catch(() => {});
  }

  #of(user: string): string[] {
    let sessions = this.#sessions.get(user);
    if (sessions === undefined) this.#sessions.set(user, sessions = []);
    return sessions;
  }

  /** A third of a lease after the last one began, whatever that took. */
  async #keep(): Promise<void> {
    const { signal } = this.#store.closing;
    for (let begun = monotonicNow(); !signal.aborted; begun = monotonicNow()) {
      await this.#renew();
      await pause(Math.max(0, this.#lease / 3 - (monotonicNow() - begun)), signal);
    }
  }

  /** All in one go, one round at a time. */
  #renew(): Promise<void> {
    return this.#renewing = this.#renewing.then(async () => {
      if (this.#sessions.size === 0 || this.#store.closing.signal.aborted) return;
      await this.#store.ask((driver) => driver.renew(this.#sessions, this.#lease)).catch(() => {});
    });
  }
}
