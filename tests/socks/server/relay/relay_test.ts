/** The relay alone: ends, failures, silence, and how much it holds. */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../../../base/bytes.ts";
import { type Deadline, startDeadline } from "../../../../base/deadline.ts";
import { relay, type RelayOptions } from "../../../../socks/server/relay/relay.ts";
import type { Connection } from "../../../../socks/stream/connection.ts";
import { wrapConnection } from "../../../../socks/stream/wrap_connection.ts";
import { pipe, readAll } from "../../../support/pipe.ts";
import { ScriptedConnection } from "../../../support/scripted_connection.ts";
import { hex } from "../../../support/vectors.ts";

function clockOf(): Deadline {
  return startDeadline({ milliseconds: Infinity, reason: () => new Error("no limit") });
}

/** A relay between two pipes, with the far ends. */
function relayed(options: Partial<RelayOptions> = {}) {
  const [client, near] = pipe();
  const [far, target] = pipe();
  const clock = options.clock ?? clockOf();
  const counts = { sent: 0, received: 0 };
  const done = relay([near, far], counts, { clock, timeouts: { idle: Infinity }, ...options }).finally(() =>
    clock[Symbol.dispose]()
  );
  return { client, target, counts, done, clock };
}

Deno.test("relay(): forwards bytes and each end, and counts", async () => {
  const { client, target, counts, done } = relayed();
  await client.write(utf8("question"));
  await client.closeWrite();
  assert.equal(hex(await readAll(target)), hex(utf8("question")));
  // One direction has ended, and the other goes on.
  await target.write(utf8("answer"));
  await target.write(utf8("s"));
  await target.closeWrite();
  assert.equal(hex(await readAll(client)), hex(utf8("answers")));
  await done;
  assert.deepEqual(counts, { sent: 8, received: 7 });
});

Deno.test("relay(): ends both sides with the failure of one", async () => {
  for (const side of ["client", "target"] as const) {
    const { done, ...ends } = relayed();
    ends[side].close();
    await assert.rejects(done, { message: "Pipe is closed" });
    for (const end of [ends.client, ends.target]) await assert.rejects(end.read(), { message: "Pipe is closed" });
  }
});

Deno.test("relay(): ends when it is idle", async () => {
  const silent = relayed({ timeouts: { idle: 30 } });
  await assert.rejects(silent.done, { code: "IDLE_TIMEOUT" });
  await assert.rejects(silent.target.read(), { message: "Pipe is closed" });

  const half = relayed({ timeouts: { idle: Infinity, halfClose: 20 } });
  await half.client.closeWrite();
  await assert.rejects(half.done, { code: "IDLE_TIMEOUT", message: /One side has ended/ });
});

Deno.test("relay(): ends with the clock's reason, wherever it waits", async () => {
  const { done, clock, client, target } = relayed();
  await client.closeWrite();
  assert.equal(await target.read(), null);
  // Nothing waits on the client now: only the target's end can end this.
  clock.abort(new Error("enough"));
  await assert.rejects(done, { message: "enough" });
  await assert.rejects(target.read(), { message: "Pipe is closed" });
});

/** A connection that gives pieces without end, and one whose writes end when they are told to. */
function slowPair() {
  let reads = 0;
  const writes: (() => void)[] = [];
  let stopped = false;
  const stop = Promise.withResolvers<never>();
  stop.promise.catch(() => {});
  const none = { closeWrite: () => Promise.resolve(), [Symbol.asyncDispose]: () => Promise.resolve() };
  const close = () => {
    stopped = true;
    stop.reject(new Error("closed"));
    for (const write of writes) write();
  };
  const source: Connection = {
    ...none,
    close,
    write: () => Promise.resolve(),
    read: (): Promise<Bytes> =>
      stopped || reads >= 1_000 ? stop.promise : Promise.resolve(new Uint8Array([reads++ & 0xff])),
  };
  const sink: Connection = {
    ...none,
    close,
    read: () => stop.promise,
    write: () => stopped ? stop.promise : new Promise((done) => writes.push(done)),
  };
  return { source, sink, writes, reads: () => reads, close };
}

/** Everything that can happen has happened. */
async function settled(): Promise<void> {
  for (let i = 0; i < 200; i++) await Promise.resolve();
}

Deno.test("relay(): holds two writes and one read for a slow reader", async () => {
  const { source, sink, writes, reads, close } = slowPair();
  using clock = clockOf();
  const done = relay([source, sink], { sent: 0, received: 0 }, { clock, timeouts: { idle: Infinity } });
  await settled();
  assert.deepEqual([writes.length, reads()], [2, 3]);
  writes[0]!();
  await settled();
  assert.deepEqual([writes.length, reads()], [3, 4]);
  close();
  await assert.rejects(done, { message: "closed" });
});

