/** What every transport must do, whatever a program does with it: order, whole chunks, directions, ends. */
import assert from "node:assert/strict";
import { type Bytes, concat, utf8 } from "../../../base/bytes.ts";
import type { Connection } from "../../../socks/stream/connection.ts";
import { readAll } from "../../support/pipe.ts";
import { transportPair, TRANSPORTS } from "../../support/transports.ts";
import { hex } from "../../support/vectors.ts";

const CLOSED = { name: "SocksConnectionError", code: "CLOSED" };
/** More than a transport takes that nobody reads from. */
const MUCH = 24 << 20;

/** Runs a test over each transport. */
function overEach(
  name: string,
  test: (ends: { ours: Connection; theirs: Connection }, transport: string) => Promise<void>,
) {
  for (const transport of TRANSPORTS) {
    Deno.test(`${transport}: ${name}`, async () => {
      await using ends = await transportPair(transport);
      await test(ends, transport);
    });
  }
}

/** A number of bytes that are all different for a while. */
function bytes(length: number, first = 0): Bytes {
  return new Uint8Array(length).map((_, i) => first + i * 7 + (i >> 8));
}

async function readExactly(connection: Connection, length: number): Promise<Bytes> {
  const parts: Bytes[] = [];
  for (let left = length; left > 0;) {
    const bytes = await connection.read();
    assert.ok(bytes !== null && bytes.length > 0 && bytes.length <= left);
    parts.push(bytes);
    left -= bytes.length;
  }
  return concat(...parts);
}

/** Writes more than anybody takes, without waiting; what becomes of the last of it. */
function stuck(connection: Connection): Promise<string> {
  const calls = Array.from({ length: 8 }, () => connection.write(new Uint8Array(MUCH / 8)));
  return calls.map((call) => call.then(() => "sent", (error) => error.code)).at(-1)!;
}

/** Everything that is ready has happened. */
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve));
}

overEach("concurrent reads are served in order, each byte once", async ({ ours, theirs }) => {
  const messages = Array.from({ length: 40 }, (_, i) => bytes(1 + i * 97, i));
  const all = concat(...messages);
  const sending = (async () => {
    for (const message of messages) await theirs.write(message);
    await theirs.closeWrite();
  })();
  const parts: Bytes[] = [];
  for (let ended = false; !ended;) {
    const reads = Array.from(
      { length: 7 },
      (_, i) => ours.read(i % 2 === 0 ? undefined : new Uint8Array((i - 1) * 1_000)),
    );
    for (const bytes of await Promise.all(reads)) {
      assert.ok(bytes === null || (bytes.length > 0 && !ended));
      if (bytes === null) ended = true;
      else parts.push(bytes);
    }
  }
  assert.equal(hex(concat(...parts)), hex(all));
  assert.equal(await ours.read(), null);
  await sending;
});

overEach("what is read is the reader's alone, and may be transferred", async ({ ours, theirs }) => {
  const sent = bytes(300_000);
  const sending = theirs.write(sent).then(() => theirs.closeWrite());
  let at = 0;
  for (let bytes = await ours.read(); bytes !== null; bytes = await ours.read()) {
    assert.equal(hex(bytes), hex(sent.subarray(at, at + bytes.length)));
    at += bytes.length;
    new Uint8Array(bytes.buffer).fill(0xaa);
    bytes.buffer.transfer();
  }
  assert.equal(at, sent.length);
  await sending;
});

/** Transports that have the system read straight into the reader's memory. */
const STRAIGHT: readonly string[] = ["TCP", "a socket in the file system"];

