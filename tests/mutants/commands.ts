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

const TRACES: readonly string[] = ["tests/cli/log/trace_test.ts"];
const TRACED = "KDCs that fail, clocks apart, and referrals";

const TRACE: readonly Mutant[] = [
  {
    rule: "an observer that fails stops nothing",
    source: "design",
    file: "kerberos/reach/trace.ts",
    find: "  } catch {\n    // Its failure is its own.\n  }",
    replace: "  } finally {\n    // Its failure is its own.\n  }",
    tests: TRACES,
    filter: "one that fails stops nothing",
  },
  {
    rule: "an observer that rejects ends nothing",
    source: "design",
    file: "kerberos/reach/trace.ts",
    find: "if (result instanceof Promise) result.catch(() => {});",
    replace: "void result;",
    tests: TRACES,
    filter: "one that fails stops nothing",
  },
  {
    rule: "what a KDC says cannot drive a terminal by the trace",
    source: "CWE-150",
    file: "cli/log/trace_line.ts",
    find: "return printable(text(event));",
    replace: "return text(event);",
    tests: TRACES,
    filter: TRACED,
  },
  {
    rule: "a line of the trace has an end, however long an answer is",
    source: "CWE-400",
    file: "cli/log/trace_line.ts",
    find: "texts.slice(0, MAX_LISTED).join",
    replace: "texts.join",
    tests: TRACES,
    filter: TRACED,
  },
  {
    rule: "data of an error that cannot be read is no error of the trace",
    source: "design",
    file: "kerberos/reach/message_summary.ts",
    find: "  } catch {\n    return undefined;\n  }",
    replace: "  } finally {\n    // Nothing.\n  }",
    tests: TRACES,
    filter: TRACED,
  },
  {
    rule: "the file of a trace is nobody else's to read",
    source: "CWE-732",
    file: "cli/log/trace.ts",
    find: ", mode: 0o600 }",
    replace: " }",
    tests: ["tests/permissions_test.ts"],
    filter: "KRB5_TRACE",
  },
  {
    rule: "a trace that cannot be written is said and stops nothing",
    source: "design",
    file: "cli/log/trace.ts",
    find: "failed = true;",
    replace: "failed = true;\n      return;",
    tests: ["tests/permissions_test.ts"],
    filter: "KRB5_TRACE",
  },
  {
    rule: "without its permission the variable of the trace is not read",
    source: "design",
    file: "cli/log/trace.ts",
    find: '.state !== "granted"',
    replace: '.state === "denied"',
    tests: ["tests/permissions_test.ts"],
    filter: "KRB5_TRACE",
  },
];

const PROMPT: readonly string[] = ["tests/cli/terminal/password_prompt_test.ts"];
const LINE = "cli/terminal/secret_line.ts";

const PROMPTS: readonly Mutant[] = [
  {
    rule: "text that is pasted ends no line",
    source: "xterm's bracketed paste",
    file: LINE,
    find: "if (this.#pasting) return this.#paste(character);",
    replace: "",
    tests: PROMPT,
    filter: "SecretLine",
  },
  {
    rule: "several lines are no password",
    source: "design",
    file: LINE,
    find: "if (/[\\r\\n]/.test(this.#text)) throw",
    replace: "if (false) throw",
    tests: PROMPT,
    filter: "SecretLine",
  },
  {
    rule: "one Control-D behind text ends no line",
    source: "MIT's kinit",
    file: LINE,
    find: 'return ending ? "done" : "open";',
    replace: 'return "done";',
    tests: PROMPT,
    filter: "SecretLine",
  },
  {
    rule: "Control-Z stops the program, which asks again in the foreground",
    source: "MIT's kinit",
    file: "cli/terminal/password_prompt.ts",
    find: "for (const name of CONTINUES) Deno.addSignalListener(name, askAgain);",
    replace: "",
    tests: PROMPT,
    filter: "Control-Z",
  },
];

const VERBOSE: readonly Mutant[] = [
  {
    rule: "what others said cannot drive a terminal by --verbose",
    source: "CWE-150",
    file: "cli/log/verbose.ts",
    find: "printable(shortened(text))",
    replace: "shortened(text)",
    tests: ["tests/cli/log/verbose_test.ts"],
    filter: "a line cannot drive",
  },
  {
    rule: "steps for people do not stand between lines of JSON",
    source: "users",
    file: "cli/commands/bridge.ts",
    find: 'exclude(args, "verbose", "json", "quiet");',
    replace: "",
    tests: ["tests/cli/log/verbose_test.ts"],
    filter: "says what fails",
  },
  {
    rule: "steps of a server do not stand between lines of JSON",
    source: "users",
    file: "cli/config/serve_arguments.ts",
    find: 'exclude(args, "verbose", "json", "quiet");',
    replace: "",
    tests: ["tests/cli/log/verbose_test.ts"],
    filter: "says what fails",
  },
];

const MISTAKES: readonly string[] = ["tests/cli/mistakes_test.ts"];
const KERBEROS_MISTAKES: readonly string[] = ["tests/cli/kerberos_mistakes_test.ts"];
const MEETINGS = "what a server refuses";
const REFUSALS = "what a KDC refuses";

