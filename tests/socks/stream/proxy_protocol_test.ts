/** The PROXY protocol: its two headers, byte by byte and with what must be refused, and listeners behind balancers. */
import assert from "node:assert/strict";
import { type Bytes, concat, utf8 } from "../../../base/bytes.ts";
import { SocksServer } from "../../../socks/server/server.ts";
import type { ServerEvent } from "../../../socks/server/events.ts";
import { noAuthentication } from "../../../socks/auth/none.ts";
import { ClientRuleSet, parseClientRuleText } from "../../../socks/rules/client_rules.ts";
import { SocksReplyError } from "../../../socks/errors.ts";
import type { Connection } from "../../../socks/stream/connection.ts";
import type { ConnectionListener } from "../../../socks/stream/listener.ts";
import { proxyProtocol } from "../../../socks/stream/proxy_protocol.ts";
import type { Endpoint } from "../../../socks/wire/address.ts";
import { decodeProxyHeader } from "../../../socks/wire/proxy_header.ts";
import { serve } from "../../../mod.ts";
import { pipe, type PipeEnd } from "../../support/pipe.ts";
import { until } from "../../support/until.ts";

const SIGNATURE = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
const TRAILING = Uint8Array.of(5, 1, 0);

/** A header of version 2. */
function v2(commandAndVersion: number, family: number, body: readonly number[], length = body.length): Bytes {
  return Uint8Array.from([...SIGNATURE, commandAndVersion, family, length >> 8, length & 0xff, ...body]);
}

