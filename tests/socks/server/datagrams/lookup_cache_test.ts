/** Where datagrams to names go: every address has its turn, and no name holds up another. */
import assert from "node:assert/strict";
import { fail } from "node:assert/strict";
import type { Resolver } from "../../../../socks/names/resolver.ts";
import { REOPEN_PAUSE } from "../../../../socks/server/datagrams/reopening_socket.ts";
import { until, within } from "../../../support/waiting.ts";
import { scriptedEgress, systemError } from "../../../support/scripted_udp.ts";

const [A, B, SIX, SEVEN] = ["45.79.0.30", "45.79.0.31", "2a01::30", "2a01::31"];

function knows(names: Readonly<Record<string, readonly string[]>>): Resolver {
  return (name) => names[name] === undefined ? Promise.reject(systemError("ENOTFOUND")) : Promise.resolve(names[name]);
}

Deno.test("UDP egress: sends to the next address when one fails", async () => {
  const { udp, send, got } = await scriptedEgress({ resolve: knows({ dual: [A!, B!, SIX!] }) });
  // A host without IPv4: no route, and it may be that there is not even a socket.
  udp.failSend = (to) => to.hostname.includes(":") ? undefined : systemError("ENETUNREACH");
  await send("one", "dual");
  await send("two", "dual");
  assert.deepEqual(udp.sent, [`one to [${SIX}]:53`, `two to [${SIX}]:53`]);
  udp.sockets.at(-1)!.onDatagram(new TextEncoder().encode("answer"), { hostname: SIX!, port: 53 });
  // Nobody was written to at the addresses to which nothing could be sent.
  udp.sockets[0]!.onDatagram(new TextEncoder().encode("forged"), { hostname: A!, port: 53 });
  assert.deepEqual(got, [`answer from [${SIX}]:53`]);
  // One datagram is one datagram: it went to one of them.
  assert.equal(udp.sent.length, 2);
});

Deno.test("UDP egress: tries a missing family once per pause", async () => {
  const { udp, send, clock } = await scriptedEgress({ resolve: knows({ dual: [A!, SIX!], four: [A!, B!] }) });
  udp.failBind = ({ hostname }) => hostname === "0.0.0.0" ? systemError("EAFNOSUPPORT") : undefined;
  for (let i = 0; i < 100; i++) await send("x", "dual");
  for (let i = 0; i < 100; i++) await assert.rejects(send("x", "four"), { code: "EAFNOSUPPORT" });
  for (let i = 0; i < 100; i++) await assert.rejects(send("x", A!), { code: "EAFNOSUPPORT" });
  assert.deepEqual(udp.asked, ["0.0.0.0:0", "[::]:0"]);
  assert.equal(udp.sent.length, 100);
  clock.time += REOPEN_PAUSE;
  await assert.rejects(send("x", A!), { code: "EAFNOSUPPORT" });
  assert.equal(udp.asked.length, 3);
});

Deno.test("AddressChoice: moves on after 250 ms without an answer, later each round", async () => {
  const { udp, send, clock } = await scriptedEgress({ resolve: knows({ many: [A!, B!, SIX!, SEVEN!] }) });
  const at = async (time: number) => {
    clock.time = time;
    await send(String(time), "many");
    return udp.sockets.flatMap(({ sent }) => sent).find(({ text }) => text === String(time))!.to;
  };
  // The first of those that are not answered is what counts, and not how many there are.
  assert.deepEqual([await at(0), await at(100), await at(249)], Array(3).fill(`${A}:53`));
  assert.deepEqual([await at(250), await at(300), await at(499)], Array(3).fill(`[${SIX}]:53`));
  assert.equal(await at(500), `${B}:53`);
  assert.equal(await at(5_000), `[${SEVEN}]:53`);
  assert.equal(await at(5_250), `${A}:53`);
  // The second round has twice the time.
  assert.equal(await at(5_749), `${A}:53`);
  assert.equal(await at(5_750), `[${SIX}]:53`);
  // Whoever sends once a day goes round, and the time of no round is longer than a minute.
  for (let i = 1; i < 100; i++) await at(i * 86_400_000);
  const [last] = [await at(100 * 86_400_000)];
  assert.equal(await at(100 * 86_400_000 + 59_999), last);
  assert.notEqual(await at(100 * 86_400_000 + 60_000), last);
});

