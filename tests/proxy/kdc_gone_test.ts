/** A KDC that cannot be found, or not be reached, fails whoever needs it: no program ends of it, nor anybody else's session. */
import assert from "node:assert/strict";
import { Daemon, run } from "../support/process.ts";
import { startRealmFolder } from "../support/realm_folder.ts";
import { echoServer, TcpServer } from "../support/servers.ts";
import { connect, noAuthentication } from "../../mod.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const CLI = ["run", "-q", "--no-prompt", "--no-check", "-A", "-c", `${ROOT}deno.json`, `${ROOT}cli/mod.ts`];
const LISTENING = /Listening on 127\.0\.0\.1:(\d+)/;

/** A krb5.conf with these KDCs in place of the one there is. */
async function withKdcs(
  realm: { directory: string; krb5Conf: string },
  name: string,
  kdcs: readonly string[],
  udp = 0,
) {
  const text = await Deno.readTextFile(realm.krb5Conf);
  const lines = kdcs.map((kdc) => `        kdc = ${kdc}\n`).join("");
  const path = `${realm.directory}/${name}`;
  const limit = `[libdefaults]\n    udp_preference_limit = ${udp}`;
  await Deno.writeTextFile(path, text.replace(/^ +kdc = \S+\n/m, lines).replace("[libdefaults]", limit));
  return path;
}

/** No name server is asked for such a name. */
const NOWHERE = "no..such";

Deno.test("kinit: an unknown KDC name is an error, or the next KDC is asked", async () => {
  await using realm = await startRealmFolder();
  const { port } = realm.kdc;
  const cases: [kdcs: string[], udp: number, code: number, text: RegExp][] = [
    [[NOWHERE], 0, 4, /Cannot reach a KDC of GSSOCKS\.TEST: KDC tcp\/no\.\.such:88: name no\.\.such is not found/],
    [[NOWHERE], 1465, 4, /KDC udp\/no\.\.such:88: name no\.\.such is not found/],
    [[`udp/${NOWHERE}`, `tcp/127.0.0.1:1`], 0, 4, /KDC udp\/no\.\.such:88/],
    [[NOWHERE, `127.0.0.1:${port}`], 0, 0, /^$/],
    [[NOWHERE, `127.0.0.1:${port}`], 1465, 0, /^$/],
    [[`udp/localhost:${port}`], 0, 0, /^$/],
  ];
  await Promise.all(cases.map(async ([kdcs, udp, code, text], i) => {
    const env = {
      KRB5_CONFIG: await withKdcs(realm, `conf${i}`, kdcs, udp),
      KRB5CCNAME: `FILE:${realm.directory}/cc${i}`,
    };
    const got = await run(Deno.execPath(), [...CLI, "kinit", "alice"], { env, stdin: "alicepw\n" });
    assert.equal(got.code, code, `${kdcs}: ${got.stderr}`);
    assert.match(got.stderr, text);
  }));
});

Deno.test("KDC over UDP: without leave the call fails, not the process", async () => {
  const text = `
    import { systemTransport } from "file://${ROOT}kerberos/mod.ts";
    for (const hostname of ["127.0.0.1", "::1", "localhost"]) {
      const address = { protocol: "udp", hostname, port: 88 };
      const signal = new AbortController().signal;
      const error = await systemTransport.send(address, new Uint8Array(3), { signal }).catch((error) => error);
      console.log(error instanceof Error);
    }`;
  const url = `data:application/typescript,${encodeURIComponent(text)}`;
  const args = ["run", "-q", "--no-prompt", "--no-check", "-c", `${ROOT}deno.json`, url];
  assert.equal((await run(Deno.execPath(), args)).stdout, "true\n".repeat(3));
});

