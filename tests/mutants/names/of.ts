/**
 * Mutants of one file, in few words.
 *
 * @module
 */
import type { Mutant } from "../mutant.ts";

/** A rule, where it comes from, the change, and which of the tests notice. */
export type Change = readonly [rule: string, source: string, find: string, replace: string, filter?: string];

/** Mutants of one file, which the same tests must notice. */
export function of(file: string, tests: readonly string[], changes: readonly Change[]): readonly Mutant[] {
  return changes.map(([rule, source, find, replace, filter]) => ({
    rule,
    source,
    file,
    find,
    replace,
    tests,
    ...(filter === undefined ? {} : { filter }),
  }));
}

// Test files, and sources that several rules share.
export const FORM = "tests/socks/host_name_test.ts";
export const HOSTS = "tests/socks/hosts_everywhere_test.ts";
export const WIRE = "tests/socks/wire_test.ts";
export const ANSWERS = "tests/socks/answers_test.ts";
export const FRONT = "tests/socks/front_test.ts";
export const HANDSHAKE = "tests/socks/handshake_test.ts";
export const RULES = "tests/socks/rules_test.ts";
export const PROPERTIES = "tests/socks/rule_properties_test.ts";
export const SERVER = "tests/socks/server_test.ts";
export const LIMITS = "tests/socks/limits_test.ts";
export const RELAY = "tests/socks/relay_test.ts";

export const UTS46 = "UTS 46; RFC 5891 section 5";
export const SSRF = "server-side request forgery";
