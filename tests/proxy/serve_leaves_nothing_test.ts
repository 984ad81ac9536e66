/** What serve() and bridge() leave when they end, and when they cannot start: no listener, no port, nobody who waits for a signal. */
import assert from "node:assert/strict";
import {
  bridge,
  type BridgeOptions,
  connect,
  type ListenerOptions,
  noAuthentication,
  type RunningServer,
  serve,
  type ServeOptions,
} from "../../mod.ts";
import { SocksServer } from "../../socks/server/server.ts";
import { listenTcp } from "../../socks/shell/tcp.ts";
import type { ConnectionListener } from "../../socks/stream/listener.ts";
import { certificateFor } from "../support/certificate.ts";
import { countedController } from "../support/counted_signal.ts";
import { until, within } from "../support/waiting.ts";
import { stuckOperation } from "../support/controlled_resources.ts";
import { echoTarget, makeServer } from "../support/memory_server.ts";
import { peerTest } from "../support/peers.ts";
import { pipe } from "../support/pipe.ts";
import { echoServer } from "../support/servers.ts";
import { noneUncaughtIn } from "../support/unhandled.ts";

const LOCALHOST = "127.0.0.1";
const ANYBODY: ServeOptions = { port: 0, allowUnauthenticated: true, rules: ["allow localhost"] };
const THROUGH: BridgeOptions = { port: 0, proxy: "127.0.0.1:9", auth: [noAuthentication()] };
/** Both kinds of servers. */
const STARTS: readonly ((options: ListenerOptions) => RunningServer)[] = [
  (options) => serve({ ...ANYBODY, ...options }),
  (options) => bridge({ ...THROUGH, ...options }),
];
/** Times of which none is one. */
const NO_TIMES: readonly unknown[] = [NaN, -1, -Infinity, "1000", null, {}];

/** Whether nobody listens there any more. */
function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: LOCALHOST, port }).close();
    return true;
  } catch {
    return false;
  }
}

/** A listener that is watched, and may hold on to an accept after it was closed. */
function watched(kind: "stuck" | "failing"): ConnectionListener & { closed: boolean; accepts: number } {
  return {
    addr: { hostname: LOCALHOST, port: 1 },
    closed: false,
    accepts: 0,
    accept(): Promise<undefined> {
      this.accepts++;
      return kind === "stuck" ? new Promise(() => {}) : Promise.reject(new Error("closed, or no descriptors left"));
    },
    close(): void {
      this.closed = true;
    },
  };
}

Deno.test("serve(): after the end, nothing waits for its signal and nothing listens", async () => {
  for (const start of STARTS) {
    for (const how of ["dispose", "shutdown", "deadline", "twice", "listener"] as const) {
      const stop = countedController();
      const options = { signal: stop.signal };
      const listener = listenTcp({ hostname: LOCALHOST, port: 0 });
      const server = start(how === "listener" ? { ...options, port: undefined, listeners: [listener] } : options);
      if (how !== "listener") listener.close();
      assert.equal(stop.listeners(), 1);
      if (how === "dispose") await server[Symbol.asyncDispose]();
      if (how === "shutdown") await server.shutdown();
      if (how === "deadline") await server.shutdown({ deadline: 0 });
      if (how === "twice") await Promise.all([server.shutdown(), server.shutdown({ deadline: 60_000 })]);
      if (how === "listener") listener.close();
      await server.finished;
      await until(() => stop.listeners() === 0);
      assert.ok(isFree(server.addr.port), how);
    }
  }
});

Deno.test("serve(): has ended if its signal is aborted already, and frees its port", async () => {
  for (const start of STARTS) {
    const listener = watched("stuck");
    const server = start({ port: undefined, listeners: [listener], signal: AbortSignal.abort(new Error("before")) });
    await within(1_000, "the server", server.finished);
    assert.ok(listener.closed);
    const [client, far] = pipe();
    await within(1_000, "its session", server.serveConnection(far));
    await assert.rejects(client.read());
  }
});

