/**
 * The NAT64 prefixes of a server: those of the configuration, and those that its resolver reveals (RFC 7050).
 *
 * @module
 */
import { abortable, startDeadline } from "../../base/deadline.ts";
import { monotonicNow } from "../../base/runtime.ts";
import type { Cidr } from "../wire/cidr.ts";
import {
  ipv6For,
  type Nat64Source,
  parseNat64Prefix,
  prefixesIn,
  sameBlock,
  WELL_KNOWN_PREFIX,
} from "../rules/nat64.ts";
import { specialKind } from "../rules/special_ranges.ts";
import { resolvedOf, type Resolver } from "./resolver.ts";
import { formatIp, parseIp } from "../wire/ip.ts";

/** A name with IPv4 addresses only. An IPv6 address of it comes from a translator (RFC 7050 section 2.2). */
const IPV4_ONLY = "ipv4only.arpa";

/** The word in the configuration that turns discovery on. */
const DISCOVER = "discover";

/** Options of {@linkcode Nat64Prefixes}. Times are in milliseconds. */
export interface Nat64Options {
  /** Prefixes such as `2001:db8:64::/96`, and the word `discover`. */
  readonly known: readonly string[];
  /** Looks names up. */
  readonly resolve: Resolver;
  /** Called with the discovered prefixes after the first look-up and after every change. */
  readonly onFound?: ((prefixes: readonly string[]) => void) | undefined;
  /** Prefixes that were discovered earlier. */
  readonly found?: readonly Cidr[] | undefined;
  /** Returns the time of a monotonic clock. */
  readonly now?: (() => number) | undefined;
  /** Longest time of a look-up. @default {10000} */
  readonly timeout?: number | undefined;
  /** Longest time that requests wait for the first look-up. @default {2000} */
  readonly patience?: number | undefined;
}

/** Milliseconds until the next look-up after a success. */
const REFRESH = 600_000;
/** Milliseconds until the next look-up after a failure. */
const RETRY = 60_000;

/**
 * NAT64 prefixes. They are discovered at the start, and again when they are used ten minutes after the last look-up, or one minute after a
 * failure. The prefixes found stay in use until there is another answer.
 *
 * @example
 * ```ts
 * import { Nat64Prefixes, systemResolver } from "@gssocks/gssocks/socks";
 *
 * const prefixes = new Nat64Prefixes({ known: ["2001:db8:64::/96"], resolve: systemResolver });
 * prefixes[Symbol.dispose]();
 * ```
 */
export class Nat64Prefixes implements Nat64Source, Disposable {
  readonly #options: Nat64Options;
  readonly #configured: readonly Cidr[];
  readonly #discovers: boolean;
  readonly #over = new AbortController();
  readonly #now: () => number;
  #found: readonly Cidr[];
  /** Those that are configured and those that were found; another array whenever there are others. */
  #all: readonly Cidr[];
  #pending: Promise<void> | undefined;
  /** Time of the next look-up; never before the start. */
  #next = Infinity;
  /** Whether `onFound` has been called. */
  #announced: boolean;

  /**
   * Creates the prefixes of a server. {@linkcode start} begins the discovery.
   *
   * @throws {TypeError} A prefix is invalid.
   */
  constructor(options: Nat64Options) {
    const { known, found = [], now = monotonicNow } = options;
    this.#options = options;
    this.#configured = known.filter((text) => text !== DISCOVER).map(parseNat64Prefix);
    this.#discovers = known.includes(DISCOVER);
    this.#found = this.#discovers ? found : [];
    this.#all = [...this.#configured, ...this.#found];
    this.#announced = this.#found.length > 0;
    this.#now = now;
  }

  /** The discovered prefixes. */
  get found(): readonly Cidr[] {
    return this.#found;
  }

  get prefixes(): readonly Cidr[] {
    if (this.#now() >= this.#next) void this.#look();
    return this.#all;
  }

  get pending(): Promise<void> | undefined {
    return this.#pending;
  }

  /** Starts the discovery if it is turned on. The server need not wait for it. */
  start(): void {
    if (!this.#discovers || this.#over.signal.aborted) return;
    const { patience = 2_000 } = this.#options;
    const looking = this.#look();
    if (this.#found.length > 0) return;
    this.#pending = waitAtMost(looking, patience, this.#over.signal).then(() => this.#pending = undefined);
  }

  /** Looks the prefixes up. Never rejects. */
  async #look(): Promise<void> {
    const { resolve, timeout = 10_000 } = this.#options;
    this.#next = Infinity;
    let wait = RETRY;
    let found = this.#found;
    try {
      using deadline = startDeadline({
        milliseconds: timeout,
        signal: this.#over.signal,
        reason: () => new Error(`${IPV4_ONLY} was not found within ${timeout} ms`),
      });
      const { signal } = deadline;
      found = prefixesIn(resolvedOf(await abortable(resolve(IPV4_ONLY, { signal }), signal)).addresses);
      wait = REFRESH;
    } catch {
      // A failed look-up removes no prefix.
    }
    if (this.#over.signal.aborted) return;
    this.#next = this.#now() + wait;
    this.#take(found);
  }

  #take(found: readonly Cidr[]): void {
    const before = this.#found;
    const same = found.length === before.length && found.every((one) => before.some((other) => sameBlock(one, other)));
    if (same && this.#announced) return;
    this.#found = found;
    this.#all = [...this.#configured, ...found];
    this.#announced = true;
    try {
      this.#options.onFound?.(found.map(({ network, bits }) => `${formatIp(network)}/${bits}`));
    } catch {
      // An exception of the callback does not end the discovery.
    }
  }

  /** Ends the discovery. */
  [Symbol.dispose](): void {
    this.#next = Infinity;
    this.#over.abort(new Error("Server has ended"));
  }
}

async function waitAtMost(looking: Promise<void>, milliseconds: number, signal: AbortSignal): Promise<void> {
  using deadline = startDeadline({ milliseconds, signal, reason: () => new Error("not waited for any more") });
  await abortable(looking, deadline.signal).catch(() => {});
}

/**
 * The IPv6 addresses at which translators reach an IPv4 address (RFC 8305 section 7.1). An address that is not public must not be used with the
 * well-known prefix (RFC 6052 section 3.1).
 */
export function throughNat64(address: string, prefixes: readonly Cidr[]): readonly string[] {
  const bytes = parseIp(address);
  if (bytes?.length !== 4) return [];
  const isPublic = specialKind(bytes) === undefined;
  return prefixes.filter((prefix) => isPublic || !sameBlock(prefix, WELL_KNOWN_PREFIX))
    .map((prefix) => formatIp(ipv6For(prefix, bytes)));
}