overEach(
  "a buffer that is transferred during a read is an error",
  async (ends, transport) => {
    const { ours, theirs } = ends;
    const changes: [string, (memory: Bytes) => void][] = [
      ["transferred", (memory) => memory.buffer.transfer()],
      ["shrunk", (memory) => memory.buffer.resize(2)],
      ["shrunk to nothing", (memory) => memory.buffer.resize(0)],
    ];
    for (const size of [1_000, 60_000]) {
      for (const [name, change] of changes) {
        const memory = new Uint8Array(new ArrayBuffer(size, { maxByteLength: size }));
        const reading = ours.read(memory);
        await settled();
        change(memory);
        const sent = bytes(700, size);
        if (STRAIGHT.includes(transport)) {
          // Bytes go along with the memory, where there still is any, and the call says so; the connection goes on.
          await theirs.write(sent.subarray(0, 100));
          await assert.rejects(reading, { name: "TypeError", message: /transferred or shrunk/ });
          await theirs.write(sent.subarray(100));
          const next = await ours.read();
          const left = sent.subarray(next![0] === sent[0] ? 0 : 100);
          const rest = await readExactly(ours, left.length - next!.length);
          assert.equal(hex(concat(next!, rest)), hex(left), `${name}, ${size}`);
          continue;
        }
        // Several messages, which one read may take together.
        await Promise.all([theirs.write(sent.subarray(0, 100)), theirs.write(sent.subarray(100))]);
        const first = await reading;
        assert.ok(first !== null && first.length > 0, name);
        const rest = await readExactly(ours, sent.length - first.length);
        assert.equal(hex(concat(first, rest)), hex(sent), `${name}, ${size}`);
      }
    }
    // Nor do bytes that come after the first message was opened, into memory that is there.
    const memory = new Uint8Array(60_000);
    await theirs.write(bytes(50));
    const got = await ours.read(memory);
    assert.equal(hex(got!), hex(bytes(50)));
  },
);

overEach("a small chunk can be reused at once", async ({ ours, theirs }) => {
  const memory = new Uint8Array(400);
  const writing: Promise<void>[] = [];
  const wanted: Bytes[] = [];
  for (let i = 1; i <= 50; i++) {
    memory.fill(i);
    wanted.push(memory.slice(0, 8 * i));
    writing.push(ours.write(memory.subarray(0, 8 * i)));
  }
  memory.buffer.transfer();
  writing.push(ours.closeWrite());
  assert.equal(hex(await readAll(theirs)), hex(concat(...wanted)));
  await Promise.all(writing);
});

overEach(
  "sends chunks of every kind, and refuses what is not bytes",
  async ({ ours, theirs }) => {
    const write = (chunk: unknown) => ours.write(chunk as Uint8Array);
    const gone = bytes(10);
    gone.buffer.transfer();
    for (const bad of [null, undefined, "text", 5, [1, 2], {}, new Blob(["x"]), gone, gone.buffer]) {
      await assert.rejects(write(bad), TypeError);
    }
    const source = bytes(64);
    const shared = new Uint8Array(new SharedArrayBuffer(64));
    shared.set(source);
    const kinds = [
      source,
      source.buffer,
      new DataView(source.buffer, 3, 20),
      new Uint16Array(source.buffer, 4, 9),
      new BigInt64Array(source.buffer),
      shared,
      shared.buffer,
      source.subarray(5, 6),
      new Uint8Array(0),
    ];
    const wanted = concat(
      source,
      source,
      source.subarray(3, 23),
      source.subarray(4, 22),
      source,
      source,
      source,
      source.subarray(5, 6),
    );
    const writing = (async () => {
      for (const chunk of kinds) await write(chunk);
      await ours.closeWrite();
    })();
    assert.equal(hex(await readAll(theirs)), hex(wanted));
    await writing;
  },
);

overEach(
  "a chunk that loses its memory is an error with the count of sent bytes",
  async ({ ours, theirs }, transport) => {
    if (transport === "streams") return; // What goes into a stream is copied at once.
    for (const how of ["transferred", "shrunk"] as const) {
      await using ends = await transportPair(transport);
      const { ours, theirs } = ends;
      const buffer = new ArrayBuffer(MUCH, { maxByteLength: MUCH });
      const chunk = new Uint8Array(buffer).fill(1);
      const writing = ours.write(chunk).then(() => assert.fail("sent"), (error) => error);
      const behind = ours.write(bytes(5_000)).then(() => assert.fail("sent"), (error) => error);
      await settled();
      if (how === "transferred") buffer.transfer();
      else buffer.resize(1_000);
      let sent = 0;
      const received = (async () => {
        try {
          for (let bytes = await theirs.read(); bytes !== null; bytes = await theirs.read()) {
            assert.ok(bytes.every((byte) => byte === 1));
            sent += bytes.length;
          }
          return "ended";
        } catch {
          return "failed";
        }
      })();
      const failure = await writing;
      assert.ok(failure instanceof TypeError, `${how}: ${failure}`);
      assert.match(
        failure.message,
        /^Cannot send: the buffer was transferred or shrunk when \d+ of its 25165824 bytes/,
      );
      assert.equal(await behind, failure);
      await assert.rejects(ours.write(Uint8Array.of(1)), (error) => error === failure);
      await assert.rejects(ours.write(new Uint8Array(0)), (error) => error === failure);
      // An end now would make the part look like the whole.
      await assert.rejects(ours.closeWrite(), (error) => error === failure);
      // Reading goes on.
      await theirs.write(utf8("answer"));
      assert.equal(hex(await readExactly(ours, 6)), hex(utf8("answer")));
      const told = Number(/when (\d+)/.exec(failure.message)![1]);
      for (let i = 0; i < 100 && sent < told; i++) await settled();
      ours.close();
      await received;
      assert.equal(sent, told, how);
    }
    ours.close();
    theirs.close();
  },
);

