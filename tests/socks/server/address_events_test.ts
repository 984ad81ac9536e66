/** The address that was connected to, in every event of a session that has one, and wherever events are shown. */
import assert from "node:assert/strict";
import { trace, type TracerProvider } from "@opentelemetry/api";
import { eventPrinter, eventRecord } from "../../../cli/log/event_log.ts";
import { Monitor } from "../../../cli/monitor/monitor.ts";
import { targetText } from "../../../page/text.ts";
import { bind, connect, noAuthentication, serve, type ServeOptions, type ServerEvent } from "../../../mod.ts";
import { telemetry } from "../../../proxy/telemetry.ts";
import { echoServer } from "../../support/servers.ts";

const LOCALHOST = "127.0.0.1";

function proxy(options: Partial<ServeOptions> = {}) {
  const events: ServerEvent[] = [];
  const monitor = new Monitor();
  const server = serve({
    port: 0,
    allowUnauthenticated: true,
    rules: ["allow localhost"],
    resolve: () => Promise.resolve(["::1", LOCALHOST]),
    onEvent(event): void {
      events.push(event);
      monitor.onEvent(event);
    },
    ...options,
  });
  const through = { proxy: { hostname: LOCALHOST, port: server.addr.port }, auth: [noAuthentication()] };
  return { server, events, through, monitor };
}

function text(events: readonly ServerEvent[]): string {
  const lines: string[] = [];
  const print = eventPrinter(
    "text",
    { err: (line: string) => void lines.push(line) } as Parameters<typeof eventPrinter>[1],
  );
  for (const event of events) print(event);
  return lines.join("");
}

const addressOf = (event: ServerEvent | undefined) =>
  event !== undefined && "address" in event ? event.address : undefined;

Deno.test("address events: show the address of a name in events, log, records, telemetry and page", async () => {
  await using echo = echoServer();
  const { server, events, through, monitor } = proxy();
  await using _server = server;
  const ended = new AbortController();
  const watching = monitor.watch({ liveSessions: () => server.liveSessions() }, ended.signal);
  const wanted = { hostname: LOCALHOST, port: echo.port };
  {
    await using connection = await connect({ ...through, hostname: "db.example", port: echo.port });
    await connection.write(Uint8Array.of(1));
    assert.equal(await connection.read(new Uint8Array(1)), 1);
    assert.deepEqual(server.liveSessions()[0]!.address, wanted);
    const [row] = monitor.snapshot().sessions;
    assert.deepEqual([row!.target, row!.address], [`db.example:${echo.port}`, `${LOCALHOST}:${echo.port}`]);
    assert.equal(targetText(row!), `db.example:${echo.port} at ${LOCALHOST}:${echo.port}`);
  }
  ended.abort();
  await Promise.all([watching, server.shutdown()]);
  const shown = events.filter(({ type }) => type === "connected" || type === "closed");
  assert.deepEqual(shown.map(addressOf), [wanted, wanted]);
  for (const event of shown) assert.equal(eventRecord(event).address, `${LOCALHOST}:${echo.port}`);
  assert.match(
    text(shown),
    new RegExp(
      `connected 127\\.0\\.0\\.1:\\d+ \\(unauthenticated\\) to db\\.example:${echo.port} at 127\\.0\\.0\\.1:${echo.port}, rule 1 "allow [^"]*"\\n`,
    ),
  );

  const given: Record<string, unknown>[] = [];
  const span = {
    isRecording: () => true,
    setAttributes: (attributes: Record<string, unknown>) => void given.push(attributes),
    setAttribute: () => {},
    setStatus: () => {},
    addEvent: () => {},
    end: () => {},
  };
  trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan: () => span }) } as unknown as TracerProvider);
  try {
    const tell = telemetry();
    for (const event of events) tell(event);
  } finally {
    trace.disable();
  }
  const seen = given.map((attributes) => attributes["socks.address"]).filter((address) => address !== undefined);
  assert.deepEqual(seen, [`${LOCALHOST}:${echo.port}`, `${LOCALHOST}:${echo.port}`]);
});

Deno.test("address events: log an address that the client named once", async () => {
  await using echo = echoServer();
  const { server, events, through } = proxy();
  await using _server = server;
  (await connect({ ...through, hostname: LOCALHOST, port: echo.port })).close();
  await server.shutdown();
  assert.match(
    text(events),
    new RegExp(
      `connected 127\\.0\\.0\\.1:\\d+ \\(unauthenticated\\) to 127\\.0\\.0\\.1:${echo.port}, rule 1 "allow [^"]*"\\n`,
    ),
  );
});

Deno.test("address events: name the address of a refusal only after a connection", async () => {
  const { server, events, through } = proxy({ rules: ["allow localhost", "deny *"] });
  await using _server = server;
  await assert.rejects(connect({ ...through, hostname: "10.0.0.1", port: 1 }), { code: "NOT_ALLOWED" });
  const refused = events.find(({ type }) => type === "refused");
  assert.ok(refused !== undefined && !("address" in refused));
  assert.ok(!("address" in eventRecord(refused)));
  assert.match((refused as { error: Error }).error.message, /10\.0\.0\.1/);
});

Deno.test("address events: name the peer of BIND, and nothing behind an upstream", async () => {
  await using echo = echoServer();
  const first = proxy({ commands: ["connect", "bind"] });
  await using _first = first.server;
  {
    await using pending = await bind(first.through);
    const accepted = pending.accept();
    const target = await Deno.connect(pending.bound);
    const peer = { hostname: LOCALHOST, port: (target.localAddr as Deno.NetAddr).port };
    (await accepted).close();
    target.close();
    await first.server.shutdown();
    const all = first.events.filter(({ type }) => ["listening", "connected", "closed"].includes(type));
    assert.deepEqual(all.map(addressOf), [undefined, peer, peer]);
  }
  const upstream = proxy();
  await using _upstream = upstream.server;
  const near = proxy({ rules: ["allow *,upstream=far"], upstreams: { far: upstream.through } });
  await using _near = near.server;
  (await connect({ ...near.through, hostname: "db.example", port: echo.port })).close();
  await near.server.shutdown();
  await upstream.server.shutdown();
  const connected = (events: ServerEvent[]) => events.find(({ type }) => type === "connected");
  assert.equal(addressOf(connected(near.events)), undefined);
  assert.deepEqual(addressOf(connected(upstream.events)), { hostname: LOCALHOST, port: echo.port });
  assert.match(
    text(near.events),
    new RegExp(
      `connected 127\\.0\\.0\\.1:\\d+ \\(unauthenticated\\) to db\\.example:${echo.port}, rule 1 "allow [^"]*" via \\S+, none\\n`,
    ),
  );
});

Deno.test("address events: show an IPv4 client of a dual-stack socket by one address", async () => {
  await using echo = echoServer();
  const { server, events } = proxy({ hostname: "::" });
  await using _server = server;
  const through = { proxy: { hostname: LOCALHOST, port: server.addr.port }, auth: [noAuthentication()] };
  (await connect({ ...through, hostname: LOCALHOST, port: echo.port })).close();
  await server.shutdown();
  for (const event of events) {
    assert.equal(event.client?.hostname, LOCALHOST);
    assert.match(String(eventRecord(event).client), /^127\.0\.0\.1:\d+$/);
  }
  assert.doesNotMatch(text(events), /::ffff/);
});
