/** Datagrams that are genuine and wrong (RFC 1961 section 5, RFC 1928 section 7), at the relay and at the client. */
import assert from "node:assert/strict";
import { type Bytes, concat, utf8 } from "../../../../base/bytes.ts";
import { associate, serve, type ServeOptions, type ServerEvent } from "../../../../mod.ts";
import { gssapiClient } from "../../../../socks/auth/gssapi/client.ts";
import { gssapiServer } from "../../../../socks/auth/gssapi/server.ts";
import { AssociateCommand } from "../../../../socks/server/commands/associate.ts";
import type { DroppedDatagrams } from "../../../../socks/server/datagrams/counts.ts";
import { SocksReplyError } from "../../../../socks/errors.ts";
import { dialTcp, listenTcp } from "../../../../socks/shell/tcp.ts";
import type { ProtectionLevel } from "../../../../socks/protection.ts";
import { bindUdp } from "../../../../socks/shell/udp.ts";
import type { Endpoint } from "../../../../socks/wire/address.ts";
import { decodeDatagram, encodeDatagram } from "../../../../socks/wire/datagram.ts";
import { encodeFrame } from "../../../../socks/wire/gssapi.ts";
import { Command, encodeRequest } from "../../../../socks/wire/messages.ts";
import { ALL_FLAGS } from "../../../support/flags.ts";
import { ForgedClient, ForgedProxy } from "../../../support/forge_socks.ts";
import { credentialPair, memoryRealm } from "../../../support/gss_pair.ts";
import { makeServer } from "../../../support/memory_server.ts";
import { pipe } from "../../../support/pipe.ts";
import { udpServer } from "../../../support/servers.ts";

const LOCALHOST = "127.0.0.1";
const realm = await memoryRealm();
// One ticket for all: getting it takes longer than anything else here.
const { initiator, acceptor } = credentialPair(realm);
const LEVELS: readonly ProtectionLevel[] = ["none", "integrity", "confidentiality", "selective"];
/** What Dante's client asks for where datagrams are to be sent. */
const UNORDERED = { ...ALL_FLAGS, sequence: false };

function dropped(counts: DroppedDatagrams): Partial<DroppedDatagrams> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

/** An association of a client by hand. */
async function relayed(level: number, flags = UNORDERED, options: Partial<ServeOptions> = {}) {
  const ended = Promise.withResolvers<ServerEvent & { type: "closed" }>();
  const server = serve({
    port: 0,
    keytab: realm.keytab("rcmd/localhost"),
    protection: LEVELS,
    commands: ["udp"],
    rules: ["allow localhost"],
    onEvent: (event) => event.type === "closed" && ended.resolve(event),
    ...options,
  });
  const control = await dialTcp(server.addr, {});
  const client = await ForgedClient.open(control, { credential: initiator, flags, greeting: true });
  await client.level(level);
  const relay = await client.request({ command: Command.UdpAssociate, hostname: "0.0.0.0", port: 0 });
  assert.equal(relay.reply, 0);
  const waiting: Bytes[] = [];
  let wake = Promise.withResolvers<void>();
  const socket = await bindUdp({
    hostname: LOCALHOST,
    port: 0,
    onDatagram: (bytes) => {
      waiting.push(bytes);
      wake.resolve();
      wake = Promise.withResolvers<void>();
    },
  });
  return {
    server,
    client,
    send: (bytes: Bytes) => socket.send(bytes, relay),
    /** The next answer, opened. */
    async receive(): Promise<{ text: string; confidential: boolean }> {
      while (waiting.length === 0) await wake.promise;
      const { data, confidential } = await client.context.unwrap(waiting.shift()!.subarray(4));
      return { text: new TextDecoder().decode(decodeDatagram(data).data), confidential };
    },
    /** Ends it; what was dropped, and how many went out. */
    async end(): Promise<{ drops: Partial<DroppedDatagrams>; sent: number }> {
      client.close();
      const { datagrams } = await ended.promise;
      socket.close();
      await server[Symbol.asyncDispose]();
      return { drops: dropped(datagrams!.dropped), sent: datagrams!.sent };
    },
  };
}

Deno.test("UDP relay: takes each genuine datagram once, in any order", async () => {
  await using echo = await udpServer();
  const target = { hostname: LOCALHOST, port: echo.port };
  for (let level = 1; level <= 3; level++) {
    const { client, send, receive, end } = await relayed(level);
    const make = (text: string, confidential = true) =>
      client.wrapped(encodeDatagram(target, utf8(text)), { confidential });
    const [one, two, three] = [await make("one"), await make("two"), await make("three")];
    await send(two);
    assert.deepEqual(await receive(), { text: "two", confidential: level !== 1 });
    await send(one);
    assert.equal((await receive()).text, "one");
    await send(two);
    await send(one);
    // Signed only: as good as sealed at levels 1 and 3, nothing at level 2.
    await send(await make("signed", false));
    if (level !== 2) assert.deepEqual(await receive(), { text: "signed", confidential: level !== 1 });
    await send(await client.wrapped(encodeDatagram(target, utf8("part")).with(2, 1)));
    await send(await client.wrapped(encodeDatagram(target, utf8("other type")), { type: 2 }));
    await send(encodeDatagram(target, utf8("in clear")));
    await send(three);
    assert.equal((await receive()).text, "three");
    const { drops, sent } = await end();
    assert.deepEqual(drops, { notGenuine: level === 2 ? 5 : 4, fragment: 1 });
    assert.equal(sent, level === 2 ? 3 : 4);
  }
});

