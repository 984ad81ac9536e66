/**
 * Where the datagrams of an association's client come from, and when they may come from elsewhere.
 *
 * @module
 */
import { rememberingLast } from "../../../base/last_call.ts";
import { Rate } from "../../../base/rate.ts";
import type { Endpoint } from "../../wire/address.ts";
import { withoutZone } from "../../wire/ip.ts";

/** Datagrams from elsewhere that are opened in a second, to find out whether they are the client's. */
const ATTEMPTS = 10;
/** Time in milliseconds without a datagram from the client's port after which another port may be the client's: its NAT has forgotten it. */
const QUIET = 10_000;

/** Options of {@linkcode ClientEndpoint}. */
export interface ClientEndpointOptions {
  /** Address of the client on the control connection. */
  readonly address: string;
  /** Port that the client has declared. */
  readonly port?: number | undefined;
  /** Whether opening a datagram proves that the client has sent it, now. */
  readonly proves: boolean;
  /** Whether the client may be at another address. */
  readonly mayMove: (address: string) => boolean;
  /** Gives the time, in milliseconds. */
  readonly now: () => number;
}

/**
 * The endpoint of the client. Without keys it is the address of the control connection, and the port that sends first
 * (RFC 1928 section 7). With keys it is where the last genuine datagram came from: the address of a client changes, by its choice or not.
 */
export class ClientEndpoint {
  readonly #options: ClientEndpointOptions;
  readonly #withoutZone = rememberingLast(withoutZone);
  #address: string;
  /** The address with its port, once that is known. */
  #endpoint: Endpoint | undefined;
  /** When the last genuine datagram came from there; kept with keys only. */
  #heard: number;
  #attempts: Rate | undefined;

  /** Creates the endpoint of a client that has sent no datagram yet. */
  constructor(options: ClientEndpointOptions) {
    this.#options = options;
    this.#address = options.address;
    if (options.port !== undefined) this.#endpoint = { hostname: options.address, port: options.port };
    this.#heard = options.now();
  }

  /** The endpoint, once it is known. */
  get endpoint(): Endpoint | undefined {
    return this.#endpoint;
  }

  /** Whether a datagram from there may be the client's, so that it is worth opening. */
  mayBeFrom(from: Endpoint): boolean {
    const isHere = this.#withoutZone(from.hostname) === this.#address;
    if (isHere && this.#isPort(from.port)) return true;
    if (!this.#mayMove(isHere)) return false;
    this.#attempts ??= new Rate(ATTEMPTS, this.#options.now);
    return this.#attempts.tryTake(1);
  }

  #isPort(port: number): boolean {
    return this.#endpoint === undefined || this.#endpoint.port === port;
  }

  /** Whether the client may have moved. The first datagram must come from the address of the control connection. */
  #mayMove(isHere: boolean): boolean {
    const { proves, now } = this.#options;
    return proves && this.#endpoint !== undefined && (!isHere || now() - this.#heard >= QUIET);
  }

  /**
   * Called for each datagram that could be opened.
   *
   * @returns Whether it is the client's: from where it was, or from where it has moved to. `undefined` if it is not.
   */
  take(from: Endpoint): "here" | "moved" | undefined {
    const address = this.#withoutZone(from.hostname);
    const isHere = address === this.#address;
    if (isHere && this.#isPort(from.port)) {
      this.#endpoint ??= { hostname: address, port: from.port };
      if (this.#options.proves) this.#heard = this.#options.now();
      return "here";
    }
    if (!this.#mayMove(isHere) || (!isHere && !this.#options.mayMove(address))) return undefined;
    [this.#address, this.#endpoint] = [address, { hostname: address, port: from.port }];
    this.#heard = this.#options.now();
    return "moved";
  }
}
