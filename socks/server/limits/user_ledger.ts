/**
 * Where the sessions of users are counted.
 *
 * @module
 */

/**
 * Counts the sessions of users, for one server or for several. User names are in the form of `userKey()`: spellings that Active Directory
 * takes for one user are one, without case and accents, and without the domain of an enterprise name.
 */
export interface UserLedger {
  /** Counts a session of a user, unless the user has `limit` sessions already. Returns whether it was counted. */
  enter(user: string, limit: number): boolean | Promise<boolean>;
  /** Takes back one session that was counted. */
  leave(user: string): void;
}
