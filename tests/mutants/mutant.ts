/**
 * A rule switched off, to see whether a test notices.
 *
 * @module
 */

/** One rule, and the change that switches it off. */
export interface Mutant {
  /** The rule, in a few words: what holds no more once the change is made. */
  readonly rule: string;
  /** Where it comes from: an RFC with its section, or a CVE. */
  readonly source: string;
  /** File that is changed, from the root of the checkout. */
  readonly file: string;
  /** Text that must stand in the file exactly once. */
  readonly find: string;
  /** What stands there instead. */
  readonly replace: string;
  /** Test files that must notice, from the root; the nearest one first. */
  readonly tests: readonly string[];
  /** Part of the names of the tests to run, where the whole files take long. */
  readonly filter?: string;
}
