/**
 * How much of a server one client, one source and one user may have.
 *
 * @module
 */
import { pause } from "../../../base/deadline.ts";
import { SocksLimitError } from "../../errors.ts";
import type { Gate } from "../relay/relay.ts";
import { Rate } from "../../../base/rate.ts";

/** Limits of a server. */
export interface Limits {
  /** Sessions at one time; further clients wait to be accepted. @default {10000} */
  readonly sessions?: number | undefined;
  /**
   * Sessions that have not said yet what they want; beyond it, the oldest one makes room of whichever source has the most of them.
   *
   * @default {1000}
   */
  readonly halfOpen?: number | undefined;
  /**
   * Sessions from one address at one time, or from one /64 of IPv6; `Infinity` for no limit.
   *
   * @default {a quarter of sessions, and 10 at least: 2500}
   */
  readonly sessionsPerSource?: number | undefined;
  /**
   * Sessions from one network at one time, a /24 of IPv4 or a /48 of IPv6; `Infinity` for no limit.
   *
   * @default {half of sessions, and 10 at least: 5000}
   */
  readonly sessionsPerNetwork?: number | undefined;
  /**
   * Sessions of one user at one time, however the name is spelled; clients that name nobody do not count. `Infinity` for no limit.
   *
   * @default {a tenth of sessions, and 10 at least: 1000}
   */
  readonly sessionsPerUser?: number | undefined;
  /** Clients accepted in a second; further ones wait. @default {Infinity} */
  readonly acceptsPerSecond?: number | undefined;
  /** Bytes of a session in a second, both ways together. @default {Infinity} */
  readonly bandwidthPerSession?: number | undefined;
  /** Bytes of all sessions of a user in a second, both ways together. @default {Infinity} */
  readonly bandwidthPerUser?: number | undefined;
}

/** Names of the limits. */
const LIMITS = [
  "sessions",
  "halfOpen",
  "sessionsPerSource",
  "sessionsPerNetwork",
  "sessionsPerUser",
  "acceptsPerSecond",
  "bandwidthPerSession",
  "bandwidthPerUser",
] as const satisfies readonly (keyof Limits)[];

/**
 * Checks limits that a caller gave.
 *
 * @throws {TypeError} When one is no number, 0 or more: nothing would be more than that, and there would be no limit.
 */
export function checkLimits(limits: Limits): void {
  for (const name of LIMITS) checkLimit(`limits.${name}`, limits[name]);
}

/** The same for one of them. */
export function checkLimit(name: string, limit: number | undefined): void {
  if (limit === undefined || (typeof limit === "number" && limit >= 0)) return;
  const found = typeof limit === "number" ? limit : `a value of type ${typeof limit}`;
  throw new TypeError(`Cannot use ${name}: ${found} is no limit (0 or more, or Infinity)`);
}

/** Sessions at one time where no limit is given. */
const MAX_SESSIONS = 10_000;

/** How many sessions a server has, and who may have how many of them. */
export type Shares = Readonly<
  Record<"sessions" | "sessionsPerSource" | "sessionsPerNetwork" | "sessionsPerUser", number>
>;

/** What everybody may have of a small server: a browser wants as many at once. */
const LEAST_SHARE = 10;

/** Shares that leave most of a server to others, whatever one user, one source and one network want. */
export function sharesOf({ limits = {} }: { readonly limits?: Limits | undefined }): Shares {
  const { sessions = MAX_SESSIONS, ...given } = limits;
  const part = (parts: number) => Math.min(sessions, Math.max(LEAST_SHARE, Math.ceil(sessions / parts)));
  return {
    sessions,
    sessionsPerSource: given.sessionsPerSource ?? part(4),
    sessionsPerNetwork: given.sessionsPerNetwork ?? part(2),
    sessionsPerUser: given.sessionsPerUser ?? part(10),
  };
}

/**
 * Counts the sessions of users, for one server or for several. A user's name comes in the form in which all spellings that
 * Active Directory takes for one are one: without case and accents, and without the domain of an enterprise name.
 */
export interface UserLedger {
  /** Takes note of a session unless the user has as many as the limit says; says whether it did. */
  enter(user: string, limit: number): boolean | Promise<boolean>;
  /** Takes note of the end of a session that was entered. */
  leave(user: string): void;
}

/** Counts by name, and forgets names that have nothing left. */
export class Tally {
  readonly #counts = new Map<string, number>();

  /** Counts one more, unless there are as many as the limit says; says whether it did. */
  enter(name: string, limit: number): boolean {
    const count = this.#counts.get(name) ?? 0;
    if (count >= limit) return false;
    this.#counts.set(name, count + 1);
    return true;
  }

  /** Counts one less. */
  leave(name: string): void {
    const count = this.#counts.get(name) ?? 0;
    if (count <= 1) this.#counts.delete(name);
    else this.#counts.set(name, count - 1);
  }

  /** How many names have something left. */
  get size(): number {
    return this.#counts.size;
  }
}

/** Rates of users, as long as they have sessions. */
export class UserRates {
  readonly #rates = new Map<string, { readonly rate: Rate; sessions: number }>();

  /** The user's rate, which is so much in a second from now on for all of its sessions. */
  enter(user: string, perSecond: number, now: () => number): Rate {
    let entry = this.#rates.get(user);
    if (entry === undefined) this.#rates.set(user, entry = { rate: new Rate(perSecond, now), sessions: 0 });
    else entry.rate.change(perSecond);
    entry.sessions++;
    return entry.rate;
  }

  /** Forgets the rate with the last session. */
  leave(user: string): void {
    const entry = this.#rates.get(user);
    if (entry !== undefined && --entry.sessions === 0) this.#rates.delete(user);
  }
}

/** Holds a relay up for the slowest of some rates; `undefined` where there are none. */
export function gateFor(rates: readonly Rate[], signal: AbortSignal): Gate | undefined {
  if (rates.length === 0) return undefined;
  return (length) => {
    const milliseconds = Math.max(...rates.map((rate) => rate.take(length)));
    return milliseconds < 1 ? undefined : pause(milliseconds, signal);
  };
}

/** The refusal for a source that has enough. */
export function sourceLimit(source: string, limit: number): SocksLimitError {
  return new SocksLimitError("SOURCE_LIMIT", `${source} has ${limit} sessions already`);
}

/** The refusal for a network that has enough. */
export function networkLimit(network: string, limit: number): SocksLimitError {
  return new SocksLimitError("NETWORK_LIMIT", `${network} has ${limit} sessions already`);
}

/** The refusal for a user who has enough. */
export function userLimit(user: string, limit: number): SocksLimitError {
  return new SocksLimitError("USER_LIMIT", `${user} has ${limit} sessions already`);
}
