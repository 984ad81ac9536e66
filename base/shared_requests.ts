/**
 * Requests that several callers share: callers with the same key wait for one request.
 *
 * @module
 */
import { abortable, onAbort } from "./deadline.ts";

/** A request under way. */
interface SharedRequest<T> {
  readonly answer: Promise<T>;
  readonly stop: AbortController;
  /** Number of callers that wait for it. */
  waiting: number;
}

/** Requests under way, by key. */
export class SharedRequests<T> {
  readonly #underway = new Map<string, SharedRequest<T>>();

  /**
   * Waits for the request with this key, and starts it if there is none. Each caller has its own signal. The request is aborted when
   * its last caller stops waiting; later callers start a new one.
   */
  once(key: string, signal: AbortSignal | undefined, start: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const request = this.#underway.get(key) ?? this.#start(key, start);
    request.waiting++;
    const listening = onAbort(signal, (reason) => {
      if (--request.waiting > 0) return;
      this.#forget(key, request.stop);
      request.stop.abort(reason);
    });
    return abortable(request.answer, signal).finally(() => listening[Symbol.dispose]());
  }

  #start(key: string, start: (signal: AbortSignal) => Promise<T>): SharedRequest<T> {
    const stop = new AbortController();
    const answer = start(stop.signal).finally(() => this.#forget(key, stop));
    const request = { answer, stop, waiting: 0 };
    this.#underway.set(key, request);
    return request;
  }

  #forget(key: string, stop: AbortController): void {
    if (this.#underway.get(key)?.stop === stop) this.#underway.delete(key);
  }
}
