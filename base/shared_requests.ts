/**
 * One request for everybody who wants the same.
 *
 * @module
 */
import { abortable } from "./deadline.ts";

/** A request that several may wait for. */
interface SharedRequest<T> {
  readonly answer: Promise<T>;
  readonly stop: AbortController;
  waiting: number;
}

/** Requests under way, by what they are for. */
export class SharedRequests<T> {
  readonly #underway = new Map<string, SharedRequest<T>>();

  /**
   * Waits for a request, which is begun where there is none. Each of those who wait has a signal of his own; the request is given up
   * when nobody waits for it any more, and from then on nobody else may come to wait for it.
   */
  once(key: string, signal: AbortSignal | undefined, begin: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    let request = this.#underway.get(key);
    if (request === undefined) {
      const stop = new AbortController();
      const answer = begin(stop.signal).finally(() => this.#forget(key, stop));
      request = { answer, stop, waiting: 0 };
      this.#underway.set(key, request);
    }
    const { answer, stop } = request;
    const shared = request;
    shared.waiting++;
    const leave = () => {
      if (--shared.waiting > 0) return;
      this.#forget(key, stop);
      stop.abort(signal!.reason);
    };
    signal?.addEventListener("abort", leave, { once: true });
    return abortable(answer, signal).finally(() => signal?.removeEventListener("abort", leave));
  }

  #forget(key: string, stop: AbortController): void {
    if (this.#underway.get(key)?.stop === stop) this.#underway.delete(key);
  }
}
