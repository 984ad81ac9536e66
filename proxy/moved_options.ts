/**
 * Options that have moved into groups. JavaScript callers may still write them where they were, and an option that is given must
 * never be ignored.
 *
 * @module
 */

/** New place of each option that was at the top of the options of `serve` or `bridge`. */
const MOVED: Readonly<Record<string, string>> = {
  handshakeTimeout: "timeouts.handshake",
  connectTimeout: "timeouts.connect",
  idleTimeout: "timeouts.idle",
  halfCloseTimeout: "timeouts.halfClose",
  maxSessions: "limits.sessions",
  maxHalfOpen: "limits.halfOpen",
  maxSessionsPerSource: "limits.sessionsPerSource",
  maxSessionsPerNetwork: "limits.sessionsPerNetwork",
  maxSessionsPerUser: "limits.sessionsPerUser",
  maxAcceptsPerSecond: "limits.acceptsPerSecond",
  bandwidthPerSession: "limits.bandwidthPerSession",
  bandwidthPerUser: "limits.bandwidthPerUser",
  services: "gssapi.services",
  replayCache: "gssapi.replayCache",
  capaths: "gssapi.capaths",
  onKeytab: "gssapi.onKeytab",
  ticketExpiry: "gssapi.ticketExpiry",
  preferGssapi: "gssapi.prefer",
  insecureWithoutMutual: "gssapi.insecureWithoutMutual",
  insecureUnordered: "gssapi.insecureUnordered",
  nat64: "egress.nat64",
  onNat64: "egress.onNat64",
};

/** Options of `serve` that are options of the proxy for `bridge`. */
const MOVED_OF_SERVE: Readonly<Record<string, string>> = { ...MOVED, insecureNecMode: "gssapi.insecureNecMode" };

/** Names of the groups. */
const GROUPS = ["timeouts", "limits", "datagrams", "gssapi", "egress"] as const;

/**
 * Checks that no option is where it was before the groups, and that each group is an object.
 *
 * @throws {TypeError} With the new place of an option.
 */
export function checkPlaces(options: object, which: "serve" | "bridge"): void {
  const given = options as Readonly<Record<string, unknown>>;
  const moved = which === "serve" ? MOVED_OF_SERVE : MOVED;
  for (const [name, place] of Object.entries(moved)) {
    if (given[name] !== undefined) throw new TypeError(`Cannot use ${name}: write it as ${place}`);
  }
  for (const group of GROUPS) {
    const value = given[group];
    if (value === undefined || (typeof value === "object" && value !== null && !Array.isArray(value))) continue;
    const hint = group === "egress" ? "write the addresses as egress.addresses" : "it is a group of options, an object";
    throw new TypeError(`Cannot use ${group}: ${hint}`);
  }
}
