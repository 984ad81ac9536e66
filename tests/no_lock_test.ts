/**
 * The package without its lock file, as users get it from JSR: every command starts, and every entry point loads in every
 * order.
 */
import assert from "node:assert/strict";
import { gssocks } from "./support/run_cli.ts";
import { Daemon, run } from "./support/process.ts";

const ROOT = new URL("..", import.meta.url);
const { exports, publish }: { exports: Record<string, string>; publish: { include: string[] } } = JSON.parse(
  await Deno.readTextFile(new URL("deno.json", ROOT)),
);

/** Runs with a copy of the published files, and the stand-ins for JSR's packages. */
async function inCleanCopy(body: (copy: string) => Promise<void>): Promise<void> {
  const copy = await Deno.makeTempDir({ prefix: "gssocks-copy-" });
  const visit = async (path: string) => {
    const source = new URL(path, ROOT);
    if ((await Deno.stat(source)).isFile) return await Deno.copyFile(source, `${copy}/${path}`);
    await Deno.mkdir(`${copy}/${path}`, { recursive: true });
    for await (const { name } of Deno.readDir(source)) await visit(`${path}/${name}`);
  };
  try {
    const tops = publish.include.map((pattern) => pattern.replace(/\/\*\*.*$/, ""));
    for (const top of [...tops.filter((path) => !path.startsWith("docs/")), "links"]) await visit(top);
    assert.throws(() => Deno.statSync(`${copy}/deno.lock`), Deno.errors.NotFound);
    await body(copy);
  } finally {
    await Deno.remove(copy, { recursive: true });
  }
}

const without = (copy: string) => ["run", "-A", "-q", "--no-check", "--no-lock", "--config", `${copy}/deno.json`];

Deno.test("no lock: every command starts", async () => {
  const commands = [...(await gssocks(["--help"])).out.matchAll(/^ {2}(\w+) {2,}\S/gm)].map(([, name]) => name!);
  assert.ok(commands.includes("serve") && commands.length >= 10);
  await inCleanCopy(async (copy) => {
    for (const name of commands) {
      const got = await run(Deno.execPath(), [...without(copy), `${copy}/cli/mod.ts`, name, "--help"]);
      assert.equal(got.code, 0, `${name}: ${got.stderr}`);
      assert.match(got.stdout, new RegExp(`^gssocks ${name}: `));
    }
    const serve = ["serve", "--listen", "127.0.0.1:0", "--method", "none", "--allow", "*"];
    await using server = new Daemon(Deno.execPath(), [...without(copy), `${copy}/cli/mod.ts`, ...serve]);
    const port = Number((await server.waitFor(/Listening on 127\.0\.0\.1:(\d+)/))[1]);
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(Uint8Array.of(5, 1, 0));
    const answer = new Uint8Array(2);
    assert.equal(await connection.read(answer), 2);
    assert.deepEqual([...answer], [5, 0]);
  });
});

/** Depth of the modules between a program and an entry point: Deno resolves packages in order of import depth. */
const DEEP = 5;

Deno.test("no lock: every entry point loads, in every order and under deep dependencies", async () => {
  await inCleanCopy(async (copy) => {
    const all = Object.values(exports);
    const deep = async (path: string) => {
      let target = `file://${copy}/${path}`;
      for (let i = 0; i < DEEP; i++) {
        const own = `${copy}/own_${path.replaceAll(/\W/g, "_")}_${i}.ts`;
        await Deno.writeTextFile(own, `import ${JSON.stringify(target)};\n`);
        target = `file://${own}`;
      }
      return target;
    };
    const deeper = new Map(await Promise.all(all.map(async (path) => [path, await deep(path)] as const)));
    const near = (path: string) => `file://${copy}/${path}`;
    for (const first of all) {
      const others = all.filter((path) => path !== first).reverse();
      for (const order of [[first, ...others].map(near), [near(first), ...others.map((path) => deeper.get(path)!)]]) {
        const lines = order.map((target) => `await import(${JSON.stringify(target)});`);
        await Deno.writeTextFile(`${copy}/main.ts`, `${lines.join("\n")}\nconsole.log("loaded");\n`);
        const got = await run(Deno.execPath(), [...without(copy), `${copy}/main.ts`]);
        assert.equal(got.stdout.trim(), "loaded", `${order.join(" ")}: ${got.stderr}`);
      }
    }
  });
});
