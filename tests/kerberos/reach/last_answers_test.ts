/** Who answered last. */
import assert from "node:assert/strict";
import { LastAnswers } from "../../../kerberos/reach/last_answers.ts";

Deno.test("LastAnswers: remember an answer for five minutes, in a hundred groups, until it fails", () => {
  let now = 0;
  const memory = new LastAnswers(() => now);
  memory.answered("A", "one");
  memory.answered("A", "two");
  memory.failed("A", "one");
  assert.equal(memory.first("A"), "two");
  memory.failed("A", "two");
  assert.equal(memory.first("A"), undefined);
  memory.answered("A", "one");
  now = 5 * 60_000 - 1;
  assert.equal(memory.first("A"), "one");
  now++;
  assert.equal(memory.first("A"), undefined);
  for (let i = 0; i < 101; i++) memory.answered(`R${i}`, "one");
  assert.equal(memory.first("R0"), undefined);
  assert.equal(memory.first("R1"), "one");
  assert.equal(memory.first("R100"), "one");
});