Deno.test("UDP relay: takes the first of two ports that is genuine", async () => {
  const sent: string[] = [];
  const closed: string[] = [];
  const ended = Promise.withResolvers<DroppedDatagrams>();
  let take: ((bytes: Bytes, from: Endpoint) => void) | undefined;
  const relay = { hostname: LOCALHOST, port: 9 };
  const { server } = makeServer({
    auth: [gssapiServer({ credential: acceptor })],
    associate: new AssociateCommand({
      open: () =>
        Promise.resolve({
          send: (data: Uint8Array) => Promise.resolve(void sent.push(new TextDecoder().decode(data))),
          close: () => void closed.push("egress"),
        }),
      bind: ({ onDatagram }) => {
        take = onDatagram;
        return Promise.resolve({ local: relay, send: () => Promise.resolve(), close: () => void closed.push("relay") });
      },
    }),
    onEvent: (event) => event.type === "closed" && ended.resolve(event.datagrams!.dropped),
  });
  await using _server = server;
  const [near, far] = pipe();
  const served = server.serve(Object.assign(far, { local: { hostname: LOCALHOST, port: 1080 } }));
  const client = await ForgedClient.open(near, { credential: initiator, flags: UNORDERED, greeting: true });
  await client.level(2);
  await client.request({ command: Command.UdpAssociate, hostname: "0.0.0.0", port: 0 });
  const target = { hostname: LOCALHOST, port: 53 };
  const [one, two] = [
    await client.sealed(encodeDatagram(target, utf8("one"))),
    await client.sealed(encodeDatagram(target, utf8("two"))),
  ];
  const { hostname } = far.remote!;
  take!(one, { hostname: "192.0.2.99", port: 1 });
  take!(one, { hostname, port: 1 });
  take!(two, { hostname, port: 2 });
  await near.closeWrite();
  await served;
  assert.deepEqual(sent, ["one"]);
  // RFC 1928 section 7: the association ends with the connection.
  assert.deepEqual(closed, ["relay", "egress"]);
  assert.deepEqual(dropped(await ended.promise), { wrongSource: 2 });
});

Deno.test("association: counts and reports nothing after its end", async () => {
  for (const outcome of ["sent", "denied"] as const) {
    const events: ServerEvent[] = [];
    const [started, sending] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let take: ((bytes: Bytes, from: Endpoint) => void) | undefined;
    let answer: ((data: Bytes, from: Endpoint) => void) | undefined;
    const local = { hostname: LOCALHOST, port: 9 };
    const slowly = () => (started.resolve(), sending.promise);
    const { server } = makeServer({
      associate: new AssociateCommand({
        open: (_request, { onDatagram }) => {
          answer = onDatagram;
          return Promise.resolve({ send: slowly, close() {} });
        },
        bind: ({ onDatagram }) => {
          take = onDatagram;
          return Promise.resolve({ local, send: () => sending.promise, close() {} });
        },
      }),
      onEvent: (event) => void events.push(event),
    });
    await using _server = server;
    const [near, far] = pipe();
    const served = server.serve(Object.assign(far, { local: { hostname: LOCALHOST, port: 1080 } }));
    await near.write(concat(Uint8Array.of(5, 1, 0), encodeRequest({ command: 3, hostname: "0.0.0.0", port: 0 })));
    while (far.sent().length < 12) await near.read();
    const from = { hostname: far.remote!.hostname, port: 1 };
    take!(encodeDatagram({ hostname: "slow.example", port: 53 }, utf8("x")) as Bytes, from);
    await started.promise;
    answer!(utf8("y"), { hostname: LOCALHOST, port: 53 });
    await near.closeWrite();
    await served;
    assert.equal(server.sessions, 0);
    const closed = events.at(-1)!;
    assert.ok(closed.type === "closed");
    const before = JSON.stringify(closed);
    if (outcome === "sent") sending.resolve();
    else sending.reject(new SocksReplyError("NOT_ALLOWED", "slow.example may not be reached"));
    await assert.doesNotReject(sending.promise.catch(() => {}));
    for (let turns = 0; turns < 10; turns++) await Promise.resolve();
    assert.equal(events.at(-1), closed, `${outcome}: nothing comes behind the end`);
    assert.equal(JSON.stringify(closed), before, outcome);
  }
});

