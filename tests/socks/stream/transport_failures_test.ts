/** How connections fail: each direction for itself, for good, with what was met; and how they are ended. */
import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { type Bytes, concat, utf8 } from "../../../base/bytes.ts";
import { GssError } from "../../../gss/status.ts";
import { connect, noAuthentication, serve } from "../../../mod.ts";
import type { Connection } from "../../../socks/stream/connection.ts";
import { DenoConnection } from "../../../socks/shell/deno_connection.ts";
import { drain } from "../../../socks/stream/drain.ts";
import { ProtectedConnection } from "../../../socks/stream/record_layer.ts";
import { encodeFrame } from "../../../socks/wire/gssapi.ts";
import { MockContext } from "../../support/mock_mechanism.ts";
import { pipe, readAll } from "../../support/pipe.ts";
import { run } from "../../support/process.ts";
import { TcpServer } from "../../support/servers.ts";
import { transportPair, TRANSPORTS } from "../../support/transports.ts";
import { hex } from "../../support/vectors.ts";

/** The very error that a call fails with. */
function failureOf(call: Promise<unknown>): Promise<Error> {
  return call.then(() => assert.fail("it did not fail"), (error) => error);
}

async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve));
}

/** A connection of ours whose peer can cut it as no program of Deno's can. */
async function resettable(): Promise<{ ours: DenoConnection; reset: () => Promise<void> }> {
  const accepted = Promise.withResolvers<Socket>();
  const server = createServer({ pauseOnConnect: true }, (socket) => accepted.resolve(socket.on("error", () => {})));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const socket = await accepted.promise;
  const closed = new Promise((resolve) => socket.once("close", resolve));
  return {
    ours: new DenoConnection(conn),
    async reset(): Promise<void> {
      socket.resetAndDestroy();
      server.close();
      await closed;
      await settled();
    },
  };
}

Deno.test("TCP: a reset is never an end, and stays the error", async () => {
  for (const first of ["read", "write"] as const) {
    for (const pending of [false, true]) {
      const { ours, reset } = await resettable();
      const waiting = pending ? [failureOf(ours.read()), failureOf(ours.read())] : [];
      await reset();
      let written: Error | undefined;
      if (first === "write") {
        written = await failureOf(ours.write(Uint8Array.of(1)));
        if (!pending) assert.equal((written as { code?: string }).code, "ECONNRESET");
      }
      const failures = [...await Promise.all(waiting), await failureOf(ours.read()), await failureOf(ours.read())];
      for (const failure of failures) {
        assert.equal((failure as { code?: string }).code, "ECONNRESET");
        assert.equal(failure, failures[0]);
      }
      if (written !== undefined) {
        assert.equal(await failureOf(ours.write(Uint8Array.of(1))), written);
        assert.equal(await failureOf(ours.closeWrite()), written);
      }
      ours.close();
    }
  }
});

Deno.test("TCP: an end before a reset is read, with the bytes before it", async () => {
  for (const name of ["TCP", "integrity over TCP"]) {
    await using ends = await transportPair(name);
    const { ours, theirs } = ends;
    await ours.write(utf8("nobody reads this"));
    await theirs.write(utf8("answer"));
    theirs.close();
    await settled();
    let failure: Error | undefined;
    for (let i = 0; i < 50 && failure === undefined; i++) {
      await ours.write(utf8("x")).catch((error) => failure = error);
      await settled();
    }
    assert.equal((failure as { code?: string } | undefined)?.code, "EPIPE");
    assert.equal(hex(await readAll(ours)), hex(utf8("answer")));
    assert.equal(await ours.read(), null);
    assert.equal(await failureOf(ours.write(utf8("x"))), failure);
    assert.equal(await failureOf(ours.closeWrite()), failure);
  }
});

