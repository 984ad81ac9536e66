/** A connection in a user's hands, over one that does what the test says: order, rests, chunks, failures, ends. */
import assert from "node:assert/strict";
import { type Bytes, type ByteSource, utf8 } from "../../../base/bytes.ts";
import { SocksConnectionError, SocksProtocolError } from "../../../socks/errors.ts";
import { SocksConnection } from "../../../socks/client/socks_connection.ts";
import { UserConnection } from "../../../socks/stream/user_connection.ts";
import { streamsOf, streamsOfConnection } from "../../../socks/stream/web_streams.ts";
import { countedController } from "../../support/counted_signal.ts";
import { ScriptedConnection, settle } from "../../support/scripted_connection.ts";

function make(signal?: AbortSignal) {
  const under = new ScriptedConnection();
  return { under, user: new UserConnection(under, signal) };
}

async function text(read: Promise<number | null>, buffer: Uint8Array): Promise<string | null> {
  const count = await read;
  return count === null ? null : new TextDecoder().decode(buffer.subarray(0, count));
}

const CLOSED = { name: "SocksConnectionError", code: "CLOSED" };

Deno.test("UserConnection: serves overlapping reads in order, keeps what did not fit", async () => {
  const { under, user } = make();
  const [a, b, c] = [new Uint8Array(2), new Uint8Array(9), new Uint8Array(9)];
  const reads = [text(user.read(a), a), text(user.read(b), b), text(user.read(c), c)];
  await settle();
  assert.equal(under.reads.length, 1, "one at a time");
  under.reads[0]!.resolve(utf8("abcde"));
  await settle();
  // The second had its bytes from the first; only the third asks again.
  assert.equal(under.reads.length, 2);
  under.reads[1]!.resolve(utf8("f"));
  assert.deepEqual(await Promise.all(reads), ["ab", "cde", "f"]);
  // A rest comes whole, however short the reads are.
  const short = new Uint8Array(1);
  const first = user.read(short);
  under.reads[2]!.resolve(utf8("xyz"));
  assert.equal(await text(first, short), "x");
  assert.equal(await text(user.read(short), short), "y");
  assert.deepEqual(await user.next(), utf8("z"));
  user.close();
});

Deno.test("UserConnection: read(), the stream and BYOB readers share one source", async () => {
  const { under, user } = make();
  const { readable } = streamsOf(user);
  const head = new Uint8Array(4);
  const reading = user.read(head);
  under.reads[0]!.resolve(utf8("HEADfirst"));
  assert.equal(await text(reading, head), "HEAD");

  const byob = readable.getReader({ mode: "byob" });
  const some = await byob.read(new Uint8Array(3));
  assert.equal(new TextDecoder().decode(some.value), "fir");
  byob.releaseLock();

  const reader = readable.getReader();
  assert.equal(new TextDecoder().decode((await reader.read()).value), "st");
  // A read that is given up takes nothing with it.
  await settle();
  const givenUp = reader.read();
  await settle();
  assert.equal(under.reads.length, 2, "the stream has asked");
  reader.releaseLock();
  await assert.rejects(givenUp, TypeError);
  const next = user.read(head);
  under.reads[1]!.resolve(utf8("kept"));
  assert.equal(await text(next, head), "kept");

  const last = readable.getReader().read();
  await settle();
  under.reads[2]!.resolve(null);
  assert.deepEqual(await last, { value: undefined, done: true });
  assert.equal(await user.read(head), null);
  assert.equal(await user.read(head), null);
  assert.equal(under.closes, 0, "this side may still write");
  user.close();
});

Deno.test("UserConnection: a BYOB reader gets the end, and its memory back", async () => {
  const { under, user } = make();
  const reader = streamsOf(user).readable.getReader({ mode: "byob" });
  const reading = reader.read(new Uint8Array(8));
  await settle();
  under.reads[0]!.resolve(null);
  const { value, done } = await reading;
  assert.deepEqual([value?.length, value?.buffer.byteLength, done], [0, 8, true]);
  user.close();
});

Deno.test("UserConnection: bytes put back come first, in order", async () => {
  const { user } = make();
  user.putBack(utf8("second"));
  user.putBack(utf8("first"));
  assert.deepEqual(await user.next(), utf8("firstsecond"));
  user.close();
});

