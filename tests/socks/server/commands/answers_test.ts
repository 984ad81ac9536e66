/** Whoever sends what cannot be read is told so in his protocol, whatever the pieces, and can read it. */
import assert from "node:assert/strict";
import { concat, utf8 } from "../../../../base/bytes.ts";
import { noAuthentication } from "../../../../socks/auth/none.ts";
import type { ServerAuthMethod } from "../../../../socks/auth/method.ts";
import { gssapiClient } from "../../../../socks/auth/gssapi/client.ts";
import { gssapiServer } from "../../../../socks/auth/gssapi/server.ts";
import { fixedPasswords, passwordServer } from "../../../../socks/auth/password.ts";
import { AssociateCommand } from "../../../../socks/server/commands/associate.ts";
import { SocksReplyError } from "../../../../socks/errors.ts";
import { Handshake } from "../../../../socks/handshake.ts";
import { connectThrough } from "../../../../socks/client/connect.ts";
import type { SocksServer } from "../../../../socks/server/server.ts";
import type { ServerEvent } from "../../../../socks/server/events.ts";
import type { SocksServerOptions } from "../../../../socks/server/options.ts";
import { dialTcp, listenTcp } from "../../../../socks/shell/tcp.ts";
import { credentialPair, memoryRealm } from "../../../support/gss_pair.ts";
import { echoTarget, makeServer } from "../../../support/memory_server.ts";
import { pipe, readAll } from "../../../support/pipe.ts";
import { TcpServer } from "../../../support/servers.ts";
import { hex, unhex } from "../../../support/vectors.ts";

const NOWHERE = "00 01 00000000 0000";
/** No method, and nothing else. */
const OFFER = "050100";
const named = (bytes: string) =>
  `050100 03 ${hex(Uint8Array.of(unhex(bytes.replaceAll(" ", "")).length))} ${bytes} 0050`;

/** What is sent behind the offer, and the code of the reply. */
const UNREADABLE: readonly (readonly [string, string, number])[] = [
  ["address type 9", "050100 09 01020304 0050", 8],
  ["address type 0", "050100 00 01020304 0050", 8],
  ["address type 2", "050100 02 01020304 0050", 8],
  ["address type 5", "050100 05 7f000001 0050", 8],
  ["empty name", "050100 03 00 0050", 1],
  ["blank in a name", named(hex(utf8("a b"))), 1],
  ["NUL in a name", named(hex(utf8("a\0b"))), 1],
  ["name that is not UTF-8", named("fffe"), 1],
  ["overlong UTF-8", named("c0ae"), 1],
  ["zone", named(hex(utf8("fe80::1%eth0"))), 1],
  ["name that cannot be mapped", named(hex(utf8("xn--a.example"))), 1],
  ["number that is no address", named(hex(utf8("1.2.3.256"))), 1],
  ["name of 255 bytes", named(hex(utf8("a".repeat(255)))), 1],
  ["version 4 in the request", "040100 01 7f000001 0050", 1],
  ["version 0 in the request", "000100 01 7f000001 0050", 1],
];

/** Sends bytes to a fresh session, each write at its own, and gives all that comes back. The client closes last. */
async function talk(server: SocksServer, pieces: readonly Uint8Array[], end = false): Promise<string> {
  const [client, far] = pipe();
  const served = server.serve(far);
  for (const piece of pieces) await client.write(piece).catch(() => {});
  if (end) await client.closeWrite();
  // The server says that it is done before it hangs up: reading to the end is all that a client has to do.
  const answer = hex(await readAll(client));
  client.close();
  await served;
  return answer;
}

/** Whole, byte by byte, and with bytes behind it. */
function segmentations(bytes: Uint8Array): readonly (readonly Uint8Array[])[] {
  const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
  const more = utf8("and more of it ".repeat(10));
  return [[bytes], single, [concat(bytes, more)], [...single, more], [
    bytes.subarray(0, 3),
    bytes.subarray(3),
    more,
    more,
  ]];
}

