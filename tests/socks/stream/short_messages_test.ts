/** Short messages of the record layer: done within the call where the context can, and never behind long ones. */
import assert from "node:assert/strict";
import type { Bytes } from "../../../base/bytes.ts";
import { andThen, type Eventually } from "../../../base/eventually.ts";
import type { GssContext, UnwrappedMessage } from "../../../gss/context.ts";
import type { Connection } from "../../../socks/stream/connection.ts";
import { ProtectedConnection } from "../../../socks/stream/record_layer.ts";
import { contextPair } from "../../support/context_pair.ts";
import { MockContext } from "../../support/mock_mechanism.ts";
import { pipe } from "../../support/pipe.ts";

/** A protected connection, and what reached the connection below so far. */
function over(context: GssContext, below: Partial<Connection> = {}) {
  const frames: Bytes[] = [];
  const connection = {
    write(bytes: Uint8Array): Promise<void> {
      frames.push(bytes.slice() as Bytes);
      return Promise.resolve();
    },
    close(): void {},
    ...below,
  } as unknown as Connection;
  return { frames, ours: new ProtectedConnection({ connection, context, level: "confidentiality" }) };
}

/** Keys are derived with the first message. */
async function ready(ours: ProtectedConnection, frames: Bytes[]): Promise<void> {
  await ours.write(Uint8Array.of(0));
  frames.length = 0;
}

Deno.test("ProtectedConnection: a short message leaves in the call, and one behind another in its turn", async () => {
  using contexts = contextPair();
  const { ours, frames } = over(contexts.ours);
  await ready(ours, frames);
  const first = ours.write(new Uint8Array(64));
  assert.equal(frames.length, 1);
  const second = ours.write(new Uint8Array(64));
  assert.equal(frames.length, 1);
  await Promise.all([first, second]);
  assert.equal(frames.length, 2);
  await ours.write(new Uint8Array(64));
  assert.equal(frames.length, 3);
});

Deno.test("ProtectedConnection: one read below brings one message, as long as they are of one size", async () => {
  using contexts = contextPair();
  const [near, far] = pipe();
  let reads = 0;
  const counted = {
    async read(into: Bytes): Promise<Bytes | null> {
      reads++;
      // As a socket does, which fills no more than the memory given.
      pending ??= await far.read();
      const part = pending!.subarray(0, into.length);
      pending = part.length < pending!.length ? pending!.subarray(part.length) : undefined;
      into.set(part);
      return into.subarray(0, part.length);
    },
    close: () => far.close(),
  } as unknown as Connection;
  let pending: Bytes | null | undefined;
  const sender = new ProtectedConnection({ connection: near, context: contexts.ours, level: "confidentiality" });
  const receiver = new ProtectedConnection({ connection: counted, context: contexts.theirs, level: "confidentiality" });
  for (let i = 0; i < 10; i++) {
    await sender.write(Uint8Array.of(i));
    assert.deepEqual(await receiver.read(), Uint8Array.of(i));
  }
  assert.equal(reads, 10);
  sender.close();
  receiver.close();
});

Deno.test("ProtectedConnection: a small chunk is sealed while as many long ones as may are being sealed", async () => {
  const free = Promise.withResolvers<void>();
  const held: Promise<void>[] = [];
  for (let i = 0; i < 6; i++) {
    const context = new MockContext(true, {});
    const wrap = context.wrap.bind(context);
    context.wrap = (message, options) => free.promise.then(() => wrap(message, options));
    held.push(over(context).ours.write(new Uint8Array(100_000)));
  }
  using contexts = contextPair();
  const { ours, frames } = over(contexts.ours);
  await Promise.all([ours.write(Uint8Array.of(1)), ours.write(Uint8Array.of(2))]);
  assert.equal(frames.length, 2);
  free.resolve();
  await Promise.all(held);
});

Deno.test("ProtectedConnection: places to seal are given back where sealing is done at once", async () => {
  const now = { sealed: 0 };
  const context = Object.assign(new MockContext(true, {}), {
    wrapEventually: (message: Uint8Array): Bytes => {
      now.sealed++;
      return new Uint8Array(message.length + 8);
    },
  });
  const { ours } = over(context);
  for (let i = 0; i < 6; i++) await ours.write(new Uint8Array(10_000));
  assert.equal(now.sealed, 6);
});