Deno.test("UserConnection: a bad buffer is a TypeError and loses no bytes", async () => {
  const { under, user } = make();
  for (const odd of [new DataView(new ArrayBuffer(4)), new ArrayBuffer(4), "abcd", null]) {
    await assert.rejects(user.read(odd as never), { name: "TypeError", message: /Uint8Array/ });
  }
  const gone = new Uint8Array(4);
  structuredClone(gone.buffer, { transfer: [gone.buffer] });
  await assert.rejects(user.read(gone), { name: "TypeError", message: /transferred/ });
  assert.equal(await user.read(new Uint8Array(0)), 0);
  assert.equal(under.reads.length, 0, "nothing was asked for");

  // Memory that goes while the read waits: what came is not lost.
  for (const spoil of ["transfer", "shrink"] as const) {
    const buffer = spoil === "transfer" ? new ArrayBuffer(8) : new ArrayBuffer(8, { maxByteLength: 8 });
    const reading = user.read(new Uint8Array(buffer));
    await settle();
    if (spoil === "transfer") structuredClone(buffer, { transfer: [buffer] });
    else buffer.resize(2);
    under.reads.at(-1)!.resolve(utf8("kept"));
    await assert.rejects(reading, { name: "TypeError", message: /transferred, or is smaller/ });
    assert.deepEqual(await user.next(), utf8("kept"));
  }
  // Memory that goes while others read before it.
  const [ahead, behind] = [new Uint8Array(4), new Uint8Array(4)];
  const reads = [user.read(ahead), user.read(behind), user.read(ahead)];
  structuredClone(behind.buffer, { transfer: [behind.buffer] });
  under.reads.at(-1)!.resolve(utf8("1234"));
  assert.equal(await reads[0], 4);
  await assert.rejects(reads[1]!, TypeError);
  under.reads.at(-1)!.resolve(utf8("56"));
  assert.equal(await reads[2], 2);
  // A transport that fails because the memory is gone has not failed.
  const buffer = new Uint8Array(4);
  const reading = user.read(buffer);
  structuredClone(buffer.buffer, { transfer: [buffer.buffer] });
  under.reads.at(-1)!.reject(new TypeError("Cannot perform subarray"));
  await assert.rejects(reading, { name: "TypeError", message: /transferred/ });
  const after = user.next();
  under.reads.at(-1)!.resolve(utf8("on"));
  assert.deepEqual(await after, utf8("on"));
  user.close();
});

Deno.test("UserConnection: reads into resizable and shared memory", async () => {
  const { under, user } = make();
  for (const memory of [new SharedArrayBuffer(8), new ArrayBuffer(8, { maxByteLength: 16 })]) {
    const view = new Uint8Array(memory, 2, 4);
    const reading = user.read(view);
    assert.equal(under.reads.at(-1)!.bytes, undefined, "a transport gets ordinary memory only");
    under.reads.at(-1)!.resolve(utf8("fill"));
    assert.equal(await reading, 4);
    assert.deepEqual([...new Uint8Array(memory)], [0, 0, ...utf8("fill"), 0, 0]);
  }
  // Ordinary memory is handed down, and what lies in it already is left there.
  const buffer = new Uint8Array(8);
  const reading = user.read(buffer.subarray(3));
  const into = under.reads.at(-1)!.bytes as Bytes;
  assert.equal(into.byteOffset, 3);
  into.set(utf8("hi"));
  under.reads.at(-1)!.resolve(into.subarray(0, 2));
  assert.equal(await reading, 2);
  assert.deepEqual([...buffer], [0, 0, 0, ...utf8("hi"), 0, 0, 0]);
  user.close();
});

