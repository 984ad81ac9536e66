/** Unhandled errors are counted wherever they happen, and fail the suite. */
import assert from "node:assert/strict";
import { run } from "./support/process.ts";
import { noneUncaughtIn, uncaughtIn } from "./support/unhandled.ts";

const ROOT = new URL("..", import.meta.url);
const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
const PROCESS = new URL("support/process.ts", import.meta.url).href;

/** Returns a test file with `body` in one of its tests. */
function testFile(body: string): string {
  return `
import { Daemon, run } from ${JSON.stringify(PROCESS)};
const WORKER = URL.createObjectURL(new Blob(["Promise.reject(new Error('lost'))"], { type: "text/javascript" }));
const program = (text) => ["eval", "--no-lock", "--no-config", text];
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const ended = (worker) => new Promise((resolve) => worker.onerror = (event) => (event.preventDefault(), resolve()));
void [Daemon, run, WORKER, program, pause, ended];
Deno.test("probe", async () => {${body}});
Deno.test("behind it", () => {});
`;
}

/** Runs a test file with the flags of the test task; returns whether it failed and what was counted. */
async function counted(
  text: string,
): Promise<{ failed: boolean; watching: number; unhandled: string[]; said: string }> {
  const directory = await Deno.makeTempDir();
  try {
    const [path, counts] = [`${directory}/probe_test.ts`, `${directory}/counts`];
    await Deno.writeTextFile(path, text);
    await Deno.writeTextFile(counts, "");
    const [, ...flags] = tasks.test.split(" ");
    const args = [...flags, "--no-config", "--no-lock", "--no-check", path];
    const env = { NO_COLOR: "1", GSSOCKS_UNHANDLED: counts };
    const { code, stdout, stderr } = await run(Deno.execPath(), args, { env, mayThrow: true });
    const lines = (await Deno.readTextFile(counts)).split("\n").filter((line) => line !== "");
    return {
      failed: code !== 0,
      watching: lines.filter((line) => line === "watching").length,
      unhandled: lines.filter((line) => line.startsWith("unhandled")),
      said: stdout + stderr,
    };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Places of unhandled errors, each with the code and what is counted. */
const PLACES: Readonly<Record<string, readonly [body: string, counted: RegExp]>> = {
  "a promise in a test": ['Promise.reject(new Error("lost"));', /^unhandled in a test: Error: lost$/],
  "a dropped promise, later": [
    'setTimeout(() => void Promise.reject(new Error("lost")), 0); await pause(5);',
    /^unhandled in a test: Error: lost$/,
  ],
  "an error of a listener": [
    'const t = new EventTarget(); t.addEventListener("x", () => { throw new Error("lost"); }); t.dispatchEvent(new Event("x"));',
    /^unhandled in a test: Uncaught Error: lost$/,
  ],
  "an error of a timer": [
    'setTimeout(() => { throw new Error("lost"); }, 0); await pause(5);',
    /^unhandled in a test: Uncaught Error: lost$/,
  ],
  "a worker whose errors the test handles": [
    'const worker = new Worker(WORKER, { type: "module" }); await ended(worker); worker.terminate(); await pause(5);',
    /^unhandled in a worker: Uncaught \(in promise\) Error: lost$/,
  ],
  "a program whose end the test does not look at": [
    'await run(Deno.execPath(), program("Promise.reject(new Error(`lost`))"));',
    /^unhandled in a program: error: Uncaught \(in promise\) Error: lost$/,
  ],
  "a program during the test": [
    'await using it = new Daemon(Deno.execPath(), program("console.log(`up`); Promise.reject(new Error(`lost`))")); await it.ended;',
    /^unhandled in a program: error: Uncaught \(in promise\) Error: lost$/,
  ],
  "a worker of a program that handles it": [
    `await run(Deno.execPath(), program(\`
      const worker = new Worker("data:text/javascript,Promise.reject(new Error('lost'))", { type: "module" });
      worker.onerror = (event) => { event.preventDefault(); worker.terminate(); };\`));`,
    /^unhandled in a program: error: Uncaught \(in worker "[^"]*"\) \(in promise\) Error: lost$/,
  ],
};

for (const [name, [body, expected]] of Object.entries(PLACES)) {
  Deno.test(`unhandled errors: counted, and the suite fails: ${name}`, async () => {
    const { failed, watching, unhandled, said } = await counted(testFile(body));
    assert.ok(failed, said);
    assert.equal(watching, 1, said);
    assert.match(unhandled[0] ?? "nothing", expected, said);
  });
}

Deno.test("unhandled errors: none is counted where all are handled; every file is watched", async () => {
  const fine = `
    await Promise.reject(new Error("met")).catch(() => {});
    await run(Deno.execPath(), program("Promise.reject(new Error('lost'))"), { mayThrow: true });
    const { code } = await run(Deno.execPath(), program("console.error('Uncaught'); Deno.exit(3)"));
    if (code !== 3) throw new Error(code);`;
  const example = "/**\n * ```ts\n * if (0 > 1) throw new Error();\n * ```\n */\nexport const documented = 1;\n";
  const { failed, watching, unhandled, said } = await counted(testFile(fine) + example);
  assert.deepEqual([failed, unhandled, watching], [false, [], 2], said);
});

Deno.test("unhandled errors: Deno's messages are found in colour and inside other output", () => {
  const said =
    "Listening\n\x1b[0m\x1b[1m\x1b[31merror\x1b[0m: Uncaught (in promise) Error: x\r\n    at y\nsome error: Uncaught\n";
  assert.deepEqual(uncaughtIn(said), ["error: Uncaught (in promise) Error: x\r"].map((line) => line.trimEnd()));
  assert.doesNotThrow(() => noneUncaughtIn("error: no such file\n"));
});

/** Files that start programs, each with `checked`, or the reason why there is nothing to check. */
const STARTERS: Readonly<Record<string, "checked" | string>> = {
  "tests/support/process.ts": "checked",
  "tests/support/terminal.ts": "checked",
  "tests/proxy/soak_test.ts": "checked",
  "tests/kerberos/credentials/caches/writers_test.ts": "checked",
  "tests/cli/terminal/password_prompt_test.ts": "checked",
  "tests/proxy/serve_leaves_nothing_test.ts": "checked",
  "tests/cli/server/serve_reload_test.ts": "checked",
  "tests/support/logged_program.ts": "checked",
  "tests/support/peers.ts": "unshare and nft",
  "tests/lab/network.ts": "a shell that takes networks away",
  "tests/support/gss_peer.ts": "MIT's programs",
  "tests/support/git_server.ts": "git",
  "tests/kerberos/credentials/shell/change_file_test.ts": "mkfifo and chown",
  "tests/permissions_test.ts": "chown",
  "tests/cli/monitor/metrics_test.ts": "promtool",
  "tests/mutants/run.ts": "git",
  "tests/mutants/test_run.ts": "tests that must fail",
  "tests/support/jsr_suite.ts": "the suite itself, which checks",
  "tests/support/publish_dry_run.ts": "no test",
};

/** Files that listen for unhandled errors; a listener can prevent that they are counted. */
const LISTENERS: readonly string[] = [
  "tests/alike/harness.ts", // Counts them too, and fails the cell.
  "tests/fuzz/fuzz.ts",
  "cli/log/guard.ts", // Prints each in the wording that is searched for.
  "tests/cli/log/guard_test.ts", // Uses a scope of its own.
  "tests/proxy/node_test.ts", // Takes the error that its own listener throws, and no other.
  "tests/support/watch_unhandled.ts",
  "tests/mutants/contexts.ts", // Names the code that it switches off.
];

Deno.test("unhandled errors: every test that starts a program checks its output", async () => {
  const wrong: string[] = [];
  const visit = async (directory: string) => {
    for await (const { name, isDirectory } of Deno.readDir(new URL(directory, ROOT))) {
      const path = `${directory}${name}`;
      if (isDirectory) {
        await visit(`${path}/`);
        continue;
      }
      if (!path.endsWith(".ts") || path.startsWith("tests/bench/") || path === "tests/unhandled_test.ts") continue;
      const text = await Deno.readTextFile(new URL(path, ROOT));
      if (/\bunhandled-?[rR]ejection\b/.test(text) && !LISTENERS.includes(path)) wrong.push(`${path} listens`);
      if (path.startsWith("tests/") && /\bnew Deno\.Command\(|\bnode:child_process\b/.test(text)) {
        if (STARTERS[path] === undefined) wrong.push(`${path} starts programs`);
        if (STARTERS[path] === "checked" && !/\bnoneUncaughtIn\(/.test(text)) wrong.push(`${path} does not check`);
      }
    }
  };
  for (const top of ["base/", "asn1/", "gss/", "kerberos/", "socks/", "proxy/", "cli/", "tests/"]) await visit(top);
  assert.deepEqual(wrong, []);
});
