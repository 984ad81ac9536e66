/** A connection that is cut is told from one that has ended, wherever there is a way to say so. */
import assert from "node:assert/strict";
import { utf8 } from "../../../base/bytes.ts";
import { abort, type Connection } from "../../../socks/stream/connection.ts";
import { gssapiClient } from "../../../socks/auth/gssapi/client.ts";
import { gssapiServer } from "../../../socks/auth/gssapi/server.ts";
import { connectThrough } from "../../../socks/client/connect.ts";
import { withPrefix, withReads } from "../../../socks/stream/prefix.ts";
import { DenoConnection } from "../../../socks/shell/deno_connection.ts";
import { withSignal } from "../../../socks/stream/with_signal.ts";
import { ProtectedConnection } from "../../../socks/stream/record_layer.ts";
import { EndWatcher } from "../../../socks/stream/end_watcher.ts";
import { countedController } from "../../support/counted_signal.ts";
import { credentialPair, establish, memoryRealm } from "../../support/gss_pair.ts";
import { makeServer } from "../../support/memory_server.ts";
import { ScriptedConnection } from "../../support/scripted_connection.ts";
import { UserConnection } from "../../../socks/stream/user_connection.ts";
import { streamsOf } from "../../../socks/stream/web_streams.ts";
import { tcpPair, transportPair } from "../../support/transports.ts";
import { hex } from "../../support/vectors.ts";

const UNFINISHED = {
  name: "SocksProtocolError",
  code: "UNEXPECTED_END",
  message: /in the middle of a protected message/,
};

for (const transport of ["integrity over TCP", "confidentiality over TCP"]) {
  Deno.test(`${transport}: abort() is no end to the peer, behind everything that was sent`, async () => {
    {
      await using ends = await transportPair(transport);
      await ends.ours.write(utf8("all of this"));
      abort(ends.ours);
      assert.equal(hex((await ends.theirs.read())!), hex(utf8("all of this")));
      for (let i = 0; i < 2; i++) await assert.rejects(ends.theirs.read(), UNFINISHED);
      await assert.rejects(ends.ours.read(), { code: "CLOSED" });
      abort(ends.ours);
    }
    // Who has ended has ended, whatever becomes of the other direction.
    await using ends = await transportPair(transport);
    await ends.ours.write(utf8("the end"));
    await ends.ours.closeWrite();
    abort(ends.ours);
    assert.equal(hex((await ends.theirs.read())!), hex(utf8("the end")));
    assert.equal(await ends.theirs.read(), null);
  });
}

Deno.test("confidentiality over TCP: abort() during a write is not an end to the peer", async () => {
  const [near, far] = await tcpPair();
  const contexts = await establish(credentialPair(await memoryRealm()));
  // The message is with the system whole, and the answer of that is not here yet.
  const under = withReads(near, near);
  const ours = new ProtectedConnection({ connection: under, context: contexts.ours, level: "confidentiality" });
  under.write = (bytes) => {
    const writing = near.write(bytes);
    abort(ours);
    return writing;
  };
  await ours.write(utf8("all of this")).catch(() => {});
  const theirs = new ProtectedConnection({ connection: far, context: contexts.theirs, level: "confidentiality" });
  assert.equal(hex((await theirs.read())!), hex(utf8("all of this")));
  await assert.rejects(theirs.read(), UNFINISHED);
  theirs.close();
});

/** A socket that takes what it is told to take. */
function slowSocket() {
  const writes: { bytes: Uint8Array; took: (count: number) => void }[] = [];
  const closed = Promise.withResolvers<void>();
  const came = Promise.withResolvers<number>();
  let isClosed = false;
  const conn = {
    localAddr: { transport: "unix", path: "" },
    remoteAddr: { transport: "unix", path: "" },
    read: () => came.promise,
    write: (bytes: Uint8Array) => new Promise<number>((took) => writes.push({ bytes, took })),
    [Symbol.dispose]() {
      isClosed = true;
      closed.resolve();
    },
  };
  return {
    conn: conn as unknown as Deno.Conn,
    writes,
    came: came.resolve,
    closed: closed.promise,
    isClosed: () => isClosed,
  };
}

const turns = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("abort(): the unfinished frame follows pending writes, nothing follows it", async () => {
  const { conn, writes, came, isClosed, closed } = slowSocket();
  const connection = new DenoConnection(conn);
  const reading = assert.rejects(connection.read(), { code: "CLOSED" });
  const [first, second] = [connection.write(utf8("first")), connection.write(utf8("second"))];
  abort(connection, utf8("last"));
  connection.close();
  await assert.rejects(connection.read(), { code: "CLOSED" });
  await assert.rejects(connection.write(utf8("more")), { code: "CLOSED" });
  assert.deepEqual(writes.map(({ bytes }) => new TextDecoder().decode(bytes)), ["first", "last"]);
  came(1);
  await reading;
  writes[0]!.took(2);
  await assert.rejects(first, { code: "CLOSED" });
  await assert.rejects(second, { code: "CLOSED" });
  await turns();
  assert.deepEqual([writes.length, isClosed()], [2, false]);
  writes[1]!.took(4);
  await closed;
});