Deno.test("serve(): a failed start leaves no listener, port or signal handler", async () => {
  using other = Deno.listen({ hostname: LOCALHOST, port: 0 });
  const cases: [ListenerOptions, RegExp][] = [
    [{ port: other.addr.port }, /something listens there already/],
    [{ port: 65_536 }, /Cannot use port/],
    [{ timeouts: { idle: NaN } }, /Cannot use timeouts.idle/],
    [{ datagrams: { idleTimeout: NaN } }, /Cannot use datagrams.idleTimeout/],
    [{ onListen: thrower }, /onListen/],
  ];
  for (const start of STARTS) {
    for (const [options, message] of cases) {
      const stop = countedController();
      let at: number | undefined;
      const onListen: NonNullable<ListenerOptions["onListen"]> = (address) => {
        at = address.port;
        options.onListen?.(address);
      };
      assert.throws(() => start({ ...options, signal: stop.signal, onListen }), message);
      assert.equal(stop.listeners(), 0, `${message}`);
      assert.equal(at !== undefined, options.onListen !== undefined);
      if (at !== undefined) await within(2_000, "the port", until(() => isFree(at!)));
    }
  }
  const stop = countedController();
  assert.throws(() => serve({ ...ANYBODY, rules: ["nonsense"], signal: stop.signal }), /Cannot read rule/);
  assert.throws(() => serve({ ...ANYBODY, keytab: "/nowhere/keytab", signal: stop.signal }), /keytab/);
  assert.equal(stop.listeners(), 0);
});

Deno.test("serve(): closes its listeners at its end and at a failed start", async () => {
  const given = () => [0, 1].map(() => listenTcp({ hostname: LOCALHOST, port: 0 }));
  for (const start of STARTS) {
    const listeners = given();
    const server = start({ port: undefined, listeners });
    assert.deepEqual(server.addr, listeners[0]!.addr);
    for (const { addr } of listeners) assert.ok(!isFree(addr.port));
    await server[Symbol.asyncDispose]();
    for (const { addr } of listeners) assert.ok(isFree(addr.port));
    for (
      const bad of [{ timeouts: { idle: -1 } }, { datagrams: { idleTimeout: NaN } }, { port: 0 }, { onListen: thrower }]
    ) {
      const unused = given();
      assert.throws(() => start({ port: undefined, ...bad, listeners: unused }));
      await within(2_000, "the ports", until(() => unused.every(({ addr }) => isFree(addr.port))));
    }
  }
  assert.throws(() => bridge({ ...THROUGH, hostname: "0.0.0.0" }), /only loopback/);
});

function thrower(): never {
  throw new Error("onListen");
}

Deno.test("serve(): ends although a listener ignores its end or always fails", async () => {
  for (const kind of ["stuck", "failing"] as const) {
    for (const how of ["dispose", "shutdown", "signal"] as const) {
      const stop = new AbortController();
      const listener = watched(kind);
      const server = serve({ ...ANYBODY, port: undefined, listeners: [listener], signal: stop.signal });
      const ending = how === "dispose"
        ? server[Symbol.asyncDispose]()
        : how === "shutdown"
        ? server.shutdown()
        : undefined;
      if (how === "signal") stop.abort();
      assert.ok(listener.closed, "nobody is accepted from the call on");
      await within(2_000, how, Promise.resolve(ending));
      await within(2_000, how, server.finished);
      assert.ok(listener.accepts <= 2, `${listener.accepts}`);
    }
  }
});

Deno.test("update(): applies a new rate of accepting, which delays no end", async () => {
  const slow: ServeOptions = { ...ANYBODY, limits: { acceptsPerSecond: 0.001 } };
  const greet = async (port: number) => {
    const client = await Deno.connect({ hostname: LOCALHOST, port });
    await client.write(new Uint8Array([5, 1, 0]));
    return client;
  };
  for (const changed of [true, false]) {
    await using server = serve(slow);
    if (changed) server.update({ ...slow, limits: { acceptsPerSecond: 1_000_000 } });
    const clients = [await greet(server.addr.port), await greet(server.addr.port), await greet(server.addr.port)];
    for (const client of changed ? clients : clients.slice(0, 1)) {
      assert.equal(await within(5_000, "the answer", client.read(new Uint8Array(2))), 2);
    }
    await within(5_000, "the end", Promise.resolve(server[Symbol.asyncDispose]()));
    for (const client of clients) client.close();
  }
});

