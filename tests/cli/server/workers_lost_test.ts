/** A worker that is lost: the others go on, another one takes its place, and it is said; what cannot start ends all. */
import assert from "node:assert/strict";
import { ProgramLog } from "../../../cli/log/program_log.ts";
import { Faults } from "../../../cli/log/guard.ts";
import type { CliIo } from "../../../cli/terminal/io.ts";
import { Monitor } from "../../../cli/monitor/monitor.ts";
import type { WatchedServer } from "../../../cli/monitor/ports.ts";
import { pastOf } from "../../../cli/snapshot/snapshot.ts";
import { runWorkers } from "../../../cli/server/workers.ts";
import {
  type FromWorker,
  ownSessionNumber,
  type ToWorker,
  workerOptions,
  type WorkerSlot,
} from "../../../cli/server/worker_slot.ts";
import { SharedReplayCache } from "../../../kerberos/ap/replay/shared.ts";
import type { ServeOptions } from "../../../mod.ts";
import { until } from "../../support/until.ts";

const ADDRESSES = [{ hostname: "127.0.0.1", port: 1080 }];

/** A worker that does what a test says. */
class FakeWorker {
  readonly #monitor = new Monitor();
  onmessage: ((event: MessageEvent<FromWorker>) => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;
  terminated = false;
  deaf = false;
  readonly told: ToWorker[] = [];
  stays = false;
  accepted = 0;
  /** Number of the only session. */
  runs = 0;
  readonly #starts: boolean | "waits";

  constructor(starts: boolean | "waits") {
    this.#starts = starts;
  }

  postMessage(message: ToWorker): void {
    this.told.push(message);
    if (message.type === "start" && this.#starts !== "waits") {
      const answer: FromWorker = this.#starts
        ? { type: "listening", addresses: ADDRESSES }
        : { type: "ended", code: 3 };
      queueMicrotask(() => this.say(answer));
    }
    if (message.type === "stop" && !this.stays) queueMicrotask(() => this.say({ type: "ended", code: 0 }));
    if (message.type === "end") this.say({ type: "end", id: message.id, found: message.session === this.runs });
    if (message.type === "snapshot" && !this.deaf && this.#starts !== "waits") {
      const snapshot = { ...this.#monitor.snapshot(), accepted: this.accepted };
      this.say({ type: "snapshot", id: message.id, snapshot });
    }
  }

  say(message: FromWorker): void {
    this.onmessage?.(new MessageEvent("message", { data: message }));
  }

  crash(): void {
    this.onerror?.(new ErrorEvent("error", { message: "crashed", cancelable: true }));
  }

  terminate(): void {
    this.terminated = true;
  }
}

/** A team whose workers start as `starts` says, by the order in which they are made. */
function team(starts: (made: number) => boolean | Error | "waits" = () => true, silence?: number) {
  const workers: FakeWorker[] = [];
  const stop = new AbortController();
  let said = "";
  let changed = Promise.withResolvers<void>();
  let watched: WatchedServer | undefined;
  const io: CliIo = {
    out: () => {},
    err(text): void {
      said += text;
      changed.resolve();
      changed = Promise.withResolvers();
    },
    stdin: new ReadableStream(),
    stdout: new WritableStream(),
    readPassword: () => Promise.resolve(""),
    signal: stop.signal,
    log: { write: () => {}, dropped: 7, close: () => Promise.resolve() },
  };
  const ended = runWorkers({
    args: [],
    config: {},
    count: 2,
    io,
    log: new ProgramLog("text", io),
    watch: (server, faults) => {
      assert.ok(faults instanceof Faults);
      watched = server;
      return { [Symbol.asyncDispose]: () => Promise.resolve() };
    },
    onListening: () => Promise.resolve(),
    make(): Worker {
      const how = starts(workers.length);
      if (how instanceof Error) {
        workers.push(new FakeWorker(false));
        throw how;
      }
      const worker = new FakeWorker(how);
      workers.push(worker);
      return worker as unknown as Worker;
    },
    retry: 1,
    silence,
  });
  const says = async (pattern: RegExp) => {
    while (!pattern.test(said)) await changed.promise;
  };
  return {
    workers,
    says,
    ended,
    stop: () => stop.abort(),
    take: () => watched!.take(),
    end: (n: number) => watched!.end(n, "why"),
    said: () => said,
  };
}

const places = (workers: readonly FakeWorker[]) =>
  workers.map(({ told: [first] }) => {
    assert.ok(first?.type === "start");
    return [first.slot.index, first.slot.generation, first.slot.ports?.[0]];
  });

Deno.test("workers: one that is lost is replaced; the others continue, and all are stopped", async () => {
  const { workers, says, ended, stop, take, said } = team();
  await says(/Listening on 127\.0\.0\.1:1080, 2 workers/);
  workers[1]!.crash();
  await says(/Worker 2 is there again/);
  assert.deepEqual([workers[1]!.terminated, workers[0]!.terminated], [true, false]);
  workers[0]!.say({ type: "ended", code: 0 });
  await says(/Worker 1 is there again/);
  assert.deepEqual(places(workers), [[0, 0, undefined], [1, 0, 1080], [1, 1, 1080], [0, 1, 1080]]);
  assert.match(said(), /worker 2 failed: crashed\nWorker 2 is lost with its sessions; the others go on/);
  const snapshot = await take();
  assert.deepEqual([snapshot.troubles.worker, snapshot.degraded], [{ count: 2, recent: false }, false]);
  assert.equal(snapshot.logDropped, 7);
  // What the one that has gone still says is nobody's.
  workers[1]!.say({ type: "ended", code: 1 });
  assert.equal((await take()).troubles.worker!.count, 2);
  assert.equal(said().match(/is lost with its sessions/g)?.length, 2);
  assert.ok(!workers[2]!.terminated);
  stop();
  assert.equal(await ended, 0);
  assert.equal(workers.length, 4);
});

Deno.test("workers: a missing one is degraded health, and is tried again", async () => {
  let well = true;
  const { workers, says, ended, stop, take } = team((made) =>
    made === 3 ? new Error("no memory") : made < 2 || (well && made > 3)
  );
  await says(/2 workers/);
  well = false;
  const asked = take();
  workers[1]!.deaf = true;
  workers[1]!.crash();
  await asked;
  await says(/is lost/);
  const snapshot = await take();
  assert.deepEqual([snapshot.degraded, snapshot.troubles.worker!.count], [true, 1]);
  await says(/worker 2 cannot be made: no memory/);
  well = true;
  await says(/Worker 2 is there again/);
  assert.ok(workers.length >= 5);
  stop();
  assert.equal(await ended, 0);
});

Deno.test("workers: a snapshot leaves out one that starts or is silent", async () => {
  const { workers, says, ended, stop, take } = team((made) => made === 2 ? "waits" : true, 400);
  await assert.rejects(take(), /No worker answers/);
  await says(/2 workers/);
  workers[1]!.crash();
  await until("one that waits", () => workers.length === 3);
  const began = performance.now();
  const starting = await take();
  assert.ok(performance.now() - began < 350, "nobody waits for it");
  assert.deepEqual([starting.degraded, starting.troubles.worker!.recent], [true, true]);
  workers[2]!.crash();
  await says(/Worker 2 is there again/);
  assert.equal((await take()).degraded, false);
  workers[3]!.deaf = true;
  assert.deepEqual([(await take()).degraded, (await take()).troubles.worker!.recent], [true, true]);
  workers[0]!.deaf = true;
  await assert.rejects(take(), /No worker answers/);
  workers[3]!.deaf = false;
  assert.equal((await take()).degraded, true);
  stop();
  await ended;
});

Deno.test("workers: counts of a lost one stay, without its sessions", async () => {
  const { workers, says, ended, stop, take } = team();
  await says(/2 workers/);
  [workers[0]!.accepted, workers[1]!.accepted] = [5, 7];
  const first = await take();
  assert.equal(first.accepted, 12);
  workers[1]!.crash();
  await says(/Worker 2 is there again/);
  workers[2]!.accepted = 1;
  const second = await take();
  assert.deepEqual([second.accepted, second.startedAt], [13, first.startedAt]);
  workers[2]!.crash();
  await until("again", async () => workers.length === 4 && !(await take()).degraded);
  assert.equal((await take()).accepted, 13);
  stop();
  await ended;
});

Deno.test("workers: the one that has a session ends it", async () => {
  const { workers, says, end, stop, ended } = team();
  await says(/2 workers/);
  workers[1]!.runs = 4;
  assert.deepEqual([await end(4), await end(5)], [true, false]);
  const asked = workers[0]!.told.find(({ type }) => type === "end");
  assert.deepEqual(asked, { type: "end", id: 1, session: 4, reason: "why" });
  stop();
  await ended;
});

Deno.test("workers: one that has ended is not asked while others drain", async () => {
  const { workers, says, ended, stop, take } = team();
  await says(/2 workers/);
  [workers[0]!.accepted, workers[1]!.accepted, workers[1]!.stays] = [5, 7, true];
  await take();
  stop();
  await until("ended", () => workers[0]!.terminated);
  assert.equal((await take()).accepted, 12);
  workers[1]!.say({ type: "ended", code: 0 });
  await ended;
});

Deno.test("pastOf(): keeps counts, and nothing under way", () => {
  const past = pastOf({
    ...new Monitor().snapshot(),
    troubles: { accept: { count: 3, recent: true } },
    degraded: true,
    draining: true,
    shared: { up: false, onLoss: "refuse" },
    sessionCount: 4,
  });
  assert.deepEqual(past.troubles, { accept: { count: 3, recent: false } });
  assert.deepEqual(
    [past.degraded, past.draining, past.shared, past.sessionCount, past.sessions],
    [false, false, undefined, 0, []],
  );
});

Deno.test("workers: a snapshot does not wait for one lost meanwhile", async () => {
  const { workers, says, ended, stop, take } = team();
  await says(/2 workers/);
  workers[1]!.deaf = true;
  const asked = take();
  workers[1]!.crash();
  const began = performance.now();
  await asked;
  assert.ok(performance.now() - began < 1_500);
  stop();
  await ended;
});

Deno.test("workers: one that cannot start at the start ends all, with its code", async () => {
  for (const bad of [0, 1]) {
    const { workers, ended } = team((made) => made !== bad);
    assert.equal(await ended, 3);
    assert.equal(workers.length, bad + 1);
    assert.ok(workers.every(({ terminated }) => terminated));
  }
});

Deno.test("workers: stopped while one is missing, the pool ends and creates none", async () => {
  const { workers, says, ended, stop } = team((made) => made < 2);
  await says(/2 workers/);
  workers[0]!.crash();
  await says(/is lost/);
  const made = workers.length;
  stop();
  assert.equal(await ended, 0);
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.equal(workers.length, made);
});

Deno.test("workers: session numbers are unique in the process", () => {
  const numbers: number[] = [];
  const slots: WorkerSlot[] = [];
  const options: ServeOptions = { onEvent: ({ session }) => numbers.push(session) };
  const replays = new SharedReplayCache({ capacity: 16 }).memory;
  for (const generation of [0, 1, 2]) {
    for (const index of [0, 1]) {
      const slot = { index, count: 2, generation, ports: undefined, config: {}, replays, run: "" };
      const { onEvent } = workerOptions(options, slot);
      for (const session of [1, 2, 3]) onEvent!({ type: "accepted", session, client: undefined });
      slots.push(slot);
    }
  }
  assert.equal(new Set(numbers).size, numbers.length);
  assert.deepEqual(numbers.slice(0, 6), [1, 3, 5, 2, 4, 6]);
  // Each is known again by the one worker that it belongs to.
  for (const [i, slot] of slots.entries()) {
    const own = numbers.map((number) => ownSessionNumber(number, slot));
    assert.deepEqual(own.slice(3 * i, 3 * i + 3), [1, 2, 3]);
    assert.equal(own.filter((number) => number !== undefined).length, 3);
  }
});
