/** UDP ASSOCIATE, both roles against each other over real sockets: every method, and everything that is to be dropped. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { type Bytes, concat, utf8 } from "../../../../base/bytes.ts";
import {
  associate,
  bridge,
  fixedPasswords,
  noAuthentication,
  passwordClient,
  serve,
  type ServeOptions,
  type ServerEvent,
} from "../../../../mod.ts";
import { KerberosInitiatorCredential } from "../../../../kerberos/mech/credentials.ts";
import { requestFromProxy } from "../../../../socks/client/request.ts";
import { gssapiClient } from "../../../../socks/auth/gssapi/client.ts";
import { dialTcp } from "../../../../socks/shell/tcp.ts";
import { Command } from "../../../../socks/wire/messages.ts";
import { bindUdp } from "../../../../socks/shell/udp.ts";
import { decodeDatagram, encodeDatagram } from "../../../../socks/wire/datagram.ts";
import type { DroppedDatagrams } from "../../../../socks/server/datagrams/counts.ts";
import { startRealmFolder } from "../../../support/realm_folder.ts";
import { udpServer } from "../../../support/servers.ts";
import { unhex } from "../../../support/vectors.ts";

const LOCALHOST = "127.0.0.1";
const decoder = new TextDecoder();

function proxy(options: Partial<ServeOptions>) {
  const events: ServerEvent[] = [];
  let wake = Promise.withResolvers<void>();
  const server = serve({
    port: 0,
    allowUnauthenticated: options.keytab === undefined && options.passwords === undefined,
    commands: ["udp"],
    rules: ["allow localhost"],
    onEvent: (event) => {
      events.push(event);
      wake.resolve();
      wake = Promise.withResolvers<void>();
    },
    ...options,
  });
  const closed = async () => {
    for (;;) {
      const event = events.find(({ type }) => type === "closed");
      if (event?.type === "closed") return event;
      await wake.promise;
    }
  };
  return { server, events, closed, address: { hostname: "localhost", port: server.addr.port } };
}

/** Drops that are not zero. */
function dropped(counts: DroppedDatagrams): Partial<DroppedDatagrams> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

Deno.test("UDP relay: relays datagrams with every method and level", async () => {
  await using realm = await startRealmFolder();
  await using echo = await udpServer((bytes) => concat(utf8("got "), bytes));
  const ways = [
    { server: {}, client: { auth: [noAuthentication()] }, protection: "none" },
    {
      server: { passwords: fixedPasswords({ bob: "pw" }) },
      client: { auth: [passwordClient({ username: "bob", password: "pw" })] },
      protection: "none",
    },
    ...(["none", "integrity", "confidentiality"] as const).map((protection) => ({
      server: { keytab: realm.keytab, protection: [protection] },
      client: { credentials: realm.tickets, protection },
      protection,
    })),
  ];
  for (const way of ways) {
    const { server, address, closed } = proxy(way.server);
    await using _server = server;
    {
      await using datagrams = await associate({ proxy: address, ...way.client });
      assert.equal(datagrams.protection, way.protection);
      for (const size of [0, 1, 1_400, 60_000]) {
        const data = new Uint8Array(size).map((_, i) => i * 7);
        assert.equal(await datagrams.send(data, { hostname: LOCALHOST, port: echo.port }), size);
        const [answer, from] = await datagrams.receive();
        assert.equal(decoder.decode(answer.subarray(0, 4)), "got ");
        assert.deepEqual(answer.subarray(4), data);
        assert.deepEqual(from, { hostname: LOCALHOST, port: echo.port });
      }
      await datagrams.send(utf8("by name"), { hostname: "localhost", port: echo.port });
      assert.equal(decoder.decode((await datagrams.receive())[0]), "got by name");
      await assert.rejects(datagrams.send(new Uint8Array(65_536), { hostname: LOCALHOST, port: echo.port }));
    }
    const event = await closed();
    assert.ok(event.command === "udp" && event.datagrams !== undefined);
    assert.deepEqual([event.datagrams.sent, event.datagrams.received], [5, 5]);
    assert.deepEqual([event.sent, event.received], [61_408, 61_428]);
    assert.deepEqual(dropped(event.datagrams.dropped), {});
  }
});

/** A client in the raw: a control connection without authentication, and a socket of its own. */
async function rawAssociation(port: number, declared = "00000000 0000") {
  const control = await Deno.connect({ hostname: LOCALHOST, port });
  const bytes = new Uint8Array(100);
  await control.write(Uint8Array.of(5, 1, 0));
  assert.equal(await control.read(bytes), 2);
  const request = `05030001${declared.replace(" ", "")}`;
  await control.write(Uint8Array.from(request.match(/../g)!, (byte) => parseInt(byte, 16)));
  const length = await control.read(bytes);
  assert.deepEqual([...bytes.subarray(0, 8)], [5, 0, 0, 1, 127, 0, 0, 1], `${length}`);
  const relay = { hostname: LOCALHOST, port: (bytes[8]! << 8) | bytes[9]! };
  return { control, relay };
}

