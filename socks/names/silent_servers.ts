/**
 * Name servers that have said nothing lately: they keep their place in the order, and have less time there.
 *
 * @module
 */
import { monotonicNow } from "../../base/runtime.ts";
import { type Endpoint, formatEndpoint } from "../wire/address.ts";

/** Time that such a server has before the next one is asked, in milliseconds. */
export const SHORT_PATIENCE = 1_000;

/**
 * What is known of name servers. One that is gone would else cost each name the whole time that resolv.conf gives it, and every name
 * where a look-up has no longer than that; one that is slow for somebody's name has answered others meanwhile.
 */
export class SilentServers {
  /** How often each has said something. */
  readonly #heard = new Map<string, number>();
  readonly #silent = new Set<string>();
  readonly #now: () => number;

  /**
   * Makes them.
   *
   * @param now Gives the time, in milliseconds.
   */
  constructor(now: () => number = monotonicNow) {
    this.#now = now;
  }

  /** Whether it was silent when it was last asked. */
  has(server: Endpoint): boolean {
    return this.#silent.has(formatEndpoint(server));
  }

  /** A question goes to a server: whoever asks says whether an answer came. */
  asked(server: Endpoint): (answered: boolean) => void {
    const key = formatEndpoint(server);
    const heard = this.#heard.get(key) ?? 0;
    const since = this.#now();
    return (answered) => {
      if (answered) {
        this.#heard.set(key, (this.#heard.get(key) ?? 0) + 1);
        this.#silent.delete(key);
      } else if (this.#now() - since >= SHORT_PATIENCE && (this.#heard.get(key) ?? 0) === heard) this.#silent.add(key);
    };
  }
}
