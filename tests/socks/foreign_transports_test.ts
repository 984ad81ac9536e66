/** Connections over streams and WebSockets that somebody else has made, and whatever those do. */
import assert from "node:assert/strict";
import { utf8 } from "../../gss/bytes.ts";
import { SocksConnectionError } from "../../socks/errors.ts";
import { connectionFromWebSocket } from "../../socks/stream/web_socket.ts";
import { connectionFromStreams } from "../../socks/stream/web_streams.ts";

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

Deno.test("a connection over streams is closed at once though their source and their sink stand still", async () => {
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

Deno.test("chunks of a stream are copied, empty ones left out, and what is no octets ends reading for good", async () => {
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
    assert.ok(bytes!.every((octet) => octet === bytes![0]));
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

Deno.test("a stream that fails is the same failure ever after, in its direction", async () => {
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

Deno.test("writes that nobody waits for cost no more each, however many wait, and closing ends them all", async () => {
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

Deno.test("a WebSocket that is closed gives nothing of what it holds, and takes nothing in any more", async () => {
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

Deno.test("behind a lie of a WebSocket's peer nothing is taken in, and what came before it is read", async () => {
  const { connection, feed } = fakeSocket();
  feed(utf8("before").buffer);
  feed("no count");
  feed(utf8("behind").buffer);
  feed(new ArrayBuffer(0));
  assert.deepEqual(await connection.read(), utf8("before"));
  const failure = await failureOf(connection.read());
  assert.equal((failure as { code?: string }).code, "BAD_MESSAGE");
  assert.equal(await failureOf(connection.read()), failure);
  assert.equal(await failureOf(connection.write(utf8("x"))), failure);
});

Deno.test("of two who read from a WebSocket, who waits is served first", async () => {
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

Deno.test("a WebSocket that has ended both ways and lingers is closed for whoever holds it", async () => {
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

Deno.test("a WebSocket that never opens is closed at once, with all that waits for it", async () => {
  const { connection, sent } = fakeSocket(WebSocket.CONNECTING);
  const calls = [connection.write(utf8("x")), connection.write(utf8("y")), connection.read(), connection.closeWrite()];
  const failures = calls.map(failureOf);
  connection.close();
  for (const failure of await Promise.all(failures)) assert.equal((failure as { code?: string }).code, "CLOSED");
  assert.deepEqual(sent, []);
});

Deno.test("a WebSocket's write after its end is no octet on the wire, which the peer would take for a lie", async () => {
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

Deno.test("a WebSocket that is cut is lost, behind what has come, and never at its end", async () => {
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