const V4 = [192, 0, 2, 7, 10, 0, 0, 1, 0xd4, 0x31, 0x04, 0x38];
const V6 = [
  ...[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7],
  ...[0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
  ...[0xd4, 0x31, 0x04, 0x38],
];
const MAPPED = [...Array(10).fill(0), 0xff, 0xff, 192, 0, 2, 7, ...V6.slice(16)];
const UNIX = Array(216).fill(0x2f);
const client = (hostname: string, port = 54_321) => ({ type: "client", client: { hostname, port } });

/** CRC32c by its polynomial, another way than the decoder's: bit by bit, the highest first. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffffn;
  const reflect = (value: bigint, bits: number) =>
    BigInt(`0b${value.toString(2).padStart(bits, "0").split("").reverse().join("")}`);
  for (const byte of bytes) {
    crc ^= reflect(BigInt(byte), 8) << 24n;
    for (let i = 0; i < 8; i++) crc = ((crc << 1n) ^ (crc & 0x80000000n ? 0x1edc6f41n : 0n)) & 0xffffffffn;
  }
  return Number(reflect(crc ^ 0xffffffffn, 32));
}

/** Addresses with other extensions and a checksum over all of the header. */
function withChecksum(body: readonly number[], wrong = 0): Bytes {
  const before = [0x02, 0, 3, 0x61, 0x62, 0x63];
  const after = [0x04, 0, 0, 0x05, 0, 1, 9];
  const header = v2(0x21, 0x11, [...body, ...before, 0x03, 0, 4, 0, 0, 0, 0, ...after]);
  new DataView(header.buffer).setUint32(16 + body.length + before.length + 3, (crc32c(header) ^ wrong) >>> 0);
  return header;
}

const GOOD: readonly (readonly [string, Bytes, unknown])[] = [
  ["TCP4", utf8("PROXY TCP4 192.0.2.7 10.0.0.1 54321 1080\r\n"), client("192.0.2.7")],
  ["TCP6", utf8("PROXY TCP6 2001:DB8::7 fd00::1 54321 1080\r\n"), client("2001:db8::7")],
  ["TCP6 with a mapped address", utf8("PROXY TCP6 ::ffff:192.0.2.7 fd00::1 0 65535\r\n"), client("192.0.2.7", 0)],
  ["UNKNOWN", utf8("PROXY UNKNOWN\r\n"), { type: "unknown" }],
  [
    "UNKNOWN, as long as may be",
    utf8(`PROXY UNKNOWN ${"ffff:".repeat(7)}ffff ${"ffff:".repeat(7)}ffff 65535 65535\r\n`),
    { type: "unknown" },
  ],
  ["AF_INET", v2(0x21, 0x11, V4), client("192.0.2.7")],
  ["AF_INET6", v2(0x21, 0x21, V6), client("2001:db8::7")],
  ["AF_INET6 with a mapped address", v2(0x21, 0x21, MAPPED), client("192.0.2.7")],
  ["AF_UNIX", v2(0x21, 0x31, UNIX), { type: "unknown" }],
  ["AF_UNSPEC", v2(0x21, 0x00, []), { type: "unknown" }],
  ["AF_UNSPEC with something", v2(0x21, 0x00, [1, 2, 3]), { type: "unknown" }],
  ["AF_INET, datagrams", v2(0x21, 0x12, V4), { type: "unknown" }],
  ["LOCAL", v2(0x20, 0x00, []), { type: "local" }],
  ["LOCAL with addresses and rubbish", v2(0x20, 0xff, [...V4, 1, 2]), { type: "local" }],
  ["extensions", v2(0x21, 0x11, [...V4, 0x20, 0, 1, 7, 0xee, 0, 0]), client("192.0.2.7")],
  ["a checksum", withChecksum(V4), client("192.0.2.7")],
  ["the longest", v2(0x21, 0x11, [...V4, 0x04, 0x0f, 0xe1, ...Array(4065).fill(0)]), client("192.0.2.7")],
];

Deno.test("decodeProxyHeader(): decodes headers whole, byte by byte and with more behind", () => {
  for (const [name, header, expected] of GOOD) {
    for (const bytes of [header, concat(header, TRAILING), concat(header, header)]) {
      assert.deepEqual(decodeProxyHeader(bytes), { value: expected, length: header.length }, name);
    }
    for (let length = 1; length < header.length; length++) {
      assert.equal(decodeProxyHeader(header.subarray(0, length)), undefined, `${name} to ${length}`);
    }
    // Within other memory.
    const inside = concat(TRAILING, header, TRAILING).subarray(TRAILING.length);
    assert.deepEqual(decodeProxyHeader(inside)?.value, expected);
  }
});

const line = (text: string) => utf8(`PROXY ${text}\r\n`);
const BAD: readonly (readonly [string, Bytes, RegExp])[] = [
  ["a greeting of SOCKS", Uint8Array.of(5, 1, 0), /neither/],
  ["HTTP", utf8("CONNECT a:1 HTTP/1.1\r\n"), /neither/],
  ["a byte of the signature", Uint8Array.from([...SIGNATURE.slice(0, 11), 0x0b]), /neither/],
  ["no CR", utf8("PROXY TCP4 192.0.2.7 10.0.0.1 1 1\n"), /CR and LF/],
  ["a line without an end", utf8(`PROXY UNKNOWN ${"x".repeat(93)}`), /within 107/],
  ["one byte too long", utf8(`PROXY UNKNOWN ${"x".repeat(92)}\r\n`), /within 107/],
  ["no family", line("TCP 192.0.2.7 10.0.0.1 1 1"), /2\.1/],
  ["UNKNOWN and more in one word", line("UNKNOWNS"), /2\.1/],
  ["small letters", utf8("proxy TCP4 192.0.2.7 10.0.0.1 1 1\r\n"), /neither/],
  ["two spaces", line("TCP4  192.0.2.7 10.0.0.1 1 1"), /2\.1/],
  ["a leading zero in a port", line("TCP4 192.0.2.7 10.0.0.1 01 1"), /2\.1/],
  ["a leading zero in an address", line("TCP4 192.0.02.7 10.0.0.1 1 1"), /2\.1/],
  ["a port that is none", line("TCP4 192.0.2.7 10.0.0.1 65536 1"), /port/],
  ["another port that is none", line("TCP4 192.0.2.7 10.0.0.1 1 99999"), /port/],
  ["a port with a sign", line("TCP4 192.0.2.7 10.0.0.1 +1 1"), /2\.1/],
  ["an address of the other family", line("TCP4 ::1 10.0.0.1 1 1"), /2\.1/],
  ["a destination of the other family", line("TCP6 ::1 10.0.0.1 1 1"), /2\.1/],
  ["a name", line("TCP4 localhost 10.0.0.1 1 1"), /2\.1/],
  ["more words", line("TCP4 192.0.2.7 10.0.0.1 1 1 1"), /2\.1/],
  ["no ports", line("TCP4 192.0.2.7 10.0.0.1"), /2\.1/],
  ["version 1 in the form of 2", v2(0x11, 0x11, V4), /version is 1/],
  ["version 3", v2(0x31, 0x11, V4), /version is 3/],
  ["a command that there is not", v2(0x22, 0x11, V4), /command is 2/],
  ["a family that there is not", v2(0x21, 0x41, UNIX), /family/],
  ["a protocol that there is not", v2(0x21, 0x13, V4), /family/],
  ["too short for IPv4", v2(0x21, 0x11, V4.slice(0, 11)), /too short/],
  ["too short for IPv6", v2(0x21, 0x21, V4), /too short/],
  ["too short for a path", v2(0x21, 0x31, V6), /too short/],
  ["an extension that goes on", v2(0x21, 0x11, [...V4, 4, 0, 2, 0]), /longer than/],
  ["an extension that is cut", v2(0x21, 0x11, [...V4, 4, 0]), /longer than/],
  ["an extension of one byte", v2(0x21, 0x11, [...V4, 4]), /longer than/],
  ["a wrong checksum", withChecksum(V4, 1), /CRC32C is wrong/],
  ["a wrong checksum, in its highest bit", withChecksum(V4, 0x80000000), /CRC32C is wrong/],
  ["a short checksum", v2(0x21, 0x11, [...V4, 3, 0, 3, 0, 0, 0]), /CRC32C is not four/],
  ["a long checksum", v2(0x21, 0x11, [...V4, 3, 0, 5, 0, 0, 0, 0, 0]), /CRC32C is not four/],
];

Deno.test("decodeProxyHeader(): refuses a bad header as soon as possible", () => {
  for (const [name, bytes, reason] of BAD) {
    assert.throws(() => decodeProxyHeader(bytes), { code: "BAD_MESSAGE", message: reason }, name);
    for (let length = 1; length < bytes.length; length++) {
      try {
        assert.equal(decodeProxyHeader(bytes.subarray(0, length)), undefined, `${name} to ${length}`);
      } catch (error) {
        assert.match(String(error), /PROXY protocol header/);
      }
    }
  }
  assert.throws(() => decodeProxyHeader(v2(0x21, 0x11, [], 4081)), { code: "TOO_LARGE" });
  assert.throws(() => decodeProxyHeader(v2(0x20, 0x00, [], 65_535)), { code: "TOO_LARGE" });
});

const BALANCER = { hostname: "10.0.0.5", port: 40_000 };
const STRANGER = { hostname: "10.9.0.5", port: 40_000 };
const LOCAL = { hostname: "10.0.0.1", port: 1080 };

/** A listener that is handed connections. */
class HandedListener implements ConnectionListener {
  readonly addr = LOCAL;
  readonly #waiting: PromiseWithResolvers<Connection | undefined>[] = [];
  readonly #queue: Connection[] = [];
  accepts = 0;
  closed = false;

  accept(): Promise<Connection | undefined> {
    this.accepts++;
    const next = this.#queue.shift();
    if (next !== undefined || this.closed) return Promise.resolve(next);
    const waiting = Promise.withResolvers<Connection | undefined>();
    this.#waiting.push(waiting);
    return waiting.promise;
  }

  /** A client's end of a connection that comes from an address. */
  connect(remote: Endpoint | undefined): PipeEnd {
    const [ours, theirs] = pipe();
    const connection = Object.assign(ours, { remote, local: LOCAL }) as Connection;
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#queue.push(connection);
    else waiting.resolve(connection);
    return theirs;
  }

  fail(error: Error): void {
    this.#waiting.shift()!.reject(error);
  }

  close(): void {
    this.closed = true;
    for (const waiting of this.#waiting.splice(0)) waiting.resolve(undefined);
  }
}

function listen(options: Partial<Parameters<typeof proxyProtocol>[1]> = {}) {
  const inner = new HandedListener();
  const listener = proxyProtocol(inner, { from: ["10.0.0.5", "fd00:5::/64"], ...options });
  return { inner, listener, [Symbol.dispose]: () => listener.close() };
}

Deno.test("proxyProtocol(): takes the client's address from the header, and relays the rest", async () => {
  for (const [name, header, expected] of GOOD) {
    for (const step of [1, 7, Infinity]) {
      using lab = listen();
      const accepting = lab.listener.accept();
      const theirs = lab.inner.connect(BALANCER);
      const bytes = concat(header, TRAILING);
      if (step === 1 && bytes.length > 300) continue;
      for (let at = 0; at < bytes.length; at += step) await theirs.write(bytes.subarray(at, at + step));
      await theirs.closeWrite();
      const connection = (await accepting)!;
      const told = expected as { type: string; client?: Endpoint };
      assert.deepEqual(connection.remote, told.client ?? BALANCER, name);
      assert.deepEqual(connection.relayedBy, told.type === "local" ? undefined : BALANCER, name);
      assert.deepEqual(connection.local, LOCAL);
      const got: number[] = [];
      for (let read = await connection.read(); read !== null; read = await connection.read()) got.push(...read);
      assert.deepEqual(got, [...TRAILING], name);
      await connection.write(Uint8Array.of(9));
      assert.deepEqual(await theirs.read(), Uint8Array.of(9));
      connection.close();
    }
  }
});

Deno.test("proxyProtocol(): reads no header from other peers", async () => {
  for (const remote of [STRANGER, { hostname: "fd00:6::1", port: 1 }, undefined]) {
    using lab = listen();
    const accepting = lab.listener.accept();
    const theirs = lab.inner.connect(remote);
    // It has said nothing yet.
    const connection = (await accepting)!;
    assert.deepEqual(connection.remote, remote);
    assert.equal(connection.relayedBy, undefined);
    await theirs.write(GOOD[0]![1]);
    assert.deepEqual(await connection.read(), GOOD[0]![1]);
    connection.close();
  }
  for (const hostname of ["::ffff:10.0.0.5", "fd00:5::9", "::ffff:a00:5"]) {
    using lab = listen();
    const accepting = lab.listener.accept();
    const theirs = lab.inner.connect({ hostname, port: 1 });
    await theirs.write(GOOD[0]![1]);
    assert.equal((await accepting)!.remote!.hostname, "192.0.2.7", hostname);
  }
});

Deno.test("proxyProtocol(): a missing, wrong or incomplete header fails with a reason", async () => {
  const cases: [Bytes, RegExp][] = [
    ...BAD.map(([, bytes, reason]): [Bytes, RegExp] => [bytes, reason]),
    [new Uint8Array(), /No PROXY protocol header came from a balancer/],
    [GOOD[5]![1].subarray(0, 20), /No PROXY protocol header came from a balancer/],
  ];
  for (const [bytes, reason] of cases) {
    using lab = listen();
    const accepting = lab.listener.accept();
    const theirs = lab.inner.connect(BALANCER);
    if (bytes.length > 0) await theirs.write(bytes);
    await theirs.closeWrite();
    const connection = (await accepting)!;
    assert.deepEqual(connection.remote, BALANCER);
    await assert.rejects(connection.read(), reason);
    await assert.rejects(connection.read(), reason);
    await assert.rejects(theirs.read());
  }
});

Deno.test("proxyProtocol(): a slow header delays no other connection, and times out", async () => {
  using lab = listen({ timeout: 60 });
  const first = lab.listener.accept();
  for (let i = 0; i < 20; i++) await lab.inner.connect(BALANCER).write(GOOD[5]![1].subarray(0, 1 + i % 15));
  lab.inner.connect(STRANGER);
  assert.deepEqual((await first)!.remote, STRANGER, "after the slow ones, before they are over");
  for (let i = 0; i < 20; i++) {
    await assert.rejects((await lab.listener.accept())!.read(), { code: "HANDSHAKE_TIMEOUT" });
  }
});

Deno.test("proxyProtocol(): beyond maxWaiting the oldest is closed", async () => {
  using lab = listen({ maxWaiting: 3 });
  const accepting = lab.listener.accept();
  const theirs = Array.from({ length: 4 }, () => lab.inner.connect(BALANCER));
  await assert.rejects((await accepting)!.read(), { code: "HALF_OPEN_LIMIT" });
  await assert.rejects(theirs[0]!.read());
  await theirs[3]!.write(GOOD[0]![1]);
  assert.equal((await lab.listener.accept())!.remote!.hostname, "192.0.2.7");
});

Deno.test("proxyProtocol(): accepts only on request, close() ends all that waits", async () => {
  const lab = listen({ timeout: Infinity });
  const stranger = lab.inner.connect(STRANGER);
  const theirs = lab.inner.connect(BALANCER);
  await Promise.resolve();
  assert.equal(lab.inner.accepts, 0);
  (await lab.listener.accept())!.close();
  await assert.rejects(stranger.read());
  assert.equal(lab.inner.accepts, 1, "one was asked for");
  const accepting = [lab.listener.accept(), lab.listener.accept()];
  await until("accepted", () => lab.inner.accepts > 2);
  // One that is ready, and that nobody asks for any more.
  const ready = lab.inner.connect(BALANCER);
  lab.listener.close();
  lab.listener.close();
  assert.deepEqual(await Promise.all(accepting), [undefined, undefined]);
  assert.equal(await lab.listener.accept(), undefined);
  await assert.rejects(theirs.read());
  await assert.rejects(ready.read());
  assert.ok(lab.inner.closed);
});

Deno.test("proxyProtocol(): a failed accept is reported once", async () => {
  using lab = listen();
  const first = lab.listener.accept();
  await until("asked", () => lab.inner.accepts === 1);
  lab.inner.fail(new Error("EMFILE"));
  await assert.rejects(first, /EMFILE/);
  const second = lab.listener.accept();
  await until("asked again", () => lab.inner.accepts === 2);
  lab.inner.connect(STRANGER);
  assert.deepEqual((await second)!.remote, STRANGER);
});

Deno.test("proxyProtocol(): `from` takes addresses and blocks only", () => {
  for (const from of [[], ["*"], ["balancer"], ["10.0.0.0/33"], [""], "10.0.0.5", [5]]) {
    assert.throws(() => proxyProtocol(new HandedListener(), { from: from as string[] }), TypeError);
    assert.throws(
      () => serve({ port: 0, allowUnauthenticated: true, proxyProtocol: from as string[] }),
      /Cannot use proxyProtocol/,
    );
  }
  const inner = new HandedListener();
  assert.throws(() => serve({ listeners: [inner], allowUnauthenticated: true, proxyProtocol: ["x"] }), TypeError);
  assert.ok(inner.closed);
  for (const wrong of [{ timeout: -1 }, { maxWaiting: 0 }]) {
    assert.throws(() => proxyProtocol(new HandedListener(), { from: ["10.0.0.5"], ...wrong }), TypeError);
  }
});

Deno.test("server: rules, limits and events use the client's address behind a balancer", async () => {
  const inner = new HandedListener();
  const events: ServerEvent[] = [];
  const server = new SocksServer({
    auth: [noAuthentication()],
    open: () => Promise.reject(new SocksReplyError("HOST_UNREACHABLE", "nowhere")),
    clients: new ClientRuleSet([parseClientRuleText("deny 192.0.2.66"), parseClientRuleText("allow 192.0.2.0/24")]),
    limits: { sessionsPerSource: 2 },
    onEvent: (event) => void events.push(event),
  });
  await using _server = server;
  void server.listen(proxyProtocol(inner, { from: ["10.0.0.5"] }));
  const from = async (address: string) => {
    const theirs = inner.connect(BALANCER);
    await theirs.write(utf8(`PROXY TCP4 ${address} 10.0.0.1 7 1080\r\n`));
    const session = () => events.find(({ client }) => client?.hostname === address);
    return { theirs, session };
  };
  const open = await Promise.all(["192.0.2.1", "192.0.2.1", "192.0.2.2"].map(from));
  await until("all are there", () => server.sessions === 3);
  await from("192.0.2.1");
  await from("192.0.2.66");
  await from("203.0.113.9");
  await until("refused", () => events.filter(({ type }) => type === "refused").length === 3);
  const said = events.flatMap((event) =>
    event.type === "refused" ? [[event.client!.hostname, event.error.message]] : []
  );
  assert.match(said.find(([name]) => name === "192.0.2.1")![1]!, /2 sessions/);
  assert.match(said.find(([name]) => name === "192.0.2.66")![1]!, /deny 192\.0\.2\.66/);
  assert.match(said.find(([name]) => name === "203.0.113.9")![1]!, /no client rule/);
  assert.deepEqual(open.map(({ session }) => session()?.client), [
    { hostname: "192.0.2.1", port: 7 },
    { hostname: "192.0.2.1", port: 7 },
    { hostname: "192.0.2.2", port: 7 },
  ]);
  // One that says nothing of a client is a session that is refused for it.
  const theirs = inner.connect(BALANCER);
  await theirs.write(Uint8Array.of(5, 1, 0));
  await until("said", () => events.some((event) => event.type === "refused" && event.client?.hostname === "10.0.0.5"));
});
