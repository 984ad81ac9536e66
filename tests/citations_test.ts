/** Citations: every section of an RFC that the sources, the tests and the guides name is one that the RFC has. */
import assert from "node:assert/strict";
import { sources, TOPS } from "./support/sources.ts";

const ROOT = new URL("..", import.meta.url);
const { titles } = JSON.parse(
  await Deno.readTextFile(new URL("tests/vectors/rfc_sections.json", ROOT)),
) as { readonly titles: Readonly<Record<string, Readonly<Record<string, string>>>> };

/** A citation: the number of an RFC and of one of its sections, or the letter of an appendix. */
interface Citation {
  readonly rfc: string;
  readonly section: string;
}

const SECTION = String.raw`[0-9]+(?:\.[0-9]+)*|[A-Z](?:\.[0-9]+)*\b`;
const CITED = new RegExp(
  String
    .raw`RFCs? ?(\d{3,5})(?:,| \(?)? ?(?:sections?|appendix|appendices) ((?:${SECTION})(?:(?:, and |, | and | or | to )(?:${SECTION})(?![\w-]))*)`,
  "g",
);

/** Returns the citations in a text, those of lists (`sections 3, 4.1 and 5`) one by one. */
function citationsIn(text: string): Citation[] {
  // A comment may go on in the next line.
  const flowing = text.replace(/\s*\n\s*(?:\*|\/\/)?\s*/g, " ");
  return [...flowing.matchAll(CITED)].flatMap(([, rfc, list]) =>
    [...list!.matchAll(new RegExp(SECTION, "g"))].map(([section]) => ({ rfc: rfc!, section }))
  );
}

/** Returns the guides and the sources by path. */
function texts(): Map<string, string> {
  const found = sources([...TOPS, "tests/", "docs/"]);
  for (const name of ["README.md", "SECURITY.md", "CONTRIBUTING.md"]) {
    found.set(name, Deno.readTextFileSync(new URL(name, ROOT)));
  }
  for (const folder of ["docs/", "docs/howto/", "docs/tutorials/"]) {
    for (const { name } of Deno.readDirSync(new URL(folder, ROOT))) {
      if (name.endsWith(".md")) found.set(`${folder}${name}`, Deno.readTextFileSync(new URL(`${folder}${name}`, ROOT)));
    }
  }
  found.delete("tests/citations_test.ts");
  return found;
}

Deno.test("citations: each section exists in its RFC", () => {
  const wrong: string[] = [];
  let count = 0;
  for (const [path, text] of texts()) {
    for (const { rfc, section } of citationsIn(text)) {
      count++;
      if (titles[rfc]?.[section] === undefined) wrong.push(`${path}: RFC ${rfc} section ${section}`);
    }
  }
  assert.deepEqual(wrong, [], "sections that are in no list of titles (tests/vectors/rfc_sections.json)");
  assert.ok(count > 800, `${count} citations found`);
});

Deno.test("citations: the scan reads lists, appendices and comments over several lines", () => {
  const text = "RFC 4120 sections 3.2.3 and 5.5.1, RFC 1961\n * section 3.8, RFC 4960 appendix B; RFC 1928, section 6.";
  assert.deepEqual(citationsIn(text).map(({ rfc, section }) => `${rfc} ${section}`), [
    ...["4120 3.2.3", "4120 5.5.1", "1961 3.8", "4960 B", "1928 6"],
  ]);
  assert.equal(titles["1961"]?.["5.2"], undefined, "RFC 1961 has no section 5.2");
});
