/** "Did you mean": typing errors find their word, other words find none. */
import assert from "node:assert/strict";
import { didYouMean, suggest } from "../../../cli/command/suggestion.ts";
import { gssocks } from "../../support/run_cli.ts";

const COMMANDS = [
  "serve",
  "bridge",
  "connect",
  "kinit",
  "klist",
  "kdestroy",
  "kvno",
  "kswitch",
  "passwd",
  "kdc",
  "demo",
];

Deno.test("suggest(): a mistyped word finds the one that was meant", () => {
  const cases: Record<string, string | undefined> = {
    kinti: "kinit",
    kint: "kinit",
    KLIST: "klist",
    klsit: "klist",
    kdestory: "kdestroy",
    brigde: "bridge",
    conect: "connect",
    pass: "passwd",
    ksw: "kswitch",
    server: "serve",
    kdd: "kdc",
  };
  for (const [word, meant] of Object.entries(cases)) assert.equal(suggest(word, COMMANDS), meant, word);
  assert.equal(suggest("gsapi", ["gssapi", "listen", "rules"]), "gssapi");
  assert.equal(suggest("gssapi.keytabs", ["gssapi.keytab", "gssapi.services"]), "gssapi.keytab");
});

Deno.test("suggest(): what is no typing error finds nothing", () => {
  for (const word of ["", "x", "frobnicate", "zz", "k", "x".repeat(65), "x".repeat(1e6)]) {
    assert.equal(suggest(word, COMMANDS), undefined, word.slice(0, 10));
  }
  assert.equal(suggest("ki", ["kinit", "kiosk"]), undefined);
  assert.equal(suggest("kno", ["knock", "knoll"]), undefined);
  assert.equal(suggest("kinit", []), undefined);
  assert.equal(suggest("x".repeat(65), ["x".repeat(64)]), undefined);
});

Deno.test("didYouMean(): is the end of an error, or nothing", () => {
  assert.equal(didYouMean("kinti", COMMANDS), '; did you mean "kinit"?');
  assert.equal(didYouMean("frobnicate", COMMANDS), "");
});

Deno.test("commands: a mistyped one is answered with the one that was meant", async () => {
  const got = await gssocks(["kinti", "alice"]);
  assert.deepEqual([got.code, got.out, got.err], [
    2,
    "",
    'gssocks: there is no command "kinti"; did you mean "kinit"?\n',
  ]);
  assert.match((await gssocks(["frobnicate"])).err, /there is no command "frobnicate"; see gssocks --help\n$/);
});
