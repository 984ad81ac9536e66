/**
 * The NAT64 prefixes that a server knows of: those that it is told, and those that its resolver tells (RFC 7050).
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

/** The name that has IPv4 addresses only, so that an IPv6 one is a translator's (RFC 7050 section 2.2). */
const IPV4_ONLY = "ipv4only.arpa";

/** The word for looking for prefixes, among those that are told. */
const DISCOVER = "discover";

/** What {@linkcode Nat64Prefixes} is made of. Times are in milliseconds. */
export interface Nat64Options {
  /** Prefixes, `2001:db8:64::/96`, and `discover`. */
  readonly known: readonly string[];
  /** Looks names up. */
  readonly resolve: Resolver;
  /** Told of the prefixes found once the first look-up has ended, and of every change. */
  readonly onFound?: ((prefixes: readonly string[]) => void) | undefined;
  /** Those that were found before. */
  readonly found?: readonly Cidr[] | undefined;
  /** Gives the time, on a clock that nobody sets. */
  readonly now?: (() => number) | undefined;
  /** How long a look-up may take. @default {10000} */
  readonly timeout?: number | undefined;
  /** How long the first one is waited for by whom it concerns. @default {2000} */
  readonly patience?: number | undefined;
}

/** How old an answer may be before it is looked for anew, and a failure. */
const FRESH = 600_000;
const RETRY = 60_000;

/**
 * NAT64 prefixes. They are looked for when it is started, and again when somebody asks for them and the last time is ten minutes
 * ago, or a minute where that failed; what was found counts until there is another answer.
 */
export class Nat64Prefixes implements Nat64Source, Disposable {
  readonly #options: Nat64Options;
  readonly #told: readonly Cidr[];
  readonly #discovers: boolean;
  readonly #over = new AbortController();
  readonly #now: () => number;
  #found: readonly Cidr[];
  #pending: Promise<void> | undefined;
  /** When to look for them again; never before it is started. */
  #next = Infinity;
  /** Whether somebody has been told what was found, if anything. */
  #announced: boolean;

  /**
   * Makes one.
   *
   * @throws {TypeError} When one is no prefix.
   */
  constructor(options: Nat64Options) {
    const { known, found = [], now = monotonicNow } = options;
    this.#options = options;
    this.#told = known.filter((text) => text !== DISCOVER).map(parseNat64Prefix);
    this.#discovers = known.includes(DISCOVER);
    this.#found = this.#discovers ? found : [];
    this.#announced = this.#found.length > 0;
    this.#now = now;
  }

  /** Those that were found. */
  get found(): readonly Cidr[] {
    return this.#found;
  }

  get prefixes(): readonly Cidr[] {
    if (this.#now() >= this.#next) void this.#look();
    return [...this.#told, ...this.#found];
  }

  get pending(): Promise<void> | undefined {
    return this.#pending;
  }

  /** Begins to look for them, where it is to. Nobody waits for that to start. */
  start(): void {
    if (!this.#discovers || this.#over.signal.aborted) return;
    const { patience = 2_000 } = this.#options;
    const looking = this.#look();
    if (this.#found.length > 0) return;
    this.#pending = inTime(looking, patience, this.#over.signal).then(() => this.#pending = undefined);
  }

  /** One look-up. Never rejects. */
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
      wait = FRESH;
    } catch {
      // A resolver that is silent, or knows nothing, takes no prefix away.
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
    this.#announced = true;
    try {
      this.#options.onFound?.(found.map(({ network, bits }) => `${formatIp(network)}/${bits}`));
    } catch {
      // Whoever watches cannot end what is watched.
    }
  }

  /** Looks for nothing any more. */
  [Symbol.dispose](): void {
    this.#next = Infinity;
    this.#over.abort(new Error("Server has ended"));
  }
}

async function inTime(looking: Promise<void>, milliseconds: number, signal: AbortSignal): Promise<void> {
  using deadline = startDeadline({ milliseconds, signal, reason: () => new Error("not waited for any more") });
  await abortable(looking, deadline.signal).catch(() => {});
}

/**
 * IPv6 addresses by which translators reach an IPv4 one (RFC 8305 section 7.1). What is not public goes under no prefix of
 * everybody's (RFC 6052 section 3.1).
 */
export function throughNat64(address: string, prefixes: readonly Cidr[]): readonly string[] {
  const bytes = parseIp(address);
  if (bytes?.length !== 4) return [];
  const isPublic = specialKind(bytes) === undefined;
  return prefixes.filter((prefix) => isPublic || !sameBlock(prefix, WELL_KNOWN_PREFIX))
    .map((prefix) => formatIp(ipv6For(prefix, bytes)));
}
