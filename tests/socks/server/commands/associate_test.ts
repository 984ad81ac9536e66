/** The client's side of an association: whose datagrams it takes, and what it outlives. */
import assert from "node:assert/strict";
import { SocksLimitError, SocksReplyError } from "../../../../socks/errors.ts";
import type { ServerAuthMethod } from "../../../../socks/auth/method.ts";
import { noAuthentication } from "../../../../socks/auth/none.ts";
import { AssociateCommand } from "../../../../socks/server/commands/associate.ts";
import type { ServerEvent } from "../../../../socks/server/events.ts";
import { yieldMicrotasks } from "../../../../socks/stream/settling.ts";
import type { OpenDatagrams } from "../../../../socks/server/targets/target.ts";
import type { Endpoint } from "../../../../socks/wire/address.ts";
import { until, within } from "../../../support/waiting.ts";
import { memoryAssociation, scriptedTargets, ScriptedUdp, systemError } from "../../../support/scripted_udp.ts";

const SERVER = { hostname: "198.51.100.1", port: 1080 };
const CLIENT = { hostname: "192.0.2.7", port: 7 };
const AT = (hostname: string, port = 5000): Endpoint => ({ hostname, port });
const decoder = new TextDecoder();

Deno.test("associate: behind a balancer, serves the client's address and takes its datagrams", async () => {
  const udp = new ScriptedUdp();
  const { open, sent, answer } = scriptedTargets();
  const ends = { local: SERVER, remote: CLIENT, relayedBy: AT("10.0.0.5") };
  const made = await memoryAssociation(udp, { open, announce: "203.0.113.1" }, ends);
  assert.deepEqual([made.reply.reply, made.reply.hostname], [0, "203.0.113.1"]);
  assert.equal(made.facing.hostname, "0.0.0.0");
  made.come("balancer", AT("10.0.0.5"));
  made.come("client", AT(CLIENT.hostname));
  await until(() => sent.length > 0);
  // In clear nobody shows that he is the client, who stays where he was.
  made.come("balancer", AT("10.0.0.5"));
  answer("answer");
  await until(() => made.answers().length > 0);
  assert.deepEqual(sent, ["client"]);
  assert.deepEqual(made.answers(), [`answer to ${CLIENT.hostname}:5000`]);
  const end = await made.end();
  assert.deepEqual(end, { sent: 1, received: 1, moved: 0, drops: { wrongSource: 2 } });
  // Its address is not told: there is an answer and a reason.
  const unknown = await memoryAssociation(new ScriptedUdp(), { open }, { local: SERVER, relayedBy: AT("10.0.0.5") });
  assert.equal(unknown.reply.reply, 1);
  unknown.near.close();
  await until(() => unknown.events.at(-1)?.type === "refused");
  assert.match(
    (unknown.events.at(-1) as ServerEvent & { type: "refused" }).error.message,
    /does not tell it/,
  );
});

Deno.test("associate: outlives its sockets, binds the same port again, and survives errors of datagrams", async () => {
  const udp = new ScriptedUdp();
  const { open, sent, answer } = scriptedTargets();
  const made = await memoryAssociation(udp, { open }, { local: SERVER, remote: CLIENT });
  made.come("one", AT(CLIENT.hostname));
  await until(() => sent.length === 1);
  for (const failure of [systemError("ECONNREFUSED"), systemError("ENETDOWN"), new RangeError("too large")]) {
    let tried = false;
    udp.failSend = () => (tried = true, failure);
    answer("lost");
    await until(() => tried);
  }
  udp.failSend = () => undefined;
  // The system ends it.
  udp.sockets[0]!.onEnd!(systemError("EBADF"));
  await within(5_000, "another socket", until(() => udp.sockets.length === 2));
  made.come("two", AT(CLIENT.hostname));
  await until(() => sent.length === 2);
  answer("answer");
  await until(() => made.answers().length === 1);
  const end = await made.end();
  assert.deepEqual(end, { sent: 2, received: 1, moved: 0, drops: { unreachable: 2, tooLarge: 1 } });
});

Deno.test("associate: counts a dropped datagram by its reason", async () => {
  const failures = [
    systemError("ENETUNREACH"),
    new RangeError("too large"),
    new SocksReplyError("NOT_ALLOWED", "no"),
    new SocksLimitError("LOOKUP_LIMIT", "too many"),
  ];
  const { open } = scriptedTargets({ send: () => Promise.reject(failures.shift()) });
  const made = await memoryAssociation(new ScriptedUdp(), { open }, { local: SERVER, remote: CLIENT });
  for (let i = 0; i < 4; i++) made.come("x", AT(CLIENT.hostname));
  await until(() => failures.length === 0);
  const { drops } = await made.end();
  assert.deepEqual(drops, { unreachable: 1, tooLarge: 1, denied: 1, overload: 1 });
});

Deno.test("associate: survives an observer that throws at a dropped datagram", async () => {
  const { open, sent } = scriptedTargets({});
  let denials = 0;
  const denying: OpenDatagrams = async (request, listener) => {
    const egress = await open(request, listener);
    return {
      ...egress,
      send: (data, to) =>
        ++denials < 3 ? Promise.reject(new SocksReplyError("NOT_ALLOWED", "no")) : egress.send(data, to),
    };
  };
  const onEvent = (event: ServerEvent) => {
    if (event.type === "refused") throw new Error("observer");
  };
  const udp = new ScriptedUdp();
  const made = await memoryAssociation(udp, { open: denying }, { local: SERVER, remote: CLIENT }, { onEvent });
  for (let i = 0; i < 3; i++) made.come("x", AT(CLIENT.hostname));
  await until(() => sent.length === 1);
  made.near.close();
});

