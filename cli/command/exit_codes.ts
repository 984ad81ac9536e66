/**
 * What the exit codes of every command mean, for the help and the manual pages.
 *
 * @module
 */

/** Exit codes, and what each means. */
export const EXIT_CODES: readonly (readonly [code: number, meaning: string])[] = [
  [0, "success"],
  [1, "failure"],
  [2, "wrong arguments"],
  [3, "not authenticated"],
  [4, "not reachable"],
  [5, "not allowed by the proxy"],
];
