/** Datagrams in the hands of a user: what may be sent and when it is taken, who receives what, and how an association ends. */
import assert from "node:assert/strict";
import { type Bytes, concat, utf8 } from "../../../base/bytes.ts";
import { associate, noAuthentication, serve, type SocksDatagrams } from "../../../mod.ts";
import type { ClientAuthMethod } from "../../../socks/auth/method.ts";
import { associateThrough } from "../../../socks/client/associate.ts";
import { Inbox } from "../../../socks/client/inbox.ts";
import type { BindDatagrams, BindDatagramsOptions, DatagramSocket } from "../../../socks/stream/datagram_socket.ts";
import { decodeDatagram, encodeDatagram } from "../../../socks/wire/datagram.ts";
import { countedController } from "../../support/counted_signal.ts";
import { run } from "../../support/process.ts";
import { startRealmFolder } from "../../support/realm_folder.ts";
import { GRANTED, NO_METHOD, type ScriptProxy, scriptProxy } from "../../support/scripted_proxy.ts";
import { udpServer } from "../../support/servers.ts";

const PEER = { hostname: "198.51.100.1", port: 53 };
const decoder = new TextDecoder();

/** An association over a socket that only notes what is done with it. */
interface Association {
  readonly datagrams: SocksDatagrams;
  readonly proxy: ScriptProxy;
  readonly sent: Bytes[];
  readonly log: string[];
  /** A datagram comes. */
  come(text: string): void;
  readonly socket: BindDatagramsOptions;
}

async function association(
  relay = GRANTED,
  more: Partial<DatagramSocket> = {},
  auth: ClientAuthMethod = noAuthentication(),
): Promise<Association> {
  const proxy = scriptProxy([NO_METHOD, relay]);
  const sent: Bytes[] = [];
  const log: string[] = [];
  let socket: BindDatagramsOptions | undefined;
  const bind: BindDatagrams = (options) => {
    socket = options;
    return Promise.resolve({
      local: PEER,
      send: (bytes) => Promise.resolve(void sent.push(new Uint8Array(bytes))),
      close: () => void log.push("socket closed"),
      ref: () => void log.push("socket ref"),
      unref: () => void log.push("socket unref"),
      ...more,
    });
  };
  const datagrams = await associateThrough({
    proxy: { hostname: "proxy.example", port: 1080 },
    auth: [auth],
    dial: () =>
      Promise.resolve({
        ...proxy.near,
        ref: () => void log.push("connection ref"),
        unref: () => void log.push("connection unref"),
      }),
    bind,
    resolve: () => Promise.reject(new Error("no names here")),
  });
  const come = (text: string) => socket!.onDatagram(encodeDatagram(PEER, utf8(text)), datagrams.relay);
  return { datagrams, proxy, sent, log, come, socket: socket! };
}

async function text(receiving: Promise<[Uint8Array, unknown]>): Promise<string> {
  return decoder.decode((await receiving)[0]);
}

Deno.test("SocksDatagrams: sends everything that has bytes, and refuses what has none", async () => {
  const { datagrams, sent } = await association();
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6);
  const shared = new SharedArrayBuffer(6);
  new Uint8Array(shared).set(bytes);
  for (
    const data of [
      bytes,
      bytes.buffer,
      new Uint16Array(bytes.buffer),
      new DataView(bytes.buffer),
      new Uint8ClampedArray(bytes.buffer),
      new Uint8Array(shared),
      shared,
      concat(Uint8Array.of(9), bytes, Uint8Array.of(9)).subarray(1, 7),
    ]
  ) {
    assert.equal(await datagrams.send(data, PEER), 6);
    assert.deepEqual(decodeDatagram(sent.pop()!).data, bytes);
  }
  assert.equal(await datagrams.send(new DataView(bytes.buffer, 2, 2), PEER), 2);
  assert.deepEqual(decodeDatagram(sent.pop()!).data, Uint8Array.of(3, 4));
  const gone = new Uint8Array(5);
  structuredClone(gone.buffer, { transfer: [gone.buffer] });
  // deno-lint-ignore no-explicit-any
  for (const data of ["str", new Blob(["x"]), [1, 2], null, undefined, 5, {}, gone] as any[]) {
    await assert.rejects(datagrams.send(data, PEER), { name: "TypeError", message: /^Cannot send/ });
  }
  // deno-lint-ignore no-explicit-any
  for (const to of [undefined, null, {}, { hostname: "x" }, { hostname: "x", port: "1" }] as any[]) {
    await assert.rejects(datagrams.send(bytes, to), { name: "TypeError", message: /^Cannot use to/ });
  }
  await assert.rejects(datagrams.send(bytes, { hostname: "x", port: 65_536 }), RangeError);
  await assert.rejects(datagrams.send(bytes, { hostname: "a b", port: 1 }), { name: "HostNameError" });
  assert.deepEqual(sent, []);
  datagrams.close();
});

