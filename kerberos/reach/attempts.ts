/**
 * The order in which the KDCs of a realm are asked, and over which protocol.
 *
 * @module
 */
import type { KdcEndpoint } from "./locate.ts";
import type { KdcAddress, KdcProtocol } from "./transport.ts";

/** The attempts to send a message to a realm, the most promising first. */
export class KdcAttempts {
  readonly #attempts: KdcAddress[];
  /** Attempts at hosts that have failed already; they come last. */
  readonly #lastResort: KdcAddress[] = [];
  readonly #failed = new Set<string>();
  #next = 0;
  #nextLastResort = 0;

  /**
   * Puts the attempts in order: all hosts over their first protocol, then those that can be asked over the other one too.
   *
   * @param endpoints KDCs in their order.
   * @param preferred Protocol that is tried first if both will do.
   * @param first Text of the address that answered last; it is tried first.
   */
  constructor(endpoints: readonly KdcEndpoint[], preferred: KdcProtocol, first: string | undefined) {
    const firsts = endpoints.map((endpoint) => ({ ...endpoint, protocol: endpoint.protocol ?? preferred }));
    const known = new Set(firsts.map(addressText));
    const others = endpoints.flatMap((endpoint) => {
      const protocol = otherProtocol(endpoint, preferred);
      return protocol === undefined ? [] : [{ ...endpoint, protocol }];
    }).filter((address) => !known.has(addressText(address)));
    this.#attempts = [...firsts, ...others];
    const remembered = this.#attempts.findIndex((address) => addressText(address) === first);
    if (remembered > 0) this.#attempts.unshift(...this.#attempts.splice(remembered, 1));
  }

  /** Returns the next attempt; `undefined` after the last. */
  next(): KdcAddress | undefined {
    while (this.#next < this.#attempts.length) {
      const address = this.#attempts[this.#next++]!;
      if (!this.#failed.has(hostText(address))) return address;
      this.#lastResort.push(address);
    }
    return this.#lastResort[this.#nextLastResort++];
  }

  /** Notes that a host has failed: other attempts at it, such as UDP if its TCP port is closed, are the last resort. */
  failed(address: KdcAddress): void {
    this.#failed.add(hostText(address));
  }
}

/** RFC 4120 section 7.2.1: a KDC that is configured for UDP may have replies that are too large for it. */
function otherProtocol({ protocol }: KdcEndpoint, preferred: KdcProtocol): KdcProtocol | undefined {
  if (protocol === undefined) return preferred === "tcp" ? "udp" : "tcp";
  return protocol === "udp" ? "tcp" : undefined;
}

/** `tcp/kdc.example.com:88`, for messages and as a key. */
export function addressText(address: KdcAddress): string {
  return `${address.protocol}/${hostText(address)}`;
}

/** `kdc.example.com:88`. */
export function hostText({ hostname, port }: Pick<KdcEndpoint, "hostname" | "port">): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}
