/** The ports beside the proxy's: strangers, half requests, long heads, too many at a time, and a machine without descriptors. */
import assert from "node:assert/strict";
import { startAdmin } from "../../../cli/monitor/admin.ts";
import { healthOf, startHealth } from "../../../cli/monitor/health.ts";
import { httpPort, type HttpPortOptions } from "../../../cli/monitor/http_port.ts";
import { Monitor } from "../../../cli/monitor/monitor.ts";
import type { Snapshot } from "../../../cli/snapshot/snapshot.ts";
import { cached } from "../../../cli/monitor/cached.ts";
import type { Bytes } from "../../../base/bytes.ts";
import type { Connection } from "../../../socks/stream/connection.ts";
import { listenTcp } from "../../../socks/shell/tcp.ts";
import type { ConnectionListener } from "../../../socks/stream/listener.ts";
import { until } from "../../support/until.ts";

const WHERE = { hostname: "127.0.0.1", port: 0 };
const EMPTY: Snapshot = new Monitor().snapshot();

function open(options: Partial<HttpPortOptions> = {}, listener: ConnectionListener = listenTcp(WHERE)) {
  const said: string[] = [];
  const faults: unknown[] = [];
  const port = httpPort(listener, {
    name: "Test port",
    answer: ({ url, method }) => new Response(`${method} ${url}`),
    say: (line) => said.push(line),
    onFault: (error) => faults.push(error),
    ...options,
  });
  return { port, said, faults, number: port.addr.port };
}

/** What comes back for these bytes, sent one piece after the other; an empty text for a connection that is cut. */
async function ask(port: number, ...pieces: readonly (string | Uint8Array)[]): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  try {
    for (const piece of pieces) {
      await connection.write(typeof piece === "string" ? new TextEncoder().encode(piece) : piece);
    }
    return await new Response(connection.readable).text();
  } catch {
    return "";
  }
}

