/**
 * Which address of a name datagrams go to, where nobody says whether they arrive.
 *
 * @module
 */
import { interleaved } from "../../../base/interleaved.ts";

/** How long an address has for an answer in the first round, in milliseconds: the delay of RFC 8305 section 5. */
const PATIENCE = 250;
/** How long it has at the most, in milliseconds: each round doubles it. */
const LONGEST = 60_000;
/** Addresses of a name that are tried. */
const MOST = 8;

/**
 * The way to a name that stands for several addresses. Each datagram goes to one of them: at first to the first, and when an address
 * has said nothing for a while and the client sends again, to the next one. One that has answered is stayed with until something
 * cannot be sent there.
 */
export class Way {
  readonly #now: () => number;
  /** Where datagrams go. */
  #current: string | undefined;
  #answered = false;
  /** When the first of the datagrams went there that have not been answered. */
  #since: number | undefined;
  /** How often it was given up for saying nothing. */
  #moves = 0;

  /**
   * Makes one.
   *
   * @param now Gives the time, in milliseconds.
   */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * The addresses in the order in which they are to be tried for one datagram, of which each is sent to only where the one before it cannot
   * be.
   *
   * @param addresses Those that may be used now, in the system's order.
   */
  order(addresses: readonly string[]): readonly string[] {
    const [only] = addresses;
    if (addresses.length === 1 || only === undefined) return addresses;
    const list = interleaved(addresses).slice(0, MOST);
    let at = Math.max(0, list.indexOf(this.#current ?? ""));
    if (this.#isPatient(list.length)) return [...list.slice(at), ...list.slice(0, at)];
    at = (at + 1) % list.length;
    this.#moves++;
    this.#since = undefined;
    this.#current = list[at];
    return [...list.slice(at), ...list.slice(0, at)];
  }

  /** Whether the address still has time for an answer. */
  #isPatient(count: number): boolean {
    if (this.#since === undefined) return true;
    const time = Math.min(PATIENCE * 2 ** Math.floor(this.#moves / count), LONGEST);
    return this.#now() - this.#since < time;
  }

  /** A datagram went there. */
  sent(address: string): void {
    if (address !== this.#current) {
      this.#current = address;
      this.#answered = false;
      this.#since = undefined;
    }
    if (!this.#answered) this.#since ??= this.#now();
  }

  /** A datagram came from there. The first to answer is the one. */
  answered(address: string): void {
    if (this.#answered) return;
    this.#current = address;
    this.#answered = true;
    this.#since = undefined;
  }
}