Deno.test("SocksDatagrams: sends the bytes as they were at the call, at every level", async () => {
  await using realm = await startRealmFolder();
  await using echo = await udpServer();
  await using server = serve({
    port: 0,
    keytab: realm.keytab,
    allowUnauthenticated: true,
    protection: ["integrity", "confidentiality"],
    commands: ["udp"],
    rules: ["allow localhost"],
  });
  const proxy = { hostname: "localhost", port: server.addr.port };
  const kerberos = { proxy, credentials: realm.tickets };
  for (
    const way of [
      { proxy, auth: [noAuthentication()] },
      { ...kerberos, protection: "integrity" as const },
      { ...kerberos, protection: "confidentiality" as const },
    ]
  ) {
    using datagrams = await associate(way);
    const to = { hostname: "127.0.0.1", port: echo.port };
    const data = utf8("AAAA");
    const sending = datagrams.send(data, to);
    data.fill(66);
    Object.assign(to, { port: 1 });
    structuredClone(data.buffer, { transfer: [data.buffer] });
    assert.equal(await sending, 4);
    assert.equal(await text(datagrams.receive()), "AAAA");
    // Too large is one error, whichever of what is put around it makes it so; and does no harm.
    const back = { hostname: "127.0.0.1", port: echo.port };
    for (const size of [65_507, 65_498, 65_536, 200_000]) {
      await assert.rejects(datagrams.send(new Uint8Array(size), back), { name: "RangeError", message: /the limit is/ });
    }
    let largest = 65_497;
    while (await datagrams.send(new Uint8Array(largest), back).then(() => false, () => true)) largest--;
    assert.ok(largest > 65_400, `${largest}`);
    assert.equal(datagrams.maxSize(back), largest);
    // It is not the system that says so.
    await assert.rejects(datagrams.send(new Uint8Array(largest + 1), back), { message: /the limit is/ });
    assert.equal((await datagrams.receive())[0].length, largest);
    assert.equal(await datagrams.send(utf8("on"), back), 2);
    assert.equal(await text(datagrams.receive()), "on");
  }
});

Deno.test("SocksDatagrams: allows longer datagrams over IPv6", async () => {
  const { datagrams, sent } = await association("05000004" + "20010db8000000000000000000000001" + "0007");
  assert.equal(datagrams.relay.hostname, "2001:db8::1");
  assert.equal(await datagrams.send(new Uint8Array(65_517), PEER), 65_517);
  await assert.rejects(datagrams.send(new Uint8Array(65_518), PEER), {
    name: "RangeError",
    message: /the limit is 65527/,
  });
  assert.equal(sent.length, 1);
  datagrams.close();
});

Deno.test("SocksDatagrams: maxSize() tells what is left beside the header (RFC 1928 section 7)", async () => {
  for (const [relay, whole] of [[GRANTED, 65_507], [`05000004${"20".repeat(16)}0007`, 65_527]] as const) {
    const { datagrams, sent } = await association(relay);
    const longest = `${"a".repeat(61)}.`.repeat(4) + "nexus";
    for (
      const [hostname, header] of [
        ["192.0.2.1", 10],
        ["::ffff:192.0.2.1", 10],
        ["2001:db8::1", 22],
        ["[2001:db8::1]", 22],
        ["a.example", 262],
        [longest, 262],
      ] as const
    ) {
      const to = { hostname, port: 53 };
      assert.equal(datagrams.maxSize(to), whole - header, hostname);
      assert.equal(await datagrams.send(new Uint8Array(datagrams.maxSize(to)), to), whole - header);
    }
    assert.equal(sent.length, 6);
    assert.throws(() => datagrams.maxSize({ hostname: "a b", port: 53 }), { name: "HostNameError" });
    datagrams.close();
    assert.throws(() => datagrams.maxSize(PEER), { code: "CLOSED" });
  }
});

