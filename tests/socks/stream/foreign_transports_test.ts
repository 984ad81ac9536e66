/** Connections over streams and WebSockets that somebody else has made, and whatever those do. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { utf8 } from "../../../base/bytes.ts";
import { SocksConnectionError } from "../../../socks/errors.ts";
import { isOriginAllowed } from "../../../socks/stream/origin.ts";
import { connectionFromWebSocket, dialWebSocket } from "../../../socks/stream/web_socket.ts";
import { connectionFromStreams } from "../../../socks/stream/web_streams.ts";
import { countedController } from "../../support/counted_signal.ts";

const CLOSED = { name: "SocksConnectionError", code: "CLOSED" };

/** The very error that a call fails with. */
function failureOf(call: Promise<unknown>): Promise<Error> {
  return call.then(() => assert.fail("it did not fail"), (error) => error);
}

async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve));
}

/** Streams of somebody else's, with what was done to them. */
function foreign(source: UnderlyingDefaultSource<unknown> = {}, sink: UnderlyingSink<Uint8Array> = {}) {
  const told: unknown[] = [];
  const readable = new ReadableStream<unknown>({ cancel: (reason) => void told.push(["cancel", reason]), ...source }, {
    highWaterMark: 0,
  });
  const writable = new WritableStream<Uint8Array>({ abort: (reason) => void told.push(["abort", reason]), ...sink });
  const connection = connectionFromStreams({ readable: readable as ReadableStream<Uint8Array>, writable });
  return { connection, told };
}

Deno.test("StreamsConnection: close() works at once, even if source and sink hang", async () => {
  const never = () => new Promise<void>(() => {});
  for (const ending of [false, true]) {
    const { connection, told } = foreign({ pull: never }, { write: never, close: never });
    const calls = [connection.read(), connection.read(), connection.write(utf8("x")), connection.write(utf8("y"))];
    if (ending) calls.push(connection.closeWrite() as Promise<never>);
    const failures = calls.map(failureOf);
    await settled();
    connection.close();
    for (const failure of await Promise.all(failures)) assert.equal((failure as { code?: string }).code, "CLOSED");
    assert.deepEqual(told.map((entry) => (entry as string[])[0]), ["cancel"]);
  }
  // The sink is told, also where the end was to come behind what it is busy with.
  for (const ending of [false, true]) {
    const free = Promise.withResolvers<void>();
    let aborted: AbortSignal | undefined;
    const { connection, told } = foreign({ pull: never }, {
      write: (_, { signal }) => {
        aborted = signal;
        return free.promise;
      },
      close: () => void told.push(["close"]),
    });
    const failures = [failureOf(connection.write(utf8("x")))];
    if (ending) failures.push(failureOf(connection.closeWrite()));
    await settled();
    connection.close();
    const [failure] = await Promise.all(failures);
    assert.equal(aborted!.reason, failure);
    free.resolve();
    await settled();
    assert.deepEqual(told, [["cancel", failure], ["abort", failure]]);
  }
});

Deno.test("StreamsConnection: copies chunks, skips empty ones, refuses what is not bytes", async () => {
  const pooled = new Uint8Array(64);
  let n = 0;
  const { connection } = foreign({
    pull(controller): void {
      pooled.fill(++n);
      controller.enqueue(n % 3 === 0 ? new Uint8Array(0) : pooled.subarray(4, 9));
    },
  });
  const reads = await Promise.all([1, 2, 4, 5].map(() => connection.read()));
  assert.deepEqual(reads.map((bytes) => bytes![0]), [1, 2, 4, 5]);
  for (const bytes of reads) {
    assert.ok(bytes!.every((byte) => byte === bytes![0]));
    assert.equal(bytes!.buffer.byteLength, 5);
  }
  for (const bad of ["text", 5, null, {}, undefined]) {
    const { connection, told } = foreign({
      pull(controller): void {
        controller.enqueue(bad);
        controller.enqueue(utf8("behind"));
      },
    });
    const failures = await Promise.all([failureOf(connection.read()), failureOf(connection.read())]);
    failures.push(await failureOf(connection.read()));
    assert.equal((failures[0] as { code?: string }).code, "LOST");
    for (const failure of failures) assert.equal(failure, failures[0]);
    assert.deepEqual(told, [["cancel", failures[0]]]);
    await connection.write(utf8("still"));
    connection.close();
  }
  for (const good of [utf8("ab").buffer, new DataView(utf8("ab").buffer)]) {
    const { connection } = foreign({ pull: (controller) => controller.enqueue(good) });
    assert.deepEqual(await connection.read(), utf8("ab"));
    connection.close();
  }
});