overEach(
  "a write after closeWrite() fails and leaves reading alone",
  async ({ ours, theirs }) => {
    const first = bytes(100_000);
    const writing = ours.write(first);
    const ending = ours.closeWrite();
    const late = ours.write(utf8("late")).then(() => assert.fail("sent"), (error) => error);
    const got = readAll(theirs);
    await Promise.all([writing, ending]);
    assert.equal((await late).code, "CLOSED");
    await assert.rejects(ours.write(utf8("later")), CLOSED);
    await assert.rejects(ours.write(new Uint8Array(0)), CLOSED);
    await ours.closeWrite();
    assert.equal(hex(await got), hex(first));
    await theirs.write(utf8("answer"));
    assert.equal(hex(await readExactly(ours, 6)), hex(utf8("answer")));
    await theirs.closeWrite();
    assert.equal(await ours.read(), null);
    assert.equal(await ours.read(), null);
  },
);

overEach(
  "close() fails pending and later calls, also if the peer reads nothing",
  async ({ ours, theirs }) => {
    await theirs.write(utf8("unread"));
    await settled();
    await readExactly(ours, 6);
    const under = [
      ours.read(),
      ours.read(),
      stuck(ours),
      ours.write(new Uint8Array(10)),
      ours.closeWrite(),
    ].map((call) => call.then((value) => value ?? "done", (error) => error.code));
    await settled();
    ours.close();
    ours.close();
    assert.deepEqual(await Promise.all(under), under.map(() => "CLOSED"));
    for (
      const later of [
        () => ours.read(),
        () => ours.read(new Uint8Array(5)),
        () => ours.write(utf8("x")),
        () => ours.write(new Uint8Array(0)),
        () => ours.closeWrite(),
      ]
    ) await assert.rejects(later(), CLOSED);
    await ours[Symbol.asyncDispose]();
  },
);

overEach(
  "close() after closeWrite() ends both directions",
  async ({ ours, theirs }) => {
    const filling = stuck(ours);
    const ending = ours.closeWrite().then(() => "done", (error) => error.code);
    await theirs.write(utf8("unread"));
    await settled();
    ours.close();
    assert.equal(await filling, "CLOSED");
    assert.equal(await ending, "CLOSED");
    await assert.rejects(ours.read(), CLOSED);
  },
);

overEach("closeWrite() fails after close(), even if it succeeded before", async ({ ours, theirs }) => {
  await ours.closeWrite();
  await ours.closeWrite();
  assert.equal(await theirs.read(), null);
  ours.close();
  await assert.rejects(ours.closeWrite(), CLOSED);
});

overEach("an idle connection that is closed refuses every call, also empty writes", async ({ ours }) => {
  ours.close();
  for (
    const later of [
      () => ours.write(new Uint8Array(0)),
      () => ours.write(utf8("x")),
      () => ours.read(),
      () => ours.closeWrite(),
    ]
  ) await assert.rejects(later(), CLOSED);
});

overEach(
  "concurrent writes are sent one after another",
  async ({ ours, theirs }) => {
    const chunks = [600_000, 5, 300_000, 0, 4_096, 1].map((length, i) => bytes(length, i));
    const writing = [...chunks.map((chunk) => ours.write(chunk)), ours.closeWrite()];
    const got = await readAll(theirs);
    assert.ok(hex(got) === hex(concat(...chunks)));
    await Promise.all(writing);
  },
);
