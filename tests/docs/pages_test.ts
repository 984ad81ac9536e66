/** Guides: what is generated in them is current, and what they quote is what the program says. */
import assert from "node:assert/strict";
import { sources } from "../support/sources.ts";
import { GENERATED_PAGES, readPage, renewed } from "./pages/pages.ts";

for (const name of GENERATED_PAGES) {
  Deno.test(`guides: ${name} is what the tables of the program say`, async () => {
    const page = await readPage(name);
    assert.equal(page, await renewed(page), "run deno task docs");
    assert.match(page, /<!-- deno task docs: /);
  });
}

Deno.test("guides: a part that nobody generates, or that does not end, is an error", async () => {
  await assert.rejects(renewed("<!-- deno task docs: nothing -->\n<!-- end -->\n"), /no part "nothing"/);
  await assert.rejects(renewed("<!-- deno task docs: settings -->\n"), /no end/);
});

Deno.test("guides: the texts of errors in the troubleshooting page are texts of the program", async () => {
  const code = [...sources().values()].join("\n");
  const page = await readPage("howto/troubleshooting.md");
  const wrong: string[] = [];
  let count = 0;
  for (const heading of ["A user sees", "A service refuses a ticket", "An administrator sees"]) {
    const rows = page.split(`## ${heading}\n`)[1]!.split("\n## ")[0]!.matchAll(/^\| (?!---|text|code)(.*)\|.*\|$/gm);
    for (const [, cells] of rows) {
      for (const [, text] of cells!.matchAll(/`([^`]+)`/g)) {
        count++;
        if (!code.includes(text!)) wrong.push(text!);
      }
    }
  }
  assert.deepEqual(wrong, []);
  assert.ok(count > 30, `${count} texts`);
});