Deno.test("StreamsConnection: a failure stays, in its direction", async () => {
  // One of ours too, which is about somebody else's connection.
  for (const why of [new Error("broken"), new SocksConnectionError("CLOSED", "Theirs is closed")]) {
    const failsForGood = async (call: () => Promise<unknown>) => {
      const first = await failureOf(call());
      assert.ok(first instanceof SocksConnectionError);
      assert.deepEqual([first.code, first.cause], ["LOST", why]);
      assert.equal(await failureOf(call()), first);
      return first;
    };
    const source = foreign({ pull: (controller) => controller.error(why) });
    await failsForGood(() => source.connection.read());
    await source.connection.write(utf8("still"));
    source.connection.close();
    await assert.rejects(source.connection.read(), CLOSED);

    const sink = foreign({ pull: (controller) => controller.enqueue(utf8("still")) }, {
      write: () => Promise.reject(why),
    });
    const failure = await failsForGood(() => sink.connection.write(utf8("x")));
    assert.equal(await failureOf(sink.connection.closeWrite()), failure);
    assert.deepEqual(await sink.connection.read(), utf8("still"));
    sink.connection.close();
  }
});

Deno.test("StreamsConnection: many pending writes have linear cost, close() ends them all", async () => {
  const add = EventTarget.prototype.addEventListener;
  let listeners = 0;
  EventTarget.prototype.addEventListener = function (...given): void {
    listeners++;
    add.apply(this, given);
  };
  try {
    const { connection } = foreign({}, { write: () => new Promise<void>(() => {}) });
    const writes = Array.from({ length: 1_000 }, (_, i) => failureOf(connection.write(Uint8Array.of(i))));
    connection.close();
    for (const failure of await Promise.all(writes)) assert.equal((failure as { code?: string }).code, "CLOSED");
    await assert.rejects(connection.write(new Uint8Array(0)), CLOSED);
  } finally {
    EventTarget.prototype.addEventListener = add;
  }
  // A signal looks through all of its listeners for each that it is given.
  assert.ok(listeners < 10, `${listeners} listeners`);
});

/** A WebSocket that is no network. */
function fakeSocket(readyState: number = WebSocket.OPEN) {
  const sent: (string | Uint8Array)[] = [];
  const socket = {
    readyState,
    send: (data: string | Uint8Array) => void sent.push(data),
    close: () => void Object.assign(socket, { readyState: WebSocket.CLOSING }),
  } as unknown as WebSocket;
  const feed = (data: unknown) => socket.onmessage?.({ data } as MessageEvent);
  return { socket, sent, feed, connection: connectionFromWebSocket(socket) };
}

Deno.test("WebSocket: after close() nothing is read or received", async () => {
  const { connection, feed, sent } = fakeSocket();
  feed(utf8("one").buffer);
  feed(utf8("two").buffer);
  connection.close();
  await assert.rejects(connection.read(), CLOSED);
  for (let i = 0; i < 100; i++) feed(new ArrayBuffer(1 << 16));
  feed("no count");
  await assert.rejects(connection.read(), CLOSED);
  await assert.rejects(connection.write(utf8("x")), CLOSED);
  assert.deepEqual(sent, []);
});

