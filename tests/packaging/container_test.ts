/** The container file: right for a linter, of this version, and without rights that it does not need. */
import assert from "node:assert/strict";
import { validate } from "dockerfile-utils";

const ROOT = new URL("../../", import.meta.url);
const FILE = new URL("packaging/container/Containerfile", ROOT);

Deno.test("container: a linter finds nothing in the file", async () => {
  assert.deepEqual(validate(await Deno.readTextFile(FILE)), []);
  // It does find something.
  assert.notDeepEqual(validate("FROM a\nENTRYPOINT x\nENTRYPOINT y\nMAINTAINER z\n"), []);
});

Deno.test("container: the file is of this version, and runs as a user who may read its own files only", async () => {
  const { version } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const text = await Deno.readTextFile(FILE);
  const versions = [...text.matchAll(/jsr:@gssocks\/gssocks@([^/"]+)\/cli/g)].map(([, one]) => one);
  assert.deepEqual(versions, [version, version]);
  assert.match(text, /^USER deno$[^]*^ENTRYPOINT/m);
  const entry: string[] = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(text)![1]!);
  assert.ok(entry.includes("--no-prompt") && entry.includes("--cached-only"));
  assert.deepEqual(entry.filter((word) => /^(-A|--allow-(all|run|ffi|write|sys|read|env))$/.test(word)), []);
});
