/** How long a relay lives beside peers that are slow, stuck or gone, and what it holds for them. */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { type Bytes, utf8 } from "../../../../base/bytes.ts";
import { type Deadline, startDeadline } from "../../../../base/deadline.ts";
import { monotonicNow } from "../../../../base/runtime.ts";
import { nextTurn } from "../../../../base/turn.ts";
import { relay, type RelayOptions } from "../../../../socks/server/relay/relay.ts";
import { DirectionBuffers, LARGE, MEDIUM, PROVEN, RelayMemory, SCARCE } from "../../../../socks/server/relay/memory.ts";
import type { Connection } from "../../../../socks/stream/connection.ts";
import { DenoConnection } from "../../../../socks/shell/deno_connection.ts";
import { SHORT_READ } from "../../../../socks/stream/read_size.ts";
import { wrapConnection } from "../../../../socks/stream/wrap_connection.ts";
import { ScriptedConnection, settle } from "../../../support/scripted_connection.ts";
import { tcpPair } from "../../../support/transports.ts";

const LIMIT = 1;

/** A relay between two scripts, on a clock whose time is up when the test says so. */
function relayed(options: Partial<RelayOptions> = {}) {
  const [client, target] = [new TellingConnection(), new TellingConnection()];
  const stop = new AbortController();
  let up: () => Error | undefined = () => assert.fail("no time was started");
  const clock: Deadline = {
    signal: stop.signal,
    aborted: false,
    throwIfAborted: () => {},
    restart: () => {},
    limit: (_milliseconds, reason) => void (up = reason),
    abort: (reason) => stop.abort(reason),
    [Symbol.dispose]: () => {},
  };
  const counts = { sent: 0, received: 0 };
  const done = relay([client, target], counts, { clock, timeouts: { idle: LIMIT }, probeAfter: Infinity, ...options });
  done.catch(() => {});
  /** Says how it ends where the timer runs off now. */
  const endNow = () => (up() as { code?: string } | undefined)?.code;
  /** Lets the time go by, and says how it ends then. */
  const end = () => {
    pass(LIMIT);
    return endNow();
  };
  const stopped = async () => {
    stop.abort(new Error("enough"));
    await assert.rejects(done, { message: "enough" });
  };
  return { client, target, end, endNow, done, stopped };
}

/** Lets time go by in which nothing else happens. */
function pass(milliseconds: number): void {
  const from = monotonicNow();
  while (monotonicNow() - from <= milliseconds);
}

/** A script that says how much has left, and whether its peer is known to be gone. */
class TellingConnection extends ScriptedConnection {
  written = 0;
  probes = 0;
  gone: Error | undefined;

  probe(): Promise<void> {
    this.probes++;
    return this.gone === undefined ? Promise.resolve() : Promise.reject(this.gone);
  }
}

Deno.test("IdleClock: ends an idle relay", async () => {
  const { end, stopped } = relayed();
  assert.equal(end(), "IDLE_TIMEOUT");
  await stopped();
});

for (const way of ["up", "down"] as const) {
  Deno.test(`IdleClock: counts bytes that leave inside one write, ${way}`, async () => {
    const { client, target, end, stopped } = relayed();
    const [from, to] = way === "up" ? [client, target] : [target, client];
    from.written = 5;
    end();
    from.reads[0]!.resolve(new Uint8Array(100));
    await settle();
    assert.equal(to.writes.length, 1);
    assert.equal(end(), "IDLE_TIMEOUT", "none has left");
    for (let i = 0; i < 3; i++) {
      to.written++;
      assert.equal(end(), undefined);
    }
    assert.equal(end(), "IDLE_TIMEOUT");
    await stopped();
  });
}

for (const what of ["received bytes", "the end of a write"]) {
  Deno.test(`relay(): ${what} restart the idle time, also without a count of written bytes`, async () => {
    const long = 200;
    const { client, target, endNow, stopped } = relayed({ timeouts: { idle: long } });
    client.reads[0]!.resolve(new Uint8Array(100));
    await settle();
    pass(long);
    if (what === "received bytes") client.reads[1]!.resolve(new Uint8Array(100));
    else target.writes[0]!.resolve();
    await settle();
    assert.equal(endNow(), undefined);
    pass(long);
    assert.equal(endNow(), "IDLE_TIMEOUT");
    await stopped();
  });
}

