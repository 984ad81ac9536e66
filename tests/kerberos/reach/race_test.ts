/** The first answer of several candidates. */
import assert from "node:assert/strict";
import { AllFailed, firstAnswer } from "../../../kerberos/reach/race.ts";
/** Attempts that end when the test says so. */
function scripted(count: number) {
  const started: number[] = [];
  const aborted: number[] = [];
  const ends = Array.from({ length: count }, () => Promise.withResolvers<string>());
  const began = Array.from({ length: count }, () => Promise.withResolvers<void>());
  const left = Array.from({ length: count }, (_, i) => i);
  const attempt = (i: number, signal: AbortSignal): Promise<string> => {
    started.push(i);
    began[i]!.resolve();
    signal.addEventListener("abort", () => aborted.push(i));
    return ends[i]!.promise;
  };
  return { started, aborted, ends, began, next: () => left.shift(), attempt };
}

const NEVER = 60_000;

Deno.test("firstAnswer(): asks the next at once when one fails, and takes the first answer", async () => {
  const { started, ends, next, attempt } = scripted(3);
  const { signal } = new AbortController();
  ends[0]!.reject(new Error("refused"));
  ends[1]!.resolve("two");
  assert.equal(await firstAnswer({ next, delay: NEVER, atOnce: 8, signal }, attempt), "two");
  assert.deepEqual(started, [0, 1]);
});

Deno.test("firstAnswer(): asks the next beside one that is slow, and ends the losers", async () => {
  const { started, aborted, ends, began, next, attempt } = scripted(3);
  const race = firstAnswer({ next, delay: 1, atOnce: 8, signal: new AbortController().signal }, attempt);
  await began[2]!.promise;
  assert.deepEqual(aborted, []);
  ends[0]!.resolve("slow");
  assert.equal(await race, "slow");
  assert.deepEqual(started, [0, 1, 2]);
  assert.deepEqual(aborted.toSorted(), [0, 1, 2]);
});

Deno.test("firstAnswer(): no more are under way than allowed, and a free place is taken", async () => {
  const { started, ends, began, next, attempt } = scripted(4);
  const race = firstAnswer({ next, delay: 1, atOnce: 2, signal: new AbortController().signal }, attempt);
  await began[1]!.promise;
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(started, [0, 1]);
  ends[1]!.reject(new Error("gone"));
  await began[2]!.promise;
  ends[2]!.resolve("three");
  assert.equal(await race, "three");
  assert.deepEqual(started, [0, 1, 2]);
});

Deno.test("firstAnswer(): reports all failures if all fail, and ends with its signal", async () => {
  const lost = scripted(3);
  for (const end of lost.ends) end.reject(new Error("no"));
  const { signal } = new AbortController();
  const error = await firstAnswer({ next: lost.next, delay: NEVER, atOnce: 8, signal }, lost.attempt).then(
    () => undefined,
    (e) => e,
  );
  assert.ok(error instanceof AllFailed);
  assert.equal(error.failures.length, 3);
  // What an attempt throws at once is its failure too.
  const thrown = scripted(1);
  const throws = () => {
    throw new RangeError("at once");
  };
  await assert.rejects(firstAnswer({ next: thrown.next, delay: NEVER, atOnce: 1, signal }, throws), AllFailed);
  const empty = { next: () => undefined, delay: NEVER, atOnce: 1, signal };
  await assert.rejects(firstAnswer(empty, () => Promise.resolve(1)), AllFailed);
  for (const when of ["before", "under way"]) {
    const { next, attempt, began, aborted } = scripted(2);
    const stop = new AbortController();
    if (when === "before") stop.abort(new Error("enough"));
    const race = firstAnswer({ next, delay: NEVER, atOnce: 8, signal: stop.signal }, attempt);
    if (when === "under way") {
      await began[0]!.promise;
      stop.abort(new Error("enough"));
    }
    await assert.rejects(race, { message: "enough" });
    assert.deepEqual(aborted, when === "before" ? [] : [0]);
  }
});
