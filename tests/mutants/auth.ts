/**
 * Rules of this area, each with the change that switches it off.
 *
 * @module
 */
import type { Mutant } from "./mutant.ts";

/** The rules. */
export const AUTH_MUTANTS: readonly Mutant[] = [];
