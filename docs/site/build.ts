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
    await Deno.writeTextFile(
      `${to}/${name}`,
      text.replace(/\]\(((?:\.\.\/)*)README\.md/g, "]($1index.md"),
    );
  };
  const visit = async (folder: string) => {
    await Deno.mkdir(`${to}/${folder}`, { recursive: true });
    for await (
      const { name, isDirectory } of Deno.readDir(`${ROOT}${folder}`)
    ) {
      const path = `${folder}/${name}`;
      if (path === "docs/site") continue;
      if (isDirectory) await visit(path);
      else if (name.endsWith(".md")) await page(path, path);
      else await Deno.copyFile(`${ROOT}${path}`, `${to}/${path}`);
    }
  };
  await visit("docs");
  for (const [from, name] of Object.entries(TOPS)) await page(from, name);
  // Files that pages link to and that are no pages.
  await Deno.mkdir(`${to}/public/docs`, { recursive: true });
  await Deno.copyFile(
    `${ROOT}docs/config.schema.json`,
    `${to}/public/docs/config.schema.json`,
  );
}

/** Runs Deno to its end; what it says is shown if it fails. */
async function deno(args: readonly string[], cwd: string): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd,
  }).output();
  if (success) return;
  for (const output of [stdout, stderr]) await Deno.stderr.write(output);
  throw new Error(`deno ${args[0]} failed`);
}

/** Writes the documentation of the API, which has a search of its own. */
async function writeApi(to: string): Promise<void> {
  const { exports } = JSON.parse(
    await Deno.readTextFile(`${ROOT}deno.json`),
  ) as { exports: Record<string, string> };
  await deno([
    "doc",
    "--html",
    "--name=gssocks",
    `--output=${to}`,
    ...Object.values(exports),
  ], ROOT);
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
  await stage(`${work}/pages`);
  await Deno.mkdir(`${work}/.vitepress/theme`, { recursive: true });
  for (const name of ["config.mjs", "theme/index.mjs", "theme/wide.css"]) {
    await Deno.copyFile(`${HERE}${name}`, `${work}/.vitepress/${name}`);
  }
  const settings = {
    base: values.base,
    sidebar: sidebar(await Deno.readTextFile(`${ROOT}docs/index.md`)),
  };
  await Deno.writeTextFile(
    `${work}/.vitepress/settings.json`,
    JSON.stringify(settings),
  );
  await Deno.copyFile(`${HERE}packages.json`, `${work}/package.json`);
  if (values.modules === undefined) await deno(["install", "--quiet"], work);
  else await Deno.symlink(values.modules, `${work}/node_modules`);
  await Promise.all([
    deno(["run", "-A", "npm:vitepress", "build", "."], work),
    values["no-api"] ? undefined : writeApi(`${work}/api`),
  ]);
  if (!values["no-api"]) await Deno.rename(`${work}/api`, `${work}/built/api`);
  await Deno.remove(values.out, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await new Deno.Command("cp", { args: ["-r", `${work}/built`, values.out] })
    .output();
} finally {
  await Deno.remove(work, { recursive: true });
}