Deno.test("UserConnection: sends any buffer, refuses what is not bytes before sending", async () => {
  const wide = new Uint16Array([0x4141, 0x4242]);
  const kinds: readonly [ByteSource, string][] = [
    [utf8("plain"), "plain"],
    [utf8("a subarray").subarray(2), "subarray"],
    [utf8("buffer").buffer, "buffer"],
    [new DataView(utf8("a view").buffer, 2), "view"],
    [wide, "AABB"],
    [new Uint8Array(new SharedArrayBuffer(2)).fill(0x43), "CC"],
    [new SharedArrayBuffer(1), "\0"],
  ];
  for (const [chunk, expected] of kinds) {
    const { under, user } = make();
    const writing = user.write(chunk);
    under.writes[0]!.resolve();
    assert.equal(await writing, expected.length);
    const { bytes } = under.writes[0]!;
    assert.equal(new TextDecoder().decode(new Uint8Array(bytes!)), expected);
    user.close();
  }
  const { under, user } = make();
  const gone = new Uint8Array(4);
  structuredClone(gone.buffer, { transfer: [gone.buffer] });
  for (const odd of ["text", [1, 2], null, undefined, 7, new Blob(["x"]), {}, gone, gone.buffer]) {
    await assert.rejects(user.write(odd as never), TypeError);
    const { writable } = streamsOfConnection(new ScriptedConnection());
    await assert.rejects(writable.getWriter().write(odd as never), TypeError);
  }
  assert.equal(under.writes.length, 0);
  const writing = user.write(utf8("on"));
  under.writes[0]!.resolve();
  assert.equal(await writing, 2);
  assert.equal(await user.write(new Uint8Array(0)), 0);
  assert.equal(under.writes.length, 1, "nothing is nothing to send");
  user.close();
});

Deno.test("UserConnection: a failed read ends both directions with one error", async () => {
  const { under, user } = make();
  const writing = user.write(utf8("under way"));
  const reads = [user.read(new Uint8Array(1)), user.read(new Uint8Array(1))];
  const reset = new Error("connection reset");
  under.reads[0]!.reject(reset);
  const failure = await user.read(new Uint8Array(1)).catch((error) => error);
  assert(failure instanceof SocksConnectionError);
  assert.deepEqual([failure.code, failure.cause], ["LOST", reset]);
  const later = [...reads, writing, user.write(utf8("more")), user.closeWrite(), user.next()];
  for (const call of later) assert.equal(await (call as Promise<unknown>).catch((error: unknown) => error), failure);
  assert.equal(under.reads.length, 1, "it is not asked again, since the next answer might be an end");
  assert.equal(under.closes, 1);
});

Deno.test("UserConnection: an error of this package stays as it is", async () => {
  const { under, user } = make();
  const reading = user.next();
  const forged = new SocksProtocolError("NOT_GENUINE", "Protected message is not genuine");
  under.reads[0]!.reject(forged);
  assert.equal(await reading.catch((error) => error), forged);
});

Deno.test("UserConnection: after a failed write, bytes can still be read", async () => {
  const { under, user } = make();
  const { writable } = streamsOf(user);
  const one = new Uint8Array(1);
  const reading = user.read(one);
  under.reads[0]!.resolve(utf8("abc"));
  assert.equal(await reading, 1);
  const writing = user.write(utf8("x"));
  under.writes[0]!.reject(new Error("broken pipe"));
  const failure = await writing.catch((error) => error);
  assert.deepEqual([failure.name, failure.code], ["SocksConnectionError", "LOST"]);
  assert.equal(await user.write(utf8("y")).catch((error) => error), failure);
  assert.equal(await user.closeWrite().catch((error) => error), failure);
  assert.equal(await writable.getWriter().closed.catch((error) => error), failure, "the stream is told at once");
  const late = streamsOf(user).writable.getWriter();
  assert.equal(await late.closed.catch((error) => error), failure, "and so is one that is made now");
  assert.equal(under.writes.length, 1);
  assert.deepEqual(await user.next(), utf8("bc"));
  const next = user.next();
  under.reads[1]!.resolve(utf8("d"));
  assert.deepEqual(await next, utf8("d"));
  assert.equal(under.closes, 0);
  const last = user.next();
  under.reads[2]!.resolve(null);
  assert.equal(await last, null);
  assert.equal(under.closes, 1, "nothing is left to do with it");
});