Deno.test("SocksDatagrams: serves receivers in order; one that gives up takes nothing", async () => {
  const { datagrams, come } = await association();
  const stop = new AbortController();
  const calls = [datagrams.receive(), datagrams.receive({ signal: stop.signal }), datagrams.receive()];
  stop.abort(new Error("given up"));
  await assert.rejects(calls[1]!, { message: "given up" });
  for (const word of ["one", "two", "three"]) come(word);
  assert.deepEqual([await text(calls[0]!), await text(calls[2]!)], ["one", "two"]);
  await assert.rejects(datagrams.receive({ signal: AbortSignal.abort("before") }), (error) => error === "before");
  assert.equal(await text(datagrams.receive({ signal: new AbortController().signal })), "three");
  // deno-lint-ignore no-explicit-any
  await assert.rejects(datagrams.receive({ signal: {} as any }), { name: "TypeError", message: /^Cannot use signal/ });
  const loop = datagrams[Symbol.asyncIterator]();
  const [first, second] = [loop.next(), datagrams.receive()];
  come("loop's");
  come("call's");
  assert.equal(decoder.decode((await first).value![0]), "loop's");
  assert.equal(await text(second), "call's");
  datagrams.close();
});

Deno.test("SocksDatagrams: receive() leaves no listener on its signal", async () => {
  const { datagrams, come } = await association();
  const { signal, listeners } = countedController();
  const receiving = datagrams.receive({ signal });
  assert.equal(listeners(), 1);
  come("x");
  await receiving;
  const last = datagrams.receive({ signal });
  datagrams.close();
  await assert.rejects(last, { code: "CLOSED" });
  assert.equal(listeners(), 0);
});

Deno.test("SocksDatagrams: close() ends loops, fails calls with CLOSED, and discards what came", async () => {
  for (const how of ["close", Symbol.dispose, Symbol.asyncDispose] as const) {
    const { datagrams, come, log, proxy } = await association();
    let count = 0;
    const loop = (async () => {
      for await (const _ of datagrams) count++;
    })();
    come("one");
    while (count === 0) await Promise.resolve();
    const receiving = datagrams.receive();
    void datagrams[how]();
    datagrams.close();
    await loop;
    await assert.rejects(receiving, { name: "SocksConnectionError", code: "CLOSED" });
    await assert.rejects(datagrams.receive(), { name: "SocksConnectionError", code: "CLOSED" });
    await assert.rejects(datagrams.send(utf8("x"), PEER), { name: "SocksConnectionError", code: "CLOSED" });
    for await (const _ of datagrams) assert.fail("there is nothing more");
    assert.deepEqual(log, ["socket closed"]);
    assert.ok(proxy.closed() > 0);
  }
  const { datagrams, come } = await association();
  for (const word of ["one", "two"]) come(word);
  assert.equal(await text(datagrams.receive()), "one");
  datagrams.close();
  await assert.rejects(datagrams.receive(), { code: "CLOSED" });
});

Deno.test("SocksDatagrams: a lost association fails for good with one error, in loops too", async () => {
  const ends: [string, (made: Association) => unknown, Record<string, unknown>][] = [
    ["the proxy ends it", ({ proxy }) => proxy.far.closeWrite(), { name: "SocksConnectionError", code: "LOST" }],
    ["the connection breaks", ({ proxy }) => proxy.far.close(), { name: "SocksConnectionError", code: "LOST" }],
    ["the socket fails", ({ socket }) => socket.onEnd!(new Error("no more")), {
      name: "SocksConnectionError",
      code: "LOST",
      message: "Association is lost: its socket has failed: no more",
    }],
  ];
  for (const [name, end, expected] of ends) {
    const made = await association();
    const { datagrams, come, log } = made;
    const loop = (async () => {
      for await (const _ of datagrams);
    })();
    const failing = assert.rejects(loop, expected, name);
    await end(made);
    await failing;
    const error = await datagrams.receive().catch((error) => error);
    assert.equal(await datagrams.send(utf8("x"), PEER).catch((error) => error), error, name);
    come("too late");
    assert.equal(await datagrams.receive().catch((error) => error), error, name);
    assert.deepEqual(log, ["socket closed"]);
    datagrams.close();
    assert.equal(await datagrams.receive().catch((error) => error), error, name);
    await assert.rejects(datagrams[Symbol.asyncIterator]().next(), (thrown) => thrown === error, name);
  }
});

Deno.test("SocksDatagrams: what came before the loss is still received", async () => {
  const { datagrams, come, proxy, log } = await association();
  for (const word of ["one", "two"]) come(word);
  await proxy.far.closeWrite();
  while (log.length === 0) await Promise.resolve();
  const seen: string[] = [];
  await assert.rejects(
    async () => {
      for await (const [data] of datagrams) seen.push(decoder.decode(data));
    },
    { code: "LOST" },
  );
  assert.deepEqual(seen, ["one", "two"]);
});

Deno.test("SocksDatagrams: leaving a loop keeps the association open", async () => {
  const { datagrams, come } = await association();
  come("one");
  for await (const [data] of datagrams) {
    assert.equal(decoder.decode(data), "one");
    break;
  }
  come("two");
  assert.equal(await text(datagrams.receive()), "two");
  datagrams.close();
});