Deno.test("IdleClock: does not count the delay of the gate", async () => {
  const free = Promise.withResolvers<void>();
  const { client, target, end, stopped } = relayed({ gate: () => free.promise });
  client.reads[0]!.resolve(utf8("held"));
  await settle();
  for (let i = 0; i < 3; i++) assert.equal(end(), undefined);
  assert.equal(target.writes.length, 0);
  free.resolve();
  await settle();
  assert.equal(target.writes.length, 1);
  assert.equal(end(), "IDLE_TIMEOUT");
  await stopped();
});

Deno.test("IdleClock: has its own time once one side has ended", async () => {
  const { client, target, end, stopped } = relayed({ timeouts: { idle: 1e6, halfClose: LIMIT } });
  target.reads[0]!.resolve(new Uint8Array(1));
  await settle();
  client.reads[0]!.resolve(null);
  await settle();
  target.ends[0]!.resolve();
  await settle();
  client.written++;
  assert.equal(end(), undefined);
  assert.equal(end(), "IDLE_TIMEOUT");
  await stopped();
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** A client that sends to a target that takes nothing: two writes wait, and one read is under way. */
async function stuck(options: Partial<RelayOptions> = {}) {
  const made = relayed({ timeouts: { idle: Infinity }, probeAfter: 1, ...options });
  for (let i = 0; i < 2; i++) {
    made.client.reads[i]!.resolve(new Uint8Array(10));
    await settle();
  }
  assert.deepEqual([made.client.reads.length, made.target.writes.length], [3, 2]);
  return made;
}

Deno.test("ClientProbe: ends the relay of a client that has gone while the target takes nothing", async () => {
  const { client, target, done } = await stuck();
  await until(() => client.probes > 1);
  client.gone = new Error("reset by peer");
  await assert.rejects(done, { message: "reset by peer" });
  assert.deepEqual([client.aborts, target.aborts, target.probes], [1, 1, 0]);
});

Deno.test("ClientProbe: ends the relay after a failed read only while the target takes nothing", async () => {
  const { client, target, done } = await stuck();
  let [moving, written] = [true, 0];
  Object.defineProperty(target, "written", { get: () => moving ? ++written : written });
  let over = false;
  done.catch(() => {}).finally(() => over = true);
  client.reads[2]!.reject(new Error("reset by peer"));
  const turns = monotonicNow();
  await until(() => monotonicNow() - turns > 20);
  assert.deepEqual([over, client.probes], [false, 0]);
  moving = false;
  await assert.rejects(done, { message: "reset by peer" });
});

Deno.test("ClientProbe: does not probe while bytes flow, nor after the end", async () => {
  const { client, target, stopped } = await stuck();
  target.writes[0]!.resolve();
  target.writes[1]!.resolve();
  await settle();
  const { probes } = client;
  const from = monotonicNow();
  await until(() => monotonicNow() - from > 20);
  assert.equal(client.probes, probes);
  await stopped();
});

Deno.test("ClientProbe: probes a client that the gate delays", async () => {
  const { client, done } = relayed({ timeouts: { idle: Infinity }, probeAfter: 1, gate: () => new Promise(() => {}) });
  client.reads[0]!.resolve(utf8("held"));
  client.gone = new Error("reset by peer");
  await assert.rejects(done, { message: "reset by peer" });
});

/** A client over a socket of Node's, which can be reset, and the server's end of it. */
async function resettable(): Promise<[Socket, Connection]> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const socket = connect(listener.addr.port, "127.0.0.1");
  socket.on("error", () => {});
  return [socket, new DenoConnection(await listener.accept())];
}

Deno.test("ClientProbe: notices a reset over sockets", async () => {
  const [socket, near] = await resettable();
  const [far, silent] = await tcpPair();
  using clock = startDeadline({ milliseconds: Infinity, reason: () => undefined });
  const counts = { sent: 0, received: 0 };
  const done = relay([near, far], counts, { clock, timeouts: { idle: Infinity }, probeAfter: 20 });
  done.catch(() => {});
  // More than every socket on the way holds.
  socket.write(new Uint8Array(64 << 20));
  let before = -1;
  while (before !== counts.sent) {
    before = counts.sent;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  socket.resetAndDestroy();
  await assert.rejects(done, { code: "ECONNRESET" });
  silent.close();
});

Deno.test("probe(): reports an unread reset, and costs a living peer nothing", async () => {
  const [socket, near] = await resettable();
  socket.write("unread");
  for (let i = 0; i < 3; i++) await near.probe!();
  assert.equal((await near.read())!.length, 6);
  socket.resetAndDestroy();
  let failure: unknown;
  while (failure === undefined) failure = await near.probe!().then(() => undefined, (error) => error);
  assert.equal((failure as { code: string }).code, "ECONNRESET");
  // What the system said once holds for every later call, and makes no end of what is read.
  for (const call of [() => near.read(), () => near.probe!(), () => near.write(utf8("x"))]) {
    await assert.rejects(call(), { code: "ECONNRESET" });
  }
  near.close();
  await near.probe!();

  const [here, there] = await tcpPair();
  await here.probe!();
  await here.closeWrite();
  // This side has ended: what the system says of that is no news of the peer.
  await here.probe!();
  assert.equal(await there.read(), null);
  here.close();
  there.close();
});

Deno.test("RelayMemory: gives large buffers to proven relays, small ones when short", () => {
  const memory = new RelayMemory(4 * LARGE, 2 * LARGE);
  const taken: Bytes[] = [];
  const take = (proven: boolean) => {
    taken.push(memory.acquire(proven));
    return taken.at(-1)!.length;
  };
  assert.equal(take(false), MEDIUM);
  assert.equal(take(true), LARGE);
  assert.equal(take(true), MEDIUM, "large ones have their part");
  while (memory.used + MEDIUM <= 4 * LARGE) assert.equal(take(false), MEDIUM);
  assert.deepEqual([take(true), take(false)], [SCARCE, SCARCE]);
  for (const buffer of taken) memory.release(buffer, buffer.length, true);
  assert.equal(memory.used, 0);
  const again = memory.acquire(true);
  assert.ok(taken.includes(again), "used again");
  memory.release(again, LARGE, false);
  assert.ok(memory.acquire(true) !== again, "somebody may still have it");
});

/** What a peer sends in one write reaches the other in one read, however short the reads of a relay that waits are. */
for (const length of [5, SHORT_READ, SHORT_READ + 44, 1_000]) {
  Deno.test(`relay(): ${length} bytes reach a server in one piece, as some read once`, async () => {
    const [[client, near], [far, target]] = [await tcpPair(), await tcpPair()];
    using clock = startDeadline({ milliseconds: Infinity, reason: () => new Error("no limit") });
    const pieces: number[] = [];
    const ends = [near, far].map((end) =>
      wrapConnection(end, {
        read: (into) => end.read(into),
        write: (bytes) => (pieces.push(bytes.length), end.write(bytes)),
      })
    );
    const done = relay([ends[0]!, ends[1]!], { sent: 0, received: 0 }, { clock, timeouts: { idle: Infinity } });
    for (const [from, to] of [[client, target], [target, client], [client, target]] as const) {
      const sent = Uint8Array.from({ length }, (_, i) => i);
      await from.write(sent);
      assert.deepEqual(await to.read(new Uint8Array(4_096)), sent);
    }
    assert.deepEqual(pieces, [length, length, length]);
    await Promise.all([client.closeWrite(), target.closeWrite()]);
    await done;
    for (const end of [client, target]) end.close();
  });
}

Deno.test("relay(): bytes of a short read go on in front of a failure, and in front of an end", async () => {
  const broken = relayed({ timeouts: { idle: Infinity } });
  const failure = new Error("reset");
  broken.client.reads[0]!.resolve(new Uint8Array(SHORT_READ));
  await settle();
  broken.client.reads[1]!.reject(failure);
  await assert.rejects(broken.done, failure);
  assert.equal(broken.target.writes[0]?.bytes?.length, SHORT_READ);

  const { client, target, done } = relayed({ timeouts: { idle: Infinity } });
  client.reads[0]!.resolve(new Uint8Array(SHORT_READ));
  await settle();
  client.reads[1]!.resolve(null);
  await nextTurn();
  await settle();
  assert.equal(target.writes[0]?.bytes?.length, SHORT_READ);
  target.writes[0]!.resolve();
  await settle();
  assert.equal(target.ends.length, 1);
  target.ends[0]!.resolve();
  target.reads[0]!.resolve(null);
  await settle();
  client.ends[0]!.resolve();
  await done;
});

Deno.test("DirectionBuffers: grow with the bytes transferred", () => {
  const memory = new RelayMemory();
  {
    using room = new DirectionBuffers(memory);
    assert.equal(room.acquire().length, SHORT_READ);
    room.learn(5, SHORT_READ);
    assert.equal(room.acquire().length, SHORT_READ);
    room.learn(SHORT_READ, SHORT_READ);
    assert.equal(room.acquire().length, 1_024);
    for (const count of [100, 1_024, 5]) room.learn(count, count === 5 ? 16_384 : 1_024);
    assert.equal(room.acquire().length, 1_024);
    room.learn(5, 1_024);
    assert.equal(room.acquire().length, SHORT_READ);
    for (const count of [SHORT_READ, 1_024, 16_384]) room.learn(count, count);
    assert.equal(memory.used, 0);
    assert.equal(room.acquire().length, MEDIUM);
    while (memory.used < 3 * MEDIUM) room.acquire();
    for (let carried = 0; carried < PROVEN; carried += MEDIUM) room.learn(MEDIUM, MEDIUM);
    const large = room.acquire();
    assert.equal(large.length, LARGE);
    structuredClone(large, { transfer: [large.buffer] });
    room.release(large);
    assert.equal(memory.used, 3 * MEDIUM);
    room.release(large);
    assert.equal(memory.used, 3 * MEDIUM, "once");
  }
  assert.equal(memory.used, 0, "whatever was not given back");
});

Deno.test("DirectionBuffers: keep their size while reads return a good part of the buffer that there was", () => {
  using room = new DirectionBuffers(new RelayMemory());
  for (const full of [SHORT_READ, 1_024, 16_384]) room.learn(full, full);
  room.learn(MEDIUM / 16, MEDIUM);
  assert.equal(room.acquire().length, MEDIUM, "it is not the buffer that was wanted");
  room.learn(MEDIUM / 16 - 1, MEDIUM);
  assert.equal(room.acquire().length, 1_024);
});

Deno.test("DirectionBuffers: a small buffer is used again, by one read at a time", () => {
  using room = new DirectionBuffers(new RelayMemory());
  const [first, second] = [room.acquire(), room.acquire()];
  room.release(first);
  assert.equal(room.acquire(), first);
  assert.notEqual(room.acquire(), first);
  room.release(second);
  room.learn(SHORT_READ, SHORT_READ);
  assert.equal(room.acquire().length, 1_024, "what is too small is let go");
});

for (const how of ["ends", "fails to read", "fails to write", "is stuck"]) {
  Deno.test(`RelayMemory: is free after the end of a relay: one side ${how}`, async () => {
    const memory = new RelayMemory();
    const { client, target, done, stopped } = relayed({ timeouts: { idle: Infinity }, memory });
    for (let i = 0; i < 5; i++) {
      client.reads[i]!.resolve(i === 0 ? new Uint8Array(1_024) : client.reads[i]!.bytes as Bytes);
      await settle();
      if (i < 4) target.writes[i]!.resolve();
      await settle();
    }
    assert.equal(memory.used, 2 * MEDIUM);
    if (how === "is stuck") return void await stopped().then(() => assert.equal(memory.used, 0));
    if (how === "fails to read") client.reads[5]!.reject(new Error("reset"));
    if (how === "fails to write") {
      target.writes[4]!.reject(new Error("reset"));
      client.reads[5]!.resolve(new Uint8Array(1));
      await settle();
      client.reads[6]!.reject(new Error("reset"));
    }
    if (how === "ends") {
      target.writes[4]!.resolve();
      client.reads[5]!.resolve(null);
      await settle();
      target.ends[0]!.resolve();
      target.reads[0]!.resolve(null);
      await settle();
      client.ends[0]!.resolve();
      await done;
    } else await assert.rejects(done);
    assert.equal(memory.used, 0);
  });
}

Deno.test("RelayMemory: holds less than 100 KiB for a client that reads nothing", async () => {
  const memory = new RelayMemory();
  const held: (() => Promise<void>)[] = [];
  for (let i = 0; i < 100; i++) {
    const { client, target, stopped } = relayed({ timeouts: { idle: Infinity }, memory });
    // As much as sockets take before they take no more, and then what waits.
    for (let at = 0, read = 0; at < 9 << 20; read++) {
      const bytes = read === 0 ? new Uint8Array(1_024) : target.reads[read]!.bytes as Bytes;
      at += bytes.length;
      target.reads[read]!.resolve(bytes);
      await settle();
      if (at < 8 << 20) client.writes[read]!.resolve();
      await settle();
      await nextTurn();
      if (target.reads.length === read + 1) break;
    }
    held.push(stopped);
  }
  assert.ok(memory.used <= 100 * 3 * MEDIUM, `${memory.used / 100} bytes each`);
  assert.ok(memory.used >= 100 * 2 * MEDIUM, "they wait");
  for (const stop of held) await stop();
  assert.equal(memory.used, 0);
});
