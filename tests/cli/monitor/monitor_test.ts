/** What can be seen of a server: log lines, status page, health, metrics, telemetry. */
import assert from "node:assert/strict";
import { adminEndpoint, adminResponse } from "../../../cli/monitor/admin.ts";
import { Monitor } from "../../../cli/monitor/monitor.ts";
import { prometheusText } from "../../../cli/monitor/prometheus.ts";
import { mergeSnapshots, type Snapshot } from "../../../cli/snapshot/snapshot.ts";
import { passwordLine } from "../../../cli/passwords/passwords.ts";
import { associate, connect, passwordClient } from "../../../mod.ts";
import { gssocks } from "../../support/run_cli.ts";
import { peer, peerTest } from "../../support/peers.ts";
import { Daemon, run } from "../../support/process.ts";
import { startRealmFolder } from "../../support/realm_folder.ts";
import { echoServer, origin, udpServer } from "../../support/servers.ts";

const ROOT = new URL("../../..", import.meta.url);
const LOCALHOST = "127.0.0.1";

const EMPTY: Snapshot = new Monitor().snapshot();

/** `gssocks serve` with an admin port, and its end. */
async function serveWithAdmin(args: readonly string[]) {
  const stop = new AbortController();
  const ports = Promise.withResolvers<[number, number]>();
  const serving = gssocks(["serve", "-l", "127.0.0.1:0", "--admin", "127.0.0.1:0", ...args], {
    signal: stop.signal,
    onErr: (text) => {
      const port = /Listening on 127\.0\.0\.1:(\d+)/.exec(text)?.[1];
      const admin = /Admin port on http:\/\/127\.0\.0\.1:(\d+)\//.exec(text)?.[1];
      if (port !== undefined && admin !== undefined) ports.resolve([Number(port), Number(admin)]);
    },
  });
  const [port, admin] = await ports.promise;
  const get = (path: string) => fetch(`http://127.0.0.1:${admin}${path}`);
  return { port, admin, get, stop: () => stop.abort(), serving };
}

Deno.test("admin port: shows health, metrics and sessions of a running server", async () => {
  await using realm = await startRealmFolder();
  await using echo = echoServer();
  await using udp = await udpServer();
  const { port, get, stop, serving } = await serveWithAdmin([
    ...["-k", realm.keytab, "--allow", "localhost", "--command", "connect,udp", "--json", "--drain-timeout", "50"],
  ]);
  const proxy = { hostname: "localhost", port };
  const through = { proxy, credentials: realm.tickets };
  await using connection = await connect({ ...through, hostname: LOCALHOST, port: echo.port });
  await connection.write(new Uint8Array(5_000));
  let got = 0;
  while (got < 5_000) got += await connection.read(new Uint8Array(5_000)) ?? 0;
  await assert.rejects(connect({ ...through, hostname: "10.0.0.1", port: 80 }), { code: "NOT_ALLOWED" });
  {
    await using datagrams = await associate(through);
    await datagrams.send(Uint8Array.of(1), { hostname: LOCALHOST, port: udp.port });
    await datagrams.receive();
  }
  const health = await get("/healthz");
  assert.deepEqual([health.status, await health.json()], [200, { status: "ok" }]);
  let status: Snapshot = await (await get("/status.json")).json();
  while (status.closed < 1) status = await (await get("/status.json")).json();
  assert.equal(status.sessionCount, 1);
  const [row] = status.sessions;
  assert.deepEqual(
    [row!.user, row!.method, row!.protection, row!.command, row!.target, row!.sent, row!.received],
    ["alice@GSSOCKS.TEST", "gssapi", "confidentiality", "connect", `127.0.0.1:${echo.port}`, 5_000, 5_000],
  );
  assert.match(status.denials[0]!.reason, /10\.0\.0\.1:80 is not allowed: .*private address, which no rule allows/);
  const metrics = await get("/metrics");
  assert.match(metrics.headers.get("content-type")!, /^text\/plain; version=0\.0\.4/);
  const text = await metrics.text();
  for (
    const line of [
      "gssocks_sessions 1",
      "gssocks_accepted_total 3",
      'gssocks_authenticated_total{method="gssapi",protection="confidentiality"} 3',
      'gssocks_refused_total{code="NOT_ALLOWED"} 1',
      'gssocks_served_total{command="connect"} 1',
      'gssocks_served_total{command="udp"} 1',
      'gssocks_bytes_total{direction="sent"} 5001',
      'gssocks_rule_hits_total{number="1",rule="allow localhost"} 2',
      'gssocks_refusals_total{cause="rule"} 1',
      "gssocks_handshake_seconds_count 3",
      "gssocks_connect_seconds_count 1",
      'gssocks_session_seconds_bucket{le="+Inf"} 1',
      'gssocks_datagrams_total{direction="received"} 1',
    ]
  ) {
    assert.ok(text.split("\n").includes(line), `${line}\n${text}`);
  }
  stop();
  const { err } = await serving;
  const lines = err.trim().split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  const closed = lines.find(({ event, command }) => event === "closed" && command === "udp");
  assert.ok(closed.duration >= 0 && closed.sent === 1 && closed.datagrams.sent === 1);
  assert.ok(
    lines.some(({ event, code, client }) => event === "refused" && code === "NOT_ALLOWED" && client.includes(":")),
  );
});