Deno.test("SocksDatagrams: survives a refused datagram, and reports why its socket failed", async () => {
  const failing = Promise.withResolvers<void>();
  const { datagrams, come } = await association(GRANTED, { send: () => failing.promise });
  const sending = datagrams.send(utf8("x"), PEER);
  failing.reject(new Error("Network is unreachable"));
  await assert.rejects(sending, { message: "Network is unreachable" });
  come("still here");
  assert.equal(await text(datagrams.receive()), "still here");
  datagrams.close();
  // Nor is a socket waited for that does not say what became of it.
  for (const ending of ["closed", "fails", "deaf"]) {
    let calls = 0;
    const [asked, waiting] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const send = () => {
      calls++;
      asked.resolve();
      return waiting.promise;
    };
    const other = await association(GRANTED, { send }, sealsLater());
    const last = other.datagrams.send(utf8("x"), PEER);
    if (ending !== "closed") await asked.promise;
    other.datagrams.close();
    if (ending === "fails") waiting.reject(new Error("Bad resource"));
    await assert.rejects(last, { name: "SocksConnectionError", code: "CLOSED" });
    // What was being sealed then is not sent.
    for (let i = 0; i < 5; i++) await Promise.resolve();
    assert.equal(calls, ending === "closed" ? 0 : 1);
  }
});

/** A method of a user, whose datagrams are sealed and opened by promises only. */
function sealsLater(): ClientAuthMethod {
  const plain = noAuthentication();
  const later = (bytes: Uint8Array) => Promise.resolve(new Uint8Array(bytes));
  return {
    ...plain,
    authenticate: async (connection, options) => ({
      ...await plain.authenticate(connection, options),
      datagrams: { seal: later, open: later },
    }),
  };
}

Deno.test("SocksDatagrams: takes a codec of promises, and drops what that refuses", async () => {
  const { datagrams, sent, come, socket } = await association(GRANTED, {}, sealsLater());
  await datagrams.send(utf8("x"), PEER);
  assert.deepEqual(sent, [encodeDatagram(PEER, utf8("x"))]);
  socket.onDatagram(encodeDatagram(PEER, utf8("part")).fill(1, 2, 3), datagrams.relay);
  come("whole");
  assert.equal(await text(datagrams.receive()), "whole");
  assert.equal(datagrams.dropped, 1);
  datagrams.close();
});

Deno.test("SocksDatagrams: gives memory that is the receiver's alone", async () => {
  const { datagrams, socket } = await association();
  const memory = new Uint8Array(1_000);
  const datagram = encodeDatagram(PEER, utf8("data"));
  memory.set(datagram, 500);
  socket.onDatagram(memory.subarray(500, 500 + datagram.length), datagrams.relay);
  const [data] = await datagrams.receive();
  assert.deepEqual([data, data.buffer.byteLength], [utf8("data"), 4]);
  datagrams.close();
});

Deno.test("SocksDatagrams: ref() and unref() reach the socket and the connection", async () => {
  const { datagrams, log } = await association();
  datagrams.unref();
  datagrams.ref();
  assert.deepEqual(log, ["socket unref", "connection unref", "socket ref", "connection ref"]);
  datagrams.close();
});

Deno.test("SocksDatagrams: drops and counts datagrams beyond its capacity", async () => {
  const { datagrams, come } = await association();
  for (let i = 0; i < 300; i++) come(`${i}`);
  assert.equal(datagrams.dropped, 300 - 256);
  for (let i = 0; i < 256; i++) assert.equal(await text(datagrams.receive()), `${i}`);
  const inbox = new Inbox<number>();
  for (let i = 0; i < 256; i++) assert.ok(inbox.reserve());
  assert.equal(inbox.reserve(), false);
  inbox.release();
  assert.ok(inbox.reserve());
  inbox.end(new Error("over"), "keep");
  inbox.put(1);
  await assert.rejects(inbox.next(), { message: "over" });
  assert.equal(inbox.reserve(), false);
  datagrams.close();
});