Deno.test("associate: look-ups in progress delay no other datagram, and their number is limited", async () => {
  const waiting: PromiseWithResolvers<void>[] = [];
  const sent: string[] = [];
  const { open } = scriptedTargets({
    send(data, to, { onWait } = {}): Promise<void> {
      const text = decoder.decode(data);
      if (to.hostname === "slow.example") onWait?.();
      if (text === "quick") return Promise.resolve(void sent.push(text));
      const made = Promise.withResolvers<void>();
      waiting.push(made);
      return made.promise;
    },
  });
  const made = await memoryAssociation(new ScriptedUdp(), { open }, { local: SERVER, remote: CLIENT });
  for (let i = 0; i < 200; i++) made.come("x", AT(CLIENT.hostname), { hostname: "slow.example", port: 53 });
  await until(() => waiting.length >= 64);
  await until(() => waiting.length > 0 && waiting.length % 8 === 0);
  made.come("quick", AT(CLIENT.hostname));
  await until(() => sent.length === 1);
  const slow = waiting.length;
  for (let i = 0; i < 100; i++) made.come("stuck", AT(CLIENT.hostname));
  await until(() => waiting.length === slow + 64);
  made.come("quick", AT(CLIENT.hostname));
  for (const { resolve } of waiting.splice(0)) resolve();
  await until(() => (made.come("quick", AT(CLIENT.hostname)), sent.length > 1));
  await yieldMicrotasks();
  // What waited and what did not gave back one place each.
  for (let i = 0; i < 100; i++) made.come("stuck", AT(CLIENT.hostname));
  await until(() => waiting.length >= 64);
  made.come("stuck", AT(CLIENT.hostname));
  await yieldMicrotasks();
  assert.equal(waiting.length, 64);
  for (const { resolve } of waiting) resolve();
  const { drops } = await made.end();
  assert.ok(drops.overload! >= 37 + 37);
});

Deno.test("associate: drops answers beyond 64 that are not sent yet, and counts each once", async () => {
  const udp = new ScriptedUdp();
  const { open, sent, answer } = scriptedTargets();
  const made = await memoryAssociation(udp, { open }, { local: SERVER, remote: CLIENT });
  made.come("x", AT(CLIENT.hostname));
  await until(() => sent.length === 1);
  for (const fails of [false, true, false]) {
    const taken = Promise.withResolvers<void>();
    udp.sending = taken.promise;
    for (let i = 0; i < 100; i++) answer("x");
    if (fails) taken.reject(systemError("ENOBUFS"));
    else taken.resolve();
    await yieldMicrotasks();
  }
  const end = await made.end();
  assert.deepEqual(end, { sent: 1, received: 128, moved: 0, drops: { overload: 108, unreachable: 64 } });
});

Deno.test("associate: datagrams that are dropped take nobody's place", async () => {
  const { open, sent } = scriptedTargets();
  const made = await memoryAssociation(new ScriptedUdp(), { open }, { local: SERVER, remote: CLIENT });
  made.come("first", AT(CLIENT.hostname));
  for (let i = 0; i < 100; i++) made.facing.onDatagram(new Uint8Array(3), AT(CLIENT.hostname));
  for (let i = 0; i < 100; i++) made.come("port 0", AT(CLIENT.hostname), { hostname: "9.9.9.9", port: 0 });
  made.come("last", AT(CLIENT.hostname));
  await until(() => sent.length === 2);
  assert.deepEqual(sent, ["first", "last"]);
  assert.deepEqual((await made.end()).drops, { malformed: 200 });
});

Deno.test("associate: of two ports at one time, the first whose datagram is opened is the client's", async () => {
  const plain = noAuthentication();
  const later = (bytes: Uint8Array) => Promise.resolve(new Uint8Array(bytes));
  const method: ServerAuthMethod = {
    ...plain,
    accept: async (connection, options) => ({
      ...await plain.accept(connection, options),
      datagrams: { seal: later, open: later },
    }),
  };
  const { open, sent } = scriptedTargets();
  const ends = { local: SERVER, remote: CLIENT };
  const made = await memoryAssociation(new ScriptedUdp(), { open }, ends, { auth: [method] });
  made.come("one", AT(CLIENT.hostname, 1));
  made.come("two", AT(CLIENT.hostname, 2));
  await until(() => sent.length > 0);
  await yieldMicrotasks();
  assert.deepEqual(sent, ["one"]);
  assert.deepEqual((await made.end()).drops, { wrongSource: 1 });
});

Deno.test("AssociateCommand: checks its options", () => {
  const unused = () => Promise.reject(new Error("unused"));
  for (const wrong of [{ idleTimeout: NaN }, { idleTimeout: -1 }, { maxAssociations: NaN }, { announce: [] }]) {
    assert.throws(() => new AssociateCommand({ open: unused, bind: unused, ...wrong }), TypeError);
  }
});