Deno.test("WebSocket: after a protocol error nothing is received, earlier bytes are read", async () => {
  const { connection, feed, socket } = fakeSocket();
  feed(utf8("before").buffer);
  feed("no count");
  feed(utf8("behind").buffer);
  feed(new ArrayBuffer(0));
  assert.deepEqual(await connection.read(), utf8("before"));
  const failure = await failureOf(connection.read());
  assert.equal((failure as { code?: string }).code, "BAD_MESSAGE");
  // What the socket says of its end comes later, and is none of the reason.
  socket.onerror!(new Event("error"));
  socket.onclose!(new CloseEvent("close"));
  assert.equal(await failureOf(connection.read()), failure);
  assert.equal(await failureOf(connection.write(utf8("x"))), failure);
});

Deno.test("WebSocket: no end behind a failed write", async () => {
  const { connection, feed, sent } = fakeSocket();
  const chunk = new Uint8Array(2 * WINDOW);
  const failures = [connection.write(chunk), connection.closeWrite()].map(failureOf);
  await settled();
  chunk.buffer.transfer();
  feed("+1");
  const [failure, ending] = await Promise.all(failures);
  assert.ok(failure instanceof TypeError);
  assert.equal(ending, failure);
  assert.ok(sent.every(({ length }) => length > 0));
  // It is still read from, until it is disposed of.
  feed(utf8("answer").buffer);
  assert.deepEqual(await connection.read(), utf8("answer"));
  await connection[Symbol.asyncDispose]();
  await assert.rejects(connection.read(), CLOSED);
});

Deno.test("dialWebSocket(): the signal ends a dial that does not open", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const stop = countedController();
  const reason = { why: "enough" };
  const dialling = dialWebSocket(`ws://127.0.0.1:${listener.addr.port}/`)({ hostname: "x", port: 1 }, stop);
  const failed = failureOf(dialling);
  // The peer takes the connection, and says nothing.
  using peer = await listener.accept();
  stop.abort(reason);
  assert.equal(await failed, reason);
  assert.equal(stop.listeners(), 0);
  while (await peer.read(new Uint8Array(1_000)) !== null);
});

/** Bytes of a window, and of a message. */
const [WINDOW, LARGEST] = [1 << 20, 1 << 16];

Deno.test("WebSocket: sends only as much as the peer's credit", async () => {
  const { connection, feed, sent } = fakeSocket();
  const count = () => sent.reduce((sum, message) => sum + message.length, 0);
  const source = new Uint8Array(2 * WINDOW).map((_, i) => i % 251);
  const writing = connection.write(source);
  await settled();
  assert.equal(count(), WINDOW);
  for (const [more, sum] of [[WINDOW / 4, 1.25 * WINDOW], [1, 1.25 * WINDOW + 1], [WINDOW, 2 * WINDOW]] as const) {
    feed(`+${more}`);
    await settled();
    assert.equal(count(), sum);
  }
  await writing;
  assert.ok(sent.every(({ length }) => length <= LARGEST));
  assert.ok(Buffer.concat(sent as Uint8Array[]).equals(source));
  connection.close();
});

Deno.test("WebSocket: returns credit a quarter of the window at a time, confirms the end once", async () => {
  const { connection, feed, sent } = fakeSocket();
  for (let quarter = 1; quarter <= 2; quarter++) {
    for (let i = 0; i < WINDOW / 4 / LARGEST; i++) feed(new ArrayBuffer(LARGEST));
    for (let i = 0; i < WINDOW / 4 / LARGEST; i++) {
      assert.equal(sent.length, quarter - 1);
      await connection.read();
    }
    assert.equal(sent.length, quarter);
  }
  assert.deepEqual(sent, ["+262144", "+262144"]);
  // Behind its end a peer needs no more room.
  for (let i = 0; i < WINDOW / 4 / LARGEST; i++) feed(new ArrayBuffer(LARGEST));
  feed(new ArrayBuffer(0));
  for (let i = 0; i < WINDOW / 4 / LARGEST; i++) await connection.read();
  assert.equal(sent.length, 2);
  assert.deepEqual([await connection.read(), await connection.read()], [null, null]);
  assert.deepEqual(sent.slice(2), ["end"]);
  connection.close();
  // Nobody is told over a socket that is closing.
  const other = fakeSocket();
  other.feed(new ArrayBuffer(0));
  other.socket.close();
  assert.equal(await other.connection.read(), null);
  assert.deepEqual(other.sent, []);
});

