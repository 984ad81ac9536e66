/**
 * A store that is probed each second with a write. While a write fails, no client waits for the store.
 *
 * @module
 */
import { abortable, duration, pause, startDeadline } from "../../base/deadline.ts";
import { monotonicNow, systemRuntime } from "../../base/runtime.ts";
import { SharedStoreError, type SharedStoreOptions, type SharedStoreState, type StoreDriver } from "./store.ts";

/** Since when the store knows everything, as it reported. */
interface Known {
  readonly id: string;
  readonly age: number;
  /** When it reported that, by the monotonic clock. */
  readonly at: number;
}

/** A new connection may take this many times as long as an answer; no client waits for it. */
const CONNECTING = 2;

/** A store with its state. */
export class WatchedStore {
  readonly driver: StoreDriver;
  readonly onLoss: SharedStoreState["onLoss"];
  readonly closing: AbortController = new AbortController();
  readonly #timeout: number;
  readonly #interval: number;
  readonly #onChange: (up: boolean, reason: string) => void;
  #keeping: Promise<void> = Promise.resolve();
  #up = false;
  #reason = "not asked yet";
  /** Aborted when it is lost, with the reason. */
  #lost = new AbortController();
  /** Aborted to look at it at once. */
  #hurry = new AbortController();
  /** Called each time that it is back. */
  #onBack: () => void = () => {};
  #known: Known | undefined;
  /** Whether a client was accepted that the store does not know. */
  #gap = false;

  constructor(driver: StoreDriver, { onLoss, timeout = 2_000, interval = 1_000, onChange }: SharedStoreOptions) {
    if (onLoss !== "refuse" && onLoss !== "allow") throw new TypeError('Cannot share: onLoss is "refuse" or "allow"');
    this.driver = driver;
    this.onLoss = onLoss;
    this.#timeout = duration("timeout", timeout);
    this.#interval = duration("interval", interval);
    this.#onChange = onChange ?? (() => {});
  }

  /** How it is. */
  state(): SharedStoreState {
    return { up: this.#up, onLoss: this.onLoss, reason: this.#reason };
  }

  /** Whether it answered the last question. */
  get up(): boolean {
    return this.#up;
  }

  /** Since when nothing that was accepted can be missing, by our clock as it is now; while it is lost that is nothing. */
  get knowsSince(): number {
    const now = systemRuntime.now();
    if (!this.#up || this.#known === undefined || this.#gap) return now;
    const { age, at } = this.#known;
    return Math.ceil(now - age - (monotonicNow() - at));
  }

  /** Sets the callback for when the store is back. */
  set onBack(callback: () => void) {
    this.#onBack = callback;
  }

  /** Looks at it, and goes on until it is closed; a store that does not answer is waited for no longer than for an answer. */
  async start(): Promise<void> {
    const first = this.#look(this.#timeout);
    this.#keeping = this.#keep(first);
    await first;
    if (!this.#up) this.#tell();
  }

  async #keep(first: Promise<void>): Promise<void> {
    const { signal } = this.closing;
    let begun = monotonicNow();
    await first;
    while (!signal.aborted) {
      await this.#rest(Math.max(0, this.#interval - (monotonicNow() - begun)));
      if (signal.aborted) return;
      begun = monotonicNow();
      await this.#look();
    }
  }

  async #rest(milliseconds: number): Promise<void> {
    this.#hurry = new AbortController();
    await pause(milliseconds, AbortSignal.any([this.closing.signal, this.#hurry.signal]));
  }

  async #look(
    milliseconds: number = Math.min(this.#timeout, this.#interval * (this.#up ? 1 : CONNECTING)),
  ): Promise<void> {
    const gap = this.#gap;
    using deadline = startDeadline({
      milliseconds,
      signal: this.closing.signal,
      reason: () => this.#noAnswer(milliseconds),
    });
    const { signal } = deadline;
    try {
      const looking = this.driver.look({ gap, signal });
      looking.catch(() => {});
      const { id, age } = await abortable(looking, signal);
      if (gap) this.#gap = false;
      // The age is taken once: the store's clock may be set later.
      if (id !== this.#known?.id) this.#known = { id, age: Math.max(0, age), at: monotonicNow() };
      this.#change(true, "it takes what is written");
    } catch (error) {
      this.#change(false, reasonOf(error));
    }
  }

  #noAnswer(milliseconds: number): Error {
    return new Error(`${this.driver.name} did not answer a write within ${milliseconds} ms`);
  }

  #change(up: boolean, reason: string): void {
    if (this.closing.signal.aborted || this.#up === up) {
      if (!up) this.#reason = reason;
      return;
    }
    this.#up = up;
    this.#reason = reason;
    if (up) this.#lost = new AbortController();
    else this.#lost.abort(new Error(reason));
    this.#tell();
    if (up) this.#onBack();
  }

  #tell(): void {
    try {
      this.#onChange(this.#up, this.#reason);
    } catch {
      // An observer ends nothing.
    }
  }

  /**
   * Returns an answer, or throws in time: at once while the store is lost, and as soon as it is lost.
   *
   * @throws {Error} Why there is none.
   */
  async ask<T>(question: (driver: StoreDriver) => Promise<T>): Promise<T> {
    if (!this.#up) throw new Error(this.#reason);
    using deadline = startDeadline({
      milliseconds: this.#timeout,
      signal: this.#lost.signal,
      reason: () => this.#noAnswer(this.#timeout),
    });
    try {
      const asking = question(this.driver);
      asking.catch(() => {});
      return await abortable(asking, deadline.signal);
    } catch (error) {
      // A probe at once shows whether the store is lost for all.
      if (deadline.signal.aborted) this.#change(false, reasonOf(error));
      this.#hurry.abort();
      throw error;
    }
  }

  /** What to do where there is no answer. `what` is said of it. */
  withoutAnswer<T>(error: unknown, what: string, otherwise: () => T): T {
    if (this.onLoss === "allow") {
      this.#gap = true;
      return otherwise();
    }
    throw new SharedStoreError(`${what}: the shared store is lost: ${reasonOf(error)}`, { cause: error });
  }

  async close(): Promise<void> {
    if (this.closing.signal.aborted) return await this.#keeping;
    this.#up = false;
    this.#reason = "it is closed";
    this.closing.abort(new Error(this.#reason));
    this.#lost.abort(new Error(this.#reason));
    await this.driver.close().catch(() => {});
    await this.#keeping;
  }
}

/** What was thrown, in words. */
function reasonOf(error: unknown): string {
  return error instanceof Error && error.message !== "" ? error.message : String(error);
}
