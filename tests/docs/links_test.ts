/** Links: no guide leads nowhere, and what the package's guides lead to is in the package. */
import assert from "node:assert/strict";
import { anchorOf, anchorsIn, linksIn } from "../support/markdown_links.ts";

const ROOT = new URL("../../", import.meta.url);
const { publish } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT))) as {
  readonly publish: { readonly include: readonly string[] };
};

/** Paths of the Markdown files below a folder. */
function pagesBelow(folder: string): string[] {
  return [...Deno.readDirSync(new URL(folder, ROOT))].flatMap(({ name, isDirectory }) =>
    isDirectory ? pagesBelow(`${folder}${name}/`) : name.endsWith(".md") ? [`${folder}${name}`] : []
  );
}

const TOPS = ["README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", "links/README.md"];
const PAGES = new Map(
  [...TOPS, ...pagesBelow("docs/")].map((path) => [path, Deno.readTextFileSync(new URL(path, ROOT))]),
);

/** Whether a file is published. */
function isPublished(path: string): boolean {
  return publish.include.some((pattern) => {
    const parts = RegExp.escape(pattern).replaceAll("\\*\\*\\/", "(?:.*/)?").replaceAll("\\*", "[^/]*");
    return new RegExp(`^${parts}$`).test(path);
  });
}

/** A link of one page to another file, or to a place in it. */
interface Inner {
  readonly from: string;
  readonly to: string;
  readonly anchor: string;
}

function innerLinks(): Inner[] {
  return [...PAGES].flatMap(([from, text]) =>
    linksIn(text).filter(({ target }) => !/^[a-z]+:/.test(target)).map(({ target }) => {
      const { pathname, hash } = new URL(target, `file:///${from}`);
      return { from, to: pathname.slice(1), anchor: decodeURIComponent(hash.slice(1)) };
    })
  );
}

Deno.test("links: every file and place that a guide leads to is there", () => {
  const wrong = innerLinks().filter(({ to, anchor }) => {
    const page = PAGES.get(to);
    if (page !== undefined) return anchor !== "" && !anchorsIn(page).has(anchor);
    try {
      return !Deno.statSync(new URL(to, ROOT)).isFile;
    } catch {
      return true;
    }
  });
  assert.deepEqual(wrong.map(({ from, to, anchor }) => `${from}: ${to}#${anchor}`), []);
  assert.ok(innerLinks().length > 100, `${innerLinks().length} links`);
});

Deno.test("links: what a published guide leads to is published", () => {
  assert.ok(isPublished("README.md") && isPublished("docs/howto/keytabs.md") && !isPublished("tests/x.ts"));
  const missing = innerLinks().filter(({ from, to }) => isPublished(from) && !isPublished(to));
  assert.deepEqual(missing.map(({ from, to }) => `${from}: ${to}`), []);
});

Deno.test("links: every guide can be reached from the page of all pages", () => {
  const linked = new Set(innerLinks().filter(({ from }) => from === "docs/index.md").map(({ to }) => to));
  const lost = [...PAGES.keys()].filter((path) => path.startsWith("docs/") && !linked.has(path));
  assert.deepEqual(lost, ["docs/index.md"]);
  assert.ok(innerLinks().some(({ from, to }) => from === "README.md" && to === "docs/index.md"));
});

Deno.test("links: the reader of Markdown passes over code, and numbers headings that are alike", () => {
  assert.deepEqual(linksIn("[a](b.md) `[c](d)`\n```ts\n[e](f)\n```\n![g](h.png)").map(({ target }) => target), [
    "b.md",
    "h.png",
  ]);
  assert.equal(anchorOf("More than one core, more than one `machine`"), "more-than-one-core-more-than-one-machine");
  assert.deepEqual([...anchorsIn("# A b\n## A b\n")], ["a-b", "a-b-1"]);
});
