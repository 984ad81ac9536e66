/** `gssocks krb5conf`: what counts, what has no effect, and what cannot be used. */
import assert from "node:assert/strict";
import { reportOf } from "../../../cli/krb5conf/report.ts";
import { readProfile } from "../../../kerberos/config/profile_reader.ts";
import { commandsIn } from "../../support/cli_process.ts";

const TEXT = `[libdefaults]
 default_realm = A.TEST # ours
 ticket_lifetime = nope
 forwardable = yes
 forwardable = no
 rdns = false
 tickt_lifetime = 1h
 permitted_enctypes = rc4
 default_tkt_enctypes = aes128-cts
[realms]
 A.TEST = {
  kdc = https://proxy.a.test/KdcProxy
  kdc = k1
  master_kdc = k2
  admin_server = k1
  foo = bar
 }
[domain_realm]
 .a.test = A.TEST
[capaths]
 A.TEST = {
  B.TEST = .
 }
[logging]
 default = FILE:/x
`;

/** Reported values as `name value line`. */
const lines = (values: ReturnType<typeof reportOf>["settings"]) =>
  values.map(({ path, value, line }) => `${path.slice(1).join("/")} ${value} ${line}`);

Deno.test("krb5conf: every value is reported once, with its place and what it does", () => {
  const report = reportOf(readProfile({ name: "c", text: TEXT }));
  assert.deepEqual(lines(report.settings.filter(({ source }) => source === "c")), [
    "default_realm A.TEST 2",
    "default_tkt_enctypes aes128-cts-hmac-sha1-96 9",
    "forwardable true 4",
    "A.TEST/kdc k1 13",
    "A.TEST/primary_kdc k2 14",
    ".a.test A.TEST 19",
    "A.TEST/B.TEST . 22",
  ]);
  assert.deepEqual(lines(report.bad), [
    "permitted_enctypes rc4 8",
    "ticket_lifetime nope 3",
    "A.TEST/kdc https://proxy.a.test/KdcProxy 12",
  ]);
  assert.match(report.bad[2]!.problem!, /KDC proxies/);
  assert.deepEqual(lines(report.unused), [
    "forwardable no 5",
    "rdns false 6",
    "A.TEST/admin_server k1 15",
    "default FILE:/x 25",
  ]);
  assert.deepEqual(lines(report.unknown), ["tickt_lifetime 1h 7", "A.TEST/foo bar 16"]);
  assert.equal(report.notes[0]!.line, 2);
  const defaults = lines(report.settings.filter(({ source }) => source === null));
  assert.ok(defaults.includes("clockskew 300s null"));
  assert.ok(defaults.includes("default_ccache_name FILE:/tmp/krb5cc_%{uid} null"));
});

Deno.test("krb5conf: the command shows files and values as text and as JSON, and exits with 1 for a bad value", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const [bad, good, wrong] = ["bad", "good", "wrong"].map((name) => `${folder}/${name}.conf`);
    await Deno.writeTextFile(bad!, TEXT);
    await Deno.writeTextFile(good!, "[libdefaults]\n default_realm = A.TEST\n");
    await Deno.writeTextFile(wrong!, "[libdefaults]\nnonsense\n");
    const permissions = [`--allow-read=${folder}`, "--allow-env=KRB5_CONFIG"];
    const shown = (file: string, ...more: string[]) =>
      commandsIn([["krb5conf", ...more]], { permissions, env: { KRB5_CONFIG: file } }).then(([result]) => result!);
    const text = await shown(bad!);
    assert.equal(text.code, 1);
    assert.match(
      text.out,
      /^Files:\n {2}.*bad\.conf\n\nSettings:\n {2}\[libdefaults\] default_realm = A\.TEST {2}\(.*bad\.conf:2\)\n/,
    );
    assert.match(text.out, /\nNot known:\n {2}\[libdefaults\] tickt_lifetime = 1h {2}\(.*bad\.conf:7\)\n/);
    const json = await shown(`${good}:${folder}/none.conf`, "--json");
    assert.equal(json.code, 0);
    const { files, settings, bad: none } = JSON.parse(json.out);
    assert.deepEqual([files, none], [[good], []]);
    assert.deepEqual(settings[0], { path: ["libdefaults", "default_realm"], value: "A.TEST", source: good, line: 2 });
    const syntax = await shown(wrong!);
    assert.equal(syntax.code, 1);
    assert.match(syntax.err, /wrong\.conf, line 2: expected name = value/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
