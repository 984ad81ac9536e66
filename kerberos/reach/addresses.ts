/**
 * Addresses of KDCs, whose names come from the configuration or the DNS. Names of services are never looked up.
 *
 * @module
 */
import { reasonText } from "../../base/reason.ts";
import { abortable } from "../../base/deadline.ts";
import { interleaved } from "../../base/interleaved.ts";
import { Semaphore } from "../../base/semaphore.ts";
import { KerberosError } from "../errors.ts";
import { SharedRequests } from "../../base/shared_requests.ts";

/** Looks up the addresses of a name, in the order in which the system would try them. */
export type AddressLookup = (hostname: string) => Promise<readonly string[]>;

/** Look-ups under way at one time: each occupies a thread of the runtime until its name server has answered. */
const AT_ONCE = 8;
/** Addresses of one name that are tried at most. */
const MAX_ADDRESSES = 8;

/** Look-ups of KDCs' names: one at a time for each name, however many callers wait for it. */
export class KdcAddresses {
  readonly #lookUp: AddressLookup;
  readonly #semaphore = new Semaphore(AT_ONCE);
  readonly #requests = new SharedRequests<readonly string[]>();
  /** Look-ups that the system has not finished yet. */
  readonly #underWay = new Map<string, Promise<readonly string[]>>();

  /**
   * Creates the look-ups.
   *
   * @param lookUp Looks up one name.
   */
  constructor(lookUp: AddressLookup) {
    this.#lookUp = lookUp;
  }

  /**
   * Returns the addresses of a host, the two families alternating; an address stands for itself. A look-up that has not begun is
   * given up when no caller waits for it any more; one that has begun goes on, and the next caller gets its result.
   *
   * @throws {KerberosError} `KDC_UNREACHABLE` if the name has no address.
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
      throw new KerberosError("KDC_UNREACHABLE", `name ${hostname} is not found: ${reasonText(cause)}`, { cause });
    }
    if (found.length === 0) throw new KerberosError("KDC_UNREACHABLE", `name ${hostname} has no address`);
    return interleaved(found).slice(0, MAX_ADDRESSES);
  }
}

/** Whether a host is an address and no name: IPv4 with dots, or IPv6, which may have a zone. */
export function isAddress(hostname: string): boolean {
  return hostname.includes(":") || /^\d{1,3}(?:\.\d{1,3}){3}$/.test(hostname);
}