Deno.test("ProtectedConnection: nothing is sent for no bytes", async () => {
  using contexts = contextPair();
  const { ours, frames } = over(contexts.ours);
  await ready(ours, frames);
  await ours.write(new Uint8Array(0));
  assert.equal(frames.length, 0);
});

/** Reads two long messages with one call; returns the memory in which the context gave them. */
async function openedMessages(ours: GssContext, theirs: GssContext, name: "unwrap" | "unwrapEventually") {
  const opened: Bytes[] = [];
  const calls = theirs as unknown as Record<string, (token: Bytes, options: unknown) => Eventually<UnwrappedMessage>>;
  const unwrap = calls[name]!.bind(theirs);
  calls[name] = (token, options) =>
    andThen(unwrap(token, options), (message) => {
      opened.push(message.data);
      return message;
    });
  const [near, far] = pipe();
  const sender = new ProtectedConnection({ connection: near, context: ours, level: "confidentiality" });
  const receiver = new ProtectedConnection({ connection: far, context: theirs, level: "confidentiality" });
  const sent = new Uint8Array(100_000).map((_, i) => i);
  const sending = sender.write(sent);
  assert.deepEqual(await receiver.read(new Uint8Array(200_000)), sent);
  await sending;
  sender.close();
  receiver.close();
  return opened;
}

Deno.test("ProtectedConnection: gives up the memory of a message that it has copied, if that is surely its own", async () => {
  using contexts = contextPair();
  const opened = await openedMessages(contexts.ours, contexts.theirs, "unwrapEventually");
  assert.deepEqual(opened.map(({ buffer }) => buffer.detached), [true, true]);
  const foreign = await openedMessages(new MockContext(true, {}), new MockContext(false, {}), "unwrap");
  assert.deepEqual(foreign.map(({ buffer }) => buffer.detached), [false, false], "an unknown context may keep it");
});

Deno.test("ProtectedConnection: goes on to read behind long messages that were only signed", async () => {
  using contexts = contextPair();
  const [near, far] = pipe();
  const sender = new ProtectedConnection({ connection: near, context: contexts.ours, level: "integrity" });
  const receiver = new ProtectedConnection({ connection: far, context: contexts.theirs, level: "integrity" });
  const sent = new Uint8Array(100_000).map((_, i) => i);
  for (let i = 0; i < 3; i++) {
    const sending = sender.write(sent);
    assert.deepEqual(await receiver.read(new Uint8Array(200_000)), sent);
    await sending;
  }
  sender.close();
  receiver.close();
});

/** A context without protection whose messages are kept; it reads each in the call, or later. */
function reading(when: "now" | "later") {
  const read: Bytes[] = [];
  const context = new MockContext(true, {});
  const take = (message: Uint8Array) => void read.push(message.slice() as Bytes);
  const token = (message: Uint8Array) => new Uint8Array(message.length + 8);
  context.wrap = async (message) => {
    await Promise.resolve();
    take(message);
    return token(message);
  };
  const wrapEventually = (message: Uint8Array): Promise<Bytes> => {
    take(message);
    return Promise.resolve(token(message));
  };
  return { read, context: when === "now" ? Object.assign(context, { wrapEventually }) : context };
}

for (const when of ["now", "later"] as const) {
  Deno.test(`ProtectedConnection: a small chunk may be changed and transferred at once (read ${when})`, async () => {
    const { read, context } = reading(when);
    const { ours } = over(context);
    const chunks = [1, 2].map((byte) => new Uint8Array(100).fill(byte));
    const writes = chunks.map((chunk) => ours.write(chunk));
    for (const chunk of chunks) structuredClone(chunk.fill(9), { transfer: [chunk.buffer] });
    await Promise.all(writes);
    assert.deepEqual(read, [1, 2].map((byte) => new Uint8Array(100).fill(byte)));
  });
}

Deno.test("ProtectedConnection: a small chunk that waits for a long one is as it was when it was given", async () => {
  const { read, context } = reading("now");
  const { ours } = over(context);
  const long = ours.write(new Uint8Array(300_000));
  const chunk = new Uint8Array(100).fill(1);
  const small = ours.write(chunk);
  chunk.fill(9);
  await Promise.all([long, small]);
  assert.deepEqual(read.at(-1), new Uint8Array(100).fill(1));
});