/** What goes wrong is told with what to do: file, rule, find, replacement, filter. */
const TOLD: readonly Mutant[] = ([
  [
    "kerberos/ap/keys.ts",
    "a key that does not open a ticket is told as that",
    "; that key does not open it:",
    ";",
    MEETINGS,
  ],
  [
    "kerberos/ap/keys.ts",
    "a service tells what to do about another key version",
    'KRB_AP_ERR_BADKEYVER: "',
    'KRB_AP_ERR_REPEAT: "',
    MEETINGS,
  ],
  [
    "kerberos/ap/keys.ts",
    "a service tells what to do about a name that it has no key of",
    'KRB_AP_ERR_NOT_US: "',
    'KRB_AP_ERR_REPEAT: "',
    MEETINGS,
  ],
  [
    "kerberos/mech/initiator.ts",
    "a client is told what to do about a service's other key",
    "KRB_AP_ERR_BADKEYVER: `",
    "KRB_AP_ERR_REPEAT: `",
    MEETINGS,
  ],
  [
    "kerberos/mech/initiator.ts",
    "a client is told what to do about a key that does not fit",
    "KRB_AP_ERR_BAD_INTEGRITY: `",
    "KRB_AP_ERR_REPEAT: `",
    MEETINGS,
  ],
  [
    "kerberos/mech/initiator.ts",
    "a client is told that the service has another name",
    "KRB_AP_ERR_NOT_US: `",
    "KRB_AP_ERR_REPEAT: `",
    MEETINGS,
  ],
  [
    "socks/client/other_protocol.ts",
    "an end without an answer is told as what it may be",
    'error.code === "UNEXPECTED_END" && options.early.length === 0',
    "false",
    MEETINGS,
  ],
  [
    "socks/auth/gssapi/client.ts",
    "a name that the KDC does not know is told with where to give another",
    "withServiceHint(error, target)",
    "error",
    MEETINGS,
  ],
  [
    "cli/command/credentials.ts",
    "a keytab without the client keeps a bridge from its start",
    'error instanceof KerberosError && error.code === "NO_CREDENTIALS"',
    "false",
    REFUSALS,
  ],
  [
    "cli/command/credentials.ts",
    "a bridge takes a password file or a keytab",
    'exclude(args, "password-file", "keytab");',
    "",
    REFUSALS,
  ],
  [
    "cli/command/options.ts",
    "a port alone is told as one",
    "if (/^\\d{1,5}$/.test(text)) throw",
    "if (false) throw",
    REFUSALS,
  ],
] as const).map(([file, rule, find, replace, filter]) => ({
  rule,
  source: "users",
  file,
  find,
  replace,
  tests: KERBEROS_MISTAKES,
  filter,
}));

const STARTS: readonly Mutant[] = [
  {
    rule: "what takes as long as the start is made when it is needed",
    source: "design",
    file: LINE,
    find: 'const characters = () => new Intl.Segmenter(undefined, { granularity: "grapheme" });',
    replace: 'const made = new Intl.Segmenter(undefined, { granularity: "grapheme" });\nconst characters = () => made;',
    tests: PROMPT,
    filter: "takes as long as the start",
  },
  {
    rule: "a place that is taken is told as that",
    source: "users",
    file: "socks/shell/listen_naming.ts",
    find: 'if (error.code === "EADDRINUSE") return',
    replace: "if (false) return",
    tests: MISTAKES,
    filter: "a taken port of a bridge",
  },
  {
    rule: "a port that has no such name is an error with the names",
    source: "users",
    file: "socks/rules/rule_fields.ts",
    find: 'is no name of a port; a number, a range or ${PORT_NAMES.join(", ")}',
    replace: "is no port",
    tests: MISTAKES,
    filter: "what keeps a server from its start",
  },
];

const HINTS: readonly Mutant[] = [
  {
    rule: "kpasswd is no mistyped passwd",
    source: "MIT's kpasswd",
    file: "cli/main.ts",
    find: "const hint = elsewhere ||",
    replace: "const hint =",
    tests: MISTAKES,
    filter: "a command of MIT's",
  },
  {
    rule: "the port that was probably meant is told",
    source: "users",
    file: "socks/rules/parse_rule.ts",
    find: "problem instanceof UnknownWordError ?",
    replace: "false && problem instanceof UnknownWordError ?",
    tests: MISTAKES,
    filter: "what keeps a server from its start",
  },
  {
    rule: "an admin port alone is told as one",
    source: "users",
    file: "cli/monitor/ports.ts",
    find: "if (/^\\d{1,5}$/.test(text)) throw",
    replace: "if (false) throw",
    tests: MISTAKES,
    filter: "what keeps a server from its start",
  },
];

/** The rules. */
export const COMMANDS_MUTANTS: readonly Mutant[] = [
  ...WORDS,
  ...COMPLETION,
  ...TRACE,
  ...PROMPTS,
  ...VERBOSE,
  ...TOLD,
  ...STARTS,
  ...HINTS,
];
