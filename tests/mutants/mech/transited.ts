/**
 * Realms on the way of a ticket.
 *
 * @module
 */
import { type Mutant, rules } from "../mutant.ts";

const CAPATHS = "tests/kerberos/config/capaths_test.ts";
const DECODED = "tests/kerberos/messages/transited_test.ts";
const TRANSITED = "tests/kerberos/ap/transited_test.ts";
const WIRED = "tests/proxy/capaths_test.ts";

/** The rules. */
export const TRANSITED_MUTANTS: readonly Mutant[] = [
  ...rules("kerberos/ap/transited.ts", [TRANSITED], [
    [
      "every realm on the way is between the ends",
      "RFC 4120 section 2.7",
      "    if (allowed.has(realm)) continue;",
      '    if (realm !== "") continue;',
    ],
    [
      "an encoding that is not known is refused",
      "RFC 4120 section 3.3.3.2",
      "if (trType !== DOMAIN_X500_COMPRESS) {",
      "if (false) {",
    ],
    [
      "only nothing is taken in encoding 0",
      "RFC 4120 section 3.3.3.2",
      "if (trType === 0 && contents.length === 0) return;",
      "if (trType === 0) return;",
    ],
    [
      "nothing in encoding 0 is taken",
      "tickets of Windows",
      "  if (trType === 0 && contents.length === 0) return;\n",
      "",
    ],
    [
      "[capaths] counts in place of the hierarchy",
      "krb5.conf, [capaths]",
      "return configured ?? realmsBetween(client, service);",
      "return [...configured ?? [], ...realmsBetween(client, service)];",
    ],
    ["a dot in [capaths] is no realm", "krb5.conf, [capaths]", '?.filter((realm) => realm !== ".")', ""],
    [
      "[capaths] goes by the client's realm first",
      "krb5.conf, [capaths]",
      "capaths?.get(client)?.get(service)",
      "capaths?.get(service)?.get(client)",
    ],
    [
      "the hierarchy ends with what both have in common",
      "RFC 4120 section 1.2",
      "realms.slice(0, realms.indexOf(top))",
      "realms",
    ],
    ["what both have in common is between them", "RFC 4120 section 1.2", "...(top === undefined ? [] : [top])", ""],
    [
      "a null subfield stands for all between",
      "RFC 4120 section 3.3.3.2",
      "    if (from !== undefined) add(...realmsBetween(from, realm));\n",
      "",
    ],
    [
      "a null subfield at the end stands for all up to the service",
      "RFC 4120 section 3.3.3.2",
      "  if (from !== undefined) add(...realmsBetween(from, ends.service));\n",
      "",
    ],
    [
      "the client's realm is before the first null subfield",
      "RFC 4120 section 3.3.3.2",
      "let last = ends.client;",
      "let last = ends.service;",
    ],
    [
      "realms on a way have a limit",
      "linear time",
      "    if (realms.length > MAX_TRANSITED) throw notAccepted(ends, `more than ${MAX_TRANSITED} realms are on it`);\n",
      "",
    ],
    [
      "realms that are too long have no hierarchy",
      "linear time",
      "  if (Math.max(from.length, to.length) > MAX_REALM_LENGTH) return [];\n",
      "",
    ],
    ["X.500 names have their parents in front", "RFC 4120 section 6.1", 'if (realm.startsWith("/")) {', "if (false) {"],
    [
      "names of realms cannot drive a terminal",
      "rule 5 of CONTRIBUTING.md",
      "`realm ${peerText(realm)} is on it, which ${",
      "`realm ${realm} is on it, which ${",
    ],
  ]),
  ...rules("kerberos/messages/transited.ts", [DECODED, TRANSITED], [
    [
      "for putting together the null realm is before the first",
      "RFC 4120 section 3.3.3.2",
      'let listed = "";',
      'let listed = "A.TEST";',
    ],
    [
      "a name that ends in a dot goes in front",
      "RFC 4120 section 3.3.3.2",
      'dot ? "in front" : undefined',
      "undefined",
    ],
    ["a name that begins with a slash goes behind", "RFC 4120 section 3.3.3.2", 'slash ? "behind" : ', ""],
    ["a blank in front makes a name stand by itself", "RFC 4120 section 3.3.3.2", "alone ? undefined : slash", "slash"],
    [
      "a backslash takes the meaning from what is behind it",
      "RFC 4120 section 3.3.3.2",
      "      name += quoted;\n      dot = false;\n",
      '      name += quoted;\n      dot = quoted === ".";\n',
    ],
    [
      "a backslash at the end is refused",
      "RFC 4120 section 3.3.3.2",
      '      if (quoted === undefined) throw new RangeError("the list of realms on it ends in a backslash");\n',
      "",
    ],
    ["nothing is no null subfield", "RFC 4120 section 3.3.3.2", "  if (contents.length === 0) return [];\n", ""],
    [
      "realms without a name are refused",
      "RFC 4120 section 6.1",
      '    if (listed === "") throw new RangeError("a realm without a name is on it");\n',
      "",
    ],
    [
      "realms in a field have a limit",
      "linear time",
      "    if (++count > MAX_TRANSITED) throw new RangeError(`more than ${MAX_TRANSITED} realms are on it`);\n",
      "",
    ],
  ]),
  ...rules("kerberos/config/parse.ts", [CAPATHS], [
    ["[capaths] is read", "krb5.conf, [capaths]", "capaths: () => readCapaths(profile)", "capaths: () => new Map()"],
  ]),
  ...rules("kerberos/config/realms.ts", [CAPATHS], [
    [
      "all values of [capaths] count",
      "krb5.conf, [capaths]",
      "between.flatMap((value) => value.split(/\\s+/))",
      "between.slice(0, 1)",
    ],
  ]),
  ...rules("proxy/server_options.ts", [WIRED], [
    [
      "capaths reach the acceptor from serve()",
      "RFC 4120 section 2.7",
      "services, capaths, enctypes, replayCache, runtime }",
      "services, enctypes, replayCache, runtime }",
    ],
  ]),
  ...rules("cli/config/serve_options.ts", [WIRED], [
    [
      "capaths reach serve() from krb5.conf",
      "krb5.conf, [capaths]",
      "gssapi: { ...config.gssapi, ...kerberos },",
      "gssapi: config.gssapi,",
    ],
  ]),
];