const spaceless = (text: string) => text.replaceAll(" ", "");

Deno.test("SOCKS 5: refuses a malformed request with its reply", async () => {
  for (const [what, request, reply] of UNREADABLE) {
    for (const pieces of segmentations(unhex(OFFER + spaceless(request)))) {
      const { server, events } = makeServer({ open: () => Promise.reject(new Error("opened")) });
      assert.equal(await talk(server, pieces), spaceless(`0500 050${reply} ${NOWHERE}`), what);
      const last = events.at(-1)!;
      assert.ok(last.type === "refused" && last.command === undefined && "code" in last.error, what);
      assert.equal(last.error.code === "ADDRESS_TYPE_NOT_SUPPORTED", reply === 8, what);
      assert.equal(events.filter(({ type }) => type === "refused").length, 1);
    }
  }
  // One that ends in the middle, too.
  const whole = unhex(OFFER + "0501000304746573740050");
  for (let length = OFFER.length / 2 + 1; length < whole.length; length++) {
    const { server, refusals } = makeServer();
    assert.equal(await talk(server, [whole.subarray(0, length)], true), spaceless(`0500 0501 ${NOWHERE}`), `${length}`);
    assert.deepEqual(refusals(), ["UNEXPECTED_END"]);
  }
  const { server } = makeServer();
  assert.equal(await talk(server, [unhex(OFFER)], true), "0500");
});

Deno.test("SOCKS 5: refuses a malformed request after the password", async () => {
  const { server } = makeServer({ auth: [passwordServer(fixedPasswords({ bob: "pw" }))] });
  const login = "050102" + "0103" + hex(utf8("bob")) + "02" + hex(utf8("pw"));
  assert.equal(await talk(server, [unhex(login + "05010009")]), spaceless(`0502 0100 0508 ${NOWHERE}`));
  const wrong = "050102" + "0103" + hex(utf8("bob")) + "02" + hex(utf8("xx"));
  assert.equal(await talk(server, [unhex(wrong + "05010009")]), "05020101");
  assert.equal(await talk(server, [unhex("050100" + "05010009")]), "05ff");
});

Deno.test("SOCKS 5: seals the refusal of a malformed request", async () => {
  const pair = credentialPair(await memoryRealm());
  for (const protection of ["confidentiality", "integrity"] as const) {
    const { server } = makeServer({ auth: [gssapiServer({ credential: pair.acceptor })] });
    const [client, far] = pipe();
    const served = server.serve(far);
    await client.write(unhex("050101"));
    assert.equal(hex((await client.read())!), "0501");
    const proxy = { hostname: "localhost", port: 1 };
    const { connection } = await gssapiClient({ credential: pair.initiator, protection }).authenticate(client, {
      proxy,
    });
    await connection.write(unhex("05010009"));
    assert.equal(hex(await readAll(connection)), spaceless(`0508 ${NOWHERE}`));
    connection.close();
    await served;
  }
});

Deno.test("Handshake: gives the refusal of malformed input once", () => {
  const asked = (bytes: string) => {
    const server = new Handshake("server");
    server.receive(unhex(OFFER));
    server.nextEvent();
    server.send({ type: "choice", method: 0 });
    server.authenticated();
    server.receive(unhex(bytes));
    return server;
  };
  const unknown = asked("05010009");
  assert.equal(unknown.refusal(), undefined);
  assert.throws(() => unknown.nextEvent(), { code: "ADDRESS_TYPE_NOT_SUPPORTED" });
  assert.equal(unknown.state, "closed");
  assert.equal(hex(unknown.refusal()!), spaceless(`0508${NOWHERE}`));
  assert.equal(unknown.refusal(), undefined);
  const cut = asked("0501");
  assert.equal(cut.nextEvent(), undefined);
  assert.throws(() => cut.ended("request"), { code: "UNEXPECTED_END" });
  assert.equal(hex(cut.refusal()!), spaceless(`0501${NOWHERE}`));
  // Before the request the protocol has no such answer, and a client never has one.
  const offer = new Handshake("server");
  offer.receive(unhex("06"));
  assert.throws(() => offer.nextEvent(), { code: "BAD_VERSION" });
  assert.equal(offer.refusal(), undefined);
  const client = new Handshake("client");
  client.send({ type: "offer", methods: [0] });
  client.receive(unhex("04"));
  assert.throws(() => client.nextEvent(), { code: "BAD_VERSION" });
  assert.equal(client.refusal(), undefined);
});