Deno.test("AddressChoice: keeps the address that has answered", async () => {
  const { udp, send, clock, got, drops } = await scriptedEgress({ resolve: knows({ many: [A!, B!, SIX!] }) });
  const answer = (hostname: string) =>
    udp.sockets.find((socket) => socket.hostname.includes(":") === hostname.includes(":"))!
      .onDatagram(new TextEncoder().encode("answer"), { hostname, port: 53 });
  await send("1", "many");
  clock.time = 300;
  await send("2", "many");
  // From where nothing was sent nothing is taken, and it counts for nothing.
  answer(B!);
  assert.deepEqual([got.length, ...drops], [0, "unsolicited"]);
  answer(A!);
  assert.deepEqual(got, [`answer from ${A}:53`]);
  for (clock.time = 1_000; clock.time < 1_000_000; clock.time += 100_000) await send("more", "many");
  // The other one that was written to may answer, late, and changes nothing.
  answer(SIX!);
  assert.equal(got.length, 2);
  await send("last", "many");
  assert.deepEqual(udp.sockets.map(({ sent }) => sent.length), [12, 1]);
  udp.failSend = (to) => to.hostname === A ? systemError("EHOSTUNREACH") : undefined;
  await send("away", "many");
  assert.ok(udp.sent.includes(`away to [${SIX}]:53`));
});

Deno.test("AddressChoice: skips addresses that rules deny", async () => {
  const options = { resolve: knows({ many: [A!, B!, "10.0.0.1"] }) };
  const { udp, send, clock } = await scriptedEgress(options, [`deny ${A}`, "allow *"]);
  for (const time of [0, 300, 600, 900]) {
    clock.time = time;
    await send("x", "many");
  }
  assert.deepEqual(udp.sent, Array(4).fill(`x to ${B}:53`));
});

Deno.test("UDP egress: tries a datagram that is too large once", async () => {
  const { udp, send } = await scriptedEgress({ resolve: knows({ dual: [A!, SIX!] }) });
  let tried = 0;
  udp.failSend = () => (tried++, new RangeError("too large"));
  await assert.rejects(send("x", "dual"), RangeError);
  assert.equal(tried, 1);
});

Deno.test("AddressChoice: tries eight addresses, families alternating", async () => {
  const addresses = Array.from({ length: 200 }, (_, i) => `45.79.0.${i + 1}`);
  const { udp, send } = await scriptedEgress({ resolve: knows({ many: [...addresses, SIX!] }) });
  const tried: string[] = [];
  udp.failSend = (to) => (tried.push(to.hostname), systemError("EHOSTUNREACH"));
  await assert.rejects(send("x", "many"), { code: "EHOSTUNREACH" });
  assert.deepEqual(tried, [addresses[0], SIX, ...addresses.slice(1, 7)]);
});

Deno.test("UDP egress: refuses link-local addresses without an interface", async () => {
  const { udp, send } = await scriptedEgress({ resolve: knows({ local: ["fe80::1", A!] }) }, [
    "allow fe80::/10",
    "allow *",
  ]);
  await assert.rejects(send("x", "fe80::1"), {
    code: "HOST_UNREACHABLE",
    message: /fe80::1: it does not say on which/,
  });
  assert.deepEqual(udp.asked, []);
  await send("x", "local");
  assert.deepEqual(udp.sent, [`x to ${A}:53`]);
});

/** A resolver that answers when it is told to. */
function slow() {
  const asked: string[] = [];
  const answers = new Map<string, PromiseWithResolvers<readonly string[]>>();
  const signals: AbortSignal[] = [];
  const resolve: Resolver = (name, { signal }) => {
    asked.push(name);
    if (signal !== undefined) signals.push(signal);
    const answer = Promise.withResolvers<readonly string[]>();
    answers.set(name, answer);
    return answer.promise;
  };
  return { asked, signals, resolve, answer: (name: string, found: string[]) => answers.get(name)!.resolve(found) };
}

