/**
 * Rules of this area, each with the change that switches it off: suggestions, completions, the terminal, traces.
 *
 * @module
 */
import type { Mutant } from "./mutant.ts";

const SUGGESTION = "cli/command/suggestion.ts";
const SUGGESTIONS: readonly string[] = ["tests/cli/command/suggestion_test.ts"];
const COMPLETE = "cli/command/completions.ts";
const COMPLETES: readonly string[] = ["tests/cli/command/completions_test.ts"];
const FROM_TABLE = "come from the table";

const WORDS: readonly Mutant[] = [
  {
    rule: "a suggestion is close to the word",
    source: "users",
    file: SUGGESTION,
    find: "distance <= most)",
    replace: "true)",
    tests: SUGGESTIONS,
  },
  {
    rule: "a long word costs no comparison",
    source: "CWE-400",
    file: SUGGESTION,
    find: " || word.length > MAX_WORD",
    replace: "",
    tests: SUGGESTIONS,
  },
  {
    rule: "a beginning of several words means none of them",
    source: "design",
    file: SUGGESTION,
    find: "longer.length === 1 ?",
    replace: "longer.length > 0 ?",
    tests: SUGGESTIONS,
  },
  {
    rule: "a mistyped command gets a suggestion",
    source: "users",
    file: "cli/main.ts",
    find: "didYouMean(name, Object.keys(COMMANDS)) ||",
    replace: '"" ||',
    tests: SUGGESTIONS,
  },
  {
    rule: "a mistyped option gets a suggestion",
    source: "users",
    file: "cli/command/command.ts",
    find: "name === undefined ?",
    replace: "true ?",
    tests: ["tests/cli/config/arguments_test.ts"],
    filter: "refuse words",
  },
  {
    rule: "a value that begins with a dash is refused with the way to give it",
    source: "users",
    file: "cli/command/command.ts",
    find: '": to give an"',
    replace: '""',
    tests: ["tests/cli/config/arguments_test.ts"],
    filter: "refuse words",
  },
];

const COMPLETION: readonly Mutant[] = [
  {
    rule: "an option that was given is not offered again",
    source: "users",
    file: COMPLETE,
    find: "multiple || !used.has",
    replace: "true || !used.has",
    tests: COMPLETES,
    filter: FROM_TABLE,
  },
  {
    rule: "behind -- there are words only",
    source: "POSIX, utility syntax guideline 10",
    file: COMPLETE,
    find: 'before.includes("--");',
    replace: "false;",
    tests: COMPLETES,
    filter: FROM_TABLE,
  },
  {
    rule: "names of objects in JavaScript are no commands",
    source: "CWE-1321",
    file: COMPLETE,
    find: "!Object.hasOwn(all, name)",
    replace: "!(name in all)",
    tests: COMPLETES,
    filter: FROM_TABLE,
  },
];

/** The rules. */
export const COMMANDS_MUTANTS: readonly Mutant[] = [...WORDS, ...COMPLETION];
