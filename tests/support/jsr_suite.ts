/**
 * Runs the whole suite on the real `@std` packages from JSR instead of the stand-ins in `links/`: with the same
 * configuration without `links`. Needs access to JSR.
 *
 * @module
 */
const root = new URL("../../", import.meta.url);
const { links: _, ...config } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
const path = new URL(".deno.jsr.json", root);
try {
  await Deno.writeTextFile(path, JSON.stringify(config));
  const args = [...config.tasks.test.split(" ").slice(1), "--no-lock", "--config", path.pathname];
  const { code } = await new Deno.Command(Deno.execPath(), { args, cwd: root }).spawn().status;
  Deno.exitCode = code;
} finally {
  await Deno.remove(path);
}
