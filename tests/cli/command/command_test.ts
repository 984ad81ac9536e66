/** Commands: their help. */
import assert from "node:assert/strict";
import { gssocks } from "../../support/run_cli.ts";

/** Columns of the help at most. */
const WIDTH = 124;

Deno.test("help: lists every command, and no line of any help is wider than a terminal's window", async () => {
  const { out } = await gssocks(["--help"]);
  const names = [...out.matchAll(/^ {2}([a-z0-9]+) {2,}\S/gm)].map(([, name]) => name!);
  for (const name of ["kswitch", "krb5conf", "completions"]) assert.ok(names.includes(name), name);
  for (const words of [["--help"], ...names.map((name) => [name, "--help"])]) {
    const help = await gssocks(words);
    assert.deepEqual([help.code, help.err], [0, ""]);
    assert.deepEqual(help.out.split("\n").filter((line) => line.length > WIDTH), [], words[0]);
  }
});
