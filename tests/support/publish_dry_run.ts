/**
 * `deno publish --dry-run` on machines without access to JSR. Deno counts stand-ins inside the package's folder as
 * missing modules, so the package and `links/` are copied side by side into a temporary folder.
 *
 * @module
 */
const root = new URL("../../", import.meta.url).pathname;
const stage = await Deno.makeTempDir({ prefix: "gssocks-publish-" });
try {
  const config = JSON.parse(await Deno.readTextFile(`${root}deno.json`));
  config.links = config.links.map((link: string) => link.replace("./links/", "../links/"));
  const tops = new Set<string>(config.publish.include.map((pattern: string) => pattern.split("/")[0]));
  for (const top of tops) await copy(`${root}${top}`, `${stage}/package/${top}`);
  await copy(`${root}links`, `${stage}/links`);
  await Deno.writeTextFile(`${stage}/package/deno.json`, JSON.stringify(config));
  const args = ["publish", "--dry-run", "--allow-dirty"];
  const { code } = await new Deno.Command(Deno.execPath(), { args, cwd: `${stage}/package` }).spawn().status;
  Deno.exitCode = code;
} finally {
  await Deno.remove(stage, { recursive: true });
}

async function copy(from: string, to: string): Promise<void> {
  if ((await Deno.stat(from)).isDirectory) {
    await Deno.mkdir(to, { recursive: true });
    for await (const entry of Deno.readDir(from)) await copy(`${from}/${entry.name}`, `${to}/${entry.name}`);
  } else {
    await Deno.mkdir(to.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.copyFile(from, to);
  }
}
