/** The site of the guides: it is built, no link in it is dead, it asks no other host for anything, and it fits into the window. */
import assert from "node:assert/strict";
import { sidebar } from "../../docs/site/sidebar.ts";
import { peer, peerTest } from "../support/peers.ts";
import { Daemon, run } from "../support/process.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** Paths of the files below a folder, from that folder. */
function filesBelow(folder: string, under = ""): string[] {
  return [...Deno.readDirSync(`${folder}/${under}`)].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesBelow(folder, `${under}${name}/`) : [`${under}${name}`]
  );
}

/** Builds the site into a folder. */
async function build(folder: string): Promise<void> {
  const args = ["run", "-A", "--no-check", `${ROOT}docs/site/build.ts`, "--modules", peer("vitepress")];
  const { code, stderr } = await run(Deno.execPath(), [...args, "--out", folder], { timeout: 100_000 });
  assert.equal(code, 0, stderr);
}

/** What is wrong with the links of the pages of guides. */
function deadLinks(folder: string, pages: ReadonlyMap<string, string>): string[] {
  const files = new Set(filesBelow(folder));
  const wrong: string[] = [];
  for (const [path, html] of pages) {
    for (const [, attribute, target] of html.matchAll(/<[^>]* (href|src)="([^"]*)"/g)) {
      const { protocol, pathname, hash } = new URL(target!.replaceAll("&amp;", "&"), `file:///${path}`);
      // A link to another host is followed by the reader only; what a page loads by itself is from this one.
      if (protocol !== "file:") {
        if (protocol === "http:" || (protocol === "https:" && attribute === "src")) wrong.push(`${path}: ${target}`);
        continue;
      }
      const name = decodeURIComponent(pathname.slice(1)) || "index.html";
      const to = [name, `${name}.html`, `${name}index.html`].find((one) => files.has(one));
      const anchor = decodeURIComponent(hash.slice(1));
      const page = pages.get(to ?? "");
      if (to === undefined || (page !== undefined && anchor !== "" && !page.includes(`id="${anchor}"`))) {
        wrong.push(`${path}: ${target}`);
      }
    }
  }
  return wrong;
}

/** Pages with the widest tables and the longest lines. */
const WIDE = [
  "index",
  "docs/reference-config",
  "docs/howto/troubleshooting",
  "docs/interop",
  "docs/tutorials/library",
  "api/index",
];

/** A page that looks at others: how wide they want to be in windows of two widths, and what the search finds. */
const VISITOR = `<!doctype html><title>visitor</title><body><script type="module">
const found = [];
const opened = async (path, width) => {
  const frame = document.createElement("iframe");
  frame.style.cssText = "height: 800px; border: 0; width: " + width + "px";
  frame.src = "/" + path;
  const loaded = new Promise((resolve) => frame.onload = resolve);
  document.body.append(frame);
  await loaded;
  return frame;
};
for (const width of [420, 1280]) {
  for (const path of PATHS) {
    const frame = await opened(path, width);
    const wanted = frame.contentDocument.documentElement.scrollWidth;
    if (wanted > width) found.push(path + " is " + wanted + " wide at " + width);
    frame.remove();
  }
}
const { contentDocument: page } = await opened("index.html", 1280);
const seen = async (selector) => {
  for (;;) {
    const element = page.querySelector(selector);
    if (element !== null) return element;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
// The button works once the page's own program runs.
while (page.querySelector(".search-input") === null) {
  (await seen(".DocSearch-Button")).click();
  await new Promise((resolve) => setTimeout(resolve, 50));
}
const input = await seen(".search-input");
input.value = "KRB_AP_ERR_SKEW";
input.dispatchEvent(new Event("input"));
found.push((await seen(".results a")).getAttribute("href"));
await fetch("/seen", { method: "POST", body: found.join("; ") });
</script>`;

/** Serves the site and the visitor; returns what that one found in Chromium. */
async function visited(folder: string, paths: readonly string[]): Promise<string> {
  const found = Promise.withResolvers<string>();
  const types: Record<string, string> = { html: "text/html", css: "text/css", js: "text/javascript" };
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/seen") found.resolve(await request.text());
    const headers = { "content-type": types[/\w+$/.exec(pathname)?.[0] ?? ""] ?? "application/octet-stream" };
    if (pathname === "/visitor.html") {
      return new Response(VISITOR.replaceAll("PATHS", JSON.stringify(paths)), { headers });
    }
    const body = await Deno.readFile(`${folder}${pathname}`).catch(() => undefined);
    return new Response(body, { status: body === undefined ? 404 : 200, headers });
  });
  const profile = await Deno.makeTempDir();
  try {
    const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];
    const url = `http://127.0.0.1:${server.addr.port}/visitor.html`;
    const args = [...flags, `--user-data-dir=${profile}`, "--window-size=1400,900", "--remote-debugging-port=0", url];
    await using browser = new Daemon(peer("chromium"), args, { group: true });
    return await Promise.race([found.promise, browser.ended.then(() => browser.output)]);
  } finally {
    await Deno.remove(profile, { recursive: true });
  }
}

peerTest("site: has every guide, no dead link, a search that finds, and fits into 420 and 1280 pixels", [
  "vitepress",
  "chromium",
], async () => {
  const folder = await Deno.makeTempDir();
  try {
    await build(folder);
    const files = filesBelow(folder);
    const guides = files.filter((path) => path.endsWith(".html") && !path.startsWith("api/"));
    const pages = new Map(guides.map((path) => [path, Deno.readTextFileSync(`${folder}/${path}`)]));
    assert.ok(guides.length > 25 && files.includes("api/index.html"), `${guides.length} pages`);
    assert.deepEqual(deadLinks(folder, pages), []);
    assert.ok(files.some((path) => /localSearchIndex/.test(path)), "the index of the search");
    assert.match(await visited(folder, WIDE.map((name) => `${name}.html`)), /^\/docs\/howto\/troubleshooting/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("site: its menu has every page of the page of all pages", async () => {
  const index = await Deno.readTextFile(`${ROOT}docs/index.md`);
  const links = sidebar(index).flatMap(({ items }) => items.map(({ link }) => link));
  assert.equal(links.length, [...index.matchAll(/\]\([^)#]+\.md\)/g)].length);
  assert.ok(["/", "/docs/tutorials/edge", "/SECURITY"].every((link) => links.includes(link)), links.join(" "));
});
