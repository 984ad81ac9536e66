/**
 * `deno task site`: builds the guides and the documentation of the API as a static site with search, into `.site/`. VitePress does the
 * work, in a folder of its own; it fails if a link leads nowhere.
 *
 * - `--out FOLDER`: where to, instead of `.site/`
 * - `--base PATH`: where the site will be below its host, such as `/gssocks/`
 * - `--modules FOLDER`: a `node_modules` that has VitePress, instead of a new one
 * - `--no-api`: without the API, which is most of the site
 *
 * @module
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { sidebar } from "./sidebar.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const HERE = new URL("./", import.meta.url).pathname;

/** Guides outside of docs/. The README is the first page. */
const TOPS: Readonly<Record<string, string>> = {
  "README.md": "index.md",
  "SECURITY.md": "SECURITY.md",
  "CHANGELOG.md": "CHANGELOG.md",
  "CONTRIBUTING.md": "CONTRIBUTING.md",
};

/** Copies the guides to where the site is built. */
async function stage(to: string): Promise<void> {
  const page = async (from: string, name: string) => {
    const text = await Deno.readTextFile(`${ROOT}${from}`);
    await Deno.writeTextFile(`${to}/${name}`, text.replace(/\]\(((?:\.\.\/)*)README\.md/g, "]($1index.md"));
  };
  const visit = async (folder: string) => {
    await Deno.mkdir(`${to}/${folder}`, { recursive: true });
    for await (const { name, isDirectory } of Deno.readDir(`${ROOT}${folder}`)) {
      const path = `${folder}/${name}`;
      if (path === "docs/site") continue;
      if (isDirectory) await visit(path);
      else if (name.endsWith(".md")) await page(path, path);
      else await Deno.copyFile(`${ROOT}${path}`, `${to}/${path}`);
    }
  };
  await visit("docs");
  for (const [from, name] of Object.entries(TOPS)) await page(from, name);
  // A file that pages link to and that is no page.
  await Deno.mkdir(`${to}/public/docs`, { recursive: true });
  await Deno.copyFile(`${ROOT}docs/config.schema.json`, `${to}/public/docs/config.schema.json`);
}

/** Runs a program to its end; what it says is shown if it fails. */
async function run(program: string, args: readonly string[], cwd: string): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args: [...args], cwd }).output();
  if (success) return;
  for (const output of [stdout, stderr]) await Deno.stderr.write(output);
  throw new Error(`${program} ${args[0]} failed`);
}

/** Writes the documentation of the API, which has a search of its own. */
async function writeApi(to: string): Promise<void> {
  const { exports } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`)) as { exports: Record<string, string> };
  const entries = Object.values(exports);
  await run(Deno.execPath(), ["doc", "--html", "--name=gssocks", `--output=${to}`, ...entries], ROOT);
  // What Deno's pages lack for narrow windows.
  await Deno.writeTextFile(`${to}/page.css`, await Deno.readTextFile(`${HERE}theme/api.css`), { append: true });
}

/** What is built, and where to. */
interface SiteOptions {
  readonly out: string;
  readonly base: string;
  readonly modules?: string | undefined;
  readonly "no-api": boolean;
}

/** Builds the site in a folder. */
async function build(work: string, { base, modules, "no-api": withoutApi }: SiteOptions): Promise<void> {
  await stage(`${work}/pages`);
  await Deno.mkdir(`${work}/.vitepress/theme`, { recursive: true });
  for (const name of ["config.mjs", "theme/index.mjs", "theme/wide.css"]) {
    await Deno.copyFile(`${HERE}${name}`, `${work}/.vitepress/${name}`);
  }
  const settings = { base, sidebar: sidebar(await Deno.readTextFile(`${ROOT}docs/index.md`)) };
  await Deno.writeTextFile(`${work}/.vitepress/settings.json`, JSON.stringify(settings));
  // Under this name it would make docs/site a workspace of its own for Deno.
  await Deno.copyFile(`${HERE}packages.json`, `${work}/package.json`);
  if (modules === undefined) await run(Deno.execPath(), ["install", "--quiet"], work);
  else await Deno.symlink(modules, `${work}/node_modules`);
  await Promise.all([
    run(Deno.execPath(), ["run", "-A", "npm:vitepress", "build", "."], work),
    withoutApi ? undefined : writeApi(`${work}/api`),
  ]);
  if (!withoutApi) await Deno.rename(`${work}/api`, `${work}/built/api`);
}

const { values } = parseArgs({
  args: Deno.args,
  options: {
    out: { type: "string", default: `${ROOT}.site` },
    base: { type: "string", default: "/" },
    modules: { type: "string" },
    "no-api": { type: "boolean", default: false },
  },
});
const work = await Deno.makeTempDir({ prefix: "gssocks-site-" });
try {
  await build(work, values);
  const out = resolve(values.out);
  await run("rm", ["-rf", out], work);
  await run("cp", ["-r", "built", out], work);
} finally {
  await Deno.remove(work, { recursive: true });
}
