/** Look-ups of KDCs' names. */
import assert from "node:assert/strict";
import { KdcAddresses } from "../../../kerberos/reach/addresses.ts";

Deno.test("KdcAddresses: a name is looked up once for all callers, a few names at a time", async () => {
  const gates = new Map<string, PromiseWithResolvers<readonly string[]>>();
  const addresses = new KdcAddresses((name) => {
    assert.ok(!gates.has(name), `${name} is looked up twice`);
    const gate = Promise.withResolvers<readonly string[]>();
    gates.set(name, gate);
    return gate.promise;
  });
  const stop = new AbortController();
  const { signal } = new AbortController();
  const left = addresses.of("kdc0", stop.signal);
  const stays = addresses.of("kdc0", signal);
  stop.abort(new Error("enough"));
  await assert.rejects(left, { message: "enough" });
  const others = Array.from({ length: 20 }, (_, i) => addresses.of(`kdc${i + 1}`, signal));
  await Promise.resolve();
  assert.equal(gates.size, 8);
  gates.get("kdc0")!.resolve(["192.0.2.1"]);
  assert.deepEqual(await stays, ["192.0.2.1"]);
  for (let i = 1; i <= 20; i++) {
    while (!gates.has(`kdc${i}`)) await Promise.resolve();
    if (i % 2 === 0) gates.get(`kdc${i}`)!.resolve(["192.0.2.1"]);
    else gates.get(`kdc${i}`)!.reject(new Error("no such name"));
  }
  const ends = await Promise.allSettled(others);
  assert.equal(ends.filter(({ status }) => status === "fulfilled").length, 10);
  // A failure after the last caller has left is not reported.
  const gone = new AbortController();
  const alone = addresses.of("gone", gone.signal);
  gone.abort(new Error("enough"));
  await assert.rejects(alone, { message: "enough" });
  gates.get("gone")!.reject(new Error("no such name"));
  const many = new KdcAddresses(() => Promise.resolve(Array.from({ length: 200 }, (_, i) => `10.0.0.${i}`)));
  assert.equal((await many.of("many", signal)).length, 8);
});

Deno.test("KdcAddresses: a look-up without callers gives up its turn, or serves the next caller", async () => {
  const asked: string[] = [];
  const gate = Promise.withResolvers<readonly string[]>();
  const addresses = new KdcAddresses((name) => {
    asked.push(name);
    return name.startsWith("silent") ? gate.promise : Promise.resolve(["192.0.2.1"]);
  });
  const stop = new AbortController();
  const left = Array.from({ length: 1_000 }, (_, i) => addresses.of(`silent${i}`, stop.signal));
  const { signal } = new AbortController();
  const good = addresses.of("good", signal);
  while (asked.length < 8) await Promise.resolve();
  stop.abort(new Error("enough"));
  for (const { status } of await Promise.allSettled(left)) assert.equal(status, "rejected");
  const again = addresses.of("silent0", signal);
  gate.resolve(["192.0.2.2"]);
  assert.deepEqual(await again, ["192.0.2.2"]);
  assert.deepEqual(await good, ["192.0.2.1"]);
  assert.deepEqual(asked.slice(8), ["good"]);
});
