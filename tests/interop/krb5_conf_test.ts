/** What this library makes of krb5.conf, and what MIT's library makes of the same files. */
import assert from "node:assert/strict";
import { parseDeltat } from "../../kerberos/config/deltat.ts";
import { readEnctypeList } from "../../kerberos/config/enctype_list.ts";
import { ConfigLoader } from "../../kerberos/config/load.ts";
import { configOf } from "../../kerberos/config/parse.ts";
import type { ProfileSection } from "../../kerberos/config/profile.ts";
import { systemFiles } from "../../kerberos/credentials/shell/files.ts";
import { KerberosError } from "../../kerberos/errors.ts";
import { Random } from "../fuzz/random.ts";
import { peerTest } from "../support/peers.ts";
import { run } from "../support/process.ts";
import { askMit } from "../support/profile_dump.ts";
import { drawProfile, type ProfileCase } from "../support/profile_files.ts";

const CASES = 300;

/** Values of all relations, by path, as MIT's library lists them. */
function flat(section: ProfileSection, path: readonly string[] = []): string[][] {
  return [
    ...[...section.values].flatMap(([name, values]) => values.map((value) => [...path, name, value])),
    ...[...section.sections].flatMap(([name, inner]) => flat(inner, [...path, name])),
  ];
}

/** The values of each relation keep their order; that of the relations does not matter. */
function byRelation(rows: readonly (readonly string[])[]): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const row of rows) (found[JSON.stringify(row.slice(0, -1))] ??= []).push(row.at(-1)!);
  return found;
}

function read(list: string) {
  const environment = { variable: () => list, userNumber: () => Deno.uid()!, userName: () => "nobody" };
  const loader = new ConfigLoader({ environment: { ...environment }, files: systemFiles });
  return loader.read()!;
}

async function write(folder: string, { files }: ProfileCase): Promise<void> {
  for (const [name, text] of files) {
    const path = `${folder}/${name}`;
    await Deno.mkdir(text === undefined ? path : path.replace(/\/[^/]*$/, ""), { recursive: true });
    if (text !== undefined) await Deno.writeTextFile(path, text);
  }
}

/** Makes a folder for a test. */
async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Compares what is read of a list of files; returns whether it was an error. */
function compare(list: string, answer: readonly (readonly string[])[]): boolean {
  const mit = answer.some(([kind]) => kind === "error") ? undefined : byRelation(
    answer.filter(([kind]) => kind === "v").map(([, ...row]) => row),
  );
  try {
    const ours = byRelation(flat(read(list).profile));
    assert.deepEqual(ours, mit ?? "an error", `${list}: ${JSON.stringify(answer)}`);
    return false;
  } catch (error) {
    if (!(error instanceof KerberosError)) throw error;
    assert.equal(mit, undefined, `${list}: ${error.message}`);
    assert.equal(error.code, "BAD_CONFIG");
    assert.match(error.message, /^Cannot read \/.*, line \d+: ./);
    return true;
  }
}

/** The seed of this run: another one each day. */
function drawnSeed(): number {
  const seed = Number(Deno.env.get("GSSOCKS_SEED") ?? Math.floor(Date.now() / 86_400_000));
  // deno-lint-ignore no-console
  console.log(`GSSOCKS_SEED=${seed}`);
  return seed;
}

peerTest(
  "krb5.conf: generated files have MIT's values, or are wrong for both",
  ["profile_dump"],
  () =>
    inFolder(async (folder) => {
      const random = new Random(drawnSeed());
      const lists: string[] = [];
      for (let i = 0; i < CASES; i++) {
        const drawn = drawProfile(random, `${folder}/${i}`);
        await write(`${folder}/${i}`, drawn);
        lists.push(drawn.list.map((name) => `${folder}/${i}/${name}`).join(":"));
      }
      const answers = await askMit(lists.map((list) => ["file", list] as const));
      const wrong = lists.filter((list, i) => compare(list, answers[i]!)).length;
      // Both kinds are to be among them, and many of each.
      assert.ok(wrong > CASES / 20 && wrong < CASES / 2, `${wrong} of ${CASES} are wrong`);
    }),
);