Deno.test("abort(): waits a bounded time for its last bytes, and not without them", async () => {
  const patient = slowSocket();
  abort(new DenoConnection(patient.conn), utf8("last"));
  assert.equal(patient.isClosed(), false);
  await patient.closed;
  const silent = slowSocket();
  abort(new DenoConnection(silent.conn));
  assert.deepEqual([silent.isClosed(), silent.writes.length], [true, 0]);
  const gone = slowSocket();
  const connection = new DenoConnection(gone.conn);
  connection.close();
  abort(connection, utf8("last"));
  assert.equal(gone.writes.length, 0);
});

Deno.test("abort(): passes through wrappers, and is close() without a better way", async () => {
  const under = new ScriptedConnection();
  abort(withPrefix(under, utf8("early")));
  assert.deepEqual([under.aborts, under.closes], [1, 1]);
  const stop = countedController();
  const ended = new ScriptedConnection();
  const dialled = withSignal(ended, stop.signal);
  abort(dialled);
  assert.deepEqual([ended.aborts, stop.listeners()], [1, 0]);
  await assert.rejects(dialled.read(), { code: "CLOSED" });
  const ahead = new ScriptedConnection();
  using reads = new EndWatcher(ahead, () => {});
  abort(reads.rest());
  assert.equal(ahead.aborts, 1);
  const plain: Connection = Object.assign(new ScriptedConnection(), { abort: undefined });
  abort(plain);
  assert.equal((plain as ScriptedConnection).closes, 1);
});

Deno.test("UserConnection: a collected connection is cut, a closed one is ended", async () => {
  const stop = new AbortController();
  const ways: Readonly<Record<string, (user: UserConnection, under: ScriptedConnection) => void | Promise<void>>> = {
    "its signal": () => stop.abort(new Error("enough")),
    "a signal before": () => {},
    "its writable stream is aborted": (user) => streamsOf(user).writable.abort(new Error("enough")),
    "a failure to read": async (user, under) => {
      const reading = user.next();
      under.reads[0]!.reject(new Error("reset"));
      await assert.rejects(reading);
    },
    "close()": (user) => user.close(),
    "its readable stream is cancelled": (user) => streamsOf(user).readable.cancel(),
  };
  const cut: string[] = [];
  for (const [way, end] of Object.entries(ways)) {
    const under = new ScriptedConnection();
    await end(new UserConnection(under, way.includes("signal") ? stop.signal : undefined), under);
    assert.equal(under.closes, 1, way);
    if (under.aborts > 0) cut.push(way);
  }
  assert.deepEqual(cut, Object.keys(ways).slice(0, 4));
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve));
}

/** What a client reads, whose session ends in a way. */
async function read(end: "idle" | "cut" | "whole"): Promise<unknown> {
  const { initiator, acceptor } = credentialPair(await memoryRealm());
  const target = new ScriptedConnection();
  const { server } = makeServer({
    auth: [gssapiServer({ credential: acceptor })],
    open: () => Promise.resolve({ connection: target, bound: { hostname: "192.0.2.1", port: 99 } }),
    timeouts: { idle: end === "idle" ? 20 : Infinity },
  });
  const [near, far] = await tcpPair();
  const served = server.serve(far);
  const { connection } = await connectThrough({
    proxy: { hostname: "localhost", port: 1080 },
    target: { hostname: "target.example.com", port: 7 },
    auth: [gssapiClient({ credential: initiator })],
    dial: () => Promise.resolve(near),
  });
  const reading = connection.read().then((bytes) => bytes, (error) => error);
  await until(() => target.reads.length > 0);
  if (end === "cut") target.reads[0]!.reject(new Error("reset"));
  if (end === "whole") target.reads[0]!.resolve(null);
  const seen = await reading;
  connection.close();
  if (end === "whole") {
    await until(() => target.ends.length > 0);
    target.ends[0]!.resolve();
  }
  await served;
  await server[Symbol.asyncDispose]();
  return seen;
}

Deno.test("client: distinguishes a cut session from one that has ended", async () => {
  for (const end of ["idle", "cut"] as const) {
    const error = await read(end) as { code: string };
    assert.deepEqual([end, error.code], [end, "UNEXPECTED_END"]);
  }
  assert.equal(await read("whole"), null);
});
