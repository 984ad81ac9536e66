/**
 * Rules of this area, each with the change that switches it off: krb5.conf as MIT's library reads it.
 *
 * @module
 */
import { type Mutant, rules } from "./mutant.ts";

const MIT = "MIT krb5, util/profile/prof_parse.c";
const ONE = "one bad entry spoils nothing else";
const SYNTAX = ["tests/kerberos/config/profile_reader_test.ts"];
const LOADS = ["tests/kerberos/config/load_test.ts"];
const CONFIG = ["tests/kerberos/config/config_test.ts"];
const LOCATE = ["tests/kerberos/reach/locate_test.ts"];
const LISTS = ["tests/kerberos/config/enctype_list_test.ts"];
const DELTAT = ["tests/kerberos/config/deltat_test.ts"];
const SERVED = ["tests/proxy/permitted_enctypes_test.ts"];
const REPORT = ["tests/cli/krb5conf/report_test.ts"];

/** The rules. */
export const CONF_MUTANTS: readonly Mutant[] = [
  ...rules("kerberos/config/profile_reader.ts", SYNTAX, [
    ["chains of includes have an end", "bounded work", "if (depth >= MAX_CHAIN)", "if (false)"],
    [
      "included files have a limit",
      "bounded work",
      "if (this.sources.length + inner.length > MAX_SOURCES)",
      "if (false)",
    ],
    ["braces in one another have a limit", "bounded work", "if (file.stack.length > MAX_NESTING)", "if (false)"],
    ["a value that is missing wants a brace", MIT, 'if (value === "") file.state = "brace";', ""],
    ["a closed section takes nothing more", MIT, "if (parent.closed.has(sectionMark(name))) return undefined;", ""],
    ["a closed relation takes nothing more", MIT, "    if (section.closed.has(name)) return;\n", ""],
    [
      "a section does not begin inside braces",
      MIT,
      'if (file.stack.length > 1) fail(file, "a section',
      'if (false) fail(file, "a section',
    ],
    [
      "what stands before the first section is not read",
      MIT,
      'if (!raw.startsWith("[")) {',
      'if (!line.startsWith("[")) {',
    ],
    ["a byte order mark hides no section", "files of Windows", 'source.text.replace(/^\\uFEFF/, "")', "source.text"],
    ["the end of a file ends no line", MIT, '    if (lines.at(-1) === "") lines.pop();\n', ""],
    ["modules are refused", MIT, "if (/^module(?:", "if (/^no module(?:"],
  ]),
  ...rules("kerberos/config/load.ts", LOADS, [
    [
      "hidden files of a folder are not read",
      MIT,
      '(!name.startsWith(".") && name.endsWith(".conf"))',
      'name.endsWith(".conf")',
    ],
    [
      "a file that is included exists",
      MIT,
      '    if (source === undefined) throw new Error("No such file or directory");\n',
      "    if (source === undefined) return [];\n",
    ],
    ["a folder in a folder is passed over", MIT, 'if (this.#isFolder(path)) return "folder";', ""],
    [
      "an unreadable file of the list is an error",
      "deny by default",
      'throw systemFailure("BAD_CONFIG", `Cannot read ${path}`, error);',
      "return [];",
    ],
  ]),
  ...rules("kerberos/config/expand_tokens.ts", LOADS, [
    [
      "a parameter that is not known is an error",
      "deny by default",
      'throw new KerberosError("BAD_CONFIG", `Cannot expand ${name}: ${problem}`);',
      'return problem && "";',
    ],
  ]),
  ...rules("kerberos/config/load.ts", LOADS, [
    [
      "the error about a keytab does not name the variable of caches",
      "what to do is said",
      'const WITHOUT_NUMBER = "name the keytab without %{uid}";',
      'const WITHOUT_NUMBER = "set KRB5CCNAME";',
    ],
  ]),
  ...rules("kerberos/config/parse.ts", CONFIG, [
    ["a bad value is an error only where it is needed", ONE, "    return { get: read };\n", "    throw error;\n"],
    [
      "a bad value is not replaced in silence",
      "deny by default",
      "    return { get: read };\n",
      "    return { value: undefined };\n",
    ],
  ]),
  ...rules("kerberos/config/krb5_conf.ts", CONFIG, [
    [
      "other settings do not ask for a bad one",
      ONE,
      "Object.getOwnPropertyDescriptors(config) as",
      "Object.getOwnPropertyDescriptors({ ...config }) as",
    ],
    [
      "a setting that is not given leaves what there is",
      ONE,
      "if (value !== undefined) properties[name] =",
      "properties[name] =",
    ],
  ]),
  ...rules("kerberos/reach/locate.ts", LOCATE, [
    ["a KDC that cannot be used does no harm to others", ONE, "      failures.push(error);\n", "      throw error;\n"],
    [
      "no KDC that can be used is an error",
      ONE,
      "    throw noneUsable(realm, failures, config);\n",
      "    return [];\n",
    ],
    ["a port is no host", "MIT krb5, k5_parse_host_string", "if (/^\\d+$/.test(place!))", "if (false)"],
  ]),
  ...rules("kerberos/config/enctype_list.ts", LISTS, [
    ["weak enctypes are left out", "krb5.conf, allow_weak_crypto", "if (WEAK.has(enctype) && !weak) continue;", ""],
    [
      "a list without a supported enctype is an error",
      "deny by default",
      "if (list.length > 0) return list;",
      "return list;",
    ],
  ]),
  ...rules("kerberos/config/deltat.ts", DELTAT, [
    ["durations have 32 bits", "MIT krb5, x-deltat.y", " || !fits(amount) || !fits(sum)", ""],
  ]),
  ...rules("proxy/server_options.ts", SERVED, [
    [
      "permitted enctypes reach the acceptor",
      "krb5.conf, permitted_enctypes",
      "capaths, enctypes, replayCache, runtime }",
      "capaths, replayCache, runtime }",
    ],
  ]),
  ...rules("cli/config/serve_options.ts", SERVED, [
    [
      "serve takes permitted_enctypes",
      "krb5.conf, permitted_enctypes",
      "defaultKeytabName(config), capaths, enctypes };",
      "defaultKeytabName(config), capaths };",
    ],
  ]),
  ...rules("cli/krb5conf/report.ts", REPORT, [
    [
      "a later value of a setting has no effect",
      "krb5.conf",
      'draft.unused.push(placed(path, value, "an earlier value counts"));',
      "void value;",
    ],
    [
      "what nobody knows is told apart",
      "krb5.conf",
      ": isKnownRelation(own) ? draft.unused : draft.unknown;",
      ": draft.unused;",
    ],
  ]),
];