Deno.test("WebSocket: refuses bytes beyond the credit, and credit beyond the window", async () => {
  const much = fakeSocket();
  for (let i = 0; i < WINDOW / LARGEST; i++) much.feed(new ArrayBuffer(LARGEST));
  much.feed(new ArrayBuffer(1));
  for (let i = 0; i < WINDOW / LARGEST; i++) assert.equal((await much.connection.read())!.length, LARGEST);
  await assert.rejects(much.connection.read(), { name: "SocksProtocolError", code: "TOO_LARGE" });
  assert.equal(much.socket.readyState, WebSocket.CLOSING);

  const behind = fakeSocket();
  behind.feed(new ArrayBuffer(0));
  assert.equal(await behind.connection.read(), null);
  behind.feed(utf8("behind the end").buffer);
  assert.equal(await behind.connection.read(), null);
  await assert.rejects(behind.connection.write(utf8("x")), { name: "SocksProtocolError", code: "TOO_LARGE" });

  const read = fakeSocket();
  await read.connection.write(utf8("four"));
  read.feed("+4");
  read.feed("+1");
  await assert.rejects(read.connection.read(), { name: "SocksProtocolError", code: "BAD_MESSAGE" });
});

Deno.test("StreamsConnection: writes no empty chunk, has the given remote address", async () => {
  const chunks: Uint8Array[] = [];
  const writable = new WritableStream<Uint8Array>({ write: (chunk) => void chunks.push(chunk) });
  const remote = { hostname: "192.0.2.1", port: 7 };
  const connection = connectionFromStreams({ readable: new ReadableStream(), writable, remote });
  await connection.write(new Uint8Array(0));
  await connection.write(utf8("x"));
  assert.deepEqual(chunks, [utf8("x")]);
  assert.equal(connection.remote, remote);
  connection.close();
});

Deno.test("WebSocket: serves overlapping reads in order", async () => {
  const { connection, feed } = fakeSocket();
  const first = connection.read();
  await settled();
  feed(utf8("one").buffer);
  const second = connection.read();
  assert.deepEqual(await first, utf8("one"));
  feed(utf8("two").buffer);
  assert.deepEqual(await Promise.all([first, second]), [utf8("one"), utf8("two")]);
  connection.close();
});

Deno.test("WebSocket: is closed to its user while it lingers", async () => {
  const { connection, feed, socket } = fakeSocket();
  await connection.closeWrite();
  feed(utf8("unread").buffer);
  feed(new ArrayBuffer(0));
  connection.close();
  assert.equal(socket.readyState, WebSocket.OPEN);
  await assert.rejects(connection.read(), CLOSED);
  feed("end");
  await settled();
  assert.equal(socket.readyState, WebSocket.CLOSING);
});

Deno.test("WebSocket: close() before it is open fails all pending calls", async () => {
  const { connection, sent } = fakeSocket(WebSocket.CONNECTING);
  const calls = [connection.write(utf8("x")), connection.write(utf8("y")), connection.read(), connection.closeWrite()];
  const failures = calls.map(failureOf);
  connection.close();
  for (const failure of await Promise.all(failures)) assert.equal((failure as { code?: string }).code, "CLOSED");
  assert.deepEqual(sent, []);
});

Deno.test("WebSocket: a write after closeWrite() sends nothing", async () => {
  const { connection, sent, feed } = fakeSocket();
  const calls = [connection.write(utf8("x")), connection.closeWrite(), connection.closeWrite()];
  const late = failureOf(connection.write(utf8("late")));
  await Promise.all(calls);
  assert.equal(((await late) as { code?: string }).code, "CLOSED");
  assert.deepEqual(sent.map((data) => data.length), [1, 0]);
  feed(utf8("still").buffer);
  assert.deepEqual(await connection.read(), utf8("still"));
  connection.close();
});

