/** A log that is slow, stuck, full, gone and back: lines are lost and counted, and nobody waits. */
import assert from "node:assert/strict";
import { LogQueue, type LogSink } from "../../../cli/log/log_queue.ts";

/** A sink that takes bytes when it is told to, or fails. */
class Sink implements LogSink {
  text = "";
  writes = 0;
  stuck: PromiseWithResolvers<void> | undefined;
  failure: Error | undefined;
  /** Most bytes that it takes at one time. */
  most = Infinity;

  async write(bytes: Uint8Array): Promise<number> {
    this.writes++;
    await this.stuck?.promise;
    if (this.failure !== undefined) throw this.failure;
    const taken = bytes.subarray(0, this.most);
    this.text += new TextDecoder().decode(taken);
    return taken.length;
  }
}

Deno.test("LogQueue: lines arrive whole and in order", async () => {
  const sink = new Sink();
  sink.most = 3;
  const log = new LogQueue(sink);
  const lines = Array.from({ length: 200 }, (_, i) => `line ${i}\n`);
  for (const line of lines) log.write(line);
  await log.close(10_000);
  assert.equal(sink.text, lines.join(""));
  assert.equal(log.dropped, 0);
});

Deno.test("LogQueue: writes in batches, one write at a time", async () => {
  const sink = new Sink();
  sink.stuck = Promise.withResolvers();
  const log = new LogQueue(sink);
  for (let i = 0; i < 1_000; i++) log.write(`${i}\n`);
  await new Promise((resolve) => setTimeout(resolve, 0));
  for (let i = 0; i < 1_000; i++) log.write(`${i}\n`);
  assert.equal(sink.writes, 1);
  sink.stuck.resolve();
  await log.close(10_000);
  assert.ok(sink.writes <= 3, `${sink.writes}`);
  assert.equal(sink.text.split("\n").length, 2_001);
});

Deno.test("LogQueue: drops lines without room, counts them, and marks the gap", async () => {
  for (const limits of [{ maxLines: 10 }, { maxBytes: 100 }]) {
    const sink = new Sink();
    sink.stuck = Promise.withResolvers();
    const log = new LogQueue(sink, limits);
    for (let i = 0; i < 100; i++) log.write(`line ${i.toString().padStart(4)}\n`);
    assert.equal(log.dropped, 90);
    sink.stuck.resolve();
    await new Promise((resolve) => setTimeout(resolve, 0));
    log.write("later\n");
    await log.close(10_000);
    const lines = sink.text.trim().split("\n");
    assert.deepEqual(lines.slice(0, 10), Array.from({ length: 10 }, (_, i) => `line ${i.toString().padStart(4)}`));
    assert.deepEqual(lines.slice(10), ["90 log lines were dropped: the log took no more", "later"]);
    assert.equal(log.dropped, 90);
  }
});

Deno.test("LogQueue: a slow log has few gaps", async () => {
  const sink = new Sink();
  sink.stuck = Promise.withResolvers();
  const log = new LogQueue(sink, { maxBytes: 200_000 });
  const line = `${"a".repeat(9_999)}\n`;
  for (let i = 0; i < 21; i++) log.write(line);
  assert.equal(log.dropped, 1);
  /** Lets what is under way be taken, and nothing behind it: six lines go out together. */
  const step = async () => {
    const { writes, stuck } = sink;
    sink.stuck = Promise.withResolvers();
    stuck!.resolve();
    while (sink.writes === writes) await new Promise((resolve) => setTimeout(resolve, 0));
  };
  while (sink.writes < 1) await Promise.resolve();
  // Room for a few lines is no reason to begin anew; half of the room is.
  await step();
  log.write("too early\n");
  assert.equal(log.dropped, 2);
  await step();
  log.write("in time\n");
  assert.equal(log.dropped, 2);
  const { stuck } = sink;
  sink.stuck = undefined;
  stuck!.resolve();
  await log.close(10_000);
  assert.ok(sink.text.endsWith("\n2 log lines were dropped: the log took no more\nin time\n"), sink.text.slice(-100));
});

Deno.test("LogQueue: counts the lines of a text", () => {
  const sink = new Sink();
  sink.stuck = Promise.withResolvers();
  const log = new LogQueue(sink, { maxLines: 3 });
  log.write("a\nb\nc");
  log.write("d\ne\n");
  log.write("");
  assert.equal(log.dropped, 2);
  sink.stuck.resolve();
});

Deno.test("LogQueue: tries a failed sink again and loses nothing", async () => {
  const sink = new Sink();
  sink.failure = new Deno.errors.BrokenPipe("nobody reads");
  const log = new LogQueue(sink, { retry: 5, maxLines: 2 });
  log.write("one\n");
  log.write("two\n");
  log.write("three\n");
  while (sink.writes < 3) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.equal(sink.text, "");
  sink.failure = undefined;
  while (!sink.text.includes("dropped")) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.equal(sink.text, "one\ntwo\n1 log line was dropped: the log took no more\n");
  await log.close(1_000);
});

Deno.test("LogQueue: waits for a full pipe, and loses or doubles no byte of a line", async () => {
  const sink = new Sink();
  sink.most = 4;
  const log = new LogQueue(sink, { retry: 60_000 });
  log.write("a line\n");
  while (sink.writes < 1) await Promise.resolve();
  sink.failure = new Deno.errors.WouldBlock("full");
  while (sink.writes < 3) await new Promise((resolve) => setTimeout(resolve, 1));
  sink.failure = undefined;
  await log.close(10_000);
  assert.equal(sink.text, "a line\n");
});

Deno.test("LogQueue: close() waits for a slow sink, not for one that is stuck, gone or full", async () => {
  const stuck = new Sink();
  stuck.stuck = Promise.withResolvers();
  const began = performance.now();
  const log = new LogQueue(stuck);
  log.write("a\n");
  await log.close(50);
  assert.ok(performance.now() - began < 2_000);
  stuck.stuck.resolve();
  for (const failure of [new Deno.errors.BrokenPipe("gone"), new Error("No space left on device")]) {
    const gone = new Sink();
    gone.failure = failure;
    const lost = new LogQueue(gone, { retry: 60_000 });
    lost.write("a\n");
    while (gone.writes < 1) await new Promise((resolve) => setTimeout(resolve, 1));
    await lost.close(60_000);
    assert.equal(gone.writes, 2, "it is tried once more");
  }
});