Deno.test("LookupCache: delays only datagrams to the name that is looked up", async () => {
  const { resolve, asked, answer } = slow();
  const { udp, send } = await scriptedEgress({ resolve });
  let waits = 0;
  const onWait = () => void waits++;
  const waiting = [1, 2, 3, 4].map((n) => send(`silent ${n}`, "silent", onWait));
  for (let i = 0; i < 100; i++) await assert.rejects(send("x", "silent", onWait), { code: "LOOKUP_LIMIT" });
  assert.deepEqual([asked, waits], [["silent"], 4]);
  await send("address", A!, onWait);
  const other = send("other", "other", onWait);
  answer("other", [B!]);
  await other;
  // Known by now, so it waits for nothing.
  waits = 0;
  await send("again", "other", onWait);
  assert.deepEqual([waits, asked], [0, ["silent", "other"]]);
  answer("silent", [A!]);
  await Promise.all(waiting);
  const texts = ["address", "other", "again", "silent 1", "silent 2", "silent 3", "silent 4"];
  assert.deepEqual(udp.sockets.flatMap(({ sent }) => sent.map(({ text }) => text)), texts);
});

Deno.test("LookupCache: limits the look-ups at one time", async () => {
  const { resolve, asked, answer } = slow();
  const { send } = await scriptedEgress({ resolve });
  const waiting = Array.from({ length: 16 }, (_, i) => send("x", `name${i}`));
  await assert.rejects(send("x", "one-more"), { code: "LOOKUP_LIMIT", message: /one-more is not/ });
  assert.equal(asked.length, 16);
  answer("name0", [A!]);
  await waiting[0];
  const late = send("x", "one-more");
  answer("one-more", [A!]);
  await late;
  for (let i = 1; i < 16; i++) answer(`name${i}`, [A!]);
  await Promise.all(waiting);
});

Deno.test("LookupCache: limits the time of a look-up, and keeps failures for a while", async () => {
  const { resolve, asked, signals } = slow();
  const { send, egress, clock } = await scriptedEgress({ resolve, lookupTimeout: 20 });
  await assert.rejects(within(5_000, "look-up", send("x", "silent")), {
    code: "CONNECT_TIMEOUT",
    message: /silent was not found within 20 ms/,
  });
  assert.ok(signals[0]!.aborted);
  for (let i = 0; i < 50; i++) await assert.rejects(send("x", "silent"), { code: "CONNECT_TIMEOUT" });
  assert.equal(asked.length, 1);
  clock.time += 1_000;
  const second = send("x", "silent");
  await until(() => asked.length === 2);
  egress.close();
  await assert.rejects(second, { code: "GENERAL_FAILURE", message: /Association has ended/ });
  assert.ok(signals[1]!.aborted);
  await assert.rejects(send("x", A!), /Association has ended/);
  await assert.rejects(send("x", "another"), /Association has ended/);
  assert.equal(asked.length, 2);
  await assert.rejects(scriptedEgress({ lookupTimeout: -1 }), TypeError);
  // A resolver that throws has not found it either.
  const throwing = await scriptedEgress({ resolve: () => fail("thrown") });
  await assert.rejects(throwing.send("x", "any"), { message: "thrown" });
});

Deno.test("LookupCache: forgets the name used longest ago", async () => {
  const asked: string[] = [];
  const resolve: Resolver = (name) => Promise.resolve((asked.push(name), [A!]));
  const { send } = await scriptedEgress({ resolve, maxDestinations: 2 });
  for (const name of ["a", "b", "a", "c", "a", "b"]) await send("x", name);
  assert.deepEqual(asked, ["a", "b", "c", "b"]);
});

Deno.test("UDP egress: judges a client that has moved by its new address", async () => {
  const { udp, send, egress } = await scriptedEgress({}, [
    "allow 45.79.0.30,from=192.0.2.0/24",
    "allow 45.79.0.31,from=198.51.100.0/24",
  ]);
  await send("x", A!);
  await assert.rejects(send("x", B!), { code: "NOT_ALLOWED" });
  assert.equal(egress.moved!("203.0.113.1"), false);
  await send("x", A!);
  assert.equal(egress.moved!("198.51.100.1"), true);
  await assert.rejects(send("x", A!), { code: "NOT_ALLOWED" });
  await send("x", B!);
  assert.deepEqual(udp.sent, [`x to ${A}:53`, `x to ${A}:53`, `x to ${B}:53`]);
});