Deno.test("UDP relay: drops datagrams that are too old", async () => {
  for (const flags of [UNORDERED, ALL_FLAGS]) {
    const [near, far] = pipe();
    const accepting = gssapiServer({ credential: acceptor }).accept(far, {});
    const client = await ForgedClient.open(near, { credential: initiator, flags });
    await client.level(2);
    const { datagrams, connection } = await accepting;
    const sealed: Bytes[] = [];
    for (let n = 0; n < 70; n++) sealed.push(await client.sealed(Uint8Array.of(n)));
    assert.deepEqual(await datagrams!.open(sealed[69]!), Uint8Array.of(69));
    const old = await datagrams!.open(sealed[0]!).catch((error) => error);
    assert.equal(old.code, "OUT_OF_ORDER");
    const late = datagrams!.open(sealed[60]!);
    if (flags.sequence) await assert.rejects(late, { code: "OUT_OF_ORDER", message: /unsequenced/ });
    else assert.deepEqual(await late, Uint8Array.of(60));
    await assert.rejects(datagrams!.open(sealed[69]!), { code: "OUT_OF_ORDER" });
    connection.close();
    client.close();
  }
});

Deno.test("UDP relay: relays plain datagrams at level none, and needs replay detection above", async () => {
  for (const level of [1, 2, 3]) {
    const [near, far] = pipe();
    const method = gssapiServer({ credential: acceptor, protection: LEVELS, insecureUnordered: true });
    const accepting = method.accept(far, {});
    const client = await ForgedClient.open(near, { credential: initiator, flags: { ...ALL_FLAGS, replay: false } });
    await client.level(level);
    assert.equal((await accepting).datagrams, undefined);
  }
  const [near, far] = pipe();
  const accepting = gssapiServer({ credential: acceptor, protection: ["none"] }).accept(far, {});
  const client = await ForgedClient.open(near, { credential: initiator, flags: { mutual: true, replay: true } });
  await client.level(0);
  assert.deepEqual(await (await accepting).datagrams!.open(utf8("x")), utf8("x"));
});

Deno.test("UDP relay: judges answers by the current rules", async () => {
  await using echo = await udpServer();
  const learned = Promise.withResolvers<number>();
  const spy = await bindUdp({ hostname: LOCALHOST, port: 0, onDatagram: (_bytes, { port }) => learned.resolve(port) });
  const { server, client, send, receive, end } = await relayed(2);
  await send(await client.sealed(encodeDatagram({ hostname: LOCALHOST, port: spy.local.port }, utf8("x"))));
  const outside = { hostname: LOCALHOST, port: await learned.promise };
  server.update({
    keytab: realm.keytab("rcmd/localhost"),
    commands: ["udp"],
    rules: [`deny 127.0.0.1:${spy.local.port}`, "allow 127.0.0.1"],
  });
  await spy.send(utf8("denied"), outside);
  await send(await client.sealed(encodeDatagram({ hostname: LOCALHOST, port: echo.port }, utf8("allowed"))));
  assert.equal((await receive()).text, "allowed");
  assert.deepEqual((await end()).drops, { denied: 1 });
  spy.close();
});

Deno.test("client: takes each genuine datagram of the relay once", async () => {
  for (const level of [1, 2, 3]) {
    const listener = listenTcp({ hostname: LOCALHOST, port: 0 });
    const learned = Promise.withResolvers<number>();
    const relay = await bindUdp({
      hostname: LOCALHOST,
      port: 0,
      onDatagram: (_bytes, from) => learned.resolve(from.port),
    });
    const stranger = await bindUdp({ hostname: LOCALHOST, port: 0, onDatagram: () => {} });
    const playing = (async () => {
      const proxy = await ForgedProxy.open((await listener.accept())!, acceptor);
      await proxy.grant();
      await proxy.answer(relay.local);
      return proxy;
    })();
    await using datagrams = await associate({
      proxy: { hostname: "localhost", port: listener.addr.port },
      auth: [gssapiClient({ credential: initiator, protection: LEVELS[level]! })],
    });
    const proxy = await playing;
    const from = { hostname: "192.0.2.9", port: 53 };
    const make = (text: string, confidential = true) =>
      proxy.wrapped(encodeDatagram(from, utf8(text)), { confidential });
    await datagrams.send(utf8("x"), from);
    const client = { hostname: LOCALHOST, port: await learned.promise };
    const send = (bytes: Bytes, socket = relay) => socket.send(bytes, client);
    const [one, two] = [await make("one"), await make("two")];
    await send(two);
    await send(one);
    await send(two);
    await send(await make("elsewhere"), stranger);
    await send(await proxy.wrapped(encodeDatagram(from, utf8("part")).with(2, 1)));
    await send(await proxy.wrapped(encodeDatagram(from, utf8("last part")).with(2, 0x81)));
    await send(await make("signed", false));
    await send(encodeFrame(3, utf8("nobody's")));
    await send(await make("end"));
    const texts: string[] = [];
    while (texts.at(-1) !== "end") texts.push(new TextDecoder().decode((await datagrams.receive())[0]));
    assert.deepEqual(texts, level === 2 ? ["two", "one", "end"] : ["two", "one", "signed", "end"], `level ${level}`);
    assert.equal(datagrams.dropped, level === 2 ? 6 : 5);
    for (const socket of [relay, stranger]) socket.close();
    proxy.close();
    listener.close();
  }
});
