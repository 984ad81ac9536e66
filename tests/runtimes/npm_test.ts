/** The npm package in Node and Bun: installed in an empty project, type-checked, and used. */
import assert from "node:assert/strict";
import { connect, serve, systemTickets } from "../../mod.ts";
import { startTestKdc, type TestKdc } from "../../kerberos/kdc/mod.ts";
import { certificateFor } from "../support/certificate.ts";
import { type NpmProject, npmProject } from "../support/npm_project.ts";
import { peer, peerTest } from "../support/peers.ts";
import { Daemon } from "../support/process.ts";
import { echoServer } from "../support/servers.ts";

const HERE = new URL(".", import.meta.url);
const RUNTIMES: readonly string[] = ["node 22", "node 24", "bun"];
const PEERS: readonly string[] = ["npm", "runtimes", "openssl", ...RUNTIMES];

peerTest("npm: the package is installed, type-checked and run in Node 22, Node 24 and Bun", PEERS, async (t) => {
  await using project = await npmProject(["vitest", "typescript", "@types/node"]);
  await t.step("tsc takes its types, with both kinds of resolution", () => typeChecks(project));
  await using kdc = await startTestKdc({ principals: { alice: "secret", "rcmd/localhost": {} } });
  const { cert, key } = await certificateFor("localhost");
  await project.write("cert.pem", cert);
  await project.write("key.pem", key);
  await project.write("krb5.conf", kdc.krb5Conf);
  for (const name of ["features.mjs", "server.mjs", "ticket.mjs"]) {
    await Deno.copyFile(new URL(name, HERE), `${project.folder}/${name}`);
  }
  for (const name of RUNTIMES) {
    await t.step(`${name}: client, server, bridge, KDC and files`, () => hasFeatures(project, kdc, peer(name)));
    await t.step(`${name}: serves a client of Deno`, () => servesDeno(project, kdc, peer(name)));
  }
  await t.step("startTestKdc() under node --test, vitest and bun test", () => testKdcs(project));
});

async function typeChecks(project: NpmProject): Promise<void> {
  await Deno.copyFile(new URL("types.ts", HERE), `${project.folder}/types.ts`);
  for (const [module, resolution] of [["nodenext", "nodenext"], ["esnext", "bundler"]] as const) {
    const how = ["--noEmit", "--strict", "--target", "es2022", "--module", module, "--moduleResolution", resolution];
    await project.runs(peer("node 22"), ["node_modules/typescript/bin/tsc", ...how, "types.ts"]);
  }
}

async function hasFeatures(project: NpmProject, kdc: TestKdc, runtime: string): Promise<void> {
  await using proxy = serve({ port: 0, keytab: kdc.keytab("rcmd/localhost"), rules: ["allow localhost"] });
  const program = ["features.mjs", ".", String(proxy.addr.port)];
  const { stdout } = await project.runs(runtime, program, { KRB5_CONFIG: `${project.folder}/krb5.conf` });
  const done = stdout.trim().split("\n");
  assert.equal(done.at(-1), "end", stdout);
  assert.equal(done.filter((line) => line.startsWith("ok ")).length, 12, stdout);
}

async function servesDeno(project: NpmProject, kdc: TestKdc, runtime: string): Promise<void> {
  await using files = await kdc.files({ keytab: ["rcmd/localhost"] });
  await using echo = echoServer();
  await using server = new Daemon("env", ["-C", project.folder, runtime, "server.mjs", files.keytab]);
  const [, port] = await server.waitFor(/listening on (\d+)/);
  const credentials = systemTickets({ config: kdc.config, principal: "alice", password: "secret" });
  await using connection = await connect({
    proxy: `localhost:${port}`,
    credentials,
    hostname: "127.0.0.1",
    port: echo.port,
  });
  assert.equal(connection.protection, "confidentiality");
  const sent = new Uint8Array(1_000_000).map((_, i) => i * 7);
  const writing = connection.write(sent).then(() => connection.closeWrite());
  assert.deepEqual(new Uint8Array(await new Response(connection.readable).arrayBuffer()), sent);
  await writing;
  Deno.kill(server.pid, "SIGINT");
  await server.waitFor(/stopped after 1 session/);
  assert.equal((await server.ended).code, 0, server.output);
}

/** The same test in the words of each runner. */
const RUNNERS: readonly (readonly [peer: string, imports: string, args: readonly string[]])[] = [
  ["node 24", 'import test from "node:test";', ["--test"]],
  ["node 24", 'import { test } from "vitest";', ["node_modules/vitest/vitest.mjs", "run"]],
  ["bun", 'import { test } from "bun:test";', ["test"]],
];

async function testKdcs(project: NpmProject): Promise<void> {
  for (const [runtime, imports, args] of RUNNERS) {
    const text = `${imports}
      import assert from "node:assert/strict";
      import { ticketOfTestKdc } from "./ticket.mjs";
      test("a ticket of the test KDC", async () => assert.equal(await ticketOfTestKdc(), "krbtgt"));`;
    await project.write("kdc.test.mjs", text);
    const { stdout, stderr } = await project.runs(peer(runtime), [...args, "./kdc.test.mjs"]);
    assert.match(stdout + stderr, /(?:# pass 1|ℹ pass 1|1 passed|1 pass)/);
  }
}