async function socketAt(hostname = LOCALHOST) {
  const waiting: Bytes[] = [];
  let wake = Promise.withResolvers<void>();
  const socket = await bindUdp({
    hostname,
    port: 0,
    onDatagram: (bytes) => {
      waiting.push(bytes);
      wake.resolve();
      wake = Promise.withResolvers<void>();
    },
  });
  const receive = async () => {
    while (waiting.length === 0) await wake.promise;
    return decodeDatagram(waiting.shift()!);
  };
  return { socket, receive };
}

Deno.test("UDP relay: drops and counts foreign, partial, malformed and denied datagrams", async () => {
  await using echo = await udpServer();
  await using other = await udpServer();
  const { server, closed, events } = proxy({
    rules: [`allow 127.0.0.1:${echo.port}`, "allow *"],
    resolve: () => Promise.resolve([LOCALHOST]),
  });
  await using _server = server;
  const { control, relay } = await rawAssociation(server.addr.port);
  const { socket, receive } = await socketAt();
  const [stranger, neighbour] = [await socketAt("127.0.0.2"), await socketAt()];
  const target = { hostname: LOCALHOST, port: echo.port };
  const whole = encodeDatagram(target, utf8("x"));
  const send = (bytes: Uint8Array) => socket.send(bytes, relay);

  await stranger.socket.send(whole, relay);
  await send(whole);
  assert.equal(decoder.decode((await receive()).data), "x");
  // From here on the client is this port.
  await neighbour.socket.send(whole, relay);
  await send(whole.with(2, 1));
  await send(whole.subarray(0, 9));
  await send(new Uint8Array(0));
  await send(whole.with(3, 9));
  await send(encodeDatagram({ ...target, port: 0 }, utf8("x")));
  const named = (name: string) =>
    concat(
      unhex("00000003"),
      Uint8Array.of(utf8(name).length),
      utf8(name),
      Uint8Array.of(echo.port >> 8, echo.port & 255),
    );
  for (const name of ["", "a b", "xn--a.example", "127.0.0.1%lo", "1.2.3.256"]) await send(named(name));
  for (const name of ["10.1", "0x0a000001", "１０.０.０.１", "[::1]", "0"]) await send(named(name));
  await send(encodeDatagram({ hostname: LOCALHOST, port: other.port }, utf8("x")));
  await send(encodeDatagram({ hostname: "10.0.0.1", port: 53 }, utf8("x")));
  await send(encodeDatagram({ hostname: "rebound.example", port: 53 }, utf8("x")));
  await send(encodeDatagram(target, utf8("last")));
  assert.equal(decoder.decode((await receive()).data), "last");
  control.close();
  const { datagrams } = await closed();
  assert.deepEqual(dropped(datagrams!.dropped), { wrongSource: 2, fragment: 1, malformed: 9, denied: 8 });
  assert.equal(events.filter((event) => event.type === "refused" && event.command === "udp").length, 8);
  for (const { socket } of [stranger, neighbour]) socket.close();
  socket.close();
});

Deno.test("UDP relay: lets only targets of the client answer", async () => {
  await using echo = await udpServer();
  const { server, closed } = proxy({ rules: ["allow 127.0.0.1"], datagrams: { answersFromAnyPort: true } });
  await using _server = server;
  const { control, relay } = await rawAssociation(server.addr.port);
  const { socket, receive } = await socketAt();
  // A target that learns where the relay sends from, and has others write there.
  const learned = Promise.withResolvers<number>();
  const spy = createSocket("udp4");
  spy.on("message", (_bytes: unknown, from: { port: number }) => learned.resolve(from.port));
  await new Promise<void>((resolve) => spy.bind(0, LOCALHOST, () => resolve()));
  await socket.send(encodeDatagram({ hostname: LOCALHOST, port: spy.address().port }, utf8("x")), relay);
  const outside = { hostname: LOCALHOST, port: await learned.promise };
  const [unasked, asked] = [await socketAt("127.0.0.2"), await socketAt()];
  await unasked.socket.send(utf8("unasked"), outside);
  // Another port of an address that was written to may answer.
  await asked.socket.send(utf8("asked"), outside);
  assert.equal(decoder.decode((await receive()).data), "asked");
  // The rules as they are now count, for what comes too.
  server.update({ allowUnauthenticated: true, rules: ["allow 127.0.0.1,command=connect"], onEvent: () => {} });
  await asked.socket.send(utf8("late"), outside);
  server.update({ allowUnauthenticated: true, rules: ["allow 127.0.0.1"] });
  await socket.send(encodeDatagram({ hostname: LOCALHOST, port: echo.port }, utf8("end")), relay);
  const last = await receive();
  control.close();
  const { datagrams } = await closed();
  assert.equal(datagrams!.dropped.unsolicited, 1);
  assert.ok(datagrams!.dropped.denied <= 1);
  assert.ok(["end", "late"].includes(decoder.decode(last.data)));
  for (const each of [unasked, asked]) each.socket.close();
  socket.close();
  await new Promise<void>((resolve) => spy.close(() => resolve()));
});

