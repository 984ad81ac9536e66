/** The suite checks itself: every test is checked for leaks, and no test is left out. */
import assert from "node:assert/strict";
import { run } from "./support/process.ts";

const ROOT = new URL("..", import.meta.url);
const { tasks, ...config } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));

/** Tests that leave something, and one that does not. The last one is an example in documentation. */
const PROBE = `
Deno.test("listener", () => void Deno.listen({ hostname: "127.0.0.1", port: 0 }));
Deno.test("timer", () => void setTimeout(() => {}, 5_000));
Deno.test("call", () => void crypto.subtle.digest("SHA-256", new Uint8Array(1e7)));
Deno.test("cipher", async () => {
  const { createCipheriv } = await import("node:crypto");
  createCipheriv("aes-128-ecb", new Uint8Array(16), null).update("x");
});
Deno.test("nothing", () => {});
/**
 * \`\`\`ts
 * Deno.listen({ hostname: "127.0.0.1", port: 0 });
 * \`\`\`
 */
export const documented: number = 1;
`;

/** Runs the probe, and returns the names of the tests that failed by leaks, in order. */
async function failures(args: readonly string[]): Promise<string[]> {
  const directory = await Deno.makeTempDir();
  try {
    const path = `${directory}/probe_test.ts`;
    await Deno.writeTextFile(path, PROBE);
    const { stdout, code } = await run(Deno.execPath(), [...args, "--no-lock", path], {
      env: { NO_COLOR: "1", GSSOCKS_UNHANDLED: "" },
    });
    const failed = [...stdout.matchAll(/^(.+?) (?:=> .*)?\nerror: Leaks detected/gm)];
    assert.equal(code, failed.length === 0 ? 0 : 1, stdout);
    return failed.map(([, name]) => name!.startsWith("file:") ? "example" : name!).sort();
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const LEAKS = ["call", "cipher", "listener", "timer"];

Deno.test("suite: a test that leaves something fails by the flags of the test task", async () => {
  const [program, ...flags] = tasks.test.split(" ");
  assert.equal(program, "deno");
  assert.deepEqual(await failures([...flags, "--no-config"]), [...LEAKS, "example"].sort());
  // These two flags matter: Deno is silent without them.
  const without = flags.filter((flag: string) => !flag.startsWith("--sanitize"));
  assert.equal(without.length, flags.length - 2);
  assert.deepEqual(await failures([...without, "--no-config"]), []);
});

Deno.test("suite: a test that leaves something fails when its file is run by itself", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/deno.json`, JSON.stringify({ test: config.test }));
    assert.deepEqual(await failures(["test", "-A", "--config", `${directory}/deno.json`]), LEAKS);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

/** Test files that may switch off a check, each with the pattern and the reason. */
const OPT_OUTS: Readonly<Record<string, RegExp>> = {
  // Switches it off in a copy, to prove that it is noticed.
  "tests/mutants/suite.ts": /^sanitizeResources$/,
};

/** Options that switch off checks or other tests, and what changes the process, which other tests share: see support/environment.ts. */
const SWITCHES =
  /\bsanitize(?:Ops|Resources|Exit)\b|\bDeno\.test\.(?:sanitizer|only|ignore)\b|\bonly: true\b|\bDeno\.(?:env\.(?:set|delete)|chdir|umask)\(/g;

Deno.test("suite: no test opts out of the sanitizers, excludes other tests or changes the process", () => {
  const found: string[] = [];
  const visit = (directory: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(new URL(directory, ROOT))) {
      const path = `${directory}${name}`;
      if (isDirectory) visit(`${path}/`);
      if (!path.endsWith(".ts") || path === "tests/suite_test.ts") continue;
      for (const [text] of Deno.readTextFileSync(new URL(path, ROOT)).matchAll(SWITCHES)) {
        if (!OPT_OUTS[path]?.test(text)) found.push(`${path}: ${text}`);
      }
    }
  };
  visit("tests/");
  assert.deepEqual(found, []);
  for (const text of ["sanitizeOps: false", "Deno.test.only(", "Deno.test.sanitizer({})", "Deno.env.set("]) {
    assert.match(text, new RegExp(SWITCHES.source), "the scan finds each switch");
  }
});
