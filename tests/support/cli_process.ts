/**
 * Runs several commands in one process with its own environment and permissions. Run as a program it is that process:
 * arguments of each command as JSON in the first argument, results as JSON on standard output.
 *
 * @module
 */
import { type CliResult, gssocks } from "./run_cli.ts";
import { run } from "./process.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

/** Runs commands one after another with these permissions and Kerberos variables. */
export async function commandsIn(
  commands: readonly (readonly string[])[],
  { permissions, env }: { permissions: readonly string[]; env: Record<string, string> },
): Promise<CliResult[]> {
  const clear = ["KRB5_CONFIG", "KRB5CCNAME", "KRB5_KTNAME"].flatMap((name) => ["-u", name]);
  const set = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const deno = [Deno.execPath(), "run", "-q", "--no-prompt", "--no-check", "-c", `${ROOT}deno.json`];
  const child = [...deno, ...permissions, import.meta.filename!, JSON.stringify(commands)];
  const { stdout, stderr } = await run("env", [...clear, ...set, ...child]);
  const results = stdout === "" ? [] : JSON.parse(stdout);
  if (results.length !== commands.length) throw new Error(`ended early: ${stderr}`);
  return results;
}

if (import.meta.main) {
  const results = [];
  for (const args of JSON.parse(Deno.args[0]!)) results.push(await gssocks(args, { password: "alicepw" }));
  await new Blob([JSON.stringify(results)]).stream().pipeTo(Deno.stdout.writable);
  Deno.exit(0);
}
