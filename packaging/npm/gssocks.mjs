#!/usr/bin/env node
/**
 * The program `gssocks` as an npm package has it. It runs in Deno, whose permissions keep it in bounds: in the one that npm installs
 * (`npm install deno`), or in the one on the PATH.
 */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

const variables = "KRB5_CONFIG,KRB5CCNAME,KRB5_KTNAME,KRB5_CLIENT_KTNAME,KRB5_TRACE,TMPDIR";
const permissions = ["--allow-net", `--allow-env=${variables}`, "--allow-read", "--allow-write", "--allow-sys=uid"];
const program = fileURLToPath(new URL("./gssocks.js", import.meta.url));
const args = [
  "run",
  "--quiet",
  "--no-config",
  "--no-lock",
  "--unstable-net",
  ...permissions,
  program,
  ...process.argv.slice(2),
];

/** Where Deno is. The file that npm's package has for Node stands between: it ends by a signal alone, and leaves Deno running. */
function deno() {
  try {
    return createRequire(import.meta.url)("deno/install_api.cjs").runInstall();
  } catch {
    return "deno";
  }
}

const child = spawn(deno(), args, { stdio: "inherit" });
// A terminal sends Control-C to both, and a second signal would end the program without the end of its sessions.
const typed = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
process.on("SIGINT", () => void (typed || child.kill("SIGINT")));
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => void child.kill(signal));
child.on("error", () => {
  process.stderr.write("gssocks needs Deno: npm install -g deno, or https://deno.com\n");
  process.exit(127);
});
child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