/** What events say of a session that was refused. */
function refusal(events: readonly ServerEvent[]): [string | undefined, string | undefined] {
  const last = events.at(-1)!;
  assert.ok(last.type === "refused");
  return [last.command, (last.error as { code?: string }).code];
}

Deno.test("session: refuses unknown commands with 07", async () => {
  const served: Partial<SocksServerOptions> = {
    open: () => Promise.reject(new Error("opened")),
    limits: { sessionsPerUser: 1 },
  };
  for (const command of [0, 4, 5, 0x99, 0xef, 0xf2, 0xff]) {
    for (
      const pieces of segmentations(unhex(OFFER + spaceless(`05${hex(Uint8Array.of(command))}00 01 7f000001 0050`)))
    ) {
      const { server, events } = makeServer(served);
      const live: (string | undefined)[] = [];
      const talking = talk(server, pieces);
      live.push(...server.liveSessions().map((session) => session.command));
      assert.equal(await talking, spaceless(`0500 0507 ${NOWHERE}`));
      assert.deepEqual(refusal(events), [`0x${hex(Uint8Array.of(command))}`, "COMMAND_NOT_SUPPORTED"]);
      assert.ok(!live.includes("connect"));
    }
  }
  // Nobody is counted as having it carried out.
  const entered: string[] = [];
  const { server: strict } = makeServer({
    auth: [passwordServer(() => true)],
    limits: { sessionsPerUser: 1 },
    userLedger: { enter: (user) => entered.push(user) > 0, leave() {} },
  });
  for (const [command, reply] of [["99", "07"], ["01", "00"]]) {
    const asked = unhex("050102" + "0101620178" + `05${command}000304746573740050`);
    assert.match(await talk(strict, [asked], true), new RegExp(`^0502010005${reply}`));
  }
  // Users are counted in one spelling.
  assert.deepEqual(entered, ["B"]);
  // Those that there are and are not served keep their names.
  for (const [command, name] of [[2, "bind"], [3, "udp"], [0xf0, "resolve"], [0xf1, "resolve"]] as const) {
    const { server, events } = makeServer(served);
    const request = unhex(OFFER + spaceless(`05${hex(Uint8Array.of(command))}00 01 7f000001 0050`));
    assert.equal(await talk(server, [request]), spaceless(`0500 0507 ${NOWHERE}`));
    assert.deepEqual(refusal(events), [name, "COMMAND_NOT_SUPPORTED"]);
  }
  // Version 4 has no command 3: it must not be taken for version 5's UDP ASSOCIATE.
  for (const command of [0, 3, 0xf1]) {
    const { server, events } = makeServer({
      ...served,
      protocols: ["socks4"],
      resolve: () => Promise.resolve("9.9.9.9"),
    });
    assert.equal(await talk(server, [unhex(`04${hex(Uint8Array.of(command))}00500808080800`)]), "005b000000000000");
    assert.deepEqual(refusal(events), [`0x${hex(Uint8Array.of(command))}`, "COMMAND_NOT_SUPPORTED"]);
  }
  // Its replies hold IPv4 addresses only.
  for (const [found, told] of [["9.9.9.9", "09090909"], ["2001:db8::1", "00000000"]]) {
    const { server } = makeServer({ protocols: ["socks4"], resolve: () => Promise.resolve(found!) });
    const lookup = concat(unhex("04f0005000000001"), utf8("\0a.example\0"));
    assert.equal(await talk(server, [lookup]), `005a0000${told}`);
  }
});

