/**
 * In which order the KDCs of a realm are asked, and over what.
 *
 * @module
 */
import type { KdcEndpoint } from "./locate.ts";

/** Transport protocols of KDCs (RFC 4120 section 7.2). */
export type KdcProtocol = "tcp" | "udp";

/** An endpoint with its protocol chosen. */
export interface KdcAddress extends KdcEndpoint {
  /** Transport. */
  readonly protocol: "tcp" | "udp";
}

/** The attempts that a message to a realm may take, those that promise most first. */
export class KdcAttempts {
  readonly #attempts: KdcAddress[];
  /** Of hosts that have failed already: their turn comes last. */
  readonly #lastResort: KdcAddress[] = [];
  readonly #failed = new Set<string>();
  #at = 0;
  #atLast = 0;

  /**
   * Puts them in order: all hosts over their first protocol, then those that may be asked over the other one too.
   *
   * @param endpoints KDCs in their order.
   * @param preferred Protocol that is tried first where both will do.
   * @param first Text of the one that answered last.
   */
  constructor(endpoints: readonly KdcEndpoint[], preferred: KdcProtocol, first: string | undefined) {
    const one = endpoints.map((endpoint) => ({ ...endpoint, protocol: endpoint.protocol ?? preferred }));
    const there = new Set(one.map(addressText));
    const other = endpoints.flatMap((endpoint) => {
      const protocol = otherProtocol(endpoint, preferred);
      return protocol === undefined ? [] : [{ ...endpoint, protocol }];
    }).filter((address) => !there.has(addressText(address)));
    this.#attempts = [...one, ...other];
    const remembered = this.#attempts.findIndex((address) => addressText(address) === first);
    if (remembered > 0) this.#attempts.unshift(...this.#attempts.splice(remembered, 1));
  }

  /** The next one; `undefined` after the last. */
  next(): KdcAddress | undefined {
    while (this.#at < this.#attempts.length) {
      const address = this.#attempts[this.#at++]!;
      if (!this.#failed.has(hostText(address))) return address;
      this.#lastResort.push(address);
    }
    return this.#lastResort[this.#atLast++];
  }

  /** Says that a host has failed: what else there is to try at it, such as UDP where its TCP port is closed, is the last resort. */
  failed(address: KdcAddress): void {
    this.#failed.add(hostText(address));
  }
}

/** RFC 4120 section 7.2: who is to be asked over UDP may have replies for which there is TCP only. */
function otherProtocol({ protocol }: KdcEndpoint, preferred: KdcProtocol): KdcProtocol | undefined {
  if (protocol === undefined) return preferred === "tcp" ? "udp" : "tcp";
  return protocol === "udp" ? "tcp" : undefined;
}

/** `tcp/kdc.example.com:88`, for messages and to tell one from another. */
export function addressText(address: KdcAddress): string {
  return `${address.protocol}/${hostText(address)}`;
}

/** `kdc.example.com:88`. */
export function hostText({ hostname, port }: KdcEndpoint): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}