Deno.test("UserConnection: a failed write after the peer's end closes the connection", async () => {
  for (const call of ["write", "closeWrite"] as const) {
    const { under, user } = make();
    const last = user.next();
    under.reads[0]!.resolve(null);
    assert.equal(await last, null);
    assert.equal(under.closes, 0);
    const writing = call === "write" ? user.write(utf8("x")) : user.closeWrite();
    under[call === "write" ? "writes" : "ends"][0]!.reject(new Error("broken pipe"));
    await assert.rejects(writing as Promise<unknown>, { name: "SocksConnectionError", code: "LOST" });
    assert.equal(under.closes, 1, call);
    assert.equal(await user.next(), null, "the end is still one");
  }
});

Deno.test("UserConnection: a chunk transferred during a write is a TypeError", async () => {
  const { under, user } = make();
  const writing = user.write(utf8("x"));
  const gone = new TypeError("Cannot send: the buffer was transferred");
  under.writes[0]!.reject(gone);
  assert.equal(await writing.catch((error) => error), gone);
  assert.equal(await user.write(utf8("y")).catch((error) => error), gone, "writing is over");
  user.close();
});

Deno.test("UserConnection: closeWrite() ends writing once, reading goes on", async () => {
  const { under, user } = make();
  const ends = [user.closeWrite(), user.closeWrite()];
  await assert.rejects(user.write(utf8("late")), { ...CLOSED, message: /closeWrite/ });
  assert.equal(under.ends.length, 1);
  assert.equal(under.writes.length, 0);
  under.ends[0]!.resolve();
  await Promise.all(ends);
  await user.closeWrite();
  const reading = user.next();
  under.reads[0]!.resolve(utf8("answer"));
  assert.deepEqual(await reading, utf8("answer"));
  assert.equal(under.closes, 0);
  user.close();
});

Deno.test("UserConnection: close() fails pending and later calls, whatever the transport does", async () => {
  const { under, user } = make();
  const { readable, writable } = streamsOf(user);
  const [reader, writer] = [readable.getReader(), writable.getWriter()];
  const late = user.read(new Uint8Array(1));
  under.reads[0]!.resolve(utf8("rest that nobody asked for"));
  await late;
  const writing = user.write(utf8("x"));
  user.close();
  user.close();
  assert.equal(under.closes, 1);
  const calls = [
    writing,
    user.write(utf8("x")),
    user.write(new Uint8Array(0)),
    user.read(new Uint8Array(1)),
    user.next(),
    user.closeWrite(),
    reader.read(),
    reader.closed,
    writer.write(utf8("x")),
    writer.closed,
  ];
  for (const call of calls) await assert.rejects(call as Promise<unknown>, CLOSED);

  // An answer that comes with the close is no answer any more.
  const second = make();
  const [read, written, ending] = [second.user.next(), second.user.write(utf8("x")), second.user.closeWrite()];
  second.under.reads[0]!.resolve(utf8("too late"));
  second.under.writes[0]!.resolve();
  second.under.ends[0]!.resolve();
  second.user.close();
  for (const call of [read, written, ending]) await assert.rejects(call as Promise<unknown>, CLOSED);
  await assert.rejects(second.user.closeWrite(), CLOSED);
  // Streams that are asked for after it know it too, and idle ones at once.
  const idle = make();
  const streams = streamsOf(idle.user);
  const [idleReader, idleWriter] = [streams.readable.getReader(), streams.writable.getWriter()];
  const ended = idle.user.closeWrite();
  idle.under.ends[0]!.resolve();
  await ended;
  idle.user.close();
  for (const promise of [idleReader.closed, idleWriter.closed]) await assert.rejects(promise, CLOSED);
  await assert.rejects(idle.user.closeWrite(), CLOSED);
  await assert.rejects(streamsOf(second.user).readable.getReader().read(), CLOSED);
  await assert.rejects(streamsOf(second.user).writable.getWriter().closed, CLOSED);
});

Deno.test("UserConnection: pending and later calls fail with the signal's reason", async () => {
  const controller = new AbortController();
  const { under, user } = make(controller.signal);
  const calls: Promise<unknown>[] = [user.next(), user.write(utf8("x"))];
  const reason = new Error("enough");
  controller.abort(reason);
  calls.push(user.next(), user.write(utf8("x")), user.closeWrite());
  for (const call of calls) assert.equal(await call.catch((error) => error), reason);
  assert.equal(under.closes, 1);
  // One that is aborted already is heard as well.
  const { under: other, user: dead } = make(controller.signal);
  assert.equal(await dead.next().catch((error) => error), reason);
  assert.equal(other.closes, 1);
});