Deno.test("UDP relay: forgets the target used longest ago", async () => {
  await using first = await udpServer();
  await using second = await udpServer();
  const { server, closed } = proxy({ datagrams: { maxDestinations: 1 } });
  await using _server = server;
  const { control, relay } = await rawAssociation(server.addr.port);
  const { socket, receive } = await socketAt();
  const learned = Promise.withResolvers<number>();
  const spy = await bindUdp({ hostname: LOCALHOST, port: 0, onDatagram: (_bytes, { port }) => learned.resolve(port) });
  const write = (port: number, text: string) =>
    socket.send(encodeDatagram({ hostname: LOCALHOST, port }, utf8(text)), relay);
  await write(spy.local.port, "x");
  const outside = { hostname: LOCALHOST, port: await learned.promise };
  const other = await socketAt();
  await other.socket.send(utf8("another port"), outside);
  await spy.send(utf8("the one"), outside);
  assert.equal(decoder.decode((await receive()).data), "the one");
  await write(first.port, "first");
  assert.equal(decoder.decode((await receive()).data), "first");
  await spy.send(utf8("forgotten"), outside);
  await write(second.port, "second");
  assert.equal(decoder.decode((await receive()).data), "second");
  control.close();
  assert.equal((await closed()).datagrams!.dropped.unsolicited, 2);
  for (const each of [socket, other.socket, spy]) each.close();
});

Deno.test("UDP relay: accepts only the port that the client declared", async () => {
  await using echo = await udpServer();
  const { server, closed } = proxy({});
  await using _server = server;
  const [declared, other] = [await socketAt(), await socketAt()];
  const hex = (port: number) => port.toString(16).padStart(4, "0");
  const whole = encodeDatagram({ hostname: LOCALHOST, port: echo.port }, utf8("x"));
  const first = await rawAssociation(server.addr.port, `7f000001 ${hex(declared.socket.local.port)}`);
  await other.socket.send(whole, first.relay);
  await declared.socket.send(whole, first.relay);
  await declared.receive();
  first.control.close();
  assert.equal((await closed()).datagrams!.dropped.wrongSource, 1);
  // Behind NAT a client knows an address that it does not come from.
  const second = await rawAssociation(server.addr.port, `0a000001 ${hex(declared.socket.local.port)}`);
  await other.socket.send(whole, second.relay);
  await other.receive();
  second.control.close();
  for (const { socket } of [declared, other]) socket.close();
});

Deno.test("UDP relay: drops datagrams that do not unwrap or come twice", async () => {
  await using realm = await startRealmFolder();
  await using echo = await udpServer();
  for (const protection of ["integrity", "confidentiality"] as const) {
    const { server, closed } = proxy({ keytab: realm.keytab });
    await using _server = server;
    // The client's own bytes, for somebody on its machine to send too.
    const sent: Bytes[] = [];
    const granted = await requestFromProxy(
      {
        proxy: { hostname: "localhost", port: server.addr.port },
        auth: [gssapiClient({ credential: new KerberosInitiatorCredential(realm.tickets), protection })],
        dial: dialTcp,
      },
      Command.UdpAssociate,
      { hostname: "0.0.0.0", port: 0 },
    );
    const { socket } = await socketAt();
    let answers = 0;
    let wake = Promise.withResolvers<void>();
    const genuine = await bindUdp({
      hostname: LOCALHOST,
      port: 0,
      onDatagram: () => {
        answers++;
        wake.resolve();
        wake = Promise.withResolvers<void>();
      },
    });
    const codec = granted.channel.datagrams!;
    const target = { hostname: LOCALHOST, port: echo.port };
    for (const text of ["one", "two", "three"]) sent.push(await codec.seal(encodeDatagram(target, utf8(text))));
    // Somebody else, from the same address and before the client, with bytes changed: nobody pins the port but the keys.
    for (let at = 0; at < sent[0]!.length; at++) await socket.send(sent[0]!.with(at, sent[0]![at]! ^ 1), granted.bound);
    await genuine.send(sent[2]!, granted.bound);
    await genuine.send(sent[0]!, granted.bound);
    await genuine.send(sent[2]!, granted.bound);
    await genuine.send(sent[1]!, granted.bound);
    while (answers < 3) await wake.promise;
    await socket.send(await codec.seal(encodeDatagram(target, utf8("late"))), granted.bound);
    await genuine.send(await codec.seal(encodeDatagram(target, utf8("end"))), granted.bound);
    while (answers < 4) await wake.promise;
    granted.connection.close();
    const { datagrams } = await closed();
    const { notGenuine, wrongSource, overload, ...others } = datagrams!.dropped;
    assert.equal(notGenuine + overload, sent[0]!.length + 1);
    assert.equal(wrongSource, 1);
    assert.deepEqual(dropped(others as DroppedDatagrams), {});
    socket.close();
    genuine.close();
  }
});

