/** One meaning of a signal: it ends a call and all that comes of it, with its reason, and keeps nothing of what has ended otherwise. */
import assert from "node:assert/strict";
import {
  associate,
  bind,
  connect,
  dialThrough,
  noAuthentication,
  type ProtectionLevel,
  resolve,
  serve,
  type SocksConnection,
  type SocksDatagrams,
} from "../../../mod.ts";
import { connectThrough } from "../../../socks/client/connect.ts";
import { dialTcp } from "../../../socks/shell/tcp.ts";
import { countedController } from "../../support/counted_signal.ts";
import { type RealmFolder, startRealmFolder } from "../../support/realm_folder.ts";
import { echoServer, TcpServer, udpServer } from "../../support/servers.ts";

const LOCALHOST = "127.0.0.1";
const buffer = () => new Uint8Array(10);

/** A proxy for every command, and the ways to use it: without authentication, and with Kerberos at a level. */
function ways(realm: RealmFolder) {
  const server = serve({
    port: 0,
    keytab: realm.keytab,
    allowUnauthenticated: true,
    protection: ["integrity", "confidentiality"],
    commands: ["connect", "bind", "udp", "resolve"],
    rules: ["allow localhost"],
  });
  const proxy = { hostname: "localhost", port: server.addr.port };
  const protected_ = (["integrity", "confidentiality"] as ProtectionLevel[]).map((protection) => ({
    proxy,
    credentials: realm.tickets,
    protection,
  }));
  return { server, options: [{ proxy, auth: [noAuthentication()] }, ...protected_] };
}

/** That each of these fails with the very reason. */
async function failWith(reason: unknown, ...calls: Promise<unknown>[]): Promise<void> {
  for (const [i, end] of (await Promise.allSettled(calls)).entries()) {
    assert.ok(end.status === "rejected" && end.reason === reason, `call ${i}: ${Deno.inspect(end)}`);
  }
}

Deno.test("signal: ends connections of every kind later, with its reason", async () => {
  await using realm = await startRealmFolder();
  await using echo = echoServer();
  const { server, options } = ways(realm);
  await using _server = server;
  const target = { hostname: LOCALHOST, port: echo.port };
  for (const way of options) {
    const reason = { my: "reason" };
    {
      const stop = countedController();
      const connection = await connect({ ...way, ...target, signal: stop.signal });
      assert.equal(stop.listeners(), 1);
      const reading = connection.read(buffer());
      stop.abort(reason);
      await failWith(reason, reading, connection.read(buffer()), connection.write(buffer()), connection.closeWrite());
    }
    // A dialer's, which is the inner contract.
    const stop = countedController();
    const connection = await dialThrough(way)(target, { signal: stop.signal });
    assert.equal(stop.listeners(), 1);
    await connection.write(new Uint8Array([1]));
    assert.deepEqual(await connection.read(), new Uint8Array([1]));
    const reading = connection.read();
    stop.abort(reason);
    await failWith(reason, reading, connection.read(), connection.write(buffer()), connection.closeWrite());
  }
  const stop = new AbortController();
  const made = await connectThrough({
    proxy: server.addr,
    auth: [noAuthentication()],
    dial: dialTcp,
    target,
    signal: stop.signal,
  });
  const reading = made.connection.read();
  stop.abort("text");
  await failWith("text", reading, made.connection.write(buffer()));
});

Deno.test("signal: ends an association later, with its reason, whatever has come", async () => {
  await using realm = await startRealmFolder();
  await using echo = await udpServer();
  const { server, options } = ways(realm);
  await using _server = server;
  const to = { hostname: LOCALHOST, port: echo.port };
  for (const way of options) {
    const reason = { my: "reason" };
    const stop = countedController();
    const datagrams = await associate({ ...way, signal: stop.signal });
    assert.equal(stop.listeners(), 1);
    await datagrams.send(buffer(), to);
    await datagrams.receive();
    const loop = (async () => {
      for await (const _ of datagrams);
    })();
    const [receiving, sending] = [datagrams.receive(), datagrams.send(buffer(), to)];
    stop.abort(reason);
    await failWith(reason, receiving, loop, datagrams.receive(), datagrams.send(buffer(), to), sending);
    assert.equal(stop.listeners(), 0);
  }
});

