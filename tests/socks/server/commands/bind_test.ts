/** BIND and the lookup commands, both roles against each other over real sockets. */
import assert from "node:assert/strict";
import { connect as connectFrom } from "node:net";
import { concat, utf8 } from "../../../../base/bytes.ts";
import { bind, bridge, noAuthentication, resolve, serve, type ServeOptions, SocksConnection } from "../../../../mod.ts";
import type { Connection } from "../../../../socks/stream/connection.ts";
import { bindUpstream } from "../../../../socks/server/targets/upstream.ts";
import { DenoConnection } from "../../../../socks/shell/deno_connection.ts";
import { makeServer } from "../../../support/memory_server.ts";
import { pipe, readAll } from "../../../support/pipe.ts";
import { GRANTED, NO_METHOD, scriptProxy } from "../../../support/scripted_proxy.ts";
import { startRealmFolder } from "../../../support/realm_folder.ts";
import { unhex } from "../../../support/vectors.ts";

const LOCALHOST = "127.0.0.1";

function proxy(options: Partial<ServeOptions> = {}) {
  const server = serve({
    port: 0,
    allowUnauthenticated: options.keytab === undefined,
    commands: ["bind", "resolve"],
    rules: ["allow localhost"],
    ...options,
  });
  return { server, through: { proxy: { hostname: "localhost", port: server.addr.port }, auth: [noAuthentication()] } };
}

/** Says one word each way over a connection that was waited for. */
async function talk(connection: SocksConnection, target: Deno.TcpConn): Promise<void> {
  await target.write(utf8("from the target"));
  await target.closeWrite();
  assert.equal(await new Response(connection.readable).text(), "from the target");
  await connection.write(utf8("from the client"));
  await connection.closeWrite();
  assert.equal(await new Response(target.readable).text(), "from the client");
  connection.close();
}

Deno.test("BIND: leaves nothing open at an upstream when the client goes", async () => {
  for (const gone of [true, false]) {
    const [there, upstream] = pipe();
    const { server, events } = makeServer({
      bind: bindUpstream({
        proxy: { hostname: "upstream.example", port: 1080 },
        auth: [noAuthentication()],
        dial: () => Promise.resolve(there),
      }),
    });
    await using _server = server;
    const [client, far] = pipe();
    let writes = 0;
    const breaking: Connection = {
      ...far,
      write: (bytes) => gone && ++writes === 2 ? Promise.reject(new Error("Broken pipe")) : far.write(bytes),
    };
    const served = server.serve(breaking);
    await client.write(unhex("050100" + "0502000108080808" + "0050"));
    for (const answer of ["0500", "05000001010203040009"]) {
      await upstream.read();
      await upstream.write(unhex(answer));
    }
    if (gone) await client.closeWrite();
    else {
      while (far.sent().length < 12) await client.read();
      await upstream.write(unhex("05000001080808080007"));
      while (far.sent().length < 22) await client.read();
      // What has come is the relay's, and stays.
      await upstream.write(utf8("x"));
      assert.deepEqual(await client.read(), utf8("x"));
      client.close();
    }
    await served;
    await assert.rejects(upstream.read(), "closed");
    assert.equal(events.at(-1)!.type, gone ? "refused" : "closed");
  }
});

Deno.test("BIND: waits, replies with the peer, and relays, at each level", async () => {
  await using realm = await startRealmFolder();
  const { server } = proxy({ keytab: realm.keytab });
  await using _server = server;
  const through = { proxy: { hostname: "localhost", port: server.addr.port }, credentials: realm.tickets };
  for (const expected of [undefined, { hostname: LOCALHOST, port: 20 }, { hostname: "localhost", port: 0 }]) {
    await using pending = await bind({ ...through, ...(expected === undefined ? {} : { expected }) });
    assert.equal(pending.bound.hostname, LOCALHOST);
    const accepted = pending.accept();
    const target = await Deno.connect(pending.bound);
    const connection = await accepted;
    assert.ok(connection instanceof SocksConnection);
    assert.equal(connection.protection, "confidentiality");
    assert.equal(connection.identity.name, "rcmd/localhost@GSSOCKS.TEST");
    assert.deepEqual(connection.target, { hostname: LOCALHOST, port: (target.localAddr as Deno.NetAddr).port });
    assert.deepEqual(connection.bound, pending.bound);
    await talk(connection, target);
  }
});