Deno.test("serve(): pauses after a failed accept", async () => {
  const listener = watched("failing");
  await using _server = serve({ ...ANYBODY, port: undefined, listeners: [listener] });
  for (let turns = 0; turns < 200; turns++) await Promise.resolve();
  assert.equal(listener.accepts, 1);
});

Deno.test("serve(): closes a connection accepted after the end", async () => {
  const accepting = stuckOperation<ReturnType<typeof pipe>[0] | undefined>();
  const { server } = makeServer();
  const listening = server.listen({ addr: { hostname: LOCALHOST, port: 1 }, accept: accepting.make, close() {} });
  await accepting.started;
  await server[Symbol.asyncDispose]();
  await listening;
  const [client, far] = pipe();
  accepting.resolve(far);
  await assert.rejects(client.read());
  assert.equal(server.sessions, 0);
});

Deno.test("serve(): refuses listeners together with a place to listen", async () => {
  const places: Partial<ServeOptions>[] = [
    { hostname: LOCALHOST },
    { port: 0 },
    { reusePort: false },
    { tls: { cert: "", key: "" } },
  ];
  for (const place of places) {
    const [name] = Object.keys(place);
    const start = () => serve({ allowUnauthenticated: true, listeners: [], ...place });
    assert.throws(start, (error) => error instanceof TypeError && error.message.includes(name!));
    const throughBridge = () => bridge({ ...THROUGH, port: undefined, listeners: [], ...place } as BridgeOptions);
    assert.throws(throughBridge, (error) => error instanceof TypeError && error.message.includes(name!));
  }
  const undefinedAreNone = { hostname: undefined, port: undefined, reusePort: undefined, tls: undefined };
  await using _server = serve({ allowUnauthenticated: true, listeners: [], ...undefinedAreNone });
});

Deno.test("serve(): names an invalid time, limit or port, and changes nothing", async () => {
  const groups = {
    timeouts: ["handshake", "connect", "idle", "halfClose"],
    limits: [
      ...["sessions", "halfOpen", "sessionsPerSource", "sessionsPerNetwork", "sessionsPerUser", "acceptsPerSecond"],
      ...["bandwidthPerSession", "bandwidthPerUser"],
    ],
    datagrams: ["idleTimeout", "maxAssociations", "maxDestinations"],
  };
  await using server = serve(ANYBODY);
  const wrong = (options: Record<string, unknown>, name: string) => {
    const named = (error: unknown) => error instanceof TypeError && error.message.includes(`Cannot use ${name}: `);
    assert.throws(() => serve({ ...ANYBODY, ...options }), named, Deno.inspect(options));
    assert.throws(() => bridge({ ...THROUGH, ...options }), named, Deno.inspect(options));
    if (name !== "port") assert.throws(() => server.update({ ...ANYBODY, ...options }), named, Deno.inspect(options));
  };
  for (const value of NO_TIMES) {
    for (const [group, names] of Object.entries(groups)) {
      for (const name of names) wrong({ [group]: { [name]: value } }, `${group}.${name}`);
    }
    if (value === null) continue; // Nothing, which is no limit.
    await assert.rejects(server.shutdown({ deadline: value as number }), /^TypeError: Cannot use deadline: /);
  }
  for (const port of [-1, 65_536, 1.5, NaN, "80", null, Infinity]) wrong({ port }, "port");
  for (const signal of [{}, null, "stop"] as never[]) {
    const named = { name: "TypeError", message: /^Cannot use signal: it must be an AbortSignal/ };
    assert.throws(() => serve({ ...ANYBODY, signal }), named);
    assert.throws(() => bridge({ ...THROUGH, signal }), named);
  }
  // It is still there, and takes what is one.
  server.update({ ...ANYBODY, timeouts: { idle: 0, connect: Infinity, handshake: 1e12 }, limits: { sessions: 5 } });
  (await Deno.connect({ hostname: LOCALHOST, port: server.addr.port })).close();
});

