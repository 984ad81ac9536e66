/** Look-ups side by side: bounded, fair, one for all who ask for the same, and none for nobody. */
import assert from "node:assert/strict";
import { LookUps } from "../../../socks/names/look_ups.ts";
import { ownerOf } from "../../../socks/names/resolver.ts";
import { yieldMicrotasks } from "../../../socks/stream/settling.ts";

/** Look-ups that end when a test says so. */
function lab(ends = true, waiting = 100) {
  const lookUps = new LookUps<string>({ places: 3, perOwner: 2, waiting, abortable: ends });
  const begun: string[] = [];
  const ended: string[] = [];
  const open = new Map<string, (found: string) => void>();
  const ask = (name: string, user: string, signal?: AbortSignal) =>
    lookUps.run({ key: name, name }, (signal) => {
      begun.push(name);
      return new Promise<string>((resolve, reject) => {
        open.set(name, resolve);
        signal.addEventListener("abort", () => {
          ended.push(name);
          if (ends) reject(signal.reason);
        });
      });
    }, { user, signal });
  /** Without anybody to hear how it ends. */
  const askFor = (names: readonly string[], user: string, signal?: AbortSignal) =>
    names.map((name) => ask(name, user, signal).catch(String));
  const end = async (name: string) => {
    open.get(name)!(`address of ${name}`);
    await yieldMicrotasks();
  };
  return { lookUps, begun, ended, ask, askFor, end };
}

Deno.test("LookUps: limit look-ups in total and of one owner, and serve others in turn", async () => {
  const { begun, askFor, end, lookUps } = lab();
  void askFor(["a1", "a2", "a3", "a4"], "alice");
  await yieldMicrotasks();
  assert.deepEqual(begun, ["a1", "a2"]);
  void askFor(["a1", "a2"], "alice");
  await yieldMicrotasks();
  assert.equal(lookUps.waiting, 2, "who asks for what is under way needs no place");
  void askFor(["b1", "b2"], "bob");
  void askFor(["c1"], "carol");
  await yieldMicrotasks();
  assert.deepEqual(begun, ["a1", "a2", "b1"]);
  assert.equal(lookUps.waiting, 4);
  await end("b1");
  assert.deepEqual(begun.slice(3), ["b2"], "alice has as many as she may");
  await end("a1");
  assert.deepEqual(begun.slice(4), ["a3"], "who has waited longest for his turn");
  await end("a2");
  assert.deepEqual(begun.slice(5), ["c1"], "before alice comes again");
});

Deno.test("LookUps: limit the queue of each owner", async () => {
  const { askFor, ask, lookUps } = lab(true, 3);
  void askFor(["a1", "a2", "a3", "a4", "a5"], "alice");
  await assert.rejects(ask("a6", "alice"), {
    code: "HOST_UNREACHABLE",
    message: "Cannot find a6: 3 look-ups wait for the same user or source",
  });
  void askFor(["b1", "b2", "b3", "b4"], "bob");
  await assert.rejects(ask("b5", "bob"), /3 look-ups wait/);
  assert.equal(lookUps.waiting, 6);
});

Deno.test("LookUps: share equal look-ups, which end with the last caller", async () => {
  const { begun, ended, ask, end } = lab();
  const [one, two] = [new AbortController(), new AbortController()];
  const [first, second, third] = [ask("x", "alice", one.signal), ask("x", "bob", two.signal), ask("x", "carol")];
  await yieldMicrotasks();
  assert.deepEqual(begun, ["x"]);
  one.abort(new Error("alice went"));
  await assert.rejects(first, /alice went/);
  assert.deepEqual(ended, []);
  await end("x");
  assert.deepEqual(await Promise.all([second, third]), ["address of x", "address of x"]);
  const again = [ask("x", "bob", two.signal), ask("x", "carol", two.signal)];
  await yieldMicrotasks();
  assert.deepEqual(begun, ["x", "x"]);
  two.abort(new Error("they went"));
  assert.deepEqual((await Promise.allSettled(again)).map(({ status }) => status), ["rejected", "rejected"]);
  assert.deepEqual(ended, ["x", "x"]);
});