Deno.test("relay(): delays bytes by the gate", async () => {
  const free = Promise.withResolvers<void>();
  const { client, target, done } = relayed({ gate: (length) => length === 4 ? free.promise : undefined });
  await client.write(utf8("held"));
  await settled();
  assert.equal(hex(target.sent()), "");
  let came = false;
  const reading = target.read().then((bytes) => {
    came = true;
    return bytes;
  });
  await settled();
  assert.equal(came, false);
  free.resolve();
  assert.equal(hex((await reading)!), hex(utf8("held")));
  client.close();
  await assert.rejects(done);
});

Deno.test("relay(): ends when one side fails while the gate delays bytes", async () => {
  const { client, target, done } = relayed({ gate: () => new Promise<void>(() => {}) });
  let ended = false;
  done.catch(() => {}).finally(() => ended = true);
  await client.write(utf8("held"));
  await settled();
  target.close();
  await settled();
  assert.ok(ended, "at once");
  await assert.rejects(done, { message: "Pipe is closed" });
  await assert.rejects(client.read(), { message: "Pipe is closed" });
});

Deno.test("relay(): ends although calls of a connection never end", async () => {
  const never = () => new Promise<never>(() => {});
  const [, near] = pipe();
  let closed = 0;
  const deaf = {
    read: never,
    write: never,
    closeWrite: never,
    close: () => void closed++,
  } as unknown as Connection;
  using clock = clockOf();
  const done = relay([near, deaf], { sent: 0, received: 0 }, { clock, timeouts: { idle: Infinity } });
  await settled();
  near.close();
  await assert.rejects(done, { message: "Pipe is closed" });
  assert.equal(closed, 1);
});

Deno.test("relay(): forwards what a target has sent that takes no more bytes", async () => {
  const client = new ScriptedConnection();
  const target = new ScriptedConnection();
  using clock = clockOf();
  const counts = { sent: 0, received: 0 };
  const done = relay([client, target], counts, { clock, timeouts: { idle: Infinity } });
  let over = false;
  done.catch(() => {}).finally(() => over = true);
  client.reads[0]!.resolve(utf8("a long upload"));
  await settled();
  target.writes[0]!.reject(new Error("broken pipe"));
  client.reads[1]!.resolve(utf8("more of it"));
  await settled();
  // It is still taken from the client, who may read only when it has sent.
  client.reads[2]!.resolve(utf8("and more"));
  await settled();
  assert.equal(client.reads.length, 4);
  target.reads[0]!.resolve(utf8("413 too large"));
  await settled();
  assert.equal(hex(client.writes[0]!.bytes!), hex(utf8("413 too large")));
  client.writes[0]!.resolve();
  target.reads[1]!.resolve(null);
  await settled();
  assert.equal(client.ends.length, 1, "the client is told that this is all");
  client.ends[0]!.resolve();
  await settled();
  // The client has a moment to read it, before what it sent in vain makes a reset of the end.
  assert.deepEqual([over, client.closes], [false, 0]);
  for (const end of client.ends) end.resolve();
  await settled();
  for (const read of client.reads) read.resolve(null);
  await settled();
  for (const read of client.reads) read.resolve(null);
  await assert.rejects(done, { message: "broken pipe" });
  assert.deepEqual([client.closes, target.closes], [1, 1]);
  assert.deepEqual(counts, { sent: 23, received: 13 });
});

Deno.test("relay(): forwards what a client has sent that takes no more bytes", async () => {
  const client = new ScriptedConnection();
  const target = new ScriptedConnection();
  using clock = clockOf();
  const done = relay([client, target], { sent: 0, received: 0 }, { clock, timeouts: { idle: Infinity } });
  target.reads[0]!.resolve(utf8("nobody reads this"));
  await settled();
  client.writes[0]!.reject(new Error("reset"));
  target.reads[1]!.resolve(utf8("nor this"));
  client.reads[0]!.resolve(utf8("upload"));
  await settled();
  assert.equal(hex(target.writes[0]!.bytes!), hex(utf8("upload")));
  target.writes[0]!.resolve();
  client.reads[1]!.resolve(null);
  await settled();
  assert.equal(target.ends.length, 1);
  target.ends[0]!.resolve();
  await assert.rejects(done, { message: "reset" });
});

