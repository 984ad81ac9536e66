/**
 * Options that have moved into groups. JavaScript callers may still write them where they were, and an option that is given must
 * never be ignored.
 *
 * @module
 */

/** New place of each option of a server that was at the top of its options. */
export const MOVED_OPTIONS: Readonly<Record<string, string>> = {
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
};

/**
 * Checks that no option is where it was before the groups, neither at the top nor by its old name in its group.
 *
 * @throws {TypeError} With the new place of an option.
 */
export function checkMoved(options: object, moved: Readonly<Record<string, string>>): void {
  const given = options as Readonly<Record<string, unknown>>;
  for (const [name, place] of Object.entries(moved)) {
    const [group, member] = place.split(".") as [string, string];
    const inGroup = given[group] as Readonly<Record<string, unknown>> | null | undefined;
    const found = given[name] !== undefined
      ? name
      : member !== name && inGroup?.[name] !== undefined
      ? `${group}.${name}`
      : "";
    if (found !== "") throw new TypeError(`Cannot use ${found}: write it as ${place}`);
  }
}

/**
 * Checks that each group that is given is an object.
 *
 * @throws {TypeError} With the name of a group that is not.
 */
export function checkGroups(options: object, groups: readonly string[]): void {
  const given = options as Readonly<Record<string, unknown>>;
  for (const group of groups) {
    const value = given[group];
    if (value === undefined || (typeof value === "object" && value !== null && !Array.isArray(value))) continue;
    throw new TypeError(`Cannot use ${group}: it is a group of options, an object`);
  }
}