Deno.test("LookUps: a look-up without callers is shared by none, and frees its place", async () => {
  const { begun, ask, askFor } = lab();
  const gone = new AbortController();
  void askFor(["x", "y"], "alice", gone.signal);
  void askFor(["z"], "alice");
  await yieldMicrotasks();
  assert.deepEqual(begun, ["x", "y"]);
  gone.abort(new Error("gone"));
  await yieldMicrotasks();
  void ask("x", "bob").catch(() => {});
  await yieldMicrotasks();
  assert.deepEqual(begun, ["x", "y", "z", "x"], "bob's is a new one");
});

Deno.test("LookUps: a look-up that is slow to end is not shared", async () => {
  const lookUps = new LookUps<string>({ places: 2, perOwner: 2, waiting: 9, abortable: true });
  const late = Promise.withResolvers<string>();
  const gone = new AbortController();
  const first = lookUps.run({ key: "x", name: "x" }, () => late.promise, { signal: gone.signal });
  await yieldMicrotasks();
  gone.abort(new Error("gone"));
  await assert.rejects(first, /gone/);
  assert.equal(await lookUps.run({ key: "x", name: "x" }, () => Promise.resolve("found"), {}), "found");
  late.reject(new Error("ended"));
});

Deno.test("LookUps: a look-up that cannot be aborted keeps its place, and later callers share it", async () => {
  const { begun, ask, askFor, end } = lab(false);
  const gone = new AbortController();
  const left = askFor(["x", "y"], "alice", gone.signal);
  void askFor(["z"], "alice");
  await yieldMicrotasks();
  gone.abort(new Error("gone"));
  assert.deepEqual(await Promise.all(left), ["Error: gone", "Error: gone"]);
  await yieldMicrotasks();
  assert.deepEqual(begun, ["x", "y"], "threads are counted, and not those who wait");
  const joined = ask("x", "bob");
  await yieldMicrotasks();
  assert.deepEqual(begun, ["x", "y"]);
  await end("x");
  assert.equal(await joined, "address of x");
  assert.deepEqual(begun, ["x", "y", "z"]);
});

Deno.test("LookUps: a caller leaves the queue with its signal, or when an equal look-up starts", async () => {
  const { begun, lookUps, ask, askFor, end } = lab();
  void askFor(["a1", "a2"], "alice");
  const gone = new AbortController();
  const waiting = ask("a3", "alice", gone.signal);
  const same = ask("b1", "alice");
  assert.equal(lookUps.waiting, 2);
  const others = ask("b1", "bob");
  await yieldMicrotasks();
  assert.deepEqual([lookUps.waiting, begun], [1, ["a1", "a2", "b1"]]);
  gone.abort(new Error("gone"));
  await assert.rejects(waiting, /gone/);
  assert.equal(lookUps.waiting, 0);
  await end("b1");
  assert.deepEqual(await Promise.all([same, others]), ["address of b1", "address of b1"]);
  await assert.rejects(ask("b1", "bob", AbortSignal.abort(new Error("gone before"))), /gone before/);
  assert.deepEqual(begun, ["a1", "a2", "b1"]);
});

Deno.test("LookUps: a failure reaches all callers and frees the place", async () => {
  const lookUps = new LookUps<string>({ places: 1, perOwner: 1, waiting: 9, abortable: true });
  const fail = () => Promise.reject(new Error("no such name"));
  const both = [
    lookUps.run({ key: "x", name: "x" }, fail, {}),
    lookUps.run({ key: "x", name: "x" }, fail, { user: "bob" }),
  ];
  for (const one of both) await assert.rejects(one, /no such name/);
  assert.equal(await lookUps.run({ key: "x", name: "x" }, () => Promise.resolve("found"), { user: "carol" }), "found");
});

Deno.test("ownerOf(): the user from anywhere, or the source of an unauthenticated client", () => {
  assert.equal(ownerOf({ user: "alice", source: "192.0.2.1" }), ownerOf({ user: "alice", source: "192.0.2.2" }));
  assert.notEqual(ownerOf({ user: "alice", source: "192.0.2.1" }), ownerOf({ user: "bob", source: "192.0.2.1" }));
  assert.notEqual(ownerOf({ source: "192.0.2.1" }), ownerOf({ user: "", source: "192.0.2.2" }));
  assert.notEqual(ownerOf({ source: "192.0.2.1" }), ownerOf({ user: "192.0.2.1" }));
  assert.equal(
    ownerOf({ source: "2001:db8::1" }),
    ownerOf({ source: "2001:db8::2" }),
    "one host has a network of 64 bits",
  );
  assert.equal(ownerOf({}), "");
});
