/** The workflow that publishes, as far as it can be checked without publishing. */
import assert from "node:assert/strict";

const ROOT = new URL("../../", import.meta.url);
const workflow = await Deno.readTextFile(new URL(".github/workflows/publish.yml", ROOT));
const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT))) as { tasks: Record<string, string> };

Deno.test("publish.yml: its tasks exist, and both registries get the provenance", () => {
  const named = [...workflow.matchAll(/deno task ([a-z:-]+)/g)].map(([, name]) => name!);
  assert.deepEqual(named.filter((name) => tasks[name] === undefined), []);
  assert.ok(named.includes("checks") && named.includes("npm"));
  assert.equal(workflow.match(/^ {6}id-token: write$/gm)?.length, 2);
  assert.match(workflow, /deno publish /);
  assert.match(workflow, /npm publish --provenance --access public \.\/npm-package\n/);
});

Deno.test("publish.yml: Deno's version is one, and nobody writes who need not", () => {
  const versions = [...workflow.matchAll(/deno-version: (\S+)/g)].map(([, version]) => version);
  assert.equal(versions.length, 3);
  assert.equal(new Set(versions).size, 1);
  assert.match(workflow, /^permissions:\n {2}contents: read\n\njobs:/m);
  assert.doesNotMatch(workflow, /: write-all|contents: write/);
});