Deno.test("signal: ends a bind before, during and after accept(), with its reason", async () => {
  await using realm = await startRealmFolder();
  const { server, options } = ways(realm);
  await using _server = server;
  for (const way of options) {
    const reason = { my: "reason" };
    {
      const stop = countedController();
      await using pending = await bind({ ...way, signal: stop.signal });
      assert.equal(stop.listeners(), 1);
      stop.abort(reason);
      assert.equal(stop.listeners(), 0);
      await failWith(reason, pending.accept(), pending.accept());
    }
    for (const whose of ["bind's", "accept's"]) {
      const [outer, inner] = [countedController(), countedController()];
      await using pending = await bind({ ...way, signal: outer.signal });
      const accepting = pending.accept({ signal: inner.signal });
      (whose === "bind's" ? outer : inner).abort(reason);
      await failWith(reason, accepting, pending.accept());
      assert.deepEqual([outer.listeners(), inner.listeners()], [0, 0]);
    }
    for (const whose of ["bind's", "accept's", "the one", "the bind's only", "accept's only"]) {
      const [outer, inner] = [countedController(), countedController()];
      const signals = whose === "the one" ? [inner.signal, inner.signal] : [
        whose === "accept's only" ? undefined : outer.signal,
        whose === "the bind's only" ? undefined : inner.signal,
      ];
      using pending = await bind({ ...way, signal: signals[0] });
      const accepting = pending.accept({ signal: signals[1] });
      using target = await Deno.connect(pending.bound);
      const connection = await accepting;
      if (whose.endsWith("only")) assert.equal(outer.listeners() + inner.listeners(), 1, "the connection's");
      // Nothing of the wait is left, and what goes on is the connection's.
      pending.close();
      await target.write(new Uint8Array([7]));
      assert.equal(await connection.read(buffer()), 1);
      const reading = connection.read(buffer());
      (whose.includes("bind's") ? outer : inner).abort(reason);
      await failWith(reason, reading, connection.write(buffer()));
      assert.equal(await target.read(buffer()).catch(() => null), null);
      if (whose.endsWith("only")) assert.deepEqual([outer.listeners(), inner.listeners()], [0, 0]);
    }
  }
});

Deno.test("signal: has no listener after the end of a connection", async () => {
  await using realm = await startRealmFolder();
  const { server, options } = ways(realm);
  await using _server = server;
  await using talker = new TcpServer(async (connection) => {
    await connection.write(new Uint8Array([1]));
    await connection.closeWrite();
    while (await connection.read(buffer()) !== null);
  });
  const ends: Readonly<Record<string, (connection: SocksConnection) => unknown>> = {
    "close()": (connection) => connection.close(),
    "both streams": async (connection) => {
      await connection.writable.close();
      await new Response(connection.readable).bytes();
    },
    "cancel()": (connection) => connection.readable.cancel(),
    "break": async (connection) => {
      for await (const _ of connection.readable) break;
    },
    "abort()": (connection) => connection.writable.abort().catch(() => {}),
  };
  for (const way of options) {
    for (const [name, end] of Object.entries(ends)) {
      const stop = countedController();
      const connection = await connect({ ...way, hostname: LOCALHOST, port: talker.port, signal: stop.signal });
      await end(connection);
      assert.equal(stop.listeners(), 0, name);
    }
    const stop = countedController();
    const { signal } = stop;
    const dialled = await dialThrough(way)({ hostname: LOCALHOST, port: talker.port }, { signal });
    await dialled.closeWrite();
    while (await dialled.read() !== null);
    assert.equal(stop.listeners(), 0, "a dialled one at both its ends");
    await assert.rejects(connect({ ...way, hostname: "192.0.2.1", port: 1, signal }), { code: "NOT_ALLOWED" });
    await assert.rejects(connect({ ...way, hostname: LOCALHOST, port: 1, signal }), { code: "CONNECTION_REFUSED" });
    await assert.rejects(connect({ ...way, proxy: `${LOCALHOST}:1`, hostname: "x", port: 1, signal }), {
      code: "PROXY_UNREACHABLE",
    });
    assert.equal(await resolve({ ...way, hostname: "localhost", signal }), LOCALHOST);
    assert.equal(stop.listeners(), 0, "refused, and looked up");
  }
});

Deno.test("signal: has no listener after the end of an association or a bind", async () => {
  await using realm = await startRealmFolder();
  for (const i of [0, 1, 2]) {
    const { server, options } = ways(realm);
    const way = options[i]!;
    const stop = countedController();
    const { signal } = stop;
    const ends: ((datagrams: SocksDatagrams) => unknown)[] = [
      (datagrams) => datagrams.close(),
      (datagrams) => datagrams[Symbol.dispose](),
      (datagrams) => datagrams[Symbol.asyncDispose](),
    ];
    for (const end of ends) await end(await associate({ ...way, signal }));
    assert.equal(stop.listeners(), 0, "associations that were closed");
    (await bind({ ...way, signal })).close();
    (await bind({ ...way, signal }))[Symbol.dispose]();
    await (await bind({ ...way, signal }))[Symbol.asyncDispose]();
    await using late = await bind({ ...way, signal });
    await assert.rejects(late.accept({ timeout: 1, signal }), { name: "SocksTimeoutError", code: "CONNECT_TIMEOUT" });
    assert.equal(stop.listeners(), 0, "binds that were given up");
    const [datagrams, pending, awaited] = [
      await associate({ ...way, signal }),
      await bind({ ...way, signal }),
      await bind({ ...way, signal }),
    ];
    const accepting = awaited.accept({ signal });
    assert.ok(stop.listeners() >= 3);
    await Promise.all([
      server[Symbol.asyncDispose](),
      assert.rejects(accepting, { name: "SocksProtocolError" }),
      assert.rejects(datagrams.receive(), { name: "SocksConnectionError", code: "LOST" }),
    ]);
    await assert.rejects(pending.accept(), { name: "SocksProtocolError" });
    assert.equal(stop.listeners(), 0, "what the proxy has ended");
  }
});
