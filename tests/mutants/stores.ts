/**
 * Rules of this area, each with the change that switches it off: kinds of credential caches, and what stands in caches and keytabs.
 *
 * @module
 */
import type { Mutant } from "./mutant.ts";

const RECORDS = "kerberos/credentials/formats/credential_records.ts";
const CCACHE = "kerberos/credentials/formats/ccache.ts";
const KEYTAB = "kerberos/credentials/formats/keytab.ts";
const CLIENT = "kerberos/credentials/caches/kcm_client.ts";
const DIR = "kerberos/credentials/caches/dir.ts";
const COLLECTION = "kerberos/credentials/collection.ts";
const KCMS: readonly string[] = ["tests/kerberos/credentials/caches/kcm_test.ts"];
const DIRS: readonly string[] = ["tests/kerberos/credentials/caches/dir_test.ts"];
const CHOICES: readonly string[] = ["tests/kerberos/credentials/collection_test.ts"];
const FILES: readonly string[] = ["tests/kerberos/credentials/caches/file_test.ts"];
const KLIST: readonly string[] = ["tests/cli/commands/klist_test.ts"];
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

const KCM: readonly Mutant[] = [
  ...([
    ["a reply of a KCM daemon is bounded", "if (length > MAX_REPLY) throw", "if (false) throw"],
    ["nothing follows a reply", "if (bytes.length > end) throw", "if (false) throw"],
    ["a reply has a code", "if (state === 0 && length < 4) throw", "if (false) throw"],
    ["a refusal of the transport has no reply", "const end = state === 0 ? 8 + length : 8;", "const end = 8 + length;"],
    ["nothing follows what a reply consists of", "    reader.end();\n", ""],
    ["a name of a cache is bounded", " || length > MAX_NAME", ""],
    ["a list of a KCM daemon is bounded", " || count > MAX_LIST", ""],
    ["a list is of whole numbers", "!Number.isInteger(count) || ", ""],
    ["an offset that was never set is none", "offset === NO_OFFSET ? undefined : offset", "offset"],
  ] as const).map(([rule, find, replace]) => ({
    rule,
    source: "design",
    file: "kerberos/credentials/formats/kcm_messages.ts",
    find,
    replace,
    tests: KCMS,
  })),
  {
    rule: "a KCM daemon that is silent costs bounded time",
    source: "design",
    file: CLIENT,
    find: "onAbort(signal, () => connection.close())",
    replace: "onAbort(signal, () => {})",
    tests: KCMS,
    filter: "garbage",
  },
  {
    rule: "all replies of a KCM daemon together are bounded",
    source: "design",
    file: CLIENT,
    find: "if ((use.bytes += length) > MAX_BYTES) throw",
    replace: "if (false) throw",
    tests: KCMS,
  },
  {
    rule: "the connection to a KCM daemon is closed",
    source: "design",
    file: CLIENT,
    find: "    } finally {\n      connection.close();\n    }",
    replace: "    } finally {}",
    tests: KCMS,
  },
  {
    rule: "a ticket goes into its client's KCM cache only",
    source: "kinit of another client is not undone",
    file: "kerberos/credentials/caches/kcm.ts",
    find: "contentsFor(credential.client, this.name, principal && { principal, credentials: [] });",
    replace: "void principal;",
    tests: KCMS,
  },
  {
    rule: "a renewed ticket undoes no kinit in a KCM cache",
    source: "design",
    file: "kerberos/credentials/caches/kcm.ts",
    find: "if (replaces !== undefined) contentsFor(",
    replace: "if (false) contentsFor(",
    tests: KCMS,
  },
];

const KEPT: readonly Mutant[] = [
  {
    rule: "a cache file that another program changed is read again",
    source: "design",
    file: "kerberos/credentials/caches/file.ts",
    find: "kept !== undefined && kept.mark === this.#files.markNow(this.#path) && ",
    replace: "kept !== undefined && ",
    tests: FILES,
  },
  {
    rule: "no key is kept of a cache file that was replaced or is gone",
    source: "CWE-316",
    file: "kerberos/credentials/caches/file.ts",
    find: "    this.#kept = undefined;\n    const file",
    replace: "    const file",
    tests: FILES,
  },
  {
    rule: "a cache file whose keys a caller has disposed of is read again",
    source: "design",
    file: "kerberos/credentials/caches/file.ts",
    find: " && isWhole(kept.data))",
    replace: ")",
    tests: FILES,
  },
  {
    rule: "no key is kept of a cache file that was changed or destroyed",
    source: "CWE-316",
    file: "kerberos/credentials/caches/file.ts",
    find: ".finally(() => this.#kept = undefined)",
    replace: "",
    tests: FILES,
  },
  {
    rule: "a cache file whose next change may not show is not kept",
    source: "design",
    file: "kerberos/credentials/caches/file.ts",
    find: "if (file.mark !== undefined) this.#kept",
    replace: "this.#kept",
    tests: FILES,
  },
  {
    rule: "a file whose times have steps of two seconds has no mark before these are over",
    source: "design",
    file: "kerberos/credentials/shell/read_file.ts",
    find: "const SETTLED = 2_000;",
    replace: "const SETTLED = 1_999;",
    tests: FILES,
  },
  {
    rule: "a file that changed a moment ago has no mark",
    source: "design",
    file: "kerberos/credentials/shell/read_file.ts",
    find: "mark: isSettled(info) ? markOf(info) : undefined",
    replace: "mark: markOf(info)",
    tests: FILES,
  },
];

