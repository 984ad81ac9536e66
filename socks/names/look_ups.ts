/**
 * Look-ups side by side: a bounded number at one time, fair to those on whose behalf they are, one for all who ask for the
 * same, and none for nobody.
 *
 * @module
 */
import { abortable } from "../../base/deadline.ts";
import { Semaphore } from "../../base/semaphore.ts";
import { SocksReplyError } from "../errors.ts";
import { type LookUpOptions, ownerOf } from "./resolver.ts";

/** How many look-ups there may be. */
export interface LookUpLimits {
  /** Under way at one time. */
  readonly places: number;
  /** Under way at one time on behalf of one user or source. */
  readonly perOwner: number;
  /** Waiting on behalf of one user or source; more are refused. */
  readonly waiting: number;
  /** Whether look-ups end with their signal. Others go on, and whoever asks for the same meanwhile waits for them. */
  readonly ends: boolean;
}

/** Makes a look-up; the signal is aborted when nobody waits for it any more. */
type Make<T> = (signal: AbortSignal) => Promise<T>;

/** A look-up under way, and how many wait for it. */
interface Running<T> {
  readonly what: string;
  readonly found: Promise<T>;
  readonly over: AbortController;
  waiting: number;
}

/** Who takes a place. */
interface Taking {
  readonly owner: string;
  readonly signal: AbortSignal | undefined;
}

/** Why somebody leaves the queue: the same look-up has begun on another's behalf. */
class Begun {
  readonly running: Running<unknown>;

  constructor(running: Running<unknown>) {
    this.running = running;
  }
}

/** Look-ups of one kind. */
export class LookUps<T> {
  readonly #limits: LookUpLimits;
  readonly #semaphore: Semaphore;
  readonly #running = new Map<string, Running<T>>();
  /** Those who wait for a place, by what they want looked up. */
  readonly #wanted = new Map<string, Set<AbortController>>();
  readonly #queued = new Map<string, number>();

  /** Makes them. */
  constructor(limits: LookUpLimits) {
    this.#limits = limits;
    this.#semaphore = new Semaphore(limits.places, { perOwner: limits.perOwner });
  }

  /** How many wait for a place. */
  get waiting(): number {
    return this.#semaphore.waiting;
  }

  /**
   * Looks up, or waits for the one who does already.
   *
   * @param what What makes it the same as another one.
   * @param name What it is about, for people.
   * @param make Makes the look-up. It keeps its place until its promise is settled, whether or not anybody waits.
   * @throws {SocksReplyError} `HOST_UNREACHABLE` when too many wait on behalf of the same.
   * @throws {unknown} What the look-up fails with, or the signal's reason.
   */
  async look(what: string, name: string, make: Make<T>, options: LookUpOptions): Promise<T> {
    options.signal?.throwIfAborted();
    const under = this.#running.get(what);
    if (under !== undefined) return await this.#join(under, options.signal);
    const owner = ownerOf(options);
    const begun = await this.#placeFor(what, name, { owner, signal: options.signal });
    return await this.#join(begun ?? this.#begin(what, owner, make), options.signal);
  }

  /** Takes a place, but where the same has begun meanwhile. */
  async #placeFor(what: string, name: string, { owner, signal }: Taking): Promise<Running<T> | undefined> {
    const leave = new AbortController();
    const free = this.#semaphore.acquire({ owner, signal: leave.signal });
    if (free === undefined) return undefined;
    // The turn that is given up fails with the reason that follows.
    free.catch(() => {});
    const queued = this.#queued.get(owner) ?? 0;
    if (queued >= this.#limits.waiting) {
      const full = new SocksReplyError(
        "HOST_UNREACHABLE",
        `Cannot find ${name}: ${queued} look-ups wait for the same user or source`,
      );
      leave.abort(full);
      throw full;
    }
    const onAbort = () => leave.abort(signal!.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    const others = this.#wanted.get(what) ?? new Set();
    this.#wanted.set(what, others.add(leave));
    this.#queued.set(owner, queued + 1);
    try {
      await free;
      return undefined;
    } catch (error) {
      if (error instanceof Begun) return error.running as Running<T>;
      throw error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      others.delete(leave);
      if (others.size === 0 && this.#wanted.get(what) === others) this.#wanted.delete(what);
      const left = this.#queued.get(owner)! - 1;
      if (left === 0) this.#queued.delete(owner);
      else this.#queued.set(owner, left);
    }
  }

  #begin(what: string, owner: string, make: Make<T>): Running<T> {
    const already = this.#running.get(what);
    if (already !== undefined) {
      this.#semaphore.release(owner);
      return already;
    }
    const over = new AbortController();
    const running: Running<T> = { what, found: make(over.signal), over, waiting: 0 };
    this.#running.set(what, running);
    const end = () => {
      this.#forget(running);
      this.#semaphore.release(owner);
    };
    running.found.then(end, end);
    const wanted = this.#wanted.get(what);
    this.#wanted.delete(what);
    for (const waiting of wanted ?? []) waiting.abort(new Begun(running));
    return running;
  }

  #forget(running: Running<T>): void {
    if (this.#running.get(running.what) === running) this.#running.delete(running.what);
  }

  async #join(running: Running<T>, signal: AbortSignal | undefined): Promise<T> {
    running.waiting++;
    try {
      return await abortable(running.found, signal);
    } finally {
      running.waiting--;
      if (running.waiting === 0 && this.#limits.ends) {
        this.#forget(running);
        running.over.abort(new Error("Nobody waits for the look-up any more"));
      }
    }
  }
}
