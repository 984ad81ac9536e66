/**
 * Chooses the address of a name that datagrams are sent to, although no reply says whether they arrive.
 *
 * @module
 */
import { interleaved } from "../../../base/interleaved.ts";

/** Time for an address to answer in the first round, in milliseconds: the delay of RFC 8305 section 5. */
const PATIENCE = 250;
/** Longest time for an address to answer, in milliseconds: each round doubles the time. */
const LONGEST = 60_000;
/** Addresses of a name that are tried. */
const MOST = 8;

/**
 * The choice for one name with several addresses. Datagrams go to one address: the first at first, and the next one when an address has
 * not answered for a while and the client sends again. An address that has answered is kept until a datagram cannot be sent there.
 */
export class AddressChoice {
  readonly #now: () => number;
  /** Address that datagrams go to. */
  #current: string | undefined;
  #answered = false;
  /** When the first datagram went there that was not answered. */
  #since: number | undefined;
  /** How often an address was given up because it did not answer. */
  #moves = 0;

  /**
   * Creates a choice that begins with the first address.
   *
   * @param now Gives the time, in milliseconds.
   */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Returns the addresses in the order in which to try them for one datagram: the next one if the datagram cannot be sent to the one
   * before.
   *
   * @param addresses Addresses that may be used now, in the system's order.
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

  /** Whether the current address still has time to answer. */
  #isPatient(count: number): boolean {
    if (this.#since === undefined) return true;
    const time = Math.min(PATIENCE * 2 ** Math.floor(this.#moves / count), LONGEST);
    return this.#now() - this.#since < time;
  }

  /** Called when a datagram was sent to an address. */
  sent(address: string): void {
    if (address !== this.#current) {
      this.#current = address;
      this.#answered = false;
      this.#since = undefined;
    }
    if (!this.#answered) this.#since ??= this.#now();
  }

  /** Called when a datagram came from an address. The first address that answers is kept. */
  answered(address: string): void {
    if (this.#answered) return;
    this.#current = address;
    this.#answered = true;
    this.#since = undefined;
  }
}