Deno.test("update(): has no effect after the end", async () => {
  const { server, events } = makeServer();
  await server.shutdown();
  const changed = { auth: [noAuthentication()], open: echoTarget };
  server.update({ ...changed, onEvent: () => assert.fail("nobody is told otherwise") });
  const [client, far] = pipe();
  await server.serve(far);
  await assert.rejects(client.read());
  assert.deepEqual(events.map(({ type }) => type), ["refused"]);
  assert.throws(() => server.update({ ...changed, auth: [] }), TypeError);
  const running = serve(ANYBODY);
  await running[Symbol.asyncDispose]();
  running.update({ ...ANYBODY, rules: [] });
  assert.ok(isFree(running.addr.port));
});

Deno.test("shutdown(): the earliest deadline counts", async () => {
  await using echo = echoServer();
  const server = serve(ANYBODY);
  const through = { proxy: server.addr, auth: [noAuthentication()], hostname: LOCALHOST, port: echo.port };
  const connection = await connect(through);
  const order: string[] = [];
  const first = server.shutdown().then(() => order.push("no deadline"));
  const second = server.shutdown({ deadline: 60_000 }).then(() => order.push("late"));
  assert.equal(server.sessions, 1);
  await within(2_000, "the shorter one", server.shutdown({ deadline: 20 }));
  await within(2_000, "the others", Promise.all([first, second, server.finished]));
  assert.equal(order.length, 2);
  await server.shutdown();
  await server[Symbol.asyncDispose]();
  connection.close();
  assert.throws(() => new SocksServer({ auth: [], open: echoTarget }), TypeError);
});

/** Runs a program that has a server with nobody on it, and tells whether it ended by itself. */
async function endsByItself(what: string): Promise<boolean> {
  const root = new URL("../..", import.meta.url).href;
  const program = `
    import { serve } from "${root}mod.ts";
    import { listenTcp } from "${root}socks/mod.ts";
    const options = { allowUnauthenticated: true, rules: ["allow localhost"] };
    ${what}
    console.log("begun");`;
  const url = `data:application/typescript,${encodeURIComponent(program)}`;
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "-A", "--no-lock", "-c", config, url],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const complaints = new Response(child.stderr).text();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  for (let said = ""; !said.includes("begun");) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`The program ended: ${said}`);
    said += value;
  }
  let ended = true;
  // One that would end by itself has nothing to wait for.
  const timer = setTimeout(() => {
    ended = false;
    child.kill("SIGKILL");
  }, 2_000);
  await child.status;
  clearTimeout(timer);
  while (!(await reader.read()).done);
  noneUncaughtIn(await complaints);
  return ended;
}

Deno.test("unref(): lets the process end, but not while sessions run", async () => {
  const cases: [string, boolean][] = [
    [`serve({ ...options, port: 0 });`, false],
    [`serve({ ...options, port: 0 }).unref();`, true],
    [`const server = serve({ ...options, port: 0 }); server.unref(); server.ref();`, false],
    [`serve({ ...options, listeners: [listenTcp({ hostname: "127.0.0.1", port: 0 })] }).unref();`, true],
    [`serve({ ...options, listeners: [] }).unref();`, true],
    // Of somebody else's make, and without a say in it.
    [
      `const timer = setInterval(() => {}, 1e6);
       const other = { addr: { hostname: "x", port: 1 }, accept: () => new Promise(() => {}), close: () => clearInterval(timer) };
       serve({ ...options, listeners: [other] }).unref();`,
      false,
    ],
    // A session that is under way, of which nothing else is in this process.
    [
      `const server = serve({ ...options, port: 0 });
       server.unref();
       const near = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
       near.read(new Uint8Array(1)).catch(() => {});
       while (server.sessions === 0) await new Promise((resolve) => setTimeout(resolve, 1));
       near.unref();`,
      false,
    ],
  ];
  const ended = await Promise.all(cases.map(([what]) => endsByItself(what)));
  assert.deepEqual(ended, cases.map(([, ends]) => ends));
});

peerTest("unref(): lets the process end with a listener for TLS", ["openssl"], async () => {
  const listen = `port: 0, tls: ${JSON.stringify(await certificateFor())}`;
  const ended = await Promise.all([
    endsByItself(`serve({ ...options, ${listen} }).unref();`),
    endsByItself(`const server = serve({ ...options, ${listen} }); server.unref(); server.ref();`),
  ]);
  assert.deepEqual(ended, [true, false]);
});
