/** The starter of the program in the npm package: signals go to the program, once, and its exit code comes back. */
import assert from "node:assert/strict";
import { peer, peerTest } from "../support/peers.ts";
import { Daemon } from "../support/process.ts";
import { Terminal } from "../support/terminal.ts";

/** A program that says which signals it gets, each time, and ends by SIGTERM. */
const program = () =>
  `#!${peer("node 22")}
for (const name of ["INT", "HUP"]) process.on("SIG" + name, () => console.log("got " + name));
process.on("SIGTERM", () => {
  console.log("got TERM");
  process.exit(7);
});
setTimeout(() => process.exit(8), 30_000);
console.log("started");
`;

/** A folder with the starter, and Deno's package from npm with another program in Deno's place. */
async function starter(): Promise<{ readonly path: string } & AsyncDisposable> {
  const folder = await Deno.makeTempDir();
  const deno = `${folder}/node_modules/deno`;
  await Deno.mkdir(deno, { recursive: true });
  await Deno.copyFile(new URL("../../packaging/npm/gssocks.mjs", import.meta.url), `${folder}/gssocks.mjs`);
  for (const name of ["package.json", "bin.cjs", "install_api.cjs"]) {
    await Deno.copyFile(`${peer("runtimes")}/node_modules/deno/${name}`, `${deno}/${name}`);
  }
  await Deno.writeTextFile(`${deno}/deno`, program(), { mode: 0o755 });
  return { path: `${folder}/gssocks.mjs`, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

peerTest("npm: signals go to the program itself, which ends with its own code", ["runtimes", "node 22"], async () => {
  await using made = await starter();
  await using program = new Daemon(peer("node 22"), [made.path]);
  await program.waitFor(/started/);
  for (const signal of ["SIGINT", "SIGHUP", "SIGTERM"] as const) {
    Deno.kill(program.pid, signal);
    await program.waitFor(new RegExp(`got ${signal.slice(3)}`));
  }
  assert.equal((await program.ended).code, 7);
});

peerTest("npm: Control-C comes to the program once", ["runtimes", "node 22", "script"], async () => {
  await using made = await starter();
  const terminal = new Terminal([peer("node 22"), made.path], {});
  await terminal.shows(/started/);
  await terminal.type("\x03");
  await terminal.shows(/got INT/);
  await terminal.kill("SIGTERM");
  const { code, shown } = await terminal.end();
  assert.deepEqual([code, shown.match(/got \w+/g)], [7, ["got INT", "got TERM"]]);
});
