/**
 * What the configuration needs of the environment of a process.
 *
 * @module
 */

/** Access to environment variables and to the user. Each platform implements it in a `shell/` folder. */
export interface Environment {
  /**
   * Returns the value of a variable; `undefined` if it is not set.
   *
   * @throws {Error} If it may not be read; the message is the reason.
   */
  variable(name: string): string | undefined;
  /** Returns the user's number; `undefined` if it is not known. */
  userNumber(): number | undefined;
  /**
   * Returns the user's name.
   *
   * @throws {Error} If it may not be read, or the system does not know it; the message is the reason.
   */
  userName(): string;
}