Deno.test("UserConnection: is closed once and leaves the signal, however it ends", async () => {
  const ends: Readonly<Record<string, (user: UserConnection, under: ScriptedConnection) => Promise<unknown>>> = {
    "both directions by themselves": async (user, under) => {
      const [reading, ending] = [user.next(), user.closeWrite()];
      under.reads[0]!.resolve(null);
      await reading;
      assert.equal(under.closes, 0);
      under.ends[0]!.resolve();
      await ending;
      assert.equal(await user.next(), null, "an end is still an end");
      await user.closeWrite();
      await assert.rejects(user.write(utf8("x")), CLOSED);
    },
    "both streams": async (user, under) => {
      const { readable, writable } = streamsOf(user);
      const [reading, ending] = [readable.getReader().read(), writable.getWriter().close()];
      await settle();
      under.ends[0]!.resolve();
      await ending;
      under.reads[0]!.resolve(null);
      assert.equal((await reading).done, true);
    },
    "cancel": (user) => streamsOf(user).readable.cancel(new Error("why")),
    "abort, while a write is stuck": async (user, under) => {
      const { writable } = streamsOf(user);
      const writer = writable.getWriter();
      const writing = writer.write(utf8("x"));
      await settle();
      assert.equal(under.writes.length, 1);
      await writer.abort(new Error("why"));
      await assert.rejects(writing);
      const closed = await user.next().catch((error) => error);
      assert.deepEqual([closed.code, closed.cause.message], ["CLOSED", "why"]);
    },
    "break": async (user, under) => {
      const { readable } = streamsOf(user);
      const loop = (async () => {
        for await (const _ of readable) break;
      })();
      await settle();
      under.reads[0]!.resolve(utf8("x"));
      await loop;
      await assert.rejects(user.write(utf8("x")), CLOSED);
    },
    "close": (user) => Promise.resolve(user.close()),
    "lost": async (user, under) => {
      const reading = user.next();
      under.reads[0]!.reject(new Error("reset"));
      await assert.rejects(reading);
    },
  };
  for (const [how, end] of Object.entries(ends)) {
    const { signal, listeners } = countedController();
    const { under, user } = make(signal);
    assert.equal(listeners(), 1, how);
    await end(user, under);
    assert.deepEqual([how, listeners(), under.closes > 0], [how, 0, true]);
  }
});

Deno.test("UserConnection: ref() and unref() reach the transport, if it has them", () => {
  const { under, user } = make();
  user.unref();
  user.ref();
  assert.deepEqual(under.refs, ["unref", "ref"]);
  user.close();
  const bare = new UserConnection(Object.assign(new ScriptedConnection(), { ref: undefined, unref: undefined }));
  bare.ref();
  bare.unref();
  bare.close();
});

Deno.test("SocksConnection: has its facts, one stream per direction, and is disposable", async () => {
  const [target, bound] = [{ hostname: "target", port: 1 }, { hostname: "192.0.2.1", port: 2 }];
  const identity = { method: "password", name: "somebody", attributes: {} } as const;
  for (const dispose of [Symbol.dispose, Symbol.asyncDispose] as const) {
    const under = new ScriptedConnection();
    const made = { connection: under, bound, protection: "integrity", identity, alpnProtocol: "h2" } as const;
    const connection = new SocksConnection(made, target);
    const { protection, alpnProtocol } = connection;
    assert.deepEqual([protection, connection.identity, alpnProtocol], ["integrity", identity, "h2"]);
    assert.deepEqual([connection.localAddr, connection.remoteAddr], [
      { transport: "tcp", ...bound },
      { transport: "tcp", ...target },
    ]);
    const { readable, writable } = connection;
    assert.ok(readable === connection.readable && writable === connection.writable);
    await connection[dispose]();
    assert.equal(under.closes, 1);
    await assert.rejects(connection.read(new Uint8Array(1)), CLOSED);
    await assert.rejects(readable.getReader().read(), CLOSED);
  }
});
