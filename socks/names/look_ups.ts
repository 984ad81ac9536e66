/**
 * Limits for concurrent look-ups: at most N at a time, at most M for one user or source. Equal look-ups are shared, and a look-up ends when
 * no caller waits for it.
 *
 * @module
 */
import { abortable, onAbort } from "../../base/deadline.ts";
import { Semaphore } from "../../base/semaphore.ts";
import { SocksReplyError } from "../errors.ts";
import { type LookUpOptions, ownerOf } from "./resolver.ts";

/** Options of {@linkcode LookUps}. */
export interface LookUpLimits {
  /** Look-ups that run at the same time. */
  readonly places: number;
  /** Look-ups that run at the same time for one user or source. */
  readonly perOwner: number;
  /** Look-ups that wait for one user or source; more are refused. */
  readonly waiting: number;
  /** Whether a look-up can be aborted. One that cannot goes on without callers, and later callers share it. */
  readonly abortable: boolean;
}

/** Starts a look-up. The signal is aborted when no caller waits for it. */
type Start<T> = (signal: AbortSignal) => Promise<T>;

/** What is looked up. */
export interface LookUpSubject {
  /** Equal keys share one look-up. */
  readonly key: string;
  /** Name for messages. */
  readonly name: string;
}

/** A look-up that runs, and the number of callers that wait for it. */
interface RunningLookUp<T> {
  readonly key: string;
  readonly result: Promise<T>;
  readonly controller: AbortController;
  callers: number;
}

/** Reason with which a caller leaves the queue: an equal look-up has started. */
class EqualStarted {
  readonly running: RunningLookUp<unknown>;

  constructor(running: RunningLookUp<unknown>) {
    this.running = running;
  }
}

/** The look-ups of one kind. */
export class LookUps<T> {
  readonly #limits: LookUpLimits;
  readonly #semaphore: Semaphore;
  readonly #running = new Map<string, RunningLookUp<T>>();
  /** Callers that wait for a place, by the key of their look-up. */
  readonly #queued = new Map<string, Set<AbortController>>();
  /** Number of callers that wait for a place, by owner. */
  readonly #queuedOf = new Map<string, number>();

  /** @param limits Numbers of look-ups allowed. */
  constructor(limits: LookUpLimits) {
    this.#limits = limits;
    this.#semaphore = new Semaphore(limits.places, { perOwner: limits.perOwner });
  }

  /** Number of look-ups that wait for a place. */
  get waiting(): number {
    return this.#semaphore.waiting;
  }

  /**
   * Starts a look-up, or shares an equal one that runs already.
   *
   * @param start Starts the look-up. It holds its place until the promise is settled, even if no caller waits.
   * @throws {SocksReplyError} `HOST_UNREACHABLE` if too many look-ups wait for the same user or source.
   * @throws {unknown} The error of the look-up, or the signal's reason.
   */
  async run(subject: LookUpSubject, start: Start<T>, options: LookUpOptions): Promise<T> {
    const { signal } = options;
    signal?.throwIfAborted();
    const equal = this.#running.get(subject.key);
    if (equal !== undefined) return await this.#join(equal, signal);
    const owner = ownerOf(options);
    const started = await this.#takePlace(subject, owner, signal);
    return await this.#join(started ?? this.#start(subject.key, owner, start), signal);
  }

  /** Waits for a place. Returns the equal look-up instead if one has started meanwhile. */
  async #takePlace(
    subject: LookUpSubject,
    owner: string,
    signal: AbortSignal | undefined,
  ): Promise<RunningLookUp<T> | undefined> {
    const leave = new AbortController();
    const place = this.#semaphore.acquire({ owner, signal: leave.signal });
    if (place === undefined) return undefined;
    place.catch(() => {}); // Fails with the reason of leaving, which is handled below.
    const queued = this.#queuedOf.get(owner) ?? 0;
    if (queued >= this.#limits.waiting) {
      const full = queueFull(subject.name, queued);
      leave.abort(full);
      throw full;
    }
    using _ = onAbort(signal, (reason) => leave.abort(reason));
    using _queued = this.#enqueue(subject.key, owner, leave);
    try {
      await place;
      return undefined;
    } catch (error) {
      if (error instanceof EqualStarted) return error.running as RunningLookUp<T>;
      throw error;
    }
  }

  /** Adds a caller to the queue. Dispose the result to remove it. */
  #enqueue(key: string, owner: string, leave: AbortController): Disposable {
    const equal = this.#queued.get(key) ?? new Set();
    this.#queued.set(key, equal.add(leave));
    this.#queuedOf.set(owner, (this.#queuedOf.get(owner) ?? 0) + 1);
    return {
      [Symbol.dispose]: () => {
        equal.delete(leave);
        if (equal.size === 0 && this.#queued.get(key) === equal) this.#queued.delete(key);
        const left = this.#queuedOf.get(owner)! - 1;
        if (left === 0) this.#queuedOf.delete(owner);
        else this.#queuedOf.set(owner, left);
      },
    };
  }

  #start(key: string, owner: string, start: Start<T>): RunningLookUp<T> {
    const equal = this.#running.get(key);
    if (equal !== undefined) {
      this.#semaphore.release(owner);
      return equal;
    }
    const controller = new AbortController();
    const running: RunningLookUp<T> = { key, result: start(controller.signal), controller, callers: 0 };
    this.#running.set(key, running);
    const end = () => {
      this.#forget(running);
      this.#semaphore.release(owner);
    };
    running.result.then(end, end);
    const queued = this.#queued.get(key);
    this.#queued.delete(key);
    for (const caller of queued ?? []) caller.abort(new EqualStarted(running));
    return running;
  }

  #forget(running: RunningLookUp<T>): void {
    if (this.#running.get(running.key) === running) this.#running.delete(running.key);
  }

  async #join(running: RunningLookUp<T>, signal: AbortSignal | undefined): Promise<T> {
    running.callers++;
    try {
      return await abortable(running.result, signal);
    } finally {
      running.callers--;
      if (running.callers === 0 && this.#limits.abortable) {
        this.#forget(running);
        running.controller.abort(new Error("No caller waits for the look-up"));
      }
    }
  }
}

function queueFull(name: string, queued: number): SocksReplyError {
  return new SocksReplyError(
    "HOST_UNREACHABLE",
    `Cannot find ${name}: ${queued} look-ups wait for the same user or source`,
  );
}
