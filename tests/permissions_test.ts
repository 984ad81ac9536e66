/** Each entry point under exactly the permissions that the README gives. */
import assert from "node:assert/strict";
import { startRealmFolder } from "./support/realm_folder.ts";
import { Daemon, run, type RunResult } from "./support/process.ts";
import { echoServer, origin } from "./support/servers.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const CLI = `${ROOT}cli/mod.ts`;
const BASE = ["run", "-q", "--no-prompt", "-c", `${ROOT}deno.json`];
const ENV = "--allow-env=KRB5_CONFIG,KRB5CCNAME,KRB5_KTNAME";

function script(text: string, permissions: readonly string[]): Promise<RunResult> {
  const url = `data:application/typescript,${encodeURIComponent(text)}`;
  return run(Deno.execPath(), [...BASE, ...permissions, url]);
}

Deno.test("importing any entry point needs no permission and does nothing", async () => {
  for (
    const entry of [
      "mod.ts",
      "gss/mod.ts",
      "kerberos/mod.ts",
      "kerberos/kdc/mod.ts",
      "socks/mod.ts",
      "proxy/redis.ts",
      "proxy/telemetry.ts",
      "cli/mod.ts",
    ]
  ) {
    const got = await script(`await import("file://${ROOT}${entry}"); console.log("imported");`, []);
    assert.equal(got.stdout.trim(), "imported", `${entry}: ${got.stderr}`);
  }
});

Deno.test("a client with everything in memory needs the network to proxy and KDC only", async () => {
  await using realm = await startRealmFolder();
  await using echo = echoServer();
  const { serve } = await import("../mod.ts");
  await using server = serve({ port: 0, keytab: realm.keytab, rules: ["allow localhost"] });
  const text = `
    import { connect, systemTickets } from "file://${ROOT}mod.ts";
    import { parseKrb5Conf } from "file://${ROOT}kerberos/mod.ts";
    const config = parseKrb5Conf({ name: "memory", text: ${JSON.stringify(realm.kdc.krb5Conf)} });
    await using c = await connect({ proxy: "localhost:${server.addr.port}", hostname: "127.0.0.1", port: ${echo.port},
      credentials: systemTickets({ config, principal: "alice", password: "alicepw" }) });
    await c.write(new Uint8Array([7]));
    const b = new Uint8Array(1);
    await c.read(b);
    console.log("echoed", b[0]);`;
  const net = `--allow-net=localhost:${server.addr.port},127.0.0.1:${realm.kdc.port}`;
  const got = await script(text, [net]);
  assert.equal(got.stdout.trim(), "echoed 7", got.stderr);
  assert.notEqual((await script(text, [])).code, 0);
});

Deno.test("kinit, klist, kvno and kdestroy need the network to the KDC, their files, and three variables", async () => {
  await using realm = await startRealmFolder();
  const env = { KRB5_CONFIG: realm.krb5Conf, KRB5CCNAME: `FILE:${realm.directory}/own` };
  const net = `--allow-net=127.0.0.1:${realm.kdc.port}`;
  const read = `--allow-read=${realm.directory}`;
  const write = `--allow-write=${realm.directory}`;
  const command = (permissions: readonly string[], args: readonly string[], stdin?: string) =>
    run(Deno.execPath(), [...BASE, ...permissions, CLI, ...args], { env, ...(stdin === undefined ? {} : { stdin }) });
  const steps: [readonly string[], readonly string[], string | undefined, RegExp][] = [
    [[net, read, write, ENV], ["kinit", "alice"], "alicepw\n", /^$/],
    [[read, ENV], ["klist"], undefined, /alice@GSSOCKS\.TEST/],
    [[net, read, write, ENV], ["kvno", "rcmd/localhost"], undefined, /kvno = 1/],
    [[read, write, ENV], ["kdestroy"], undefined, /^$/],
  ];
  for (const [permissions, args, stdin, output] of steps) {
    const got = await command(permissions, args, stdin);
    assert.equal(got.code, 0, `${args}: ${got.stderr}`);
    assert.match(got.stdout, output);
  }
});

Deno.test("serve, bridge and connect need the network, their files, and for tickets three variables", async () => {
  await using realm = await startRealmFolder();
  await using site = origin("the page");
  const env = { KRB5_CONFIG: realm.krb5Conf, KRB5CCNAME: realm.ccache };
  const listening = /Listening on 127\.0\.0\.1:(\d+)/;
  await using serving = new Daemon(Deno.execPath(), [
    ...BASE,
    "--allow-net",
    `--allow-read=${realm.keytab}`,
    CLI,
    ...["serve", "--listen", "127.0.0.1:0", "--keytab", realm.keytab, "--allow", `localhost:${site.addr.port}`],
  ]);
  const proxy = (await serving.waitFor(listening))[1]!;
  // Without leave to write, new tickets stay in memory.
  const client = ["--allow-net", `--allow-read=${realm.directory}`, ENV];
  await using bridging = new Daemon(
    Deno.execPath(),
    [...BASE, ...client, CLI, "bridge", "--proxy", `localhost:${proxy}`, "--listen", "127.0.0.1:0"],
    { env },
  );
  const local = (await bridging.waitFor(listening))[1]!;
  using http = Deno.createHttpClient({ proxy: { url: `socks5h://127.0.0.1:${local}` } });
  assert.equal(await (await fetch(`http://127.0.0.1:${site.addr.port}/`, { client: http })).text(), "the page");
  const connected = await run(
    Deno.execPath(),
    [...BASE, ...client, CLI, "connect", "--proxy", `localhost:${proxy}`, "127.0.0.1", String(site.addr.port)],
    { env, stdin: "GET / HTTP/1.0\r\n\r\n" },
  );
  assert.match(connected.stdout, /the page$/, connected.stderr);
  assert.match(serving.output, /alice@GSSOCKS\.TEST by gssapi, protection confidentiality/);
});

Deno.test("kdc and demo need the network, and demo --stay a folder for its files", async () => {
  await using kdc = new Daemon(Deno.execPath(), [
    ...BASE,
    "--allow-net=127.0.0.1",
    CLI,
    "kdc",
    "--user",
    "alice",
    "--service",
    "rcmd/localhost",
  ]);
  await kdc.waitFor(/KDC of GSSOCKS\.TEST listens on 127\.0\.0\.1:\d+/);
  assert.match(kdc.output, /Password of alice: [0-9a-f]{16}/);
  const demo = await run(Deno.execPath(), [...BASE, "--allow-net", CLI, "demo"]);
  assert.equal(demo.code, 0, demo.stderr);
  assert.match(demo.stdout, /Done: every page came whole/);
});
