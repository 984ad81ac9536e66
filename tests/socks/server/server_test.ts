/** Sessions of the server, over memory and over sockets: methods, decisions, replies, limits, shutdown. */
import assert from "node:assert/strict";
import { utf8 } from "../../../base/bytes.ts";
import { pause } from "../../../base/deadline.ts";
import type { ServerAuthMethod } from "../../../socks/auth/method.ts";
import { noAuthentication } from "../../../socks/auth/none.ts";
import { fixedPasswords, passwordClient, passwordServer } from "../../../socks/auth/password.ts";
import { connectThrough } from "../../../socks/client/connect.ts";
import { SocksReplyError, SocksTimeoutError } from "../../../socks/errors.ts";
import { openDirectly } from "../../../socks/server/targets/direct.ts";
import { openUpstream } from "../../../socks/server/targets/upstream.ts";
import { parseRule } from "../../../socks/rules/parse_rule.ts";
import { RuleSet } from "../../../socks/rules/rule_set.ts";
import { SocksServer } from "../../../socks/server/server.ts";
import type { TargetRequest } from "../../../socks/server/targets/target.ts";
import { selectMethod } from "../../../socks/server/front/socks5.ts";
import type { Connection } from "../../../socks/stream/connection.ts";
import { systemResolver } from "../../../socks/shell/system_resolver.ts";
import { dialTcp, listenTcp } from "../../../socks/shell/tcp.ts";
import { echoTarget, makeServer } from "../../support/memory_server.ts";
import { until } from "../../support/waiting.ts";
import { pipe, readAll } from "../../support/pipe.ts";
import { freePort } from "../../support/process.ts";
import { echoServer, TcpServer } from "../../support/servers.ts";
import { hex, unhex } from "../../support/vectors.ts";

/** A request of somebody who names himself nobody. */
function targetRequest(hostname: string, port: number): TargetRequest {
  const identity = { method: "none", name: "", attributes: {} } as const;
  const signal = new AbortController().signal;
  return { hostname, port, identity, command: "connect", protection: "none", signal };
}

/** Sends bytes to a fresh session and gives all that comes back. */
async function raw(server: SocksServer, text: string): Promise<string> {
  const [client, far] = pipe();
  const served = server.serve(far);
  await client.write(unhex(text.replaceAll(" ", "")));
  await client.closeWrite();
  const answer = hex(await readAll(client).catch(() => far.sent()));
  await served;
  return answer;
}

Deno.test("server: answers messages in pieces of any size, with early bytes", async () => {
  for (const chunk of [1, 3, Infinity]) {
    const { server, events } = makeServer();
    const [client, far] = pipe({ chunk });
    const served = server.serve(far);
    await client.write(unhex("050100" + "05010003047465737400 50".replaceAll(" ", "") + hex(utf8("early"))));
    await client.closeWrite();
    assert.equal(hex(await readAll(client)), "0500" + "05000001c00002010063" + hex(utf8("early")));
    await served;
    assert.deepEqual(events.map(({ type }) => type), ["accepted", "authenticated", "connected", "closed"]);
    const closed = events.at(-1)!;
    assert.ok(
      closed.type === "closed" && closed.sent === 5 && closed.received === 5 && closed.target.hostname === "test",
    );
  }
});

Deno.test("server: tells a refused client no more than a code", async () => {
  const cases: [string, string][] = [
    ["050101", "05ff"],
    ["0500", "05ff"],
    ["0504 80 81 82 fe", "05ff"],
    ["04010050 7f000001 00", "005b 000000000000"],
    ["16030100", ""],
    ["050100 05 02 00 01 7f000001 0050", "0500 0507 0001 00000000 0000"],
    ["050100 05 03 00 01 7f000001 0050", "0500 0507 0001 00000000 0000"],
    ["050100 05 09 00 01 7f000001 0050", "0500 0507 0001 00000000 0000"],
  ];
  for (const [sent, answer] of cases) {
    const { server, events } = makeServer();
    assert.equal(await raw(server, sent), answer.replaceAll(" ", ""), sent);
    assert.equal(events.at(-1)!.type, "refused");
  }
});

Deno.test("server: survives every cut of a conversation", async () => {
  const { server } = makeServer();
  const whole = "050100" + "0501000304746573740050";
  for (let i = 0; i < whole.length; i += 2) await raw(server, whole.slice(0, i));
  assert.match(await raw(server, whole), /^050005000001c00002010063$/);
  assert.equal(server.sessions, 0);
});

