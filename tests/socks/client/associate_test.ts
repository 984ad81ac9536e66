/** The client's side of an association: where its socket is, what the client is told, where it may be, and what it outlives. */
import assert from "node:assert/strict";
import { gssapiServer } from "../../../socks/auth/gssapi/server.ts";
import { announcedFor, checkAnnounce, facingClient } from "../../../socks/server/targets/announce.ts";
import { AssociateCommand } from "../../../socks/server/commands/associate.ts";
import { bindDirectly, type BindDirectlyOptions } from "../../../socks/server/targets/listen.ts";
import { SocksLimitError, SocksReplyError } from "../../../socks/errors.ts";
import { parseRuleText } from "../../../socks/rules/parse_rule.ts";
import { ClientEndpoint } from "../../../socks/server/datagrams/client_endpoint.ts";
import { RuleSet } from "../../../socks/rules/rule_set.ts";
import type { ServerEvent } from "../../../socks/server/events.ts";
import type { ConnectionListener } from "../../../socks/stream/listener.ts";
import { yieldMicrotasks } from "../../../socks/stream/settling.ts";
import { bindForRelay } from "../../../socks/client/local_address.ts";
import type { DatagramEgress, EgressListener, OpenDatagrams } from "../../../socks/server/targets/target.ts";
import { type Endpoint, formatEndpoint } from "../../../socks/wire/address.ts";
import { encodeDatagram } from "../../../socks/wire/datagram.ts";
import { Command } from "../../../socks/wire/messages.ts";
import { until, within } from "../../support/waiting.ts";
import { ALL_FLAGS } from "../../support/flags.ts";
import { ForgedClient } from "../../support/forge_socks.ts";
import { credentialPair, memoryRealm } from "../../support/gss_pair.ts";
import { makeServer } from "../../support/memory_server.ts";
import { pipe } from "../../support/pipe.ts";
import { memoryAssociation, ScriptedUdp, systemError } from "../../support/scripted_udp.ts";

const SERVER = { hostname: "198.51.100.1", port: 1080 };
const CLIENT = { hostname: "192.0.2.7", port: 7 };
const AT = (hostname: string, port = 5000): Endpoint => ({ hostname, port });
const decoder = new TextDecoder();

/** The side of the targets: notes what is sent. */
function targets(more: Partial<DatagramEgress> = {}) {
  const sent: string[] = [];
  let listener: EgressListener | undefined;
  const open: OpenDatagrams = (_request, told) => {
    listener = told;
    return Promise.resolve({
      send: (data) => Promise.resolve(void sent.push(decoder.decode(data))),
      close() {},
      ...more,
    });
  };
  const answer = (text: string) => listener!.onDatagram(new TextEncoder().encode(text), AT("9.9.9.9", 53));
  return { open, sent, answer };
}

Deno.test("associate: announces one host of each family, or a name, to each client", () => {
  for (
    const good of ["192.0.2.1", "proxy.example", ["192.0.2.1", "2a01::1"], ["2a01::1", "proxy.example"], undefined]
  ) {
    checkAnnounce(good);
  }
  for (
    const bad of [
      [],
      "a b",
      ["192.0.2.1", "192.0.2.2"],
      ["2a01::1", "[2a01::2]"],
      ["a.example", "b.example"],
      "fe80::1%eth0",
    ]
  ) {
    assert.throws(() => checkAnnounce(bad), { message: /^Cannot (announce|use host)/ }, JSON.stringify(bad));
  }
  // deno-lint-ignore no-explicit-any
  assert.throws(() => checkAnnounce(7 as any), TypeError);
  const both = ["192.0.2.1", "2A01::1"];
  assert.deepEqual(["10.0.0.1", "fd00::1", "::ffff:10.0.0.1"].map((to) => announcedFor(both, to)), [
    "192.0.2.1",
    "2a01::1",
    "192.0.2.1",
  ]);
  assert.equal(announcedFor("192.0.2.1", "fd00::1"), undefined);
  assert.equal(announcedFor(["192.0.2.1"], "fd00::1"), undefined);
  assert.equal(announcedFor("proxy.example", "fd00::1"), "proxy.example");
  assert.equal(announcedFor(["proxy.example", "192.0.2.1"], "10.0.0.1"), "192.0.2.1");
  assert.equal(announcedFor(["192.0.2.1", "proxy.example"], "fd00::1"), "proxy.example");
  assert.throws(
    () => new AssociateCommand({ open: targets().open, bind: new ScriptedUdp().bind, announce: [] }),
    TypeError,
  );
});