Deno.test("relay(): ends when neither side takes bytes, or one has gone", async () => {
  for (const how of ["both", "gone"]) {
    const client = new ScriptedConnection();
    const target = new ScriptedConnection();
    using clock = clockOf();
    const done = relay([client, target], { sent: 0, received: 0 }, { clock, timeouts: { idle: Infinity } });
    client.reads[0]!.resolve(utf8("x"));
    await settled();
    target.writes[0]!.reject(new Error("target takes nothing"));
    client.reads[1]!.resolve(utf8("x"));
    await settled();
    if (how === "gone") client.reads.at(-1)!.reject(new Error("client is gone"));
    else {
      target.reads[0]!.resolve(utf8("x"));
      await settled();
      client.writes[0]!.reject(new Error("client takes nothing"));
      target.reads[1]!.resolve(utf8("x"));
    }
    await assert.rejects(done, { message: how === "gone" ? "client is gone" : "target takes nothing" });
  }
});

Deno.test("relay(): forwards a failure as a failure, not as an end", async () => {
  const ends: Readonly<
    Record<string, (client: ScriptedConnection, target: ScriptedConnection, clock: Deadline) => void>
  > = {
    "the target fails": (_client, target) => target.reads[0]!.reject(new Error("reset")),
    "the client fails": (client) => client.reads[0]!.reject(new Error("reset")),
    "the time is over": (_client, _target, clock) => clock.abort(new Error("idle")),
  };
  for (const [how, end] of Object.entries(ends)) {
    const [client, target] = [new ScriptedConnection(), new ScriptedConnection()];
    using clock = clockOf();
    const done = relay([client, target], { sent: 0, received: 0 }, { clock, timeouts: { idle: Infinity } });
    end(client, target, clock);
    await assert.rejects(done);
    assert.deepEqual([how, client.aborts, target.aborts], [how, 1, 1]);
  }
  const [client, target] = [new ScriptedConnection(), new ScriptedConnection()];
  using clock = clockOf();
  const done = relay([client, target], { sent: 0, received: 0 }, { clock, timeouts: { idle: Infinity } });
  for (const side of [client, target]) side.reads[0]!.resolve(null);
  await settled();
  for (const side of [client, target]) side.ends[0]!.resolve();
  await done;
  assert.deepEqual([client.aborts, target.aborts, client.closes, target.closes], [0, 0, 1, 1]);
});

Deno.test("relay(): fails when an end cannot be forwarded", async () => {
  const [client, target] = [new ScriptedConnection(), new ScriptedConnection()];
  using clock = clockOf();
  const done = relay([client, target], { sent: 0, received: 0 }, { clock, timeouts: { idle: Infinity } });
  client.reads[0]!.resolve(null);
  await settled();
  target.ends[0]!.reject(new Error("not connected"));
  target.reads[0]!.resolve(utf8("last words"));
  await settled();
  assert.equal(hex(client.writes[0]!.bytes!), hex(utf8("last words")));
  client.writes[0]!.resolve();
  target.reads[1]!.resolve(null);
  await settled();
  for (const end of client.ends) end.resolve();
  await settled();
  for (const end of client.ends) end.resolve();
  await settled();
  for (const read of client.reads) read.resolve(null);
  await assert.rejects(done, { message: "not connected" });
});

Deno.test("relay(): closes the target although closing the client throws", async () => {
  const [client, near] = pipe();
  const [far, target] = pipe();
  using clock = clockOf();
  const broken = wrapConnection(near, {
    read: (into) => near.read(into),
    close(): void {
      throw new Error("cannot close");
    },
  });
  const done = relay([broken, far], { sent: 0, received: 0 }, { clock, timeouts: { idle: Infinity } });
  await Promise.all([client.closeWrite(), target.closeWrite()]);
  await assert.rejects(done, { message: "cannot close" });
  await assert.rejects(target.read(), { message: "Pipe is closed" });
});

Deno.test("relay(): a download that is always ready lets timers and other sockets have their turn", async () => {
  let reads = 0;
  let served = false;
  setTimeout(() => served = true, 0);
  const sink: Connection = {
    read: () => Promise.resolve(null),
    write: () => Promise.resolve(),
    closeWrite: () => Promise.resolve(),
    close: () => {},
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const piece = new Uint8Array(65_536);
  // Without turns it ends by the count.
  const source = { ...sink, read: () => Promise.resolve(served || ++reads > 10_000 ? null : piece) };
  using clock = clockOf();
  await relay([source, sink], { sent: 0, received: 0 }, { clock, timeouts: { idle: Infinity } });
  assert.ok(reads < 10_000, `${reads} reads`);
});