Deno.test("log: a refused client leaves a line with its address, for fail2ban", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/users`, `${await passwordLine("bob", "pw")}\n`);
    const { port, stop, serving } = await serveWithAdmin([
      ...["-m", "password", "--password-file", `${directory}/users`, "--drain-timeout", "0"],
    ]);
    const auth = [passwordClient({ username: "bob", password: "wrong" })];
    const proxy = { hostname: LOCALHOST, port };
    await assert.rejects(connect({ proxy, auth, hostname: "x", port: 1 }), { code: "BAD_CREDENTIALS" });
    stop();
    const { err } = await serving;
    const guide = await Deno.readTextFile(new URL("docs/operating.md", ROOT));
    const failregex = /^failregex = (.*)$/m.exec(guide)![1]!;
    const pattern = new RegExp(failregex.replace("<HOST>", "(?<host>[0-9a-f.:]+)"), "m");
    assert.equal(pattern.exec(err)?.groups?.host, LOCALHOST, err);
    assert.doesNotMatch(err, /wrong/);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("health: tells what a load balancer must know", async () => {
  const ask = async (snapshot: Partial<Snapshot>) => {
    const request = new Request("http://127.0.0.1:1/healthz");
    const response = await adminResponse(request, () => Promise.resolve({ ...EMPTY, ...snapshot }));
    return [response.status, (await response.json()).status];
  };
  assert.deepEqual(await ask({}), [200, "ok"]);
  assert.deepEqual(await ask({ shared: { up: true, onLoss: "refuse" } }), [200, "ok"]);
  assert.deepEqual(await ask({ shared: { up: false, onLoss: "refuse" } }), [503, "failing"]);
  assert.deepEqual(await ask({ shared: { up: false, onLoss: "allow" } }), [200, "degraded"]);
  assert.deepEqual(await ask({ draining: true }), [503, "draining"]);
});

Deno.test("admin port: refuses requests by another host name, and changes nothing", async () => {
  const take = () => Promise.resolve(EMPTY);
  const status = async (url: string, method = "GET") =>
    (await adminResponse(new Request(url, { method }), take)).status;
  assert.equal(await status("http://rebound.example:9180/status.json"), 421);
  assert.equal(await status("http://192.0.2.1/status.json"), 421);
  assert.equal(await status("http://localhost:9180/status.json"), 200);
  assert.equal(await status("http://[::1]:9180/"), 200);
  assert.equal(await status("http://127.0.0.1/status.json", "POST"), 405);
  assert.equal(await status("http://127.0.0.1/other"), 404);
  const page = await adminResponse(new Request("http://127.0.0.1/"), take);
  assert.match(page.headers.get("content-security-policy")!, /default-src 'none'/);
});

Deno.test("admin port: listens on loopback addresses only", () => {
  for (const where of ["0.0.0.0:9180", "192.0.2.1:9180", "[::]:9180", "[2001:db8::1]:9180", "proxy.example:9180"]) {
    assert.throws(() => adminEndpoint(where), /it must be a loopback address/, where);
  }
  for (const where of ["127.0.0.1:9180", "localhost:9180", "[::1]:9180"]) assert.equal(adminEndpoint(where).port, 9180);
  // Which of the two, and whether both, the machine says.
  assert.equal(adminEndpoint("localhost:9180").hostname, "localhost");
});

Deno.test("metrics: merge the snapshots of workers, and escape labels", () => {
  const one: Snapshot = {
    ...EMPTY,
    sessionCount: 2,
    accepted: 5,
    refused: { A: 1 },
    throughput: [{ at: 1, sent: 1, received: 2 }, { at: 2, sent: 1, received: 1 }],
  };
  const two: Snapshot = {
    ...EMPTY,
    sessionCount: 1,
    refused: { A: 2, 'B"\n\\': 1 },
    throughput: [{ at: 2, sent: 5, received: 5 }],
    shared: { up: false, onLoss: "refuse" },
  };
  const merged = mergeSnapshots([one, two]);
  assert.deepEqual([merged.sessionCount, merged.accepted, merged.refused], [3, 5, { A: 3, 'B"\n\\': 1 }]);
  assert.deepEqual(merged.throughput, [{ at: 1, sent: 1, received: 2 }, { at: 2, sent: 6, received: 6 }]);
  assert.equal(merged.shared?.up, false);
  assert.match(prometheusText(merged), /^gssocks_refused_total\{code="B\\"\\n\\\\"\} 1$/m);
  assert.match(prometheusText(merged), /gssocks_shared_store_up 0\n/);
});

peerTest("the status page shows sessions and denials in headless Chromium, as text", ["chromium"], async () => {
  await using realm = await startRealmFolder();
  await using echo = echoServer();
  const directory = await Deno.makeTempDir();
  try {
    const evil = "<img src=x onerror=alert(1)>";
    await Deno.writeTextFile(`${directory}/users`, `${await passwordLine(evil, "pw")}\n`);
    const { port, admin, get, stop, serving } = await serveWithAdmin([
      ...["-m", "gssapi,password", "-k", realm.keytab, "--password-file", `${directory}/users`],
      ...["--allow", "localhost", "--allow", "*,user=carol*", "--quiet", "--drain-timeout", "0"],
    ]);
    const proxy = { hostname: "localhost", port };
    const target = { hostname: LOCALHOST, port: echo.port };
    await using _first = await connect({ proxy, credentials: realm.tickets, ...target });
    await using _second = await connect({
      proxy,
      auth: [passwordClient({ username: evil, password: "pw" })],
      ...target,
    });
    for (const hostname of ["10.20.30.40", "blocked.example"]) {
      await assert.rejects(connect({ proxy, credentials: realm.tickets, hostname, port: 443 }));
    }
    // Something to draw: traffic until enough seconds have been seen.
    for (let seconds = 0; seconds < 2;) {
      const data = new Uint8Array(50_000 + 20_000 * (seconds % 5));
      await _first.write(data);
      for (let got = 0; got < data.length;) got += await _first.read(new Uint8Array(data.length)) ?? data.length;
      const status: Snapshot = await (await get("/status.json")).json();
      seconds = status.throughput.length;
    }
    const got = await run(peer("chromium"), [
      ...["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
      ...["--disable-component-update", "--disable-sync", "--hide-scrollbars", "--window-size=1100,760"],
      ...["--virtual-time-budget=6000", `--user-data-dir=${directory}/profile`, "--dump-dom"],
      `http://127.0.0.1:${admin}/`,
    ], { env: { HOME: directory }, timeout: 60_000 });
    stop();
    await serving;
    assert.match(got.stdout, /data-drawn="\d+"/, got.stderr);
    const sessions = /<section id="sessions">[\s\S]*?<\/table>/.exec(got.stdout)![0];
    assert.match(sessions, /alice@GSSOCKS\.TEST/);
    assert.match(sessions, /&lt;img src=x onerror=alert\(1\)&gt;/);
    assert.doesNotMatch(got.stdout, /<img/);
    assert.match(sessions, new RegExp(`127\\.0\\.0\\.1:${echo.port}`));
    assert.match(sessions, /confidentiality/);
    const denials = /<section id="denials">[\s\S]*?<\/table>/.exec(got.stdout)![0];
    assert.match(denials, /10\.20\.30\.40:443/);
    assert.match(denials, /which no rule allows/);
    assert.match(got.stdout, /<canvas/);
    assert.match(got.stdout, /<b>2<\/b><span>Sessions<\/span>/);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("telemetry: with OTEL_DENO=true, metrics and spans go to a collector", async () => {
  await using realm = await startRealmFolder();
  await using site = origin("the page");
  const seen = { metrics: "", traces: "" };
  let wake = Promise.withResolvers<void>();
  await using collector = Deno.serve({ hostname: LOCALHOST, port: 0, onListen() {} }, async (request) => {
    const kind = new URL(request.url).pathname.split("/").at(-1) as keyof typeof seen;
    seen[kind] += await request.text();
    wake.resolve();
    wake = Promise.withResolvers<void>();
    return Response.json({});
  });
  const root = ROOT.pathname;
  await using server = new Daemon(Deno.execPath(), [
    ...["run", "-q", "--allow-net", `--allow-read=${realm.keytab}`, "-c", `${root}deno.json`, `${root}cli/mod.ts`],
    ...["serve", "-l", "127.0.0.1:0", "-k", realm.keytab, "--allow", "localhost"],
  ], {
    env: {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.addr.port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_METRIC_EXPORT_INTERVAL: "200",
      OTEL_BSP_SCHEDULE_DELAY: "200",
    },
  });
  const port = Number((await server.waitFor(/Listening on 127\.0\.0\.1:(\d+)/))[1]);
  const through = { proxy: { hostname: "localhost", port }, credentials: realm.tickets };
  {
    await using connection = await connect({ ...through, hostname: LOCALHOST, port: site.addr.port });
    await connection.write(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
    assert.match(await new Response(connection.readable).text(), /the page$/);
  }
  await assert.rejects(connect({ ...through, hostname: "10.0.0.1", port: 1 }));
  const wanted = [
    () => /gssocks\.handshake\.duration/.test(seen.metrics) && /gssocks\.connect\.duration/.test(seen.metrics),
    () => /gssocks\.accepted/.test(seen.metrics) && /gssocks\.session\.duration/.test(seen.metrics),
    () => /gssocks\.refused/.test(seen.metrics) && /NOT_ALLOWED/.test(seen.metrics),
    () => /socks\.session/.test(seen.traces) && /alice@GSSOCKS\.TEST/.test(seen.traces),
  ];
  while (!wanted.every((there) => there())) await wake.promise;
  assert.doesNotMatch(seen.metrics, /alice@/);
});
