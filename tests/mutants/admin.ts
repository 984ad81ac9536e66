/**
 * Rules of what an administrator sees: the check, the log, the reload, the errors of the configuration.
 *
 * @module
 */
import { type Mutant, rules } from "./mutant.ts";

const USERS = "first configurations of administrators";
const MISTAKES = "tests/cli/mistakes_test.ts";
const CHECK = "tests/cli/check/check_test.ts";
const FITS = "tests/cli/server/rule_warnings_test.ts";
const LOG = "tests/cli/log/program_log_test.ts";
const JSONC = "tests/cli/config/jsonc_test.ts";
const RELOAD = "tests/cli/server/reload_test.ts";

/** The mutants. */
export const ADMIN_MUTANTS: readonly Mutant[] = [
  ...rules("cli/check/check.ts", [CHECK], [
    ["--check opens the keytab", USERS, "path === undefined ? []", "path !== null ? []"],
    ["--check opens certificates", USERS, "() => checkCertificates(config)", "() => []"],
    ["--check opens listeners", USERS, "    ...await checkPlaces(config),\n", ""],
  ]),
  ...rules("cli/check/check.ts", [CHECK], [
    [
      "files of methods that are left out are said",
      USERS,
      "path === undefined || methods.includes(method)",
      "path !== null",
      "left out",
    ],
    [
      "files of methods that are there are not",
      USERS,
      "path === undefined || methods.includes(method)",
      "path === undefined",
      "left out",
    ],
  ]),
  ...rules("cli/check/upstreams.ts", [CHECK], [
    [
      "an upstream with a keytab needs no cache",
      USERS,
      "else if (keytab !== undefined) f",
      "else if (false) f",
      "upstream's",
    ],
    [
      "the key is that of the upstream's principal",
      USERS,
      "name === principal || name.startsWith(`${principal}@`)",
      "name.startsWith(principal)",
      "upstream's",
    ],
  ]),
  ...rules("cli/check/check.ts", [MISTAKES], [
    ["--check asks the shared store", USERS, "() => checkStore(config.shared)", "() => []", "--check"],
    ["--strict counts warnings", USERS, '(args.has("strict") && bad("warning"))', "false", "--check"],
  ]),
  ...rules("cli/check/places.ts", [MISTAKES], [
    [
      "a place that is taken does not fail the check of a reload",
      USERS,
      "if (!(error instanceof Deno.errors.AddrInUse)) throw error;",
      "throw error;",
      "--check",
    ],
  ]),
  ...rules("cli/check/keytab.ts", [CHECK], [
    [
      "the service that clients ask for is in the keytab",
      USERS,
      "if (fits !== undefined) {",
      "if (true) {",
      "compares",
    ],
    ["a service without a key is said", USERS, "if (there.length === 0) {", "if (false) {", "compares"],
  ]),
  ...rules("cli/server/rule_warnings.ts", [FITS], [
    ["a rule that another one hides is said", USERS, "every(same) &&", "every(() => false) &&", "behind"],
    [
      "allow * hides no rule for private addresses",
      "deny by default",
      "place.blocks.every(isPublic)",
      "true",
      "behind",
    ],
    ["a deny of a user is wider than an allow", "deny by default", "(!wider && isDeep", "(isDeep", "behind"],
    ["a condition that nobody meets is said", USERS, "if (impossible !== undefined)", "if (false)", "conditions"],
    ["a user without a realm is said", USERS, "      ...users,\n", "", "conditions"],
  ]),
  ...rules("cli/log/program_log.ts", [LOG], [
    ["notes are JSON where events are", USERS, 'if (this.#format !== "json") return', "if (true) return", "--json"],
  ]),
  ...rules("socks/server/session_record.ts", [LOG], [
    ["the rule that allowed is in the log", USERS, "this.#rule === undefined ? subject", "true ? subject", "log"],
  ]),
  ...rules("cli/config/jsonc.ts", [JSONC], [
    ["a name that stands twice is an error", "no rule is lost in silence", "if (members.has(key)) {", "if (false) {"],
  ]),
  ...rules("cli/config/settings.ts", [JSONC], [
    ["rules are judged with the keys", USERS, "RULE_WANTED }), readRule)", "RULE_WANTED }), () => {})", "each problem"],
  ]),
  ...rules("cli/server/reload.ts", [RELOAD], [
    ["a reload shows no password", "no secrets in logs", '.replaceAll(/:\\/\\/[^"]*@/g, "://***@")', ""],
  ]),
  ...rules("cli/config/shared_store.ts", [MISTAKES], [
    ["the check shows no password", "no secrets in logs", '.replace(/\\/\\/.*@/, "//")', "", "--check"],
  ]),
  ...rules("cli/config/listeners.ts", [MISTAKES], [
    ["a port is no host", USERS, "if (/^\\d{1,5}$/.test(text)) {", "if (false) {", "start"],
    ["the listener that fails is named", USERS, "error.message = `listen[${i}]:", "void `listen[${i}]:", "start"],
  ]),
];