Deno.test("bridge: refuses while its KDC is not found, and serves once there is a ticket", async () => {
  await using realm = await startRealmFolder();
  await using echo = echoServer();
  const serve = ["serve", "--listen", "127.0.0.1:0", "--keytab", realm.keytab, "--allow", `localhost:${echo.port}`];
  await using serving = new Daemon(Deno.execPath(), [...CLI, ...serve]);
  const proxy = (await serving.waitFor(LISTENING))[1]!;
  const env = { KRB5_CONFIG: await withKdcs(realm, "lost", [NOWHERE], 1465), KRB5CCNAME: realm.ccache };
  const bridge = ["bridge", "--proxy", `localhost:${proxy}`, "--listen", "127.0.0.1:0"];
  await using bridging = new Daemon(Deno.execPath(), [...CLI, ...bridge], { env });
  const local = Number((await bridging.waitFor(LISTENING))[1]);
  for (let times = 0; times < 2; times++) assert.notEqual((await ask(local, echo.port))[1], 0);
  await bridging.waitFor(/Cannot reach a KDC of GSSOCKS\.TEST/);
  const well = { KRB5_CONFIG: realm.krb5Conf, KRB5CCNAME: realm.ccache };
  assert.equal((await run(Deno.execPath(), [...CLI, "kvno", "rcmd/localhost"], { env: well })).code, 0);
  assert.equal((await ask(local, echo.port))[1], 0);
});

/** The reply to a CONNECT to localhost at this port. */
async function ask(proxy: number, port: number): Promise<Uint8Array> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: proxy });
  const buffer = new Uint8Array(300);
  await connection.write(new Uint8Array([5, 1, 0]));
  await connection.read(buffer);
  const name = new TextEncoder().encode("localhost");
  await connection.write(new Uint8Array([5, 1, 0, 3, name.length, ...name, port >> 8, port & 255]));
  const count = await connection.read(buffer);
  return buffer.slice(0, count ?? 0);
}

Deno.test("serve: a lost KDC of an upstream refuses its targets only", async () => {
  await using realm = await startRealmFolder();
  await using echo = echoServer();
  // A proxy that wants GSS-API, and so a ticket.
  await using upstream = new TcpServer(async (connection) => {
    await connection.read(new Uint8Array(100));
    await connection.write(new Uint8Array([5, 1]));
    while (await connection.read(new Uint8Array(100)) !== null);
  });
  const config = `${realm.directory}/server.json`;
  await Deno.writeTextFile(
    config,
    JSON.stringify({
      listen: ["127.0.0.1:0"],
      methods: ["none"],
      upstreams: { far: { proxy: `localhost:${upstream.port}`, ccache: realm.ccache } },
      rules: [`allow localhost:${echo.port}`, "allow far.example,upstream=far"],
    }),
  );
  const env = { KRB5_CONFIG: await withKdcs(realm, "lost", [NOWHERE, "udp/no..more"], 1465) };
  await using serving = new Daemon(Deno.execPath(), [...CLI, "serve", "--config", config], { env });
  const proxy = (await serving.waitFor(LISTENING))[1]!;
  const through = { proxy: `127.0.0.1:${proxy}`, auth: [noAuthentication()] };
  await using honest = await connect({ ...through, hostname: "localhost", port: echo.port });
  for (let times = 0; times < 2; times++) {
    await assert.rejects(connect({ ...through, hostname: "far.example", port: 80 }), { name: "SocksReplyError" });
    await honest.write(new Uint8Array([7, times]));
    const buffer = new Uint8Array(2);
    assert.equal(await honest.read(buffer), 2);
    assert.deepEqual(buffer, new Uint8Array([7, times]));
  }
});

Deno.test("embedded KDC: survives a lack of descriptors", async () => {
  const conf = await Deno.makeTempFile();
  try {
    const kdc = [...CLI, "kdc", "--user", "alice"].map((word) => `'${word}'`).join(" ");
    await using daemon = new Daemon("sh", ["-c", `ulimit -n 60 && exec '${Deno.execPath()}' ${kdc}`]);
    const port = Number((await daemon.waitFor(/listens on 127\.0\.0\.1:(\d+)/))[1]);
    const password = (await daemon.waitFor(/Password of alice: (\S+)/))[1]!;
    const many = await Promise.all(Array.from({ length: 80 }, () => Deno.connect({ hostname: "127.0.0.1", port })));
    const env = { KRB5_CONFIG: conf, KRB5CCNAME: "FILE:/dev/null/none" };
    const text = (await daemon.waitFor(/\[libdefaults\][\s\S]*localhost = \S+/))[0];
    await Deno.writeTextFile(conf, text.replace(/^ +kdc = /m, "$&tcp/"));
    for (const connection of many) connection.close();
    // Its cache cannot be written, and to say so it must have got its ticket.
    const got = await run(Deno.execPath(), [...CLI, "kinit", "alice"], { env, stdin: `${password}\n` });
    assert.match(got.stderr, /\/dev\/null\/none/);
  } finally {
    await Deno.remove(conf);
  }
});
