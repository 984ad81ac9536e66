/**
 * Rules of this area, each with the change that switches it off: kinds of credential caches, and what stands in caches and keytabs.
 *
 * @module
 */
import type { Mutant } from "./mutant.ts";

const RECORDS = "kerberos/credentials/formats/credential_records.ts";
const CCACHE = "kerberos/credentials/formats/ccache.ts";
const KEYTAB = "kerberos/credentials/formats/keytab.ts";
const CCACHES: readonly string[] = ["tests/kerberos/credentials/formats/ccache_test.ts"];
const KEYTABS: readonly string[] = ["tests/kerberos/credentials/formats/keytab_test.ts"];

const FORMATS: readonly Mutant[] = [
  {
    rule: "a ticket that MIT or Heimdal has removed is gone",
    source: "MIT's cache files",
    file: RECORDS,
    find: "(credential.endtime === 0 && credential.authtime !== 0)",
    replace: "false",
    tests: CCACHES,
  },
  {
    rule: "a setting that MIT has removed is gone",
    source: "MIT's cache files",
    file: RECORDS,
    find: "credential.server.realm === REMOVED_SETTING || ",
    replace: "",
    tests: CCACHES,
  },
  {
    rule: "a setting without times is no removed one",
    source: "MIT's cache files",
    file: RECORDS,
    find: " && credential.authtime !== 0",
    replace: "",
    tests: CCACHES,
  },
  {
    rule: "no start is the time of authentication",
    source: "RFC 4120 section 5.3",
    file: RECORDS,
    find: "starttime: starttime! || authtime!",
    replace: "starttime: starttime!",
    tests: CCACHES,
  },
  {
    rule: "a key of a wrong length spoils its ticket alone",
    source: "MIT's klist",
    file: RECORDS,
    find: '(error instanceof KerberosError && error.code === "BAD_KEY")',
    replace: "false",
    tests: CCACHES,
  },
  {
    rule: "a ticket that is cut is the end of the cache",
    source: "MIT's klist",
    file: CCACHE,
    find: "if (error instanceof RangeError) break;",
    replace: "",
    tests: CCACHES,
  },
  {
    rule: "a bad entry of a keytab spoils only itself",
    source: "MIT's klist",
    file: KEYTAB,
    find: "      bad ??= error;",
    replace: "      throw error;",
    tests: KEYTABS,
  },
  {
    rule: "a keytab without a good entry is refused",
    source: "design",
    file: KEYTAB,
    find: "if (entries.length === 0 && bad !== undefined) {",
    replace: "if (false) {",
    tests: KEYTABS,
  },
  {
    rule: "a keytab costs bounded time",
    source: "design",
    file: KEYTAB,
    find: "if (count > MAX_RECORDS) {",
    replace: "if (false) {",
    tests: KEYTABS,
  },
];

/** Rules of this area. */
export const STORES_MUTANTS: readonly Mutant[] = [...FORMATS];
