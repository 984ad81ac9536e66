/** What is made until a signal is aborted. */
import assert from "node:assert/strict";
import { makeUnlessAborted } from "../../../socks/stream/make_unless_aborted.ts";
import { countedController } from "../../support/counted_signal.ts";
import { closable } from "../../support/controlled_resources.ts";

const REASON = new Error("told to stop");

Deno.test("makeUnlessAborted(): takes what is made in time, and gives up the rest once", async () => {
  const controller = countedController();
  const { signal } = controller;
  const made = closable();
  const given: unknown[] = [];
  const giveUp = (late: unknown) => void given.push(late);
  assert.equal(await makeUnlessAborted(() => Promise.resolve(made), signal, giveUp), made);
  assert.equal(controller.listeners(), 0, "a server asks for very much with one signal");
  await assert.rejects(makeUnlessAborted(() => Promise.reject(REASON), signal, giveUp), (error) => error === REASON);
  assert.equal(controller.listeners(), 0);
  // It is made, and the end comes with it.
  const aborting = makeUnlessAborted(
    () => {
      controller.abort(REASON);
      return Promise.resolve(made);
    },
    signal,
    giveUp,
  );
  await assert.rejects(aborting, (error) => error === REASON);
  for (let turns = 0; turns < 5; turns++) await Promise.resolve();
  assert.deepEqual(given, [made]);
  const begin = () => assert.fail("it was begun behind the end");
  await assert.rejects(makeUnlessAborted(begin, signal, giveUp), (error) => error === REASON);
  // That something cannot be given up is nobody's error.
  const other = new AbortController();
  const [later, never] = [Promise.withResolvers<void>(), () => assert.fail("it cannot be closed")];
  const waiting = makeUnlessAborted(() => later.promise, other.signal, never);
  other.abort(REASON);
  await assert.rejects(waiting, (error) => error === REASON);
  later.resolve();
});