Deno.test("association: ends with its connection, its idle time and the server", async () => {
  await using echo = await udpServer();
  const idle = proxy({ datagrams: { idleTimeout: 50 } });
  await using _idle = idle.server;
  await using quiet = await associate({ proxy: idle.address, auth: [noAuthentication()] });
  assert.match(String((await idle.closed()).error), /No datagram was sent or received for 50 ms/);
  await assert.rejects(quiet.receive());
  await assert.rejects(quiet.send(utf8("x"), { hostname: LOCALHOST, port: echo.port }));

  const { server, closed } = proxy({ datagrams: { maxAssociations: 1 } });
  await using _server = server;
  const first = await associate({
    proxy: { hostname: "localhost", port: server.addr.port },
    auth: [noAuthentication()],
  });
  const options = { proxy: { hostname: "localhost", port: server.addr.port }, auth: [noAuthentication()] };
  await assert.rejects(associate(options), { code: "GENERAL_FAILURE" });
  first.close();
  await assert.rejects(first.receive(), { name: "SocksConnectionError", code: "CLOSED" });
  await closed();
  const seen: string[] = [];
  const second = await associate(options);
  await second.send(utf8("a"), { hostname: LOCALHOST, port: echo.port });
  await second.send(utf8("b"), { hostname: LOCALHOST, port: echo.port });
  for await (const [data] of second) {
    seen.push(decoder.decode(data));
    if (seen.length === 2) break;
  }
  assert.deepEqual(seen.sort(), ["a", "b"]);
  await server[Symbol.asyncDispose]();
  await assert.rejects(second.receive());
});

Deno.test("UDP ASSOCIATE: is refused when off; announces the outer address behind NAT", async () => {
  const { server, address } = proxy({ commands: ["connect"] });
  await using _server = server;
  await assert.rejects(associate({ proxy: address, auth: [noAuthentication()] }), { code: "COMMAND_NOT_SUPPORTED" });
  // Where no datagram would be allowed there is no association to be had.
  for (const rules of [[], ["allow *,command=connect"], ["deny *,command=udp", "allow localhost"]]) {
    const denying = proxy({ rules });
    await using _denying = denying.server;
    await assert.rejects(associate({ proxy: denying.address, auth: [noAuthentication()] }), { code: "NOT_ALLOWED" });
  }
  const nat = proxy({ datagrams: { announce: "192.0.2.99" } });
  await using _nat = nat.server;
  await using datagrams = await associate({ proxy: nat.address, auth: [noAuthentication()] });
  assert.equal(datagrams.relay.hostname, "192.0.2.99");
});

Deno.test("bridge: seals datagrams of programs without Kerberos", async () => {
  await using realm = await startRealmFolder();
  await using echo = await udpServer();
  const { server, address, events } = proxy({ keytab: realm.keytab });
  await using _server = server;
  await using local = bridge({ proxy: address, credentials: realm.tickets, port: 0 });
  await using datagrams = await associate({
    proxy: { hostname: LOCALHOST, port: local.addr.port },
    auth: [noAuthentication()],
  });
  await datagrams.send(utf8("hello"), { hostname: "localhost", port: echo.port });
  const [answer, from] = await datagrams.receive();
  assert.equal(decoder.decode(answer), "hello");
  assert.deepEqual(from, { hostname: LOCALHOST, port: echo.port });
  assert.ok(events.some((event) => event.type === "authenticated" && event.protection === "confidentiality"));
  // The upstream's end is the end of what goes through it.
  await server[Symbol.asyncDispose]();
  await assert.rejects(datagrams.receive());
});
