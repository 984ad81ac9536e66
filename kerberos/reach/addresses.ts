/**
 * Addresses of KDCs: names out of the configuration or the DNS, looked up as the system does it. Names of services are never
 * looked up.
 *
 * @module
 */
import { reasonText } from "../../base/reason.ts";
import { abortable } from "../../base/deadline.ts";
import { interleaved } from "../../base/interleaved.ts";
import { Semaphore } from "../../base/semaphore.ts";
import { KerberosError } from "../errors.ts";
import { SharedRequests } from "../../base/shared_requests.ts";

/** Looks a name up: its addresses, in the order in which the system would have them tried. */
export type AddressLookup = (hostname: string) => Promise<readonly string[]>;

/** Look-ups under way at one time: each takes a thread of the runtime's until its name server has answered. */
const AT_ONCE = 8;
/** Most addresses of one name that are tried. */
const MOST_ADDRESSES = 8;

/** Look-ups of KDCs' names, one at a time for each name however many wait for it. */
export class KdcAddresses {
  readonly #lookUp: AddressLookup;
  readonly #semaphore = new Semaphore(AT_ONCE);
  readonly #requests = new SharedRequests<readonly string[]>();
  /** What the system has been asked for and has not answered yet. */
  readonly #underWay = new Map<string, Promise<readonly string[]>>();

  /**
   * Makes them.
   *
   * @param lookUp How a name is looked up. @default {as the system does it}
   */
  constructor(lookUp: AddressLookup = systemLookup) {
    this.#lookUp = lookUp;
  }

  /**
   * Addresses of a host, both families by turns; an address stands for itself. A look-up that waits for its turn is given up when
   * nobody waits for it any more; one that is under way goes on, for whoever asks next.
   *
   * @throws {KerberosError} `KDC_UNREACHABLE` when the name has no address.
   */
  async of(hostname: string, signal: AbortSignal): Promise<readonly string[]> {
    if (isAddress(hostname)) return [hostname];
    return await this.#requests.once(hostname, signal, (stop) => this.#look(hostname, stop));
  }

  async #look(hostname: string, stop: AbortSignal): Promise<readonly string[]> {
    let found = this.#underWay.get(hostname);
    if (found === undefined) {
      await this.#semaphore.acquire({ signal: stop });
      found = this.#ask(hostname).finally(() => {
        this.#underWay.delete(hostname);
        this.#semaphore.release();
      });
      this.#underWay.set(hostname, found);
    }
    return await abortable(found, stop);
  }

  async #ask(hostname: string): Promise<readonly string[]> {
    let found: readonly string[];
    try {
      found = await this.#lookUp(hostname);
    } catch (cause) {
      throw new KerberosError("KDC_UNREACHABLE", `name ${hostname} is not found: ${reason(cause)}`, { cause });
    }
    if (found.length === 0) throw new KerberosError("KDC_UNREACHABLE", `name ${hostname} has no address`);
    return interleaved(found).slice(0, MOST_ADDRESSES);
  }
}

function reason(cause: unknown): string {
  return reasonText(cause);
}

/** Not a name: IPv4 with dots, or IPv6, with a scope where it has one. */
export function isAddress(hostname: string): boolean {
  return hostname.includes(":") || /^\d{1,3}(?:\.\d{1,3}){3}$/.test(hostname);
}

/** Through getaddrinfo, with the hosts file, and in its order (RFC 6724): "verbatim" keeps it. */
async function systemLookup(hostname: string): Promise<readonly string[]> {
  const { lookup } = await import("node:dns/promises");
  const options: { all: true } = Object.assign({ all: true } as const, { order: "verbatim" });
  return (await lookup(hostname, options)).map(({ address }) => address);
}
