/**
 * Where the datagrams of an association's client come from, and who may say that it is somewhere else now.
 *
 * @module
 */
import { Rate } from "../../../base/rate.ts";
import type { Endpoint } from "../../wire/address.ts";
import { withoutZone } from "../../wire/ip.ts";

/** Datagrams from elsewhere that are opened in a second, to see whether they are the client's. */
const ATTEMPTS = 10;
/** How long nothing has come from a port, in milliseconds, before another one of the address may be the client's: its NAT has forgotten it. */
const QUIET = 10_000;

/** What {@linkcode ClientPlace} is made of. */
export interface ClientPlaceOptions {
  /** The address that the client has on the control connection. */
  readonly address: string;
  /** The port that it has declared. */
  readonly port?: number | undefined;
  /** Whether a datagram that can be opened can be nobody else's, nor one that came before. */
  readonly proves: boolean;
  /** Whether it may be at another address. */
  readonly mayMove: (address: string) => boolean;
  /** Gives the time, in milliseconds. */
  readonly now: () => number;
}

/**
 * The client's place. Without keys it is the address of the control connection, and the port that is the first to send
 * (RFC 1928 section 7). With keys it is wherever the last datagram came from that shows them: addresses change under a client, by its choice
 * or not, and the way it came by need not be the way it is reached by.
 */
export class ClientPlace {
  readonly #options: ClientPlaceOptions;
  #address: string;
  #port: number | undefined;
  /** When something genuine came from there; told only where that counts. */
  #heard: number;
  #attempts: Rate | undefined;

  /** Makes one. */
  constructor(options: ClientPlaceOptions) {
    this.#options = options;
    this.#address = options.address;
    this.#port = options.port;
    this.#heard = options.now();
  }

  /** Where it is, once that is known. */
  get endpoint(): Endpoint | undefined {
    return this.#port === undefined ? undefined : { hostname: this.#address, port: this.#port };
  }

  /** Whether a datagram from there is worth looking at. Costs nobody anything. */
  mayBeFrom(from: Endpoint): boolean {
    const isHere = withoutZone(from.hostname) === this.#address;
    if (isHere && (this.#port ?? from.port) === from.port) return true;
    if (!this.#mayMove(isHere)) return false;
    this.#attempts ??= new Rate(ATTEMPTS, this.#options.now);
    return this.#attempts.tryTake(1);
  }

  /** Who has not been anywhere has not moved: the first datagram comes from where the connection did. */
  #mayMove(isHere: boolean): boolean {
    const { proves, now } = this.#options;
    return proves && this.#port !== undefined && (!isHere || now() - this.#heard >= QUIET);
  }

  /**
   * Something genuine came from there.
   *
   * @returns Whether it is the client's: from where it was, or from where it has moved to.
   */
  take(from: Endpoint): "here" | "moved" | undefined {
    const address = withoutZone(from.hostname);
    const isHere = address === this.#address;
    if (isHere && (this.#port ?? from.port) === from.port) {
      this.#port = from.port;
      if (this.#options.proves) this.#heard = this.#options.now();
      return "here";
    }
    if (!this.#mayMove(isHere) || (!isHere && !this.#options.mayMove(address))) return undefined;
    [this.#address, this.#port, this.#heard] = [address, from.port, this.#options.now()];
    return "moved";
  }
}