Deno.test("selectMethod(): prefers none to GSS-API unless preferGssapi is set", () => {
  const method = (code: number, name: "none" | "password" | "gssapi"): ServerAuthMethod => ({
    ...noAuthentication(),
    code,
    name,
  });
  const [gssapi, password, none] = [method(1, "gssapi"), method(2, "password"), method(0, "none")];
  const auth = [gssapi, password, none];
  assert.equal(selectMethod([0, 1], { auth, preferGssapi: false }), none);
  assert.equal(selectMethod([0, 1], { auth, preferGssapi: true }), gssapi);
  assert.equal(selectMethod([0, 1, 2], { auth: [gssapi, password], preferGssapi: false }), gssapi);
  assert.equal(selectMethod([0, 2], { auth: [gssapi, password], preferGssapi: true }), password);
  assert.equal(selectMethod([0x80], { auth, preferGssapi: false }), undefined);
});

Deno.test("password: admits the right password, and tells wrong ones nothing", async () => {
  const { server, events } = makeServer({ auth: [passwordServer(fixedPasswords({ bob: "s3cret" }))] });
  const login = (username: string, password: string) => {
    const [client, far] = pipe();
    void server.serve(far);
    return connectThrough({
      target: { hostname: "x", port: 1 },
      proxy: { hostname: "p", port: 1 },
      auth: [passwordClient({ username, password })],
      dial: () => Promise.resolve(client),
    });
  };
  const { connection, identity } = await login("bob", "s3cret");
  assert.deepEqual([identity.method, identity.name], ["password", "bob"]);
  connection.close();
  for (
    const [user, password] of [["bob", "wrong"], ["eve", "s3cret"], ["__proto__", "x"], ["constructor", "y"]] as const
  ) {
    await assert.rejects(login(user, password), { code: "BAD_CREDENTIALS" });
  }
  assert.doesNotMatch(Deno.inspect(events, { depth: 9, showHidden: true }), /s3cret|wrong/);
  const broken = makeServer({ auth: [passwordServer(() => Promise.reject(new Error("database is down")))] });
  assert.equal(await raw(broken.server, "050102 01 01 62 01 78"), "0502" + "0101");
  const empty = makeServer({ auth: [passwordServer(({ password }) => password === "")] });
  assert.equal((await raw(empty.server, "050102 01 01 62 00 0501000304746573740050")).slice(0, 8), "05020100");
});

Deno.test("replies: have the code of the system's error", async () => {
  await using echo = echoServer();
  const rules = new RuleSet([parseRule("allow", "localhost")]);
  const { server, events } = makeServer({
    open: openDirectly({
      rules,
      dial: dialTcp,
      resolve: (name, options) =>
        name.endsWith(".invalid")
          ? systemResolver(name, options)
          : Promise.resolve([name === "metadata.example" ? "169.254.169.254" : "127.0.0.1"]),
    }),
  });
  const attempt = (hostname: string, port: number) => {
    const [client, far] = pipe();
    void server.serve(far);
    return connectThrough({
      target: { hostname, port },
      proxy: { hostname: "p", port: 1 },
      auth: [noAuthentication()],
      dial: () => Promise.resolve(client),
    });
  };
  const { connection } = await attempt("127.0.0.1", echo.port);
  await connection.write(utf8("hi"));
  assert.equal(hex((await connection.read())!), hex(utf8("hi")));
  connection.close();
  const closedPort = freePort();
  const cases: [string, number, string][] = [
    ["127.0.0.1", closedPort, "CONNECTION_REFUSED"],
    ["10.0.0.1", 80, "NOT_ALLOWED"],
    ["metadata.example", 80, "NOT_ALLOWED"],
    ["nowhere.invalid", 80, "HOST_UNREACHABLE"],
  ];
  for (const [hostname, port, code] of cases) {
    await assert.rejects(attempt(hostname, port), { name: "SocksReplyError", code }, hostname);
  }
  const refused = events.filter((event) => event.type === "refused");
  assert.match(refused[2]!.error.message, /169\.254\.169\.254: metadata service address, which no rule allows/);
});