Deno.test("WebSocket: a cut is LOST behind the received bytes, and never an end", async () => {
  for (const cut of ["onclose", "onerror"] as const) {
    const { connection, socket, feed } = fakeSocket();
    const waiting = failureOf(connection.write(new Uint8Array(2 << 20)));
    feed(utf8("came").buffer);
    (socket[cut] as () => void)();
    assert.deepEqual(await connection.read(), utf8("came"));
    const failure = await failureOf(connection.read());
    assert.deepEqual([failure.name, (failure as { code?: string }).code], ["SocksConnectionError", "LOST"]);
    assert.equal(await failureOf(connection.read()), failure);
    assert.equal(await waiting, failure);
    assert.equal(await failureOf(connection.closeWrite()), failure);
  }
});

Deno.test("WebSocket: refuses a message that is too long", async () => {
  const { connection, feed, socket } = fakeSocket();
  feed(new ArrayBuffer(LARGEST));
  feed(new ArrayBuffer(LARGEST + 1));
  assert.equal((await connection.read())!.length, LARGEST);
  await assert.rejects(connection.read(), { name: "SocksProtocolError", code: "TOO_LARGE" });
  assert.equal(socket.readyState, WebSocket.CLOSING);
});

Deno.test("WebSocket: one-byte messages do not waste memory", async () => {
  const { connection, feed } = fakeSocket();
  const message = Uint8Array.of(7).buffer;
  for (let i = 0; i < WINDOW; i++) feed(message);
  const buffers = new Set<ArrayBufferLike>();
  for (let length = 0; length < WINDOW;) {
    const bytes = (await connection.read())!;
    buffers.add(bytes.buffer);
    length += bytes.length;
  }
  const held = [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0);
  assert.ok(buffers.size <= 2 * WINDOW / 16_384 && held <= 2 * WINDOW, `${buffers.size} buffers, ${held} bytes`);
  connection.close();
});

Deno.test("WebSocket: returns credit early to a peer without credit", async () => {
  const { connection, feed, sent } = fakeSocket();
  const part = new ArrayBuffer(8_192);
  for (let i = 0; i < WINDOW / 8_192; i++) feed(part);
  for (let i = 0; i < 2; i++) await connection.read();
  assert.deepEqual(sent, ["+16384"]);
  for (let i = 0; i < 12; i++) await connection.read();
  // It can send a message again, and there is time until it is told of more.
  const told = sent.length;
  await connection.read();
  assert.equal(sent.length, told);
  connection.close();
});

Deno.test("WebSocket: written counts bytes that left, and bytes that the peer read", async () => {
  const { connection, feed, socket } = fakeSocket();
  const buffered = (bytes: number) => Object.assign(socket, { bufferedAmount: bytes });
  await connection.write(new Uint8Array(100));
  buffered(100);
  const seen = [connection.written];
  buffered(40);
  seen.push(connection.written);
  buffered(0);
  seen.push(connection.written);
  feed("+60");
  seen.push(connection.written);
  assert.deepEqual(seen, [0, 60, 100, 160]);
  connection.close();
});

Deno.test("isOriginAllowed(): refuses pages of other origins, allows programs", () => {
  const from = (origin?: string) => new Request("http://proxy/", origin === undefined ? {} : { headers: { origin } });
  const site = "https://intranet.example.com";
  assert.ok(isOriginAllowed(from()));
  assert.ok(isOriginAllowed(from(site), ["http://localhost:8080", site]));
  for (const other of [site, "null", "", `${site}.evil.example`, "http://intranet.example.com", `${site}:8443`]) {
    assert.equal(isOriginAllowed(from(other)), false, other);
    if (other !== site) assert.equal(isOriginAllowed(from(other), [site]), false, other);
  }
  for (const none of [`${site}/`, "intranet.example.com", "*", "HTTPS://A.example", "https://", `${site}/a`]) {
    assert.throws(() => isOriginAllowed(from(), [none]), TypeError);
  }
});
