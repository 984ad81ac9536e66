/**
 * A short way to write rules down.
 *
 * @module
 */
import type { Mutant } from "../mutant.ts";

/** Rule, where it comes from, what stands in the file, and what stands there instead. */
export type Row = readonly [rule: string, source: string, find: string, replace: string];

/** Rules of one file that the same tests hold. */
export function rules(file: string, tests: readonly string[], rows: readonly Row[]): Mutant[] {
  return rows.map(([rule, source, find, replace]) => ({ rule, source, file, find, replace, tests }));
}