Deno.test("HTTP port: answers whole, byte by byte and with trailing bytes, and closes", async () => {
  const { port, number } = open();
  await using _port = port;
  const request = "GET /a?b HTTP/1.1\r\nHost: localhost:1\r\nX: y\r\n\r\n";
  const whole = await ask(number, request);
  assert.match(whole, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(whole, /\r\nconnection: close\r\n\r\nGET http:\/\/localhost:1\/a\?b$/);
  assert.equal(await ask(number, ...request), whole);
  assert.equal(await ask(number, `${request}more bytes`, "and more"), whole);
  assert.equal(await ask(number, request.replaceAll("\r\n", "\n")), whole);
  assert.match(await ask(number, "GET /x HTTP/1.0\r\n\r\n"), /GET http:\/\/127\.0\.0\.1\/x$/);
  const head = await ask(number, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  assert.match(head, /content-length: 14\r\n/);
  assert.ok(head.endsWith("\r\n\r\n"));
});

/** A listener with one client, who sends bytes one by one and closes when he has had his answer; tells what was done to him. */
function oneClient(pieces: readonly string[]) {
  const done: string[] = [];
  const waiting = pieces.map((piece) => new TextEncoder().encode(piece));
  let text = "";
  const closed = Promise.withResolvers<undefined>();
  const over = Promise.withResolvers<string>();
  const connection: Connection = {
    local: undefined,
    remote: undefined,
    read: () => {
      done.push("read");
      return Promise.resolve(waiting.shift() as Bytes | undefined ?? null);
    },
    write: (bytes) => {
      done.push("write");
      text += new TextDecoder().decode(bytes);
      return Promise.resolve();
    },
    closeWrite: () => Promise.resolve(void done.push("closeWrite")),
    close: () => {
      done.push("close");
      over.resolve(text);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  let accepted = false;
  const listener: ConnectionListener = {
    addr: { hostname: "127.0.0.1", port: 1 },
    accept: () => accepted ? closed.promise : (accepted = true, Promise.resolve(connection)),
    close: () => closed.resolve(undefined),
  };
  return { listener, done, answer: over.promise };
}

Deno.test("HTTP port: finds the end of a head wherever it is cut, and drains the client", async () => {
  for (const request of ["GET /a HTTP/1.1\r\nX: y\r\n\r\n", "GET /a HTTP/1.1\n\n"]) {
    const { listener, done, answer } = oneClient([...request, "behind"]);
    const { port } = open({}, listener);
    await using _port = port;
    assert.match(await answer, /GET http:\/\/localhost\/a$/);
    const behind = done.slice(done.indexOf("write"));
    assert.deepEqual(behind, ["write", "closeWrite", "read", "read", "close"]);
    assert.equal(done.indexOf("write"), request.length);
  }
});

Deno.test("HTTP port: refuses what is no request", async () => {
  const { port, number, faults } = open();
  await using _port = port;
  const refused: readonly [string, number][] = [
    ["nonsense\r\n\r\n", 400],
    ["GET http://x/ HTTP/1.1\r\n\r\n", 400],
    ["GET / HTTP/2.0\r\n\r\n", 400],
    ["get / HTTP/1.1\r\n\r\n", 400],
    ["GET  / HTTP/1.1\r\n\r\n", 400],
    ["CONNECT / HTTP/1.1\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost : a\r\nHost: b\r\n\r\n", 400],
    [`GET / HTTP/1.1\r\nX: ${"a".repeat(9_000)}\r\n\r\n`, 431],
    [`GET / HTTP/1.1\r\nX: ${"a".repeat(200_000)}`, 431],
  ];
  for (const [request, status] of refused) {
    assert.match(await ask(number, request), new RegExp(`^HTTP/1\\.1 ${status} `), request.slice(0, 40));
  }
  assert.deepEqual(faults, []);
});

Deno.test("HTTP port: a head has at most 8,192 bytes", async () => {
  const { port, number } = open();
  await using _port = port;
  const head = (length: number) => {
    const start = "GET / HTTP/1.1\r\nX: ";
    return `${start}${"a".repeat(length - start.length)}\r\n\r\n`;
  };
  assert.match(await ask(number, head(8_192)), / 200 /);
  assert.match(await ask(number, head(8_193)), / 431 /);
  assert.match(await ask(number, head(8_192).slice(0, 8_000), head(8_192).slice(8_000)), / 200 /);
});

Deno.test("HTTP port: cuts slow clients, and answers that never come", async () => {
  const { port, number } = open({ timeout: 60, answer: () => new Promise(() => {}) });
  await using _port = port;
  const began = performance.now();
  assert.deepEqual(await Promise.all([ask(number, "GET / HT"), ask(number), ask(number, "GET / HTTP/1.1\r\n\r\n")]), [
    "",
    "",
    "",
  ]);
  assert.ok(performance.now() - began < 4_000);
});

Deno.test("HTTP port: closes the oldest of too many connections", async () => {
  const { port, number } = open({ maxConnections: 4, timeout: 600_000 });
  await using _port = port;
  const silent = [];
  for (let i = 0; i < 40; i++) {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: number });
    await connection.write(new TextEncoder().encode("GET / HTTP/1.1\r\nX: half"));
    silent.push(connection);
  }
  assert.match(await ask(number, "GET / HTTP/1.1\r\n\r\n"), / 200 /);
  const first = await silent[0]!.read(new Uint8Array(1)).catch(() => null);
  assert.equal(first, null);
  for (const connection of silent) connection[Symbol.dispose]();
});

Deno.test("HTTP port: closes the oldest of too many that wait for an answer", async () => {
  let asked = 0;
  const answered = Promise.withResolvers<Response>();
  const { port, number } = open({
    maxConnections: 4,
    timeout: 600_000,
    answer: () => ++asked <= 40 ? answered.promise : new Response("well"),
  });
  await using _port = port;
  const cut: Promise<string>[] = [];
  for (let i = 1; i <= 40; i++) {
    cut.push(ask(number, "GET / HTTP/1.1\r\n\r\n"));
    await until("asked", () => asked === i);
  }
  const before = await Promise.all(cut.slice(0, 36));
  assert.deepEqual(new Set(before), new Set([""]));
  answered.resolve(new Response("late"));
  assert.match(await ask(number, "GET / HTTP/1.1\r\n\r\n"), /well$/);
  await Promise.all(cut);
});

Deno.test("HTTP port: a failed answer is status 500 and a fault", async () => {
  let broken = true;
  const answer = () => {
    if (broken) throw new Error("broken");
    return new Response("well");
  };
  const { port, number, faults } = open({ answer });
  await using _port = port;
  assert.match(await ask(number, "GET / HTTP/1.1\r\n\r\n"), /^HTTP\/1\.1 500 .*\r\n\r\nInternal error\.\n$/s);
  assert.equal(faults.length, 1);
  broken = false;
  assert.match(await ask(number, "GET / HTTP/1.1\r\n\r\n"), /well$/);
});

Deno.test("HTTP port: reports once that it cannot accept, and once that it can again", async () => {
  const inner = listenTcp(WHERE);
  let failing = 3;
  const listener: ConnectionListener = {
    addr: inner.addr,
    accept: () => failing-- > 0 ? Promise.reject(new Error("Too many open files (os error 24)")) : inner.accept(),
    close: () => inner.close(),
  };
  const { port, said, number } = open({ retry: 1 }, listener);
  await using _port = port;
  assert.match(await ask(number, "GET / HTTP/1.1\r\n\r\n"), / 200 /);
  assert.deepEqual(said, [
    "Test port cannot accept, and tries on: Too many open files (os error 24)\n",
    "Test port accepts again\n",
  ]);
});

Deno.test("health port: answers one word and nothing else", async () => {
  let snapshot: Snapshot | Error = EMPTY;
  const take = () => snapshot instanceof Error ? Promise.reject(snapshot) : Promise.resolve(snapshot);
  const reports = { say: () => {}, onFault: () => {} };
  const answers = async (now: Partial<Snapshot> | Error, path = "/") => {
    snapshot = now instanceof Error ? now : { ...EMPTY, ...now };
    await using port = startHealth(WHERE, take, reports);
    const response = await fetch(`http://127.0.0.1:${port.addr.port}${path}`);
    return [response.status, await response.text()];
  };
  assert.deepEqual(await answers({}), [200, "ok\n"]);
  assert.deepEqual(await answers({}, "/healthz"), [200, "ok\n"]);
  assert.deepEqual(await answers({ degraded: true }), [200, "degraded\n"]);
  assert.deepEqual(await answers({ shared: { up: false, onLoss: "allow" } }), [200, "degraded\n"]);
  assert.deepEqual(await answers({ shared: { up: false, onLoss: "refuse" } }), [503, "failing\n"]);
  assert.deepEqual(await answers({ draining: true }), [503, "draining\n"]);
  assert.deepEqual(await answers(new Error("no worker answers")), [503, "failing\n"]);
  const faults: unknown[] = [];
  await using admin = startAdmin(WHERE, take, { say: () => {}, onFault: (error) => faults.push(error) });
  const unknown = await fetch(`http://127.0.0.1:${admin.addr.port}/healthz`);
  assert.deepEqual([unknown.status, await unknown.json(), faults], [503, { status: "failing" }, []]);
  for (const path of ["/metrics", "/status.json", "/healthz/", "/page.js", "//"]) {
    assert.deepEqual(await answers({}, path), [404, "no\n"], path);
  }
  await using port = startHealth(WHERE, take, reports);
  assert.match(await ask(port.addr.port, "POST / HTTP/1.1\r\n\r\n"), / 405 /);
  const worst = healthOf({ draining: true, shared: { up: false, onLoss: "refuse" }, degraded: true });
  assert.deepEqual(worst, { status: "draining", ready: false });
});

Deno.test("cached(): a thousand polls a second make few snapshots", async () => {
  let now = 0;
  let made = 0;
  const take = cached(() => {
    made++;
    now += 10;
    return Promise.resolve(made);
  }, () => now);
  for (let i = 0; i < 100; i++) assert.equal(await take(), 1);
  now += 189;
  assert.equal(await take(), 1);
  now += 1;
  // Those that ask at one time wait for the same one.
  assert.deepEqual(await Promise.all([take(), take(), take()]), [2, 2, 2]);
  let broken = true;
  const failing = cached(() => broken ? Promise.reject(new Error("broken")) : Promise.resolve("well"), () => now);
  await assert.rejects(failing(), /broken/);
  broken = false;
  assert.equal(await failing(), "well");
  // One that throws at once fails like one that rejects, and nothing old is told then.
  const sudden = cached(() => {
    if (broken) throw new Error("broken");
    return Promise.resolve(now += 1);
  }, () => now);
  await sudden();
  [broken, now] = [true, now + 1_000];
  await assert.rejects(sudden(), /broken/);
  await assert.rejects(sudden(), /broken/);
  // However long it took, what is told is no older than a second.
  const slow = cached(() => Promise.resolve(now += 5_000), () => now);
  const first = await slow();
  now += 1_000;
  assert.notEqual(await slow(), first);
});

Deno.test("admin port: answers polls while others fill it", async () => {
  let made = 0;
  const take = () => Promise.resolve({ ...EMPTY, accepted: ++made });
  await using port = startAdmin(WHERE, take, { say: () => {}, onFault: () => {} });
  const number = port.addr.port;
  const half = await Promise.all(
    Array.from({ length: 60 }, () => Deno.connect({ hostname: "127.0.0.1", port: number })),
  );
  const paths = ["/", "/healthz", "/metrics", "/status.json", "/page.js", "/page.css"];
  for (let round = 0; round < 50; round++) {
    const path = paths[round % paths.length]!;
    const response = await fetch(`http://127.0.0.1:${number}${path}`);
    await response.body?.cancel();
    assert.equal(response.status, 200, path);
  }
  for (const connection of half) connection[Symbol.dispose]();
});
