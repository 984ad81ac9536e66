/** Look-ups side by side: bounded, fair, one for all who ask for the same, and none for nobody. */
import assert from "node:assert/strict";
import { LookUps } from "../../../socks/names/look_ups.ts";
import { ownerOf } from "../../../socks/names/resolver.ts";
import { yieldMicrotasks } from "../../../socks/stream/settling.ts";

/** Look-ups that end when a test says so. */
function lab(ends = true, waiting = 100) {
  const look = new LookUps<string>({ places: 3, perOwner: 2, waiting, ends });
  const begun: string[] = [];
  const ended: string[] = [];
  const open = new Map<string, (found: string) => void>();
  const ask = (name: string, user: string, signal?: AbortSignal) =>
    look.look(name, name, (signal) => {
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
  return { look, begun, ended, ask, askFor, end };
}

Deno.test("so many at one time, a part of them for one, and the others in turn", async () => {
  const { begun, askFor, end, look } = lab();
  void askFor(["a1", "a2", "a3", "a4"], "alice");
  await yieldMicrotasks();
  assert.deepEqual(begun, ["a1", "a2"]);
  void askFor(["a1", "a2"], "alice");
  await yieldMicrotasks();
  assert.equal(look.waiting, 2, "who asks for what is under way needs no place");
  void askFor(["b1", "b2"], "bob");
  void askFor(["c1"], "carol");
  await yieldMicrotasks();
  assert.deepEqual(begun, ["a1", "a2", "b1"]);
  assert.equal(look.waiting, 4);
  await end("b1");
  assert.deepEqual(begun.slice(3), ["b2"], "alice has as many as she may");
  await end("a1");
  assert.deepEqual(begun.slice(4), ["a3"], "who has waited longest for his turn");
  await end("a2");
  assert.deepEqual(begun.slice(5), ["c1"], "before alice comes again");
});

Deno.test("the queue of one is bounded, and does not count against another", async () => {
  const { askFor, ask, look } = lab(true, 3);
  void askFor(["a1", "a2", "a3", "a4", "a5"], "alice");
  await assert.rejects(ask("a6", "alice"), {
    code: "HOST_UNREACHABLE",
    message: "Cannot find a6: 3 look-ups wait for the same user or source",
  });
  void askFor(["b1", "b2", "b3", "b4"], "bob");
  await assert.rejects(ask("b5", "bob"), /3 look-ups wait/);
  assert.equal(look.waiting, 6);
});

Deno.test("many who ask for the same make one look-up, which ends when the last of them has gone", async () => {
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

Deno.test("what nobody waits for is nobody's answer, and its place is free", async () => {
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

Deno.test("a look-up that takes its time to end is nobody's answer meanwhile", async () => {
  const look = new LookUps<string>({ places: 2, perOwner: 2, waiting: 9, ends: true });
  const late = Promise.withResolvers<string>();
  const gone = new AbortController();
  const first = look.look("x", "x", () => late.promise, { signal: gone.signal });
  await yieldMicrotasks();
  gone.abort(new Error("gone"));
  await assert.rejects(first, /gone/);
  assert.equal(await look.look("x", "x", () => Promise.resolve("found"), {}), "found");
  late.reject(new Error("ended"));
});

Deno.test("a look-up that cannot be ended keeps its place, and is joined by whoever asks for the same", async () => {
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

Deno.test("who waits for a place leaves the queue with his signal, and when another has the same looked up", async () => {
  const { begun, look, ask, askFor, end } = lab();
  void askFor(["a1", "a2"], "alice");
  const gone = new AbortController();
  const waiting = ask("a3", "alice", gone.signal);
  const same = ask("b1", "alice");
  assert.equal(look.waiting, 2);
  const others = ask("b1", "bob");
  await yieldMicrotasks();
  assert.deepEqual([look.waiting, begun], [1, ["a1", "a2", "b1"]]);
  gone.abort(new Error("gone"));
  await assert.rejects(waiting, /gone/);
  assert.equal(look.waiting, 0);
  await end("b1");
  assert.deepEqual(await Promise.all([same, others]), ["address of b1", "address of b1"]);
  await assert.rejects(ask("b1", "bob", AbortSignal.abort(new Error("gone before"))), /gone before/);
  assert.deepEqual(begun, ["a1", "a2", "b1"]);
});

Deno.test("a failure is told to all who wait, and gives the place back", async () => {
  const look = new LookUps<string>({ places: 1, perOwner: 1, waiting: 9, ends: true });
  const fail = () => Promise.reject(new Error("no such name"));
  const both = [look.look("x", "x", fail, {}), look.look("x", "x", fail, { user: "bob" })];
  for (const one of both) await assert.rejects(one, /no such name/);
  assert.equal(await look.look("x", "x", () => Promise.resolve("found"), { user: "carol" }), "found");
});

Deno.test("a look-up is for the user wherever he is, and for the source where he is nobody", () => {
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
