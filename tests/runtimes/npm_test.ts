/** The npm package in Node and Bun: installed in an empty project, type-checked, and used. */
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { connect, serve, systemTickets } from "../../mod.ts";
import { startTestKdc, type TestKdc } from "../../kerberos/kdc/mod.ts";
import { certificateFor } from "../support/certificate.ts";
import { type NpmProject, npmProject } from "../support/npm_project.ts";
import { peer, peerTest } from "../support/peers.ts";
import { Daemon } from "../support/process.ts";
import { echoServer } from "../support/servers.ts";

const HERE = new URL(".", import.meta.url);
const RUNTIMES: readonly string[] = ["node 22", "node 24", "bun"];
const PEERS: readonly string[] = ["npm", "runtimes", "openssl", "node 22"];

/** One project for all tests of this file: building, packing and installing take as long as all of them. */
let made: Promise<NpmProject> | undefined;

function installed(): Promise<NpmProject> {
  return made ??= npmProject(["vitest", "typescript", "@types/node"]);
}

Deno.test.afterAll(async () => {
  const project = await made?.catch(() => undefined);
  await project?.[Symbol.asyncDispose]();
});

peerTest("npm: the package is installed in an empty project, and tsc takes its types", PEERS, async () => {
  await typeChecks(await installed());
});

peerTest("npm: ./edge is bundled for a neutral platform with nothing external, and small", PEERS, async () => {
  await isSmall(await installed());
});

for (const name of RUNTIMES) {
  peerTest(`npm: client, server, bridge, KDC and files work in ${name}`, [...PEERS, name], async () => {
    await using kdc = await startTestKdc({ principals: { alice: "secret", "rcmd/localhost": {} } });
    await hasFeatures(await installed(), kdc, peer(name));
  });
  peerTest(`npm: a server in ${name} serves a client of Deno`, [...PEERS, name], async () => {
    await using kdc = await startTestKdc({ principals: { alice: "secret", "rcmd/localhost": {} } });
    await servesDeno(await installed(), kdc, peer(name));
  });
}

peerTest("npm: the program runs in the Deno of npm or of the PATH, and says where there is none", PEERS, async () => {
  const { folder, runs } = await installed();
  const gssocks = async (path: string, ...args: readonly string[]) =>
    (await runs(peer("node 22"), [`${folder}/node_modules/.bin/gssocks`, ...args], { PATH: path })).stdout;
  const [bare, own] = ["/usr/bin:/bin", `${Deno.execPath().replace(/\/[^/]*$/, "")}:/usr/bin:/bin`] as const;
  await assert.rejects(gssocks(bare, "--version"), /needs Deno: npm install -g deno/);
  assert.match(await gssocks(own, "--version"), /^gssocks \d+\.\d+\.\d+\n$/);
  await Deno.symlink(`${peer("runtimes")}/node_modules/deno`, `${folder}/node_modules/deno`);
  assert.match(await gssocks(bare, "demo"), /Done: every page came whole/);
});

peerTest("npm: startTestKdc() works under node --test, vitest and bun test", [...PEERS, ...RUNTIMES], async () => {
  await testKdcs(await installed());
});

async function typeChecks(project: NpmProject): Promise<void> {
  await Deno.copyFile(new URL("types.ts", HERE), `${project.folder}/types.ts`);
  const check = async ([module, resolution]: readonly [string, string]) => {
    const where = ["--module", module, "--moduleResolution", resolution];
    const how = ["--noEmit", "--strict", "--target", "es2022", "--types", "node", ...where];
    await project.runs(peer("node 22"), ["node_modules/typescript/bin/tsc", ...how, "types.ts"]);
  };
  await Promise.all(([["nodenext", "nodenext"], ["esnext", "bundler"]] as const).map(check));
}

/** Most bytes of a bundle for what is imported of `./edge`, minified and compressed. A quarter of the last two is asn1js. */
const SIZES: readonly (readonly [imports: string, bytes: number])[] = [
  ["connectThrough, passwordClient", 12_000],
  ["KerberosInitiatorCredential, hostbasedService", 40_000],
  ["KerberosInitiatorCredential, KerberosAcceptorCredential, hostbasedService", 48_000],
  ["connect", 60_000],
];

async function isSmall(project: NpmProject): Promise<void> {
  const esbuild = `${peer("runtimes")}/node_modules/esbuild/bin/esbuild`;
  const how = ["--bundle", "--minify", "--format=esm", "--platform=neutral", "--outfile=bundle.js"];
  for (const [imports, limit] of SIZES) {
    await project.write("entry.js", `export { ${imports} } from "@gssocks/gssocks/edge";`);
    await project.runs(esbuild, ["entry.js", ...how]);
    const text = await Deno.readFile(`${project.folder}/bundle.js`);
    assert.doesNotMatch(new TextDecoder().decode(text), /\bDeno\.|\bimport\(|from"node:|require\("node:/, imports);
    const { length } = gzipSync(text, { level: 9 });
    assert.ok(length <= limit, `${imports}: ${length} bytes`);
  }
}

async function hasFeatures(project: NpmProject, kdc: TestKdc, runtime: string): Promise<void> {
  const { cert, key } = await certificateFor("localhost");
  await project.write("cert.pem", cert);
  await project.write("key.pem", key);
  await project.write("krb5.conf", kdc.krb5Conf);
  await Deno.copyFile(new URL("features.mjs", HERE), `${project.folder}/features.mjs`);
  await using proxy = serve({ port: 0, keytab: kdc.keytab("rcmd/localhost"), rules: ["allow localhost"] });
  const program = ["features.mjs", ".", String(proxy.addr.port)];
  const { stdout } = await project.runs(runtime, program, { KRB5_CONFIG: `${project.folder}/krb5.conf` });
  const done = stdout.trim().split("\n");
  assert.equal(done.at(-1), "end", stdout);
  assert.equal(done.filter((line) => line.startsWith("ok ")).length, 15, stdout);
}

async function servesDeno(project: NpmProject, kdc: TestKdc, runtime: string): Promise<void> {
  await Deno.copyFile(new URL("server.mjs", HERE), `${project.folder}/server.mjs`);
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
  await Deno.copyFile(new URL("ticket.mjs", HERE), `${project.folder}/ticket.mjs`);
  for (const [runtime, imports, args] of RUNNERS) {
    const text = `${imports}
      import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
      import { ticketOfTestKdc } from "./ticket.mjs";
      test("a ticket of the test KDC", async () => assert.equal(await ticketOfTestKdc(), "krbtgt"));`;
    await project.write("kdc.test.mjs", text);
    const { stdout, stderr } = await project.runs(peer(runtime), [...args, "./kdc.test.mjs"]);
    assert.match(stdout + stderr, /(?:# pass 1|ℹ pass 1|1 passed|1 pass)/);
  }
}
