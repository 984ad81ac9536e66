/**
 * Rules switched off, to see whether a test notices.
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

/** A rule, where it comes from, what stands in the file, what stands there instead, and which of the tests notice. */
export type Row = readonly [rule: string, source: string, find: string, replace: string, filter?: string];

/** Rules of one file, which the same tests hold. */
export function rules(file: string, tests: readonly string[], rows: readonly Row[]): readonly Mutant[] {
  return rows.map(([rule, source, find, replace, filter]) => ({
    rule,
    source,
    file,
    find,
    replace,
    tests,
    ...(filter === undefined ? {} : { filter }),
  }));
}
