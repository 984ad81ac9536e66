/** The connection of a check: what it waits for, and what it says came instead. */
import assert from "node:assert/strict";
import { Failed } from "../../conform/check.ts";
import { contains } from "../../conform/hex.ts";
import { Raw } from "../../conform/raw.ts";
import { pipe, type PipeEnd } from "../support/pipe.ts";

function open(): [Raw, PipeEnd] {
  const [near, far] = pipe();
  return [new Raw(near, { answer: 40, silence: 20 }), far];
}

/** What came in place of what was expected. */
async function instead(waiting: Promise<unknown>): Promise<string> {
  const error = await waiting.then(() => undefined, (reason) => reason);
  assert.ok(error instanceof Failed, `${error}`);
  return error.got;
}

Deno.test("raw connection: takes bytes in pieces, and leaves the rest", async () => {
  const [raw, far] = open();
  await far.write(Uint8Array.of(1));
  const taking = raw.take(2, "two bytes");
  await far.write(Uint8Array.of(2, 3));
  assert.deepEqual(await taking, Uint8Array.of(1, 2));
  assert.deepEqual(await raw.take(1, "one byte"), Uint8Array.of(3));
  await raw.close();
});

Deno.test("raw connection: says whether silence, an end or a reset came instead, behind which bytes", async () => {
  for (const [end, text] of [["silence", "no more bytes in time"], ["end", "an end"], ["reset", "a reset"]] as const) {
    const [raw, far] = open();
    await far.write(Uint8Array.of(5));
    if (end === "end") await far.closeWrite();
    if (end === "reset") far.close();
    const got = await instead(raw.take(2, "two bytes"));
    assert.equal(got, end === "reset" ? got : `05, ${text}`);
    if (end === "reset") assert.match(got, /a reset$/);
    await raw.close();
  }
});

Deno.test("raw connection: a refusal is 01 FF, behind error tokens at most", async () => {
  const refusal = async (...bytes: readonly number[]) => {
    const [raw, far] = open();
    await far.write(Uint8Array.from(bytes));
    await far.closeWrite();
    return await raw.refusal("a token").then(() => "refused", (error: Failed) => error.got).finally(() => raw.close());
  };
  assert.equal(await refusal(1, 0xff), "refused");
  assert.equal(await refusal(1, 1, 0, 1, 7, 1, 0xff), "refused");
  assert.equal(await refusal(1, 1, 0, 1, 7), "an end");
  assert.equal(await refusal(1, 2, 0, 1, 7, 1, 0xff), "a message of type 2 with 07");
  assert.equal(await refusal(2, 0xff), "02 ff");
});

Deno.test("raw connection: silence is no byte and no end", async () => {
  const [quiet] = open();
  await quiet.silent("nothing");
  await quiet.close();
  const [raw, far] = open();
  await far.write(Uint8Array.of(1));
  assert.equal(await instead(raw.silent("nothing")), "01");
  assert.equal(await instead(raw.silent("nothing")), "01");
  await raw.close();
  const [ended, other] = open();
  await other.closeWrite();
  assert.equal(await instead(ended.silent("nothing")), "an end");
  await ended.close();
});

Deno.test("raw connection: reads on until a mark, or silence", async () => {
  const [raw, far] = open();
  await far.write(Uint8Array.of(1, 2, 3));
  assert.deepEqual(await raw.drainTo(Uint8Array.of(2, 3)), Uint8Array.of(1, 2, 3));
  await far.write(Uint8Array.of(4));
  assert.deepEqual(await raw.drainTo(Uint8Array.of(9)), Uint8Array.of(4));
  assert.equal(await raw.hasMore(), false);
  await raw.close();
});

Deno.test("raw connection: bytes are found among others", () => {
  const all = Uint8Array.of(1, 1, 2, 3);
  assert.deepEqual([[1, 2], [1, 1], [3], [2, 1], [3, 4]].map((part) => contains(all, Uint8Array.from(part))), [
    ...[true, true, true, false, false],
  ]);
});