Deno.test("openDirectly(): dials the addresses that it judged, in turn", async () => {
  await using echo = echoServer();
  let lookups = 0;
  const dialled: string[] = [];
  const open = openDirectly({
    rules: new RuleSet([parseRule("allow", "127.0.0.0/8"), parseRule("deny", "127.0.0.3")]),
    resolve: () => {
      // A rebinding name: another answer each time.
      lookups++;
      return Promise.resolve(lookups === 1 ? ["10.0.0.1", "127.0.0.2", "::ffff:127.0.0.1"] : ["169.254.169.254"]);
    },
    dial: (target, options) => {
      dialled.push(target.hostname);
      return target.hostname === "127.0.0.2"
        ? Promise.reject(new SocksReplyError("CONNECTION_REFUSED", "no"))
        : dialTcp(target, options);
    },
  });
  const request = targetRequest("rebind.example", echo.port);
  const { connection } = await open(request);
  connection.close();
  assert.equal(lookups, 1);
  assert.deepEqual(dialled, ["127.0.0.2", "127.0.0.1"]);
  await assert.rejects(open(request), { code: "NOT_ALLOWED" });
  assert.equal(dialled.length, 2);
});

Deno.test("openDirectly(): does not look up a denied name", async () => {
  const open = openDirectly({
    rules: new RuleSet([parseRule("deny", ".evil.example")]),
    resolve: () => Promise.reject(new Error("looked up")),
    dial: dialTcp,
  });
  await assert.rejects(open(targetRequest("x.evil.example", 1)), { code: "NOT_ALLOWED" });
});