Deno.test("BIND: closes connections from elsewhere and goes on waiting", async () => {
  const { server, through } = proxy({ rules: ["allow 127.0.0.5,command=bind", "allow 127.0.0.6"] });
  await using _server = server;
  await using pending = await bind({ ...through, expected: { hostname: "127.0.0.5", port: 0 } });
  const accepted = pending.accept();
  // Not the address expected, though a rule would allow it.
  const wrong = await Deno.connect(pending.bound);
  assert.equal(await wrong.read(new Uint8Array(1)), null);
  wrong.close();
  await using stack = new AsyncDisposableStack();
  const right = connectFrom({ host: LOCALHOST, port: pending.bound.port, localAddress: "127.0.0.5" });
  stack.defer(() => void right.destroy());
  const connection = await accepted;
  assert.equal(connection.target.hostname, "127.0.0.5");
  right.end("hello");
  assert.equal(await new Response(connection.readable).text(), "hello");
  connection.close();

  // Anybody expected: the rules decide when somebody comes.
  await using open = await bind(through);
  const other = open.accept();
  const stranger = await Deno.connect(open.bound);
  assert.equal(await stranger.read(new Uint8Array(1)), null);
  stranger.close();
  open.close();
  await assert.rejects(other);
});

Deno.test("BIND: needs a rule and the command, and has a time limit", async () => {
  const { server, through } = proxy({ rules: ["allow localhost,command=connect"], timeouts: { connect: 50 } });
  await using _server = server;
  await assert.rejects(bind({ ...through, expected: { hostname: LOCALHOST, port: 1 } }), { code: "NOT_ALLOWED" });
  // Who expects anybody gets no listener for nobody, on whatever port he would like.
  for (const port of [0, 50_001]) {
    await assert.rejects(bind({ ...through, expected: { hostname: "0.0.0.0", port } }), { code: "NOT_ALLOWED" });
    await assert.rejects(bind({ ...through, expected: { hostname: "::", port } }), { code: "NOT_ALLOWED" });
  }
  const slow = proxy({ timeouts: { connect: 50 } });
  await using _slow = slow.server;
  await using pending = await bind(slow.through);
  await assert.rejects(pending.accept(), { code: "HOST_UNREACHABLE" });
  await assert.rejects(Deno.connect(pending.bound), Deno.errors.ConnectionRefused);
  await using given = await bind(slow.through);
  await assert.rejects(given.accept({ timeout: 1 }), { code: "CONNECT_TIMEOUT" });
  const without = proxy({ commands: ["connect"] });
  await using _without = without.server;
  await assert.rejects(bind(without.through), { code: "COMMAND_NOT_SUPPORTED" });
});

Deno.test("ProxiedBind: ref() and unref() decide whether the process can end", async () => {
  const { near } = scriptProxy([NO_METHOD, GRANTED]);
  const log: string[] = [];
  const dialled = { ...near, ref: () => void log.push("ref"), unref: () => void log.push("unref") };
  const dial = () => Promise.resolve(dialled);
  using pending = await bind({ proxy: "p", auth: [noAuthentication()], dial });
  assert.deepEqual(pending.bound, { hostname: "192.0.2.1", port: 7 });
  pending.unref();
  pending.ref();
  assert.deepEqual(log, ["unref", "ref"]);
});

Deno.test("ProxiedBind: gives one connection, to the first accept()", async () => {
  const { server, through } = proxy();
  await using _server = server;
  using pending = await bind(through);
  const accepting = pending.accept();
  await assert.rejects(pending.accept(), { name: "TypeError", message: /called before/ });
  using target = await Deno.connect(pending.bound);
  await target.write(utf8("hello"));
  using connection = await accepting;
  await assert.rejects(pending.accept(), { name: "TypeError", message: /called before/ });
  const buffer = new Uint8Array(5);
  assert.equal(await connection.read(buffer), 5);
  assert.deepEqual(buffer, utf8("hello"));
  // Once it was given up there is a reason, which later calls are told.
  const given = await bind(through);
  const waiting = given.accept();
  given.close();
  given.close();
  for (const call of [waiting, given.accept()]) {
    await assert.rejects(call, { name: "SocksConnectionError", code: "CLOSED" });
  }
});

