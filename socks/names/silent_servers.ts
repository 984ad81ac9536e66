/**
 * Which name servers did not answer lately. They keep their place in the order but get less time.
 *
 * @module
 */
import { monotonicNow } from "../../base/runtime.ts";
import { type Endpoint, formatEndpoint } from "../wire/address.ts";

/** Time in milliseconds that a silent server has before the next one is asked. */
export const SHORT_TIMEOUT = 1_000;

/**
 * The silent name servers. Without this list a dead server costs every name its whole timeout of resolv.conf, and a look-up with less time
 * than that fails. A server that is slow for one name but answers others meanwhile is not silent.
 */
export class SilentServers {
  /** Number of answers of each server. */
  readonly #answers = new Map<string, number>();
  readonly #silent = new Set<string>();
  readonly #now: () => number;

  /** @param now Returns the time in milliseconds. */
  constructor(now: () => number = monotonicNow) {
    this.#now = now;
  }

  /** Whether the server was silent when it was last asked. */
  has(server: Endpoint): boolean {
    return this.#silent.has(formatEndpoint(server));
  }

  /** Notes that a question goes to a server. Call the result with whether an answer came. */
  asked(server: Endpoint): (answered: boolean) => void {
    const key = formatEndpoint(server);
    const before = this.#answers.get(key) ?? 0;
    const since = this.#now();
    return (answered) => {
      const answers = this.#answers.get(key) ?? 0;
      if (answered) {
        this.#answers.set(key, answers + 1);
        this.#silent.delete(key);
      } else if (this.#now() - since >= SHORT_TIMEOUT && answers === before) this.#silent.add(key);
    };
  }
}
