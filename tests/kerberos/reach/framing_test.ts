/** Messages over streams. */
import assert from "node:assert/strict";
import { abortable } from "../../../base/deadline.ts";
import { exchangeOverStream, FrameReader, type KdcStream } from "../../../kerberos/reach/framing.ts";

Deno.test("FrameReader: reads messages whole, byte by byte and with trailing bytes, in linear time", () => {
  const stream = new Uint8Array([0, 0, 0, 3, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 1, 9, 0, 0]);
  for (const step of [1, 2, 5, stream.length]) {
    const frames = new FrameReader(3);
    const found: number[][] = [];
    for (let at = 0; at < stream.length; at += step) {
      frames.receive(stream.slice(at, at + step));
      for (let message = frames.next(); message !== undefined; message = frames.next()) found.push([...message]);
    }
    assert.deepEqual(found, [[1, 2, 3], [], [9]]);
    assert.equal(frames.announced, undefined);
  }
  const short = new FrameReader(2);
  short.receive(stream);
  assert.equal(short.announced, 3);
  assert.equal(short.next(), undefined);
  // However few come at a time, memory is taken a few times only.
  const slow = new FrameReader(1 << 16);
  const byte = new Uint8Array([1]);
  slow.receive(new Uint8Array([0, 1, 0, 0]));
  const taken = countArrays(() => {
    for (let i = 0; i < 1 << 16; i++) slow.receive(byte);
  });
  assert.ok(taken < 20, `${taken}`);
  assert.equal(slow.next()?.length, 1 << 16);
});

/** How many arrays of bytes are made meanwhile. */
function countArrays(body: () => void): number {
  const original = Uint8Array;
  let made = 0;
  globalThis.Uint8Array = new Proxy(original, {
    construct(target, given): object {
      made++;
      return Reflect.construct(target, given);
    },
  });
  try {
    body();
  } finally {
    globalThis.Uint8Array = original;
  }
  return made;
}

Deno.test("exchangeOverStream(): closes a stream that is established only after an abort", async () => {
  for (const when of ["before", "writing", "reading"]) {
    const stop = new AbortController();
    const abort = () => stop.abort(new Error("enough"));
    let [closed, writes] = [0, 0];
    const ended = Promise.withResolvers<never>();
    ended.promise.catch(() => {});
    const stream: KdcStream = {
      read: () => {
        if (when === "reading") queueMicrotask(abort);
        return ended.promise;
      },
      write: () => {
        writes++;
        if (when === "writing") queueMicrotask(abort);
        return when === "writing" ? ended.promise : Promise.resolve();
      },
      close: () => {
        closed++;
        ended.reject(new Error("closed"));
      },
    };
    if (when === "before") abort();
    await assert.rejects(exchangeOverStream(stream, new Uint8Array(3), stop.signal), { message: "enough" });
    assert.ok(closed > 0, when);
    assert.equal(writes, when === "before" ? 0 : 1, when);
  }
});

Deno.test("exchangeOverStream(): a stream that cannot be closed ends the call alone", async () => {
  const close = () => {
    throw new Error("cannot be closed");
  };
  const stop = new AbortController();
  const silent: KdcStream = { read: () => new Promise(() => {}), write: () => Promise.resolve(), close };
  const waiting = abortable(exchangeOverStream(silent, new Uint8Array(3), stop.signal), stop.signal);
  stop.abort(new Error("enough"));
  await assert.rejects(waiting, { message: "enough" });
  const answers: KdcStream = { ...silent, read: () => Promise.resolve(new Uint8Array([0, 0, 0, 1, 7])) };
  const { signal } = new AbortController();
  assert.deepEqual(await exchangeOverStream(answers, new Uint8Array(3), signal), new Uint8Array([7]));
});
