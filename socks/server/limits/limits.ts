/**
 * Options that limit how much of a server one client, one source, one network and one user may use.
 *
 * @module
 */

/** Limits of a server. */
export interface Limits {
  /** Sessions at one time; further clients wait to be accepted. @default {10000} */
  readonly sessions?: number | undefined;
  /**
   * Sessions still in the handshake; beyond this, the oldest session of the source with the most of them is closed.
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
   * Sessions of one user at one time, in all spellings of the name; unauthenticated clients do not count. `Infinity` for no limit.
   *
   * @default {a tenth of sessions, and 10 at least: 1000}
   */
  readonly sessionsPerUser?: number | undefined;
  /** Clients accepted in a second; further clients wait. @default {Infinity} */
  readonly acceptsPerSecond?: number | undefined;
  /** Bytes of one session in a second, both directions together. @default {Infinity} */
  readonly bandwidthPerSession?: number | undefined;
  /** Bytes of all sessions of one user in a second, both directions together. @default {Infinity} */
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
 * Checks the limits of a caller.
 *
 * @throws {TypeError} When a limit is not a number of 0 or more: no count would exceed it, and there would be no limit.
 */
export function checkLimits(limits: Limits): void {
  for (const name of LIMITS) checkLimit(`limits.${name}`, limits[name]);
}

/**
 * Checks one limit of a caller.
 *
 * @throws {TypeError} When it is not a number of 0 or more.
 */
export function checkLimit(name: string, limit: number | undefined): void {
  if (limit === undefined || (typeof limit === "number" && limit >= 0)) return;
  const found = typeof limit === "number" ? limit : `a value of type ${typeof limit}`;
  throw new TypeError(`Cannot use ${name}: ${found} is no limit (0 or more, or Infinity)`);
}

/** Sessions at one time where no limit is given. */
const MAX_SESSIONS = 10_000;

/** How many sessions a server has, and how many of them one source, network and user may have. */
export type Shares = Readonly<
  Record<"sessions" | "sessionsPerSource" | "sessionsPerNetwork" | "sessionsPerUser", number>
>;

/** The smallest share, which a small server gives too: a browser opens this many connections at once. */
const LEAST_SHARE = 10;

/** Returns the shares: limits that are not given leave most of the server to other sources, networks and users. */
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
