/** SECURITY.md: every test that it names exists. */
import assert from "node:assert/strict";

const HERE = new URL("./", import.meta.url);

/** Returns the tests that a line names: a file in backquotes, and after a colon words of its test names. */
function named(line: string): { file: string; words: string[] }[] {
  return [...line.matchAll(/`([a-z_0-9/]+_test\.ts)`(?:: ((?:"[^"]+"(?:, )?)+))?/g)].map(([, file, words = ""]) => ({
    file: file!,
    words: [...words.matchAll(/"([^"]+)"/g)].map(([, text]) => text!),
  }));
}

Deno.test("SECURITY.md: names existing tests in each row", async () => {
  const text = await Deno.readTextFile(new URL("../SECURITY.md", HERE));
  const rows = text.split("\n").filter((line) => /^\| (?!---|who \||rule \|)/.test(line));
  assert.ok(rows.length > 30, `${rows.length} rows`);
  const wrong: string[] = [];
  for (const row of rows) {
    const tests = named(row);
    if (tests.length === 0) wrong.push(`no test: ${row}`);
    for (const { file, words } of tests) {
      const source = await Deno.readTextFile(new URL(file, HERE)).catch(() => undefined);
      // A name may stand on its own line.
      const names = source?.replace(/\(\n\s*"/g, '("');
      if (names === undefined) wrong.push(`no such file: ${file}`);
      for (const part of words) {
        const test = names?.split("\n").some((line) => /^\s*(await )?[\w.]+\("/.test(line) && line.includes(part));
        if (names !== undefined && !test) wrong.push(`no test in ${file} has "${part}" in its name`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

Deno.test("SECURITY.md: the reader of rows finds files and names", () => {
  assert.deepEqual(named('| a | `x/y_test.ts`: "one", "two", `z_test.ts` |'), [
    { file: "x/y_test.ts", words: ["one", "two"] },
    { file: "z_test.ts", words: [] },
  ]);
});