Deno.test("SOCKS 4: refuses a malformed request", async () => {
  const start = unhex("0401005000000001");
  const cases = [
    concat(start, utf8("u\0\0")),
    concat(start, utf8("u\0a b\0")),
    concat(start, utf8("u\0xn--a.example\0")),
    concat(start, utf8("u\0"), unhex("fffe00")),
    concat(start, utf8("u".repeat(300) + "\0a\0")),
    concat(start, utf8("u\0" + "h".repeat(300) + "\0")),
    concat(start, utf8("u".repeat(2_000))),
  ];
  for (const [i, bytes] of cases.entries()) {
    for (const pieces of segmentations(bytes)) {
      const { server, events } = makeServer({ protocols: ["socks4"] });
      assert.equal(await talk(server, pieces), "005b000000000000", `case ${i}`);
      assert.equal(events.at(-1)!.type, "refused");
    }
  }
  const { server } = makeServer({ protocols: ["socks4"] });
  assert.equal(await talk(server, [start], true), "005b000000000000");
});

Deno.test("HTTP: refuses a malformed request with a status at once", async () => {
  const cases: readonly (readonly [string, number])[] = [
    ["CONNECT nonsense HTTP/1.1\r\n", 400],
    ["CONNECT a..b:80 HTTP/1.1\r\n", 400],
    ["CONNECT xn--a.example:80 HTTP/1.1\r\n", 400],
    ["CONNECT :80 HTTP/1.1\r\n", 400],
    ["CONNECT a:80\r\n", 400],
    ["CONNECT a:80 HTTP/1.1 x\r\n", 400],
    ["CONNECT\ta:80 HTTP/1.1\r\n", 400],
    ["a\r\n", 400],
    ["GET / HTTP/1.1\r\n", 400],
    ["get / HTTP/1.1\r\n", 400],
    ["GET http://a:0/ HTTP/1.1\r\n", 400],
    ["GET ftp://a/ HTTP/1.1\r\n", 501],
    ["GET / HTTP/2.0\r\n", 505],
  ];
  for (const [line, status] of cases) {
    for (const pieces of segmentations(utf8(line))) {
      const { server, events } = makeServer({ protocols: ["http"] });
      const answer = new TextDecoder().decode(unhex(await talk(server, pieces)));
      assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} [A-Z][A-Za-z ]+\r\n[^]*\r\n\r\n`), line);
      assert.equal(events.at(-1)!.type, "refused");
    }
  }
  const { server } = makeServer({ protocols: ["http"] });
  const cut = await talk(server, [utf8("CONNECT a:80 HTTP/1.1\r\nHost: ")], true);
  assert.match(new TextDecoder().decode(unhex(cut)), /^HTTP\/1\.1 400 /);
});

Deno.test("readRequest(): refuses protocols that are off in their own protocol", async () => {
  for (
    const [sent, answer, code] of [
      ["04", /^005b000000000000$/, "BAD_VERSION"],
      [hex(utf8("GET / HTTP/1.1\r\n\r\n")), new RegExp(`^${hex(utf8("HTTP/1.1 501 "))}`), "BAD_VERSION"],
      [hex(utf8("c")), new RegExp(`^${hex(utf8("HTTP/1.1 501 "))}`), "BAD_VERSION"],
      ["1603010200010001fc0303", /^$/, "BAD_VERSION"],
      ["00", /^$/, "BAD_VERSION"],
      ["06", /^$/, "BAD_VERSION"],
    ] as const
  ) {
    for (const pieces of segmentations(unhex(sent))) {
      const { server, refusals } = makeServer();
      assert.match(await talk(server, pieces), answer, sent);
      assert.deepEqual(refusals(), [code]);
    }
  }
  const { server, refusals } = makeServer();
  assert.equal(await talk(server, [], true), "");
  assert.deepEqual(refusals(), ["UNEXPECTED_END"]);
});

Deno.test("EarlyEnd: a session ends though the refusal throws, and its method waits for ever", async () => {
  const method: ServerAuthMethod = {
    code: 0,
    name: "none",
    accept(_connection, { beforeClosing }) {
      beforeClosing?.(() => {
        throw new Error("no refusal");
      });
      return new Promise(() => {});
    },
  };
  const { server, refusals } = makeServer({ auth: [method], timeouts: { handshake: 20 } });
  const [client, far] = pipe();
  const served = server.serve(far);
  await client.write(unhex(OFFER));
  await served;
  assert.deepEqual(refusals(), ["HANDSHAKE_TIMEOUT"]);
  assert.equal(server.sessions, 0);
});

Deno.test("EarlyEnd: answers a client that is too slow or must make room", async () => {
  const cut = async (
    sent: Uint8Array,
    options: Partial<SocksServerOptions>,
    end?: (server: SocksServer) => unknown,
  ) => {
    const { server } = makeServer({ protocols: ["socks4", "http"], ...options });
    const [client, far] = pipe();
    const served = server.serve(far);
    for (const byte of sent) await client.write(Uint8Array.of(byte));
    // Everything is read before the end comes.
    for (let i = 0; i < 20 * sent.length; i++) await Promise.resolve();
    await end?.(server);
    await served;
    await assert.rejects(client.write(unhex("00")), { message: "Pipe is closed" });
    return hex(far.sent());
  };
  const status = (code: number) => new RegExp(`^${hex(utf8(`HTTP/1.1 ${code} `))}`);
  const cases: readonly (readonly [Uint8Array, RegExp, RegExp?])[] = [
    [unhex(OFFER + "0501000304"), new RegExp(`^${spaceless(`0500 0501 ${NOWHERE}`)}$`)],
    [unhex(OFFER), /^0500$/],
    [unhex("05"), /^$/],
    [unhex("0401005008080808"), /^005b000000000000$/],
    [utf8("CONNECT a:80 HTTP/1.1\r\nHost:"), status(408), status(503)],
  ];
  for (const [sent, late, shut = late] of cases) {
    assert.match(await cut(sent, { timeouts: { handshake: 20 } }), late);
    assert.match(await cut(sent, {}, (server) => server[Symbol.asyncDispose]()), shut);
  }
  // Whoever was served meanwhile hears nothing of it.
  for (
    const sent of [
      unhex(OFFER + "0501000304746573740050"),
      unhex("040100500808080800"),
      utf8("CONNECT a:1 HTTP/1.1\r\n\r\n"),
    ]
  ) {
    const answer = await cut(sent, {}, (server) => server[Symbol.asyncDispose]());
    assert.match(answer, new RegExp(`^(05000500|005a|${hex(utf8("HTTP/1.1 200 "))})`));
    assert.doesNotMatch(answer, new RegExp(`.(005b0|0501|${hex(utf8("HTTP/1.1 5"))})`));
    // Nor does one whose target is being reached: its request was read, and is not refused.
    const waiting = await cut(sent, { open: () => new Promise(() => {}) }, (server) => server[Symbol.asyncDispose]());
    assert.match(waiting, /^(0500)?$/);
  }
});

/** A server on a socket, and what a client gets that sends a lot, reads late, and never closes by itself. */
async function overSocket(options: Partial<SocksServerOptions>, sent: Uint8Array): Promise<string> {
  const { server } = makeServer(options);
  await using stack = new AsyncDisposableStack();
  stack.use(server);
  const listener = listenTcp({ hostname: "127.0.0.1", port: 0 });
  void server.listen(listener);
  using client = await Deno.connect(listener.addr);
  // More than the server reads of it: what it has not read when it closes makes a reset, which takes the answer along.
  await client.write(sent);
  const more = new Uint8Array(100);
  for (let i = 0; i < 20; i++) await client.write(more).catch(() => 0);
  return await new Response(client.readable).bytes().then(hex);
}

Deno.test("refuse(): loses no reply to a reset", async () => {
  const refusing: Partial<SocksServerOptions> = {
    open: () => Promise.reject(new SocksReplyError("NOT_ALLOWED", "no")),
    protocols: ["socks4", "http"],
  };
  const cases: readonly (readonly [Partial<SocksServerOptions>, string, string])[] = [
    [refusing, OFFER + "0501000304746573740050", spaceless(`0500 0502 ${NOWHERE}`)],
    [refusing, OFFER + "05990001010203040050", spaceless(`0500 0507 ${NOWHERE}`)],
    [refusing, OFFER + "05010009", spaceless(`0500 0508 ${NOWHERE}`)],
    [refusing, "050102", "05ff"],
    [{ auth: [passwordServer(() => false)] }, "0501020101610162", "05020101"],
    [refusing, "04010050000000010061206200", "005b000000000000"],
  ];
  for (const [options, sent, answer] of cases) assert.equal(await overSocket(options, unhex(sent)), answer, sent);
  const status = await overSocket(refusing, utf8("NONSENSE\r\n"));
  assert.match(status, new RegExp(`^${hex(utf8("HTTP/1.1 400 "))}`));
});

Deno.test("refuse(): closes the connection of a client that does not", async () => {
  const { server } = makeServer({ open: () => Promise.reject(new SocksReplyError("NOT_ALLOWED", "no")) });
  const ends = [OFFER + "0501000304746573740050", OFFER + "05990001010203040050", OFFER + "05010009", "050102"].map(
    async (sent) => {
      const [client, far] = pipe();
      const began = Date.now();
      const served = server.serve(far);
      await client.write(unhex(sent));
      await served;
      assert.ok(Date.now() - began < 10_000);
      await assert.rejects(client.write(unhex("00")), { message: "Pipe is closed" });
    },
  );
  await Promise.all(ends);
  assert.equal(server.sessions, 0);
});

Deno.test("session: closes the connection, whatever ends it", async () => {
  const { server } = makeServer({
    protocols: ["socks4", "http"],
    open: () => Promise.reject(new SocksReplyError("NOT_ALLOWED", "no")),
  });
  const ways = [
    "",
    "05",
    OFFER,
    "050102",
    OFFER + "05010009",
    OFFER + "0501000304746573740050",
    "06",
    "04",
    hex(utf8("X\r\n")),
  ];
  for (const sent of ways) {
    const [client, far] = pipe();
    let closed = false;
    const counting = Object.assign(Object.create(far), { close: () => void (closed = true) });
    const served = server.serve(counting);
    await client.write(unhex(sent));
    await client.closeWrite();
    await served;
    assert.ok(closed, sent);
  }
});

Deno.test("session: reports one refusal for a client that goes before its reply", async () => {
  const associate = new AssociateCommand({
    bind: () =>
      Promise.resolve({ local: { hostname: "127.0.0.1", port: 9 }, send: () => Promise.resolve(), close() {} }),
    open: () => Promise.resolve({ send: () => Promise.resolve(), close() {} }),
  });
  const { server, events } = makeServer({ associate });
  const [client, far] = pipe();
  let writes = 0;
  const breaking = Object.assign(Object.create(far), {
    local: { hostname: "127.0.0.1", port: 1 },
    write: (bytes: Uint8Array) => ++writes === 2 ? Promise.reject(new Error("Broken pipe")) : far.write(bytes),
  });
  const served = server.serve(breaking);
  await client.write(unhex(OFFER + "05030001000000000000"));
  await client.closeWrite();
  await served;
  assert.deepEqual(events.map((event) => `${event.type} ${"error" in event ? event.error?.message : ""}`.trim()), [
    "accepted",
    "authenticated",
    "refused Broken pipe",
  ]);
});

Deno.test("RESOLVE: counts a client that goes after its answer as served", async () => {
  const { server, events } = makeServer({ resolve: () => Promise.resolve("192.0.2.1") });
  const [client, far] = pipe();
  const gone = Object.assign(Object.create(far), { closeWrite: () => Promise.reject(new Error("Not connected")) });
  const served = server.serve(gone);
  await client.write(unhex(OFFER + "05f00003047465737400" + "00"));
  await served;
  assert.deepEqual(events.map(({ type }) => type), ["accepted", "authenticated", "closed"]);
  assert.equal(hex(far.sent()), "0500" + "05000001c00002010000");
});

Deno.test("CONNECT: replies after the target is reached, never before", async () => {
  const order: string[] = [];
  const { server } = makeServer({
    protocols: ["socks4", "http"],
    open: async (request) => {
      // Nothing but the method has been said by now.
      order.push(hex(far.sent()));
      return await echoTarget(request);
    },
  });
  let far = pipe()[1];
  for (
    const sent of [
      unhex(OFFER + "0501000304746573740050"),
      unhex("040100500808080800"),
      utf8("CONNECT a:1 HTTP/1.1\r\n\r\n"),
    ]
  ) {
    const [client, server2] = pipe();
    far = server2;
    const served = server.serve(far);
    await client.write(sent);
    await client.closeWrite();
    await readAll(client);
    await served;
  }
  assert.deepEqual(order, ["0500", "", ""]);
});

Deno.test("client: takes a proxy's refusal at once", async () => {
  const cases: readonly (readonly [string, boolean, string])[] = [
    ["0504", true, "HOST_UNREACHABLE"],
    ["050400", true, "HOST_UNREACHABLE"],
    ["050500", false, "CONNECTION_REFUSED"],
    ["0502", false, "NOT_ALLOWED"],
    ["05040000000000000000", true, "HOST_UNREACHABLE"],
    ["050700030000", true, "COMMAND_NOT_SUPPORTED"],
    ["0508", true, "ADDRESS_TYPE_NOT_SUPPORTED"],
    ["05ee", true, "GENERAL_FAILURE"],
    ["0500000900", true, "BAD_MESSAGE"],
    ["0500", false, "UNEXPECTED_END"],
    ["05", false, "UNEXPECTED_END"],
    ["0400", true, "BAD_VERSION"],
  ];
  for (const [reply, keep, code] of cases) {
    for (const size of [1, 100]) {
      let ended: Promise<unknown> | undefined;
      await using proxy = new TcpServer(async (connection) => {
        const buffer = new Uint8Array(1_000);
        await connection.read(buffer);
        await connection.write(unhex("0500"));
        await connection.read(buffer);
        const bytes = unhex(reply);
        for (let at = 0; at < bytes.length; at += size) await connection.write(bytes.subarray(at, at + size));
        // The client hangs up on its own (RFC 1928 section 6).
        if (keep) await (ended = connection.read(buffer));
      });
      const attempt = connectThrough({
        target: { hostname: "target.example", port: 80 },
        proxy: { hostname: "127.0.0.1", port: proxy.port },
        auth: [noAuthentication()],
        dial: dialTcp,
        timeout: 5_000,
      });
      await assert.rejects(attempt, { code }, reply);
      if (keep) assert.equal(await ended?.then((count) => count, () => null) ?? null, null);
    }
  }
});

Deno.test("client: closes after a refusal or a malformed message", async () => {
  for (
    const [choice, code] of [["05ff", "NO_ACCEPTABLE_METHOD"], ["0502", "METHOD_NOT_OFFERED"], ["0400", "BAD_VERSION"]]
  ) {
    const [client, far] = pipe();
    const attempt = connectThrough({
      target: { hostname: "target.example", port: 80 },
      proxy: { hostname: "proxy", port: 1080 },
      auth: [noAuthentication()],
      dial: () => Promise.resolve(client),
    });
    await far.write(unhex(choice!));
    await assert.rejects(attempt, { code });
    await assert.rejects(far.write(unhex("00")), { message: "Pipe is closed" });
  }
});