Deno.test("bindUdp(): both kinds of sockets refuse large datagrams and let the process end", async () => {
  const script = `
    import { bindUdp } from "${new URL("../../../socks/shell/udp.ts", import.meta.url)}";
    const got = Promise.withResolvers();
    const options = { hostname: "127.0.0.1", port: 0 };
    const one = await bindUdp({ ...options, onDatagram: (bytes) => got.resolve(bytes.length) });
    const two = await bindUdp({ ...options, onDatagram() {} });
    const error = await two.send(new Uint8Array(65_508), one.local).catch((error) => error);
    await two.send(new Uint8Array(3), one.local);
    console.log("listenDatagram" in Deno, error instanceof RangeError, error.cause?.code, await got.promise);
    for (const socket of [one, two]) { socket.unref(); socket.ref(); socket.unref(); }
  `;
  for (const [flags, kind] of [[["--unstable-net"], true], [[], false]] as const) {
    const { code, stdout, stderr } = await run(Deno.execPath(), [
      ...["run", "--quiet", "--no-check", "-A", "--config", new URL("../../../deno.json", import.meta.url).pathname],
      ...flags,
      "-",
    ], { stdin: script });
    assert.deepEqual([code, stdout], [0, `${kind} true EMSGSIZE 3\n`], stderr);
  }
});

Deno.test("bindUdp(): both kinds of sockets send in order from the first datagram", async () => {
  const script = `
    import { bindUdp } from "${new URL("../../../socks/shell/udp.ts", import.meta.url)}";
    const seen = [];
    const all = Promise.withResolvers();
    const options = { hostname: "127.0.0.1", port: 0 };
    const one = await bindUdp({ ...options, onDatagram(bytes) { if (seen.push(bytes[0]) === 21) all.resolve(); } });
    const two = await bindUdp({ ...options, onDatagram() {} });
    const tooLarge = two.send(new Uint8Array(65_508), one.local).catch((error) => error.name);
    const sent = [];
    for (let i = 0; i < 20; i++) sent.push(two.send(Uint8Array.of(i), one.local));
    sent.push(sent[0].then(() => two.send(Uint8Array.of(20), one.local)));
    await Promise.all(sent);
    await all.promise;
    console.log(await tooLarge, seen.join());
    for (const socket of [one, two]) socket.close();
  `;
  const order = Array.from({ length: 21 }, (_, i) => i).join();
  for (const flags of [["--unstable-net"], []]) {
    const { code, stdout, stderr } = await run(Deno.execPath(), [
      ...["run", "--quiet", "--no-check", "-A", "--config", new URL("../../../deno.json", import.meta.url).pathname],
      ...flags,
      "-",
    ], { stdin: script });
    assert.deepEqual([code, stdout], [0, `RangeError ${order}\n`], stderr);
  }
});

Deno.test("associateThrough(): reports why no association is possible, and leaves nothing open", async () => {
  const name = "050000030472656c790007";
  const failure = new Error("no sockets");
  const socket = (log: string[]): DatagramSocket => ({
    local: PEER,
    send: () => Promise.resolve(),
    close: () => void log.push("closed"),
  });
  const plain = noAuthentication();
  const cases: [string, Parameters<typeof associateThrough>[0]["auth"][number], BindDatagrams, object][] = [
    [GRANTED, plain, () => Promise.reject(failure), { message: "no sockets" }],
    [name, plain, () => Promise.reject(failure), { name: "SocksProtocolError", code: "BAD_MESSAGE" }],
    // A method whose context cannot tell what came twice has nothing for datagrams.
    [
      GRANTED,
      {
        ...plain,
        async authenticate(connection, how) {
          return { ...await plain.authenticate(connection, how), datagrams: undefined };
        },
      },
      () => Promise.reject(failure),
      { name: "SocksAuthError", code: "FLAGS_MISSING" },
    ],
  ];
  for (const [relay, method, bind, expected] of cases) {
    const proxy = scriptProxy([NO_METHOD, relay]);
    const options = {
      proxy: PEER,
      auth: [method],
      dial: () => Promise.resolve(proxy.near),
      bind,
      resolve: () => Promise.resolve([]),
    };
    await assert.rejects(associateThrough(options), expected);
    assert.equal(proxy.closed(), 1);
  }
  // A socket that fails before it is there.
  const log: string[] = [];
  const proxy = scriptProxy([NO_METHOD, GRANTED]);
  const failing = associateThrough({
    proxy: PEER,
    auth: [plain],
    dial: () => Promise.resolve(proxy.near),
    bind: ({ onEnd }) => {
      onEnd!(failure);
      return Promise.resolve(socket(log));
    },
    resolve: () => Promise.resolve([]),
  });
  await assert.rejects(failing, { name: "SocksConnectionError", code: "LOST", cause: failure });
  assert.deepEqual(log, ["closed"]);
  assert.ok(proxy.closed() > 0);
});

Deno.test("SocksDatagrams: tells identity and protection", async () => {
  const { datagrams } = await association();
  assert.deepEqual([datagrams.identity.method, datagrams.protection], ["none", "none"]);
  datagrams.close();
});