const COLLECTIONS: readonly Mutant[] = [
  {
    rule: "the file primary leads nowhere but to a cache of its folder",
    source: "CWE-22",
    file: DIR,
    find: "&& !/[/\\\\\\0]/.test(name)",
    replace: "",
    tests: DIRS,
  },
  {
    rule: "the primary cache of a folder is a cache",
    source: "MIT's DIR caches",
    file: DIR,
    find: "if (isCacheName(name)) return name;",
    replace: "return name;",
    tests: DIRS,
  },
  {
    rule: "what a change has left behind is no cache",
    source: "design",
    file: DIR,
    find: " && !UNFINISHED.test(name)",
    replace: "",
    tests: DIRS,
  },
  {
    rule: "a folder of caches is bounded",
    source: "design",
    file: DIR,
    find: "if (found.length <= MAX_CACHES) return found;",
    replace: "return found;",
    tests: DIRS,
  },
  {
    rule: "a folder of caches is its owner's alone",
    source: "MIT's DIR caches",
    file: "kerberos/credentials/shell/files.ts",
    find: "fs.mkdirSync(folder, { mode: 0o700 })",
    replace: "fs.mkdirSync(folder, { mode: 0o777 })",
    tests: DIRS,
  },
  {
    rule: "a service of a realm gets the cache of that realm",
    source: "MIT's ccselect",
    file: COLLECTION,
    find: "service.realm === realm ? 1 : 0",
    replace: "0",
    tests: CHOICES,
  },
  {
    rule: "a realm fits a host by whole labels",
    source: "MIT's ccselect",
    file: COLLECTION,
    find: "`.${host}`.endsWith(`.${realm.toLowerCase()}`)",
    replace: "host.endsWith(realm.toLowerCase())",
    tests: CHOICES,
  },
  {
    rule: "a client's new tickets replace no other client's",
    source: "MIT's kinit",
    file: COLLECTION,
    find: "await primary.load() === undefined ? primary : await collection.create()",
    replace: "primary",
    tests: CHOICES,
  },
  {
    rule: "a cache that cannot be read hides no other one",
    source: "design",
    file: COLLECTION,
    find: "    return undefined;\n  }\n}\n",
    replace: "    throw error;\n  }\n}\n",
    tests: CHOICES,
  },
  {
    rule: "a missing permission makes no other cache be used",
    source: "design",
    file: COLLECTION,
    find: 'error.cause.name === "NotCapable") throw error;',
    replace: "false) throw error;",
    tests: CHOICES,
  },
  {
    rule: "a search in a collection costs bounded time",
    source: "design",
    file: COLLECTION,
    find: "await abortable(ownerOf(cache), deadline.signal)",
    replace: "await ownerOf(cache)",
    tests: CHOICES,
  },
  {
    rule: "the ticket to forward is of the client whose ticket it goes with",
    source: "RFC 4120 section 2.6",
    file: "kerberos/credentials/tickets/tickets.ts",
    find: "(options.beside && members.issuerOf(options.beside)) ?? ",
    replace: "",
    tests: ["tests/kerberos/credentials/tickets/member_tickets_test.ts"],
  },
  {
    rule: "a missing permission for the KCM daemon's socket is named",
    source: "design",
    file: "kerberos/credentials/shell/kcm_socket.ts",
    find: "if (isNotPermitted(error)) {",
    replace: "if (false) {",
    tests: ["tests/permissions_test.ts"],
    filter: "KCM",
  },
  {
    rule: "a kind out of reach is said with what to type",
    source: "design",
    file: "kerberos/credentials/caches/open_cache.ts",
    find: "Object.hasOwn(OUT_OF_REACH, kind)",
    replace: "false",
    tests: ["tests/kerberos/credentials/caches/open_cache_test.ts"],
  },
];

const COMMANDS: readonly Mutant[] = [
  {
    rule: "klist shows keys only where they are asked for",
    source: "MIT's klist",
    file: "cli/command/key_list.ts",
    find: "...details.keys ? [",
    replace: "...true ? [",
    tests: KLIST,
  },
  {
    rule: "klist shows keys as JSON only where they are asked for",
    source: "MIT's klist",
    file: "cli/command/key_list.ts",
    find: "...keys ? {",
    replace: "...true ? {",
    tests: KLIST,
  },
  {
    rule: "klist -s asks for the own realm's ticket-granting ticket where there is one",
    source: "MIT's klist",
    file: "cli/command/ticket_list.ts",
    find: "(own.length > 0 ? own : tickets)",
    replace: "tickets",
    tests: KLIST,
  },
  {
    rule: "a damaged cache hides no other one from klist",
    source: "design",
    file: "cli/commands/klist.ts",
    find: "      io.err(`gssocks klist: ${reasonText(error)}\\n`);",
    replace: "      throw error;",
    tests: KLIST,
  },
  {
    rule: "what is about keytabs has no silent lack of effect",
    source: "design",
    file: "cli/commands/klist.ts",
    find: "if (!keytab && args.has(of)) throw",
    replace: "if (false) throw",
    tests: ["tests/cli/config/arguments_test.ts"],
    filter: "refuse words",
  },
  {
    rule: "kinit makes the client's cache the primary one",
    source: "MIT's kinit",
    file: "cli/commands/kinit.ts",
    find: "if (own !== cache) await own.makePrimary?.();",
    replace: "",
    tests: ["tests/cli/commands/kswitch_test.ts"],
  },
];

/** Rules of this area. */
export const STORES_MUTANTS: readonly Mutant[] = [...FORMATS, ...KCM, ...KEPT, ...COLLECTIONS, ...COMMANDS];
