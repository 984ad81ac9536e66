/** What comes in tiny pieces costs no more than its bytes: nothing is moved again and again. */
import assert from "node:assert/strict";
import type { Bytes } from "../../../base/bytes.ts";
import { MessageReader } from "../../../socks/stream/message_reader.ts";
import { PieceQueue } from "../../../socks/stream/piece_queue.ts";
import { connectionFromWebSocket } from "../../../socks/stream/web_socket.ts";
import { FrameSplitter } from "../../../socks/wire/frame_splitter.ts";
import { decodeFrame, encodeFrame, FrameType } from "../../../socks/wire/gssapi.ts";

const LARGEST = encodeFrame(FrameType.Encapsulation, new Uint8Array(65_535).map((_, i) => i));

/** Bytes that are copied or set aside while something runs. */
async function moved(run: () => Promise<void> | void): Promise<number> {
  const { set, copyWithin } = Uint8Array.prototype;
  let bytes = 0;
  Uint8Array.prototype.set = function (source, at): void {
    bytes += source.length;
    set.call(this, source, at);
  };
  Uint8Array.prototype.copyWithin = function (target, start, end): typeof this {
    bytes += (end ?? this.length) - start;
    return copyWithin.call(this, target, start, end) as typeof this;
  };
  try {
    await run();
  } finally {
    Uint8Array.prototype.set = set;
    Uint8Array.prototype.copyWithin = copyWithin;
  }
  return bytes;
}

Deno.test("MessageReader: reads the largest frame byte by byte in linear work", async () => {
  let at = 0;
  const connection = { read: () => Promise.resolve(LARGEST.slice(at, ++at)) };
  const reader = new MessageReader(connection as never, LARGEST.length);
  const bytes = await moved(async () => {
    const { token } = await reader.next(decodeFrame);
    assert.deepEqual(token, LARGEST.subarray(4));
  });
  assert.ok(bytes < 5 * LARGEST.length, `${bytes} bytes moved`);
});

Deno.test("MessageReader: does not overwrite returned messages", async () => {
  const frames = [1, 2, 3].map((n) => encodeFrame(FrameType.Authentication, new Uint8Array(300).fill(n)));
  const stream = new Uint8Array(frames.flatMap((frame) => [...frame]));
  for (const size of [1, 7, 305, 400, 1000]) {
    let at = 0;
    const read = () => Promise.resolve(stream.slice(at, at += size));
    const reader = new MessageReader({ read } as never, 1024);
    const tokens: Bytes[] = [];
    for (const _ of frames) tokens.push((await reader.next(decodeFrame)).token);
    assert.deepEqual(tokens, frames.map((frame) => frame.subarray(4)), `pieces of ${size}`);
  }
});

Deno.test("MessageReader: reports an early end and its limit, hands over the rest", async () => {
  const frame = encodeFrame(FrameType.Authentication, new Uint8Array(20));
  const of = (...pieces: readonly Bytes[]) => {
    const left = [...pieces];
    let reads = 0;
    return { read: () => Promise.resolve(++reads > 50 ? Promise.reject(new Error("read on")) : left.shift() ?? null) };
  };
  const early = new MessageReader(of(frame.slice(0, 23)) as never, 100);
  await assert.rejects(early.next(decodeFrame), { code: "UNEXPECTED_END" });
  const endless = Array.from({ length: 40 }, () => new Uint8Array(10).fill(1));
  await assert.rejects(new MessageReader(of(frame.slice(0, 23)) as never, 23).next(decodeFrame), { code: "TOO_LARGE" });
  await assert.rejects(new MessageReader(of(...endless) as never, 200).next(() => undefined), { code: "TOO_LARGE" });
  const reader = new MessageReader(of(new Uint8Array([...frame, 7, 8]), Uint8Array.of(9)) as never, 100);
  await reader.next(decodeFrame);
  const rest = reader.rest();
  assert.deepEqual([await rest.read(), await rest.read(), await rest.read()], [
    Uint8Array.of(7, 8),
    Uint8Array.of(9),
    null,
  ]);
});

Deno.test("FrameSplitter: splits the largest frame byte by byte in linear work", async () => {
  const splitter = new FrameSplitter();
  const bytes = await moved(() => {
    for (let i = 0; i < LARGEST.length - 1; i++) {
      const room = splitter.room(1024);
      room[0] = LARGEST[i]!;
      splitter.push(room.subarray(0, 1));
      assert.equal(splitter.next(), undefined);
    }
  });
  splitter.push(LARGEST.slice(-1));
  assert.deepEqual(splitter.next()!.token, LARGEST.subarray(4));
  assert.ok(bytes < 5 * LARGEST.length, `${bytes} bytes moved`);
});

Deno.test("PieceQueue: joins small pieces, keeps large ones, never overwrites returned ones", async () => {
  const queue = new PieceQueue();
  const bytes = await moved(() => {
    for (let i = 0; i < 500_000; i++) queue.push(Uint8Array.of(i));
  });
  assert.ok(bytes < 5 * 500_000, `${bytes} bytes moved`);
  assert.ok(queue.length < 100, `${queue.length} pieces`);
  let next = 0;
  for (let piece = queue.shift(); piece !== undefined; piece = queue.shift()) {
    for (const byte of piece) assert.equal(byte, next++ & 255);
  }
  assert.equal(next, 500_000);

  const large = new Uint8Array(5_000);
  for (const piece of [Uint8Array.of(1), Uint8Array.of(2), large, Uint8Array.of(3)]) queue.push(piece);
  const given = queue.shift()!;
  assert.deepEqual(given, Uint8Array.of(1, 2));
  queue.push(Uint8Array.of(4));
  assert.deepEqual(given, Uint8Array.of(1, 2));
  assert.equal(queue.shift(), large);
  const last = queue.shift()!;
  assert.deepEqual(last, Uint8Array.of(3, 4));
  queue.push(Uint8Array.of(5));
  assert.deepEqual([last, queue.shift(), queue.shift()], [Uint8Array.of(3, 4), Uint8Array.of(5), undefined]);
});

Deno.test("WebSocket: single bytes are read in few pieces", async () => {
  const socket = { readyState: WebSocket.OPEN, send() {}, close() {} } as unknown as WebSocket;
  const connection = connectionFromWebSocket(socket);
  const messages = 100_000;
  for (let i = 0; i < messages; i++) socket.onmessage!({ data: Uint8Array.of(i).buffer } as MessageEvent);
  let seen = 0;
  let reads = 0;
  while (seen < messages) {
    const piece = await connection.read();
    for (const byte of piece!) assert.equal(byte, seen++ & 255);
    assert.ok(++reads < 50, `${reads} reads`);
  }
  connection.close();
});
