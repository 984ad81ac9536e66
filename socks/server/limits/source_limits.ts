/**
 * Limits on the sessions of one source and of one network.
 *
 * @module
 */
import { SocksLimitError } from "../../errors.ts";
import type { Endpoint } from "../../wire/address.ts";
import { networkName } from "../../wire/networks.ts";
import type { Shares } from "./limits.ts";
import { Tally } from "./tally.ts";

/** Counts the sessions of each source and each network. They are counted without a limit too, because a limit may be set later. */
export class SourceLimits {
  readonly #sources = new Tally();
  readonly #networks = new Tally();

  /**
   * Counts a session.
   *
   * @param source Name of the source.
   * @returns A function that takes the session back.
   * @throws {SocksLimitError} `SOURCE_LIMIT`, `NETWORK_LIMIT`; the session is not counted then.
   */
  enter(
    { client, source }: { readonly client: Endpoint | undefined; readonly source: string },
    { sessionsPerSource, sessionsPerNetwork }: Shares,
  ): () => void {
    const network = networkName(client);
    if (network === undefined) return () => {};
    if (!this.#sources.enter(source, sessionsPerSource)) {
      throw new SocksLimitError("SOURCE_LIMIT", `${source} has ${sessionsPerSource} sessions already`);
    }
    if (!this.#networks.enter(network, sessionsPerNetwork)) {
      this.#sources.leave(source);
      throw new SocksLimitError("NETWORK_LIMIT", `${network} has ${sessionsPerNetwork} sessions already`);
    }
    return () => {
      this.#sources.leave(source);
      this.#networks.leave(network);
    };
  }
}