Deno.test("ProxiedBind: keeps a connection that comes before accept()", async () => {
  const proxy = scriptProxy([NO_METHOD, GRANTED]);
  using pending = await bind({ proxy: "p", auth: [noAuthentication()], dial: () => Promise.resolve(proxy.near) });
  await proxy.done;
  await proxy.far.write(concat(unhex("05000001c63364070009"), utf8("early")));
  for (let i = 0; i < 20; i++) await Promise.resolve();
  using connection = await pending.accept({ timeout: 1_000 });
  assert.deepEqual(connection.target, { hostname: "198.51.100.7", port: 9 });
  assert.equal(await connection.read(new Uint8Array(10)), 5);
});

Deno.test("BIND: works through the bridge", async () => {
  await using realm = await startRealmFolder();
  const { server } = proxy({ keytab: realm.keytab });
  await using _server = server;
  await using local = bridge({ proxy: `localhost:${server.addr.port}`, credentials: realm.tickets, port: 0 });
  await using pending = await bind({ proxy: `127.0.0.1:${local.addr.port}`, auth: [noAuthentication()] });
  const accepted = pending.accept();
  const target = await Deno.connect(pending.bound);
  const connection = await accepted;
  await talk(connection, target);
});

Deno.test("RESOLVE: looks up names and addresses that rules allow", async () => {
  const { server, through } = proxy({
    rules: ["allow localhost,command=resolve", "allow .example.com", "allow 192.0.2.0/24"],
    resolve: (name) => Promise.resolve(name === "inner.example.com" ? ["10.0.0.1"] : ["192.0.2.1"]),
  });
  await using _server = server;
  assert.equal(await resolve({ ...through, hostname: "www.example.com" }), "192.0.2.1");
  assert.equal(await resolve({ ...through, hostname: "localhost" }), "192.0.2.1");
  // What the client may not reach it is not told either.
  await assert.rejects(resolve({ ...through, hostname: "inner.example.com" }), { code: "NOT_ALLOWED" });
  assert.match(await resolve({ ...through, hostname: LOCALHOST }), /^[A-Za-z]/);
  const without = proxy({ commands: ["connect"] });
  await using _without = without.server;
  await assert.rejects(resolve({ ...without.through, hostname: "x" }), { code: "COMMAND_NOT_SUPPORTED" });
});

Deno.test("RESOLVE: answers each look-up through the bridge", async () => {
  const { server } = proxy({
    rules: ["allow .example.com", "allow localhost"],
    resolve: () => Promise.resolve(["192.0.2.1", "127.0.0.1"]),
  });
  await using _server = server;
  await using local = bridge({ proxy: server.addr, auth: [noAuthentication()], port: 0 });
  const ask = async (command: number, address: Uint8Array) => {
    using conn = await Deno.connect(local.addr);
    await conn.write(concat(Uint8Array.of(5, 1, 0, 5, command, 0), address, Uint8Array.of(0, 0)));
    return (await readAll(new DenoConnection(conn))).subarray(2);
  };
  const name = concat(Uint8Array.of(3, 15), utf8("www.example.com"));
  const [LOOPBACK, FOUND] = [Uint8Array.of(1, 127, 0, 0, 1), Uint8Array.of(5, 0, 0, 1, 127, 0, 0, 1, 0, 0)];
  assert.deepEqual(await ask(0xf0, name), FOUND);
  assert.deepEqual(await ask(0xf0, LOOPBACK), FOUND);
  assert.deepEqual((await ask(0xf1, LOOPBACK)).subarray(0, 4), Uint8Array.of(5, 0, 0, 3));
  assert.deepEqual((await ask(0xf1, name)).subarray(0, 2), Uint8Array.of(5, 8));
});