Deno.test("associate: binds the client's socket where the client reaches it, in its family", () => {
  const facing = (local?: string, remote?: string, relayedBy?: string, announce?: string | string[]) => {
    const at = (hostname?: string) => hostname === undefined ? undefined : AT(hostname);
    const ends = { local: at(local), remote: at(remote), relayedBy: at(relayedBy) };
    try {
      const { client, bind, told } = facingClient(ends, announce);
      return `${client} at ${bind}, told ${told}`;
    } catch (error) {
      assert.ok(error instanceof SocksReplyError);
      return `${error.code}: ${error.message}`;
    }
  };
  assert.equal(facing("10.0.0.1", "10.0.0.9"), "10.0.0.9 at 10.0.0.1, told 10.0.0.1");
  // A mapped client at [::] is one of IPv4.
  const mapped = ["::ffff:10.0.0.1", "::ffff:10.0.0.9"] as const;
  assert.equal(facing(...mapped), "10.0.0.9 at 10.0.0.1, told 10.0.0.1");
  assert.equal(facing(...mapped, undefined, ["2a01::1", "192.0.2.1"]), "10.0.0.9 at 10.0.0.1, told 192.0.2.1");
  // An address of the other family is no place to send to.
  assert.equal(facing("fd00::1", "fd00::9", undefined, "192.0.2.1"), "fd00::9 at fd00::1, told fd00::1");
  assert.equal(facing("fd00::1", "fd00::9", undefined, ["192.0.2.1", "2a01::1"]), "fd00::9 at fd00::1, told 2a01::1");
  for (const [local, remote] of [[undefined, "10.0.0.9"], ["10.0.0.1", undefined], [undefined, undefined]]) {
    assert.match(facing(local, remote), /^COMMAND_NOT_SUPPORTED: Client is connected by a transport without addresses/);
  }
  // Link-local: with the interface, or not at all.
  assert.equal(facing("fe80::1%eth0", "fe80::9%eth0"), "fe80::9 at fe80::1%eth0, told fe80::1");
  assert.match(
    facing("fe80::1", "fe80::9"),
    /^COMMAND_NOT_SUPPORTED: .*fe80::1, and the system does not tell its interface/,
  );
  // Handed on by a balancer: the client comes another way.
  assert.equal(facing("10.0.0.1", "192.0.2.9", "10.0.0.5"), "192.0.2.9 at 0.0.0.0, told 10.0.0.1");
  assert.equal(facing("10.0.0.1", "2a01::9", "10.0.0.5", ["192.0.2.1", "2a01::1"]), "2a01::9 at ::, told 2a01::1");
  assert.match(
    facing("10.0.0.1", "2a01::9", "10.0.0.5", "192.0.2.1"),
    /^GENERAL_FAILURE: .*10\.0\.0\.1, which is of the other family/,
  );
  assert.match(
    facing("10.0.0.1", undefined, "10.0.0.5"),
    /^GENERAL_FAILURE: Client's address is unknown: the balancer 10\.0\.0\.5:5000/,
  );
  assert.match(facing("10.0.0.1", "10.0.0.5", "10.0.0.5"), /^GENERAL_FAILURE: Client's address is unknown/);
  assert.match(facing("fd00::1", "fe80::9", "fd00::5"), /^COMMAND_NOT_SUPPORTED: .*fe80::9/);
});

Deno.test("associate: behind a balancer, serves the client's address and takes its datagrams", async () => {
  const udp = new ScriptedUdp();
  const { open, sent, answer } = targets();
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
  const { open, sent, answer } = targets();
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
  const { open } = targets({ send: () => Promise.reject(failures.shift()) });
  const made = await memoryAssociation(new ScriptedUdp(), { open }, { local: SERVER, remote: CLIENT });
  for (let i = 0; i < 4; i++) made.come("x", AT(CLIENT.hostname));
  await until(() => failures.length === 0);
  const { drops } = await made.end();
  assert.deepEqual(drops, { unreachable: 1, tooLarge: 1, denied: 1, overload: 1 });
});

Deno.test("associate: survives an observer that throws at a dropped datagram", async () => {
  const { open, sent } = targets({});
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
  const { open } = targets({
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

function place(proves: boolean, mayMove: (address: string) => boolean = () => true) {
  const clock = { time: 0 };
  const made = new ClientEndpoint({ address: CLIENT.hostname, proves, mayMove, now: () => clock.time });
  return { made, clock };
}

Deno.test("ClientEndpoint: with keys, follows the last genuine datagram and nothing else", () => {
  const { made, clock } = place(true);
  const elsewhere = AT("203.0.113.9", 6000);
  assert.equal(made.mayBeFrom(elsewhere), false);
  assert.equal(made.take(elsewhere), undefined);
  assert.ok(made.mayBeFrom(AT(CLIENT.hostname)) && made.mayBeFrom(AT(`::ffff:${CLIENT.hostname}`)));
  assert.equal(made.take(AT(CLIENT.hostname)), "here");
  assert.deepEqual(made.endpoint, AT(CLIENT.hostname));
  assert.equal(made.mayBeFrom(elsewhere), true);
  // Looking is no moving.
  assert.deepEqual(made.endpoint, AT(CLIENT.hostname));
  assert.equal(made.take(elsewhere), "moved");
  assert.deepEqual(made.endpoint, elsewhere);
  assert.equal(made.take(AT(CLIENT.hostname)), "moved");
  // Another port of the address is somebody else, unless the known one has been quiet: a NAT may have given it another.
  const port = AT(CLIENT.hostname, 5001);
  assert.deepEqual([made.mayBeFrom(port), made.take(port)], [false, undefined]);
  clock.time = 9_999;
  assert.equal(made.mayBeFrom(port), false);
  made.take(AT(CLIENT.hostname));
  clock.time = 19_000;
  assert.equal(made.mayBeFrom(port), false);
  clock.time = 19_999;
  assert.deepEqual([made.mayBeFrom(port), made.take(port)], [true, "moved"]);
});

Deno.test("ClientEndpoint: without keys, stays at the connection's address and the first port", () => {
  const { made, clock } = place(false);
  assert.equal(made.take(AT(CLIENT.hostname)), "here");
  clock.time = 1_000_000;
  for (const other of [AT("192.0.2.8"), AT(CLIENT.hostname, 5001), AT("203.0.113.9")]) {
    assert.deepEqual([made.mayBeFrom(other), made.take(other)], [false, undefined]);
  }
  assert.ok(made.mayBeFrom(AT(CLIENT.hostname)));
});

Deno.test("ClientEndpoint: moves within limits, and opens a limited number of strangers' datagrams a second", () => {
  const { made, clock } = place(true, (address) => address !== "10.0.0.1");
  made.take(AT(CLIENT.hostname));
  assert.equal(made.take(AT("10.0.0.1")), undefined);
  assert.deepEqual(made.endpoint, AT(CLIENT.hostname));
  const opened = () =>
    Array.from({ length: 10_000 }, (_, i) => made.mayBeFrom(AT(`203.0.113.${i % 256}`))).filter(Boolean).length;
  assert.ok(opened() <= 11);
  // The client is heard meanwhile.
  assert.ok(made.mayBeFrom(AT(CLIENT.hostname)));
  clock.time += 1_000;
  const again = opened();
  assert.ok(again > 0 && again <= 11, `${again}`);
});

Deno.test("ClientEndpoint: with Kerberos, a genuine datagram moves the client, a forged or old one does not", async () => {
  const realm = await memoryRealm();
  const { initiator, acceptor } = credentialPair(realm);
  for (const level of [1, 2, 3]) {
    const udp = new ScriptedUdp();
    const moves: string[] = [];
    const { open, sent, answer } = targets({ moved: (source) => (moves.push(source), source !== "10.9.9.9") });
    const events: ServerEvent[] = [];
    const { server } = makeServer({
      auth: [gssapiServer({ credential: acceptor })],
      associate: new AssociateCommand({ open, bind: udp.bind, mayMoveTo: (address) => address !== "10.8.8.8" }),
      onEvent: (event) => void events.push(event),
    });
    await using _server = server;
    const [near, far] = pipe();
    const served = server.serve({ ...far, local: SERVER, remote: CLIENT });
    const client = await ForgedClient.open(near, {
      credential: initiator,
      flags: { ...ALL_FLAGS, sequence: false },
      greeting: true,
    });
    await client.level(level);
    await client.request({ command: Command.UdpAssociate, hostname: "0.0.0.0", port: 0 });
    const make = (text: string) => client.sealed(encodeDatagram(AT("9.9.9.9", 53), new TextEncoder().encode(text)));
    const come = (bytes: Uint8Array<ArrayBuffer>, from: Endpoint) => udp.sockets[0]!.onDatagram(bytes.slice(), from);
    const where = async () => {
      const before = udp.sockets[0]!.sent.length;
      answer("answer");
      await until(() => udp.sockets[0]!.sent.length > before);
      return udp.sockets[0]!.sent.at(-1)!.to;
    };
    const elsewhere = AT("203.0.113.9", 6000);
    const one = await make("one");
    come(one, AT(CLIENT.hostname));
    await until(() => sent.length === 1);
    // One that came before, one that was changed, and one in clear: nobody's.
    come(one, elsewhere);
    const changed = await make("changed");
    come(changed.with(changed.length - 1, changed.at(-1)! ^ 1), elsewhere);
    come(encodeDatagram(AT("9.9.9.9", 53), new TextEncoder().encode("clear")), elsewhere);
    assert.equal(await where(), formatEndpoint(AT(CLIENT.hostname)));
    // Where clients may not be at all, or may send nothing from.
    come(await make("two"), AT("10.8.8.8"));
    come(await make("three"), AT("10.9.9.9"));
    assert.equal(await where(), formatEndpoint(AT(CLIENT.hostname)));
    come(await make("four"), elsewhere);
    await until(() => sent.length === 2);
    assert.equal(await where(), formatEndpoint(elsewhere));
    come(await make("five"), AT(CLIENT.hostname));
    await until(() => sent.length === 3);
    assert.equal(await where(), formatEndpoint(AT(CLIENT.hostname)));
    assert.deepEqual(sent, ["one", "four", "five"]);
    assert.deepEqual(moves, ["10.9.9.9", "203.0.113.9", CLIENT.hostname]);
    await near.closeWrite();
    await served;
    client.close();
    const last = events.at(-1)!;
    assert.ok(last.type === "closed");
    const { moved, dropped } = last.datagrams!;
    assert.deepEqual([moved, dropped.notGenuine, dropped.wrongSource], [2, 3, 2]);
  }
});

Deno.test("bindForRelay(): binds the address of the connection if it can reach the relay", async () => {
  const bound = async (relay: string, local: string | undefined, missing: readonly string[] = []) => {
    const asked: string[] = [];
    const udp = new ScriptedUdp();
    udp.failBind = ({ hostname }) => missing.includes(hostname) ? systemError("EADDRNOTAVAIL") : undefined;
    const attempt = new AbortController();
    const binding = (hostname: string) => (asked.push(hostname), udp.bind({ hostname, port: 0, onDatagram: () => {} }));
    const end = local === undefined ? undefined : AT(local);
    await bindForRelay(AT(relay), end, { binding, attempt: attempt.signal });
    return asked.join();
  };
  assert.equal(await bound("198.51.100.1", "192.0.2.7"), "192.0.2.7");
  assert.equal(await bound("198.51.100.1", "::ffff:192.0.2.7"), "192.0.2.7");
  assert.equal(await bound("2a01::1", "2a01::7"), "2a01::7");
  assert.equal(await bound("127.0.0.1", "127.0.0.2"), "127.0.0.2");
  assert.equal(await bound("fe80::1%eth0", "fe80::7%eth0"), "fe80::7%eth0");
  // The other family, a tunnel, and what is no address.
  assert.equal(await bound("198.51.100.1", "2a01::7"), "0.0.0.0");
  assert.equal(await bound("198.51.100.1", "127.0.0.1"), "0.0.0.0");
  assert.equal(await bound("127.0.0.1", "192.0.2.7"), "0.0.0.0");
  for (const none of [undefined, "0.0.0.0", "/run/socket", "name"]) {
    assert.equal(await bound("198.51.100.1", none), "0.0.0.0");
  }
  assert.equal(await bound("2a01::1", "2a01::7", ["2a01::7"]), "2a01::7,::");
  const over = new AbortController();
  const asked: string[] = [];
  const binding = (hostname: string) => {
    asked.push(hostname);
    over.abort(new Error("given up"));
    return Promise.reject(systemError("EADDRNOTAVAIL"));
  };
  await assert.rejects(bindForRelay(AT("2a01::1"), AT("2a01::7"), { binding, attempt: over.signal }), /given up/);
  assert.deepEqual(asked, ["2a01::7"]);
});

/** Where BIND listens and what it tells, over listeners in memory. */
async function bindPlace(
  expected: string,
  local: string | undefined,
  options: Partial<BindDirectlyOptions> = {},
  found: readonly string[] = [],
): Promise<string> {
  const asked: string[] = [];
  const open = bindDirectly({
    rules: () => new RuleSet(["allow fe80::/10", "allow *"].map((text) => parseRuleText(text))),
    resolve: () => Promise.resolve(found),
    listen: ({ hostname, port }) => {
      asked.push(hostname);
      const listener: ConnectionListener = {
        addr: { hostname, port: port || 9 },
        accept: () => new Promise(() => {}),
        close() {},
      };
      return listener;
    },
    ...options,
  });
  const identity = { method: "none", name: "", attributes: {} } as const;
  const request = { command: "bind", identity, protection: "none", signal: new AbortController().signal } as const;
  try {
    const { bound } = await open(
      { ...request, hostname: expected, port: 0 },
      local === undefined ? undefined : AT(local),
    );
    return `${asked.join()} told ${bound.hostname}`;
  } catch (error) {
    return `${(error as { code?: string }).code}`;
  }
}

Deno.test("bindDirectly(): listens at the egress address of the peer's family and announces it", async () => {
  const egress = ["10.0.0.21", "fd00::21"];
  const both = ["192.0.2.1", "2a01::1"];
  const rows: [string, string | undefined, Partial<BindDirectlyOptions>, string, string[]?][] = [
    ["45.79.0.30", "10.0.0.20", { egress }, "10.0.0.21 told 10.0.0.21"],
    ["2a02::30", "10.0.0.20", { egress }, "fd00::21 told fd00::21"],
    ["45.79.0.30", "fd00::20", { egress }, "10.0.0.21 told 10.0.0.21"],
    ["45.79.0.30", "10.0.0.20", { egress, announce: both }, "10.0.0.21 told 192.0.2.1"],
    ["2a02::30", "10.0.0.20", { egress, announce: both }, "fd00::21 told 2a01::1"],
    ["2a02::30", "10.0.0.20", { egress, announce: "192.0.2.1" }, "fd00::21 told fd00::21"],
    // No egress of that family: the client's address if it is of it, else all of the family.
    ["45.79.0.30", "10.0.0.20", {}, "10.0.0.20 told 10.0.0.20"],
    ["45.79.0.30", "::ffff:10.0.0.20", { egress: ["fd00::21"] }, "10.0.0.20 told 10.0.0.20"],
    ["2a02::30", "10.0.0.20", {}, ":: told ::"],
    ["2a02::30", "10.0.0.20", { announce: both }, ":: told 2a01::1"],
    ["45.79.0.30", "fd00::20", {}, "0.0.0.0 told 0.0.0.0"],
    ["45.79.0.30", "fd00::20", { announce: both }, "0.0.0.0 told 192.0.2.1"],
    // Anybody: the client's family.
    ["0.0.0.0", "fd00::20", { egress }, "fd00::21 told fd00::21"],
    ["::", "10.0.0.20", { egress }, "10.0.0.21 told 10.0.0.21"],
    ["0.0.0.0", "fd00::20", { egress: ["10.0.0.21"] }, "fd00::20 told fd00::20"],
    // A name: that of the address that the system prefers.
    ["six.example", "10.0.0.20", { egress }, "fd00::21 told fd00::21", ["2a02::30", "45.79.0.30"]],
    ["45.79.0.30", undefined, { egress }, "10.0.0.21 told 10.0.0.21"],
    ["45.79.0.30", undefined, {}, "GENERAL_FAILURE"],
    ["0.0.0.0", undefined, { egress }, "GENERAL_FAILURE"],
    ["45.79.0.30", undefined, { address: "10.0.0.5" }, "10.0.0.5 told 10.0.0.5"],
    ["45.79.0.30", "10.0.0.20", { egress, address: "10.0.0.5" }, "10.0.0.5 told 10.0.0.5"],
    ["::", "fe80::20%eth0", {}, "fe80::20%eth0 told fe80::20"],
    ["::", "fe80::20", {}, "GENERAL_FAILURE"],
    ["::", "fe80::20", { egress }, "fd00::21 told fd00::21"],
  ];
  for (const [expected, local, options, outcome, found] of rows) {
    assert.equal(
      await bindPlace(expected, local, options, found),
      outcome,
      `${expected} ${local} ${JSON.stringify(options)}`,
    );
  }
  assert.throws(() => bindDirectly({ announce: [] } as unknown as BindDirectlyOptions), TypeError);
});