/** A protected connection over one that fails as it is told, and what is under it. */
function overFailing() {
  const [near, far] = pipe();
  const fail: { read?: Error; write?: Error; closeWrite?: Error } = {};
  let closes = 0;
  const failing = new Proxy(near, {
    get(target, key) {
      if (key === "close") return () => (closes++, target.close());
      const error = fail[key as keyof typeof fail];
      if (error !== undefined) return () => Promise.reject(error);
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const [context, peer] = [new MockContext(true, {}), new MockContext(false, {})];
  const ours = new ProtectedConnection({ connection: failing, context, level: "confidentiality" });
  const theirs = new ProtectedConnection({ connection: far, context: peer, level: "confidentiality" });
  return { ours, theirs, fail, context, far, closes: () => closes };
}

Deno.test("ProtectedConnection: a failed write leaves reading, a failed read leaves writing", async () => {
  for (const way of ["write", "closeWrite"] as const) {
    const { ours, theirs, fail, context, closes } = overFailing();
    fail[way] = new Error("broken pipe");
    const queued = way === "write" ? [failureOf(ours.write(utf8("x"))), failureOf(ours.write(utf8("y")))] : [];
    assert.equal(await failureOf(ours.closeWrite()), fail[way]);
    for (const failure of await Promise.all(queued)) assert.equal(failure, fail.write);
    assert.equal(await failureOf(ours.write(utf8("z"))), fail[way]);
    await theirs.write(utf8("still"));
    assert.deepEqual(await ours.read(), utf8("still"));
    await theirs.closeWrite();
    assert.equal(await ours.read(), null);
    assert.deepEqual([closes(), context.disposed], [0, false]);
    ours.close();
    assert.deepEqual([closes(), context.disposed], [1, true]);
  }
  const { ours, theirs, fail, context } = overFailing();
  fail.read = new Error("reset");
  assert.equal(await failureOf(ours.read()), fail.read);
  const { read } = fail;
  delete fail.read;
  await theirs.write(utf8("late"));
  assert.equal(await failureOf(ours.read()), read);
  await ours.write(utf8("still"));
  assert.deepEqual(await theirs.read(), utf8("still"));
  assert.equal(context.disposed, false);
  ours.close();
});

Deno.test("ProtectedConnection: a read below that throws leaves writing, too", async () => {
  const [near, far] = pipe();
  const failure = new Error("thrown");
  const throwing: Connection = {
    ...near,
    read(): never {
      throw failure;
    },
  };
  const ours = new ProtectedConnection({
    connection: throwing,
    context: new MockContext(true, {}),
    level: "confidentiality",
  });
  assert.equal(await failureOf(ours.read()), failure);
  await ours.write(utf8("still"));
  assert.ok(far.sent().length === 0 && (await far.read())!.length > 0);
  ours.close();
});

Deno.test("ProtectedConnection: sends nothing behind a failed write", async () => {
  const { ours, fail, far } = overFailing();
  const before = far.sent().length;
  const once = new Error("once");
  // The next one would go out.
  Object.defineProperty(fail, "write", { configurable: true, get: () => (delete fail.write, once) });
  const first = failureOf(ours.write(utf8("one")));
  const second = failureOf(ours.write(new Uint8Array(600_000)));
  assert.equal(await first, once);
  assert.equal(await second, once);
  assert.equal(await failureOf(ours.write(utf8("three"))), await first);
  assert.equal(far.sent().length, before);
  ours.close();
});

Deno.test("ProtectedConnection: a context that cannot seal ends writing only", async () => {
  const { ours, theirs, context } = overFailing();
  const expired = new GssError("context has expired", { major: "CONTEXT_EXPIRED", code: "CONTEXT_EXPIRED" });
  context.wrap = () => Promise.reject(expired);
  const failure = await failureOf(ours.write(utf8("x")));
  assert.deepEqual([failure.name, (failure as { code?: string }).code, failure.cause], [
    "SocksConnectionError",
    "LOST",
    expired,
  ]);
  await theirs.write(utf8("still"));
  assert.deepEqual(await ours.read(), utf8("still"));
  ours.close();
});

Deno.test("ProtectedConnection: seals before write() returns if no earlier call still seals", async () => {
  const { ours, theirs, context } = overFailing();
  const wrap = context.wrap.bind(context);
  let begun = 0;
  context.wrap = (message, options) => {
    begun += message.length;
    return wrap(message, options);
  };
  const writing: Promise<void>[] = [];
  const memory = new Uint8Array(60_000);
  for (const byte of [1, 2]) {
    writing.push(ours.write(memory.fill(byte)));
    assert.equal(begun, byte * memory.length);
  }
  memory.fill(9);
  writing.push(ours.closeWrite());
  const got = await readAll(theirs);
  await Promise.all(writing);
  assert.deepEqual([got.indexOf(1), got.indexOf(2), got.length], [0, 60_000, 120_000]);
  assert.ok(!got.includes(9));
  ours.close();
});

Deno.test("ProtectedConnection: a forged message ends both directions for all pending calls", async () => {
  const { ours, far, context, closes } = overFailing();
  const reads = [ours.read(), ours.read(), ours.read()].map(failureOf);
  const bad = encodeFrame(3, utf8("forged"));
  await far.write(bad);
  const [first, ...others] = await Promise.all(reads);
  assert.equal((first as { code?: string }).code, "NOT_GENUINE");
  for (const other of others) assert.equal(other, first);
  for (const call of [() => ours.write(utf8("x")), () => ours.closeWrite(), () => ours.read()]) {
    assert.equal(await failureOf(call()), first);
  }
  assert.deepEqual([closes(), context.disposed], [1, true]);
});

Deno.test("ProtectedConnection: a chunk that shrinks during sealing is not sent", async () => {
  const { ours, theirs, context, far } = overFailing();
  const free = Promise.withResolvers<void>();
  const wrap = context.wrap.bind(context);
  context.wrap = async (message, options) => {
    await free.promise;
    return await wrap(new Uint8Array(message.length).fill(message[0] ?? 0), options);
  };
  // A small one was copied, so that it cannot be lost.
  const small = new Uint8Array(4_096).fill(7);
  const sending = ours.write(small);
  small.buffer.transfer();
  const before = far.sent().length;
  const large = new Uint8Array(4_097).fill(8);
  const failing = failureOf(ours.write(large));
  large.buffer.transfer();
  free.resolve();
  await sending;
  assert.ok(await failing instanceof TypeError);
  assert.equal(hex((await theirs.read())!), hex(new Uint8Array(4_096).fill(7)));
  assert.equal(far.sent().length, before);
  ours.close();
});

Deno.test("ProtectedConnection: a shrunk chunk fails after the count in its error was sent", async () => {
  for (const fails of [false, true]) {
    const { ours, theirs, far } = overFailing();
    const chunk = new Uint8Array(1_000_000).fill(5);
    const free = Promise.withResolvers<void>();
    let writes = 0;
    const under = {
      write: async (bytes: Uint8Array) => {
        if (++writes === 2) {
          chunk.buffer.transfer();
          await free.promise;
        }
        await far.write(bytes);
      },
      close: () => {},
    } as unknown as Connection;
    const context = new MockContext(true, {});
    const over = new ProtectedConnection({ connection: under, context, level: "integrity" });
    let done = false;
    const failing = failureOf(over.write(chunk)).finally(() => done = true);
    await settled();
    assert.deepEqual([writes, done], [2, false]);
    const reset = new Error("reset");
    if (fails) free.reject(reset);
    else free.resolve();
    const failure = await failing;
    if (fails) assert.equal(failure, reset);
    else {
      const told = Number(/when (\d+)/.exec(failure.message)![1]);
      const frames = far.sent();
      let sent = 0;
      for (let at = 0; at < frames.length; at += 4 + (frames[at + 2]! << 8 | frames[at + 3]!)) {
        sent += (frames[at + 2]! << 8 | frames[at + 3]!) - 5;
      }
      assert.equal(sent, told);
    }
    ours.close();
    theirs.close();
  }
});

Deno.test("ProtectedConnection: memory transferred during a read loses no message", async () => {
  for (const gone of [(memory: Bytes) => memory.buffer.transfer(), (memory: Bytes) => memory.buffer.resize(4)]) {
    const { ours, far } = overFailing();
    const free = Promise.withResolvers<void>();
    const receiver = new MockContext(true, {});
    const unwrap = receiver.unwrap.bind(receiver);
    let opened = 0;
    receiver.unwrap = async (token) => {
      if (++opened === 2) await free.promise;
      return await unwrap(token);
    };
    const [near, sender] = pipe();
    const theirs = new ProtectedConnection({ connection: near, context: receiver, level: "integrity" });
    const peer = new MockContext(false, {});
    const frames = [];
    for (const text of ["one", "two"]) {
      frames.push(encodeFrame(3, await peer.wrap(utf8(text), { confidential: false })));
    }
    await sender.write(concat(...frames));
    const memory = new Uint8Array(new ArrayBuffer(1_000, { maxByteLength: 1_000 }));
    const reading = theirs.read(memory);
    await settled();
    gone(memory);
    free.resolve();
    const first = await reading;
    const got = first!.length === 6 ? first! : concat(first!, (await theirs.read())!);
    assert.equal(new TextDecoder().decode(got), "onetwo");
    for (const end of [ours, theirs, far]) end.close();
  }
});

Deno.test("drain(): ends although every call of the connection hangs", async () => {
  const never = () => new Promise<never>(() => {});
  for (const hanging of ["closeWrite", "read"] as const) {
    const closeWrite = hanging === "closeWrite" ? never : () => Promise.resolve();
    const keepsGoing = setTimeout(() => {}, 10_000);
    await drain({ closeWrite, read: never } as unknown as Connection);
    clearTimeout(keepsGoing);
  }
});

Deno.test("ProtectedConnection: ref() and unref() reach the connection below, if it has them", () => {
  const told: string[] = [];
  const under = { ref: () => told.push("ref"), unref: () => told.push("unref") } as unknown as Connection;
  const over = (connection: Connection) =>
    new ProtectedConnection({ connection, context: new MockContext(true, {}), level: "integrity" });
  over(under).unref();
  over(under).ref();
  assert.deepEqual(told, ["unref", "ref"]);
  over(pipe()[0]).unref();
  over(pipe()[0]).ref();
});

Deno.test("unref(): lets the process exit while a connection waits", async () => {
  const root = new URL("../../../", import.meta.url).href;
  const program = (told: string) => `
    import { DenoConnection } from "${root}socks/shell/deno_connection.ts";
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const [near, far] = await Promise.all([Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }), listener.accept()]);
    listener.close();
    globalThis.far = far;
    const connection = new DenoConnection(near);
    ${told}
    const reading = connection.read(new Uint8Array(60_000));
    setTimeout(() => {}, 1);
    Deno.unrefTimer(setTimeout(() => far.write(new Uint8Array(3)), 300));
    reading.then((bytes) => console.log("read", bytes.length, "bytes"));`;
  const config = new URL("deno.json", root).pathname;
  const printed = async (told: string) => {
    const url = `data:application/typescript,${encodeURIComponent(program(told))}`;
    const { stdout, stderr, code } = await run(Deno.execPath(), ["run", "-q", "-A", "-c", config, url]);
    assert.equal(code, 0, stderr);
    return stdout.trim();
  };
  assert.deepEqual(
    await Promise.all(["", "connection.unref();", "connection.unref(); connection.ref();"].map(printed)),
    ["read 3 bytes", "", "read 3 bytes"],
  );
});

/** A target that sends without end and reads nothing. */
function flood(): TcpServer {
  return new TcpServer(async (connection) => {
    const much = new Uint8Array(65_536);
    for (;;) await connection.write(much);
  });
}

Deno.test("server: a client that does not read keeps no session, over any transport", async () => {
  await using target = flood();
  const ways: Readonly<Record<string, object>> = {
    dispose: {},
    shutdown: {},
    idle: { timeouts: { idle: 50 } },
    signal: {},
  };
  for (const transport of TRANSPORTS) {
    for (const [how, options] of Object.entries(ways)) {
      await using ends = await transportPair(transport);
      const { ours, theirs } = ends;
      const stop = new AbortController();
      const ended = Promise.withResolvers<void>();
      await using server = serve({
        listeners: [],
        allowUnauthenticated: true,
        rules: ["allow 127.0.0.1"],
        signal: stop.signal,
        onEvent: (event) => void (event.type === "closed" && ended.resolve()),
        ...options,
      });
      const session = server.serveConnection(theirs);
      const dial = () => Promise.resolve(ours);
      const through = { proxy: "proxy:1", auth: [noAuthentication()], dial };
      const client = await connect({ ...through, hostname: "127.0.0.1", port: target.port });
      await client.read(new Uint8Array(10));
      await settled();
      if (how === "dispose") await server[Symbol.asyncDispose]();
      if (how === "shutdown") await server.shutdown({ deadline: 20 });
      if (how === "signal") stop.abort(new Error("enough"));
      await Promise.all([session, ended.promise]);
      assert.equal(server.sessions, 0, `${transport}, ${how}`);
    }
  }
});

Deno.test("drain(): reads a bounded number of bytes", async () => {
  const [near] = pipe();
  let bytes = 0;
  await drain({
    ...near,
    read(): Promise<Bytes> {
      bytes += 65_536;
      return Promise.resolve(new Uint8Array(65_536));
    },
  });
  assert.equal(bytes, 262_144);
});

Deno.test("TCP: a reset seen by a write in the turn of the end is not an end", async () => {
  const addr = { transport: "tcp", hostname: "192.0.2.1", port: 1 } as const;
  const reset = Object.assign(new Error("reset"), { code: "ECONNRESET" });
  for (const told of [true, false]) {
    const writing = Promise.withResolvers<number>();
    const conn = {
      localAddr: addr,
      remoteAddr: addr,
      read: () => Promise.resolve(null),
      write: () => writing.promise,
      [Symbol.dispose]: () => {},
    };
    const connection = new DenoConnection(conn as unknown as Deno.Conn);
    const written = connection.write(new Uint8Array(8_192));
    const read = connection.read();
    // What the system says of both comes in one turn of the event loop, of one behind the other.
    if (told) queueMicrotask(() => queueMicrotask(() => queueMicrotask(() => writing.reject(reset))));
    if (told) await assert.rejects(read, { code: "ECONNRESET" });
    else assert.equal(await read, null, "an end is not held up by a write that is stuck");
    writing.resolve(8_192);
    await written.catch(() => {});
  }
});