peerTest("krb5.conf: generated durations are MIT's, or durations for neither", ["profile_dump"], async () => {
  const random = new Random(drawnSeed());
  const pieces = [
    "d",
    "h",
    "m",
    "s",
    ":",
    "-",
    " ",
    "\t",
    "0",
    "1",
    "7",
    "12",
    "59",
    "100",
    "24855",
    "2147483647",
    "3d",
    "4h",
    "5m",
    "6s",
    "0-0:5:0",
  ];
  const texts = Array.from({ length: 2 * CASES }, () => {
    let text = "";
    for (let left = 1 + random.below(7); left > 0; left--) text += random.pick(pieces);
    return text;
  });
  const answers = await askMit(texts.map((text) => ["deltat", text] as const));
  for (const [i, text] of texts.entries()) {
    const [[kind, seconds] = []] = answers[i]!;
    assert.equal(parseDeltat(text), kind === undefined ? undefined : Number(seconds), JSON.stringify(text));
  }
  assert.ok(answers.filter((answer) => answer.length > 0).length > CASES / 10);
});

/** Settings as MIT's library reads them: by kind and name. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  forwardable: ["yes", "NO", "t", "nil", "1", "0", "on", "Off", "maybe", "2", '"y"', '""'],
  proxiable: ["true", "false", "n", "tru"],
  udp_preference_limit: ["0", "1465", "+5", "5x", "99999999999", '" 7"', "1 2"],
  default_ccache_name: [
    "FILE:/a%{uid}",
    "%{TEMP}/x",
    "DIR:%{null}/%{USERID}",
    "KEYRING:persistent:%{euid}",
    "/a%{username}",
  ],
};
const ENCTYPES = [
  "aes",
  "-aes",
  "rc4",
  "camellia",
  "des3",
  "aes256-cts",
  "-AES256-CTS",
  "+aes128-sha2",
  "aes256-sha2",
  "nonsense",
  "-rc4-hmac",
  "camellia256-cts-cmac",
  "arcfour-hmac-exp",
  "aes128-cts-hmac-sha1-96",
  "des-cbc-crc",
  "des3-hmac-sha1",
  "-des3",
];

function drawSettings(random: Random): string {
  const lines = [
    "[libdefaults]",
    `permitted_enctypes = ${ENCTYPES.filter(() => random.once(5)).join(random.pick([" ", ",", " , "])) || "aes"}`,
  ];
  for (const [name, values] of Object.entries(VALUES)) {
    if (random.once(2)) lines.push(`${name} = ${random.pick(values)}`);
  }
  if (random.once(2)) lines.push("allow_weak_crypto = yes");
  return `${lines.join("\n")}\n`;
}

/** Compares settings of one file. */
function compareSettings(path: string, answer: readonly (readonly string[])[], userName: string): void {
  const { profile } = read(path);
  const config = configOf(profile);
  const where = Deno.readTextFileSync(path);
  const mit = (kind: string, name?: string) =>
    answer.find((row) => row[0] === kind && (name === undefined || row[1] === name));
  const ours = <T>(get: () => T): T | undefined => {
    try {
      return get();
    } catch (error) {
      assert.equal((error as KerberosError).code, "BAD_CONFIG", where);
      return undefined;
    }
  };
  for (const name of ["forwardable", "proxiable"] as const) {
    assert.equal(ours(() => config[name]), mit("boolean", name) && mit("boolean", name)![2] === "1", where);
  }
  const size = mit("integer")?.[2];
  assert.equal(
    ours(() => config.udpPreferenceLimit),
    size === undefined ? undefined : Math.max(Number(size), 0),
    where,
  );
  const text = profile.sections.get("libdefaults")!.values.get("permitted_enctypes")![0]!;
  const weak = profile.sections.get("libdefaults")!.values.has("allow_weak_crypto");
  const list = readEnctypeList(text, { weak }).enctypes;
  assert.deepEqual(list, mit("permitted")?.slice(1).map(Number) ?? [], where);
  if (config.defaultCcacheName === undefined) return;
  const environment = { variable: () => undefined, userNumber: () => Deno.uid()!, userName: () => userName };
  assert.equal(new ConfigLoader({ environment, files: systemFiles }).ccacheName(config), mit("ccache")![1], where);
}

peerTest(
  "krb5.conf: booleans, numbers, enctypes and caches' names are MIT's",
  ["profile_dump"],
  () =>
    inFolder(async (folder) => {
      const random = new Random(drawnSeed());
      const paths: string[] = [];
      for (let i = 0; i < CASES / 4; i++) {
        paths.push(`${folder}/${i}`);
        await Deno.writeTextFile(paths[i]!, drawSettings(random));
      }
      const answers = await askMit(paths.map((path) => ["file", path] as const));
      const userName = (await run("id", ["-un"])).stdout.trim();
      for (const [i, path] of paths.entries()) compareSettings(path, answers[i]!, userName);
    }),
);