Deno.test("timeouts: end a silent client, a slow target and an idle relay", async () => {
  const silent = makeServer({ timeouts: { handshake: 20 } });
  const [client, far] = pipe();
  await silent.server.serve(far);
  const event = silent.events.at(-1)!;
  assert.ok(
    event.type === "refused" && event.error instanceof SocksTimeoutError && event.error.code === "HANDSHAKE_TIMEOUT",
  );
  await assert.rejects(client.read());

  const slow = makeServer({
    timeouts: { connect: 20 },
    open: ({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  });
  assert.equal(await raw(slow.server, "050100 0501000304746573740050"), "0500" + "05040001000000000000");

  // The handshake's time is the handshake's alone.
  const patient = makeServer({
    timeouts: { handshake: 20 },
    open: async (request) => {
      await pause(60);
      return await echoTarget(request);
    },
  });
  assert.equal(await raw(patient.server, "050100 0501000304746573740050"), "0500" + "05000001c00002010063");

  const idle = makeServer({ timeouts: { idle: 30 } });
  const [quiet, other] = pipe();
  const served = idle.server.serve(other);
  await quiet.write(unhex("0501000501000304746573740050"));
  await served;
  const last = idle.events.at(-1)!;
  assert.ok(last.type === "closed" && last.error instanceof SocksTimeoutError && last.error.code === "IDLE_TIMEOUT");
});

Deno.test("client: ends in time and by its signal, and closes the socket", async () => {
  await using silent = new TcpServer(async (connection) => {
    while (await connection.read(new Uint8Array(100)) !== null);
  });
  const options = {
    target: { hostname: "x", port: 1 },
    proxy: { hostname: "127.0.0.1", port: silent.port },
    auth: [noAuthentication()],
    dial: dialTcp,
  };
  await assert.rejects(connectThrough({ ...options, timeout: 30 }), { code: "HANDSHAKE_TIMEOUT" });
  const stop = new AbortController();
  const waiting = connectThrough({ ...options, signal: stop.signal });
  stop.abort(new Error("enough"));
  await assert.rejects(waiting, { message: "enough" });
  await assert.rejects(connectThrough({ ...options, proxy: { hostname: "127.0.0.1", port: freePort() } }), {
    code: "PROXY_UNREACHABLE",
  });
  await assert.rejects(connectThrough({ ...options, auth: [] }), TypeError);
});

Deno.test("relay(): forwards half-close in both directions, over sockets", async () => {
  // The target answers only after it has seen the end of the request.
  await using target = new TcpServer(async (connection) => {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    const buffer = new Uint8Array(1000);
    for (let n = await connection.read(buffer); n !== null; n = await connection.read(buffer)) {
      chunks.push(buffer.slice(0, n));
    }
    await connection.write(utf8(`got ${await new Blob(chunks).text()}`));
    await connection.closeWrite();
  });
  const { server } = makeServer({
    open: openDirectly({
      rules: new RuleSet([parseRule("allow", "localhost")]),
      resolve: systemResolver,
      dial: dialTcp,
    }),
  });
  await using stack = new AsyncDisposableStack();
  stack.use(server);
  const listener = listenTcp({ hostname: "127.0.0.1", port: 0 });
  const listening = server.listen(listener);
  const { connection } = await connectThrough({
    target: { hostname: "127.0.0.1", port: target.port },
    proxy: listener.addr,
    auth: [noAuthentication()],
    dial: dialTcp,
  });
  await connection.write(utf8("question"));
  await connection.closeWrite();
  assert.equal(new TextDecoder().decode(await readAll(connection)), "got question");
  connection.close();
  await server.shutdown();
  await listening;
});

Deno.test("openUpstream(): carries names to the last proxy of a chain", async () => {
  const seen: string[] = [];
  const inner = makeServer({
    open: (request) => {
      seen.push(request.hostname);
      return echoTarget(request);
    },
  }).server;
  const outer = makeServer({
    open: openUpstream({
      proxy: { hostname: "inner", port: 1 },
      auth: [noAuthentication()],
      dial: () => {
        const [near, far] = pipe();
        void inner.serve(far);
        return Promise.resolve(near);
      },
    }),
  }).server;
  const [client, far] = pipe();
  void outer.serve(far);
  const { connection, bound } = await connectThrough({
    target: { hostname: "deep.example", port: 1 },
    proxy: { hostname: "outer", port: 1 },
    auth: [noAuthentication()],
    dial: () => Promise.resolve(client),
  });
  await connection.write(utf8("ping"));
  assert.equal(hex((await connection.read())!), hex(utf8("ping")));
  assert.deepEqual([seen, bound], [["deep.example"], { hostname: "192.0.2.1", port: 99 }]);
  connection.close();
});

Deno.test("server: runs no more sessions than its limit", async () => {
  const { server } = makeServer({ limits: { sessions: 2 } });
  const listener = listenTcp({ hostname: "127.0.0.1", port: 0 });
  let accepted = 0;
  const listening = server.listen({
    addr: listener.addr,
    async accept(): Promise<Connection | undefined> {
      const connection = await listener.accept();
      if (connection !== undefined) accepted++;
      return connection;
    },
    close: () => listener.close(),
  });
  const open = () =>
    connectThrough({
      target: { hostname: "x", port: 1 },
      proxy: listener.addr,
      auth: [noAuthentication()],
      dial: dialTcp,
    });
  const first = await open();
  const second = await open();
  const third = open();
  // One who has room gets his answer meanwhile: the third would have been accepted before that.
  for (let i = 0; i < 20; i++) {
    await first.connection.write(utf8("x"));
    await first.connection.read();
  }
  assert.deepEqual([accepted, server.sessions], [2, 2]);
  first.connection.close();
  const { connection } = await third;
  connection.close();
  second.connection.close();
  await server.shutdown({ deadline: 1000 });
  await listening;
  assert.deepEqual([accepted, server.sessions], [3, 0]);
});

Deno.test("shutdown(): waits until the deadline, then cuts; dispose cuts at once", async () => {
  for (const how of ["deadline", "dispose"] as const) {
    const { server, events } = makeServer();
    const [client, far] = pipe();
    const served = server.serve(far);
    await client.write(unhex("0501000501000304746573740050"));
    await until(() => events.some(({ type }) => type === "connected"));
    if (how === "deadline") await server.shutdown({ deadline: 20 });
    else await server[Symbol.asyncDispose]();
    await served;
    await assert.rejects(readAll(client));
  }
  const { server } = makeServer();
  const [client, far] = pipe();
  void server.serve(far);
  await client.write(unhex("050100"));
  assert.equal(hex((await client.read())!), "0500");
  const stopping = server.shutdown({ deadline: 60_000 });
  // A session that is under way goes on, whatever is left of it.
  await client.write(unhex("0501000304746573740050"));
  assert.equal(hex((await client.read())!).slice(0, 4), "0500");
  client.close();
  await stopping;
  assert.throws(() => new SocksServer({ auth: [], open: echoTarget }), TypeError);
});

Deno.test("server: accepts again after a failure", async () => {
  const { server } = makeServer();
  const [client, far] = pipe();
  let calls = 0;
  const listening = server.listen({
    addr: { hostname: "192.0.2.1", port: 1 },
    accept() {
      calls++;
      if (calls === 1) return Promise.reject(new Error("EMFILE"));
      return Promise.resolve(calls === 2 ? far : undefined);
    },
    close() {},
  });
  await client.write(unhex("050100"));
  assert.equal(hex((await client.read())!), "0500");
  client.close();
  await listening;
  await server.shutdown();
});
