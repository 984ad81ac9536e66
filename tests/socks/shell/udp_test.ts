/** Every error that a UDP socket of either kind can give: it ends at most the socket, which comes again. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { utf8 } from "../../../base/bytes.ts";
import { pause } from "../../../base/deadline.ts";
import { bindUdp } from "../../../socks/shell/udp.ts";
import { bindWithNode, type NodeDatagrams } from "../../../socks/shell/udp_node.ts";
import { bindWithDeno, type DenoDatagrams } from "../../../socks/shell/udp_deno.ts";
import type { BindDatagramsOptions, DatagramSocket } from "../../../socks/stream/datagram_socket.ts";
import { isDatagramError } from "../../../socks/stream/datagram_error.ts";
import { REOPEN_PAUSE, ReopeningSocket } from "../../../socks/server/datagrams/reopening_socket.ts";
import { until, within } from "../../support/waiting.ts";
import { ScriptedUdp, systemError } from "../../support/scripted_udp.ts";

const HERE = { hostname: "127.0.0.1", port: 9 };
const TO = { hostname: "127.0.0.1", port: 53 };

function codeOf([first]: readonly unknown[]): unknown {
  return (first as { code?: unknown }).code;
}

/** A socket of node:dgram that does as it is told. */
class FakeNode implements NodeDatagrams {
  readonly told: Record<string, ((...args: never[]) => void)[]> = {};
  closes = 0;
  onBind: (bound: () => void) => void = (bound) => bound();
  onSend: (told: (error: unknown) => void) => void = (told) => told(null);

  on(event: string, told: (...args: never[]) => void): void {
    (this.told[event] ??= []).push(told);
  }

  emit(event: string, ...args: unknown[]): void {
    for (const told of this.told[event] ?? []) (told as (...args: unknown[]) => void)(...args);
  }

  bind(_port: number, _hostname: string, bound: () => void): void {
    this.onBind(bound);
  }

  address() {
    return { address: HERE.hostname, port: HERE.port };
  }

  send(_bytes: Uint8Array, _port: number, _hostname: string, told: (error: unknown) => void): void {
    this.onSend(told);
  }

  close(): void {
    this.closes++;
    if (this.closes > 1) throw new Error("Not running");
  }

  ref(): void {}
  unref(): void {}
}

async function node(fake = new FakeNode()) {
  const ends: unknown[] = [];
  const got: Uint8Array[] = [];
  const options: BindDatagramsOptions = {
    ...HERE,
    onDatagram: (bytes) => void got.push(bytes),
    onEnd: (reason) => void ends.push(reason),
  };
  return { fake, ends, got, socket: await bindWithNode(options, () => fake) };
}

Deno.test("node:dgram: a failure to bind is thrown and leaves no socket", async () => {
  const throwing = () => {
    throw systemError("EMFILE");
  };
  await assert.rejects(bindWithNode({ ...HERE, onDatagram: () => {} }, throwing), { code: "EMFILE" });
  for (const code of ["EADDRNOTAVAIL", "EMFILE"]) {
    for (const how of ["event", "throw"]) {
      const fake = new FakeNode();
      fake.onBind = () => {
        if (how === "throw") throw systemError(code);
        fake.emit("error", systemError(code));
      };
      await assert.rejects(node(fake), { code });
      assert.equal(fake.closes, 1, `${code} by ${how}`);
      // What comes late is nobody's.
      fake.emit("error", systemError(code));
      fake.emit("close");
    }
  }
});

Deno.test("node:dgram: survives errors of datagrams; an error of the socket ends it once", async () => {
  const { fake, ends, got, socket } = await node();
  for (const code of ["ECONNREFUSED", "ENETDOWN", "UNKNOWN"]) {
    fake.emit("error", systemError(code));
    fake.onSend = (told) => told(systemError(code));
    await assert.rejects(socket.send(utf8("x"), TO), { code });
    fake.onSend = () => {
      throw systemError(code);
    };
    await assert.rejects(socket.send(utf8("x"), TO), { code });
  }
  fake.onSend = (told) => told(systemError("EMSGSIZE"));
  await assert.rejects(socket.send(utf8("x"), TO), RangeError);
  assert.deepEqual(ends, []);
  fake.emit("message", utf8("hello"), { address: "127.0.0.1", port: 53 });
  assert.equal(got.length, 1);
  // A send that never comes back is told of the end.
  fake.onSend = () => {};
  const waiting = socket.send(utf8("x"), TO);
  fake.emit("error", systemError("EBADF"));
  await assert.rejects(waiting, { code: "EBADF" });
  fake.emit("error", systemError("EBADF"));
  fake.emit("close");
  assert.equal(ends.length, 1);
  assert.equal(codeOf(ends), "EBADF");
  assert.equal(fake.closes, 1);
  await assert.rejects(socket.send(utf8("x"), TO), /closed/);
  socket.close();
});

Deno.test("node:dgram: ends after too many errors in a row; a datagram resets the count", async () => {
  const { fake, ends } = await node();
  for (let i = 0; i < 99; i++) fake.emit("error", systemError("ECONNREFUSED"));
  fake.emit("message", utf8("x"), { address: "127.0.0.1", port: 53 });
  for (let i = 0; i < 99; i++) fake.emit("error", systemError("ECONNREFUSED"));
  assert.deepEqual(ends, []);
  fake.emit("error", systemError("ECONNREFUSED"));
  assert.equal(ends.length, 1);
  const other = await node();
  other.fake.emit("close");
  assert.match(String(other.ends[0]), /Socket was closed/);
  // Whoever closes it is not told of the end.
  const own = await node();
  const waiting = (own.fake.onSend = () => {}, own.socket.send(utf8("x"), TO));
  own.socket.close();
  own.fake.emit("close");
  await assert.rejects(waiting, /closed/);
  assert.deepEqual(own.ends, []);
});

/** A socket of Deno's whose calls fail as they are told. */
function deno(receives: (() => Promise<[Uint8Array<ArrayBuffer>, unknown]>)[], more: Partial<DenoDatagrams> = {}) {
  const log = { closes: 0, asked: 0 };
  const ends: unknown[] = [];
  const got: string[] = [];
  const forever = Promise.withResolvers<[Uint8Array<ArrayBuffer>, unknown]>();
  forever.promise.catch(() => {});
  const fake: DenoDatagrams = {
    addr: HERE,
    receive: () => (log.asked++, receives.shift()?.() ?? forever.promise),
    send: () => Promise.resolve(1),
    close(): void {
      log.closes++;
      forever.reject(systemError("EINTR"));
    },
    ref() {},
    unref() {},
    ...more,
  };
  const onDatagram = (bytes: Uint8Array) => {
    const text = new TextDecoder().decode(bytes);
    if (text === "throw") throw new Error("thrown by the callee");
    got.push(text);
  };
  const socket = bindWithDeno({ ...HERE, onDatagram, onEnd: (reason) => void ends.push(reason) }, () => fake);
  return { socket, log, ends, got };
}

const fails = (code: string) => () => Promise.reject(systemError(code));
const comes = (text: string) => (): Promise<[Uint8Array<ArrayBuffer>, unknown]> => Promise.resolve([utf8(text), TO]);

Deno.test("Deno.listenDatagram: survives errors and callbacks that throw; a broken socket ends", async () => {
  const few = deno([fails("ECONNREFUSED"), comes("throw"), fails("ENETDOWN"), comes("one")]);
  await until(() => few.got.length === 1);
  assert.deepEqual(few.ends, []);
  few.socket.close();
  few.socket.close();
  assert.equal(few.log.closes, 1);
  await pause(0);
  assert.deepEqual(few.ends, [], "whoever closes it is not told of the end");

  const throws = deno([...Array.from({ length: 150 }, () => comes("throw")), comes("after")]);
  await until(() => throws.got.length === 1);
  throws.socket.close();

  const broken = deno([fails("EBADF"), comes("never")]);
  await until(() => broken.ends.length === 1);
  assert.equal(codeOf(broken.ends), "EBADF");
  assert.deepEqual([broken.log.closes, broken.log.asked, broken.got], [1, 1, []]);

  // Nothing but errors, without using up the processor: the end comes after some time.
  const started = performance.now();
  const many = deno(Array.from({ length: 200 }, () => fails("ECONNREFUSED")));
  await within(20_000, "many errors", until(() => many.ends.length === 1));
  assert.equal(many.log.asked, 100);
  assert.ok(performance.now() - started > 500);

  const refusing = deno([], { send: fails("EMSGSIZE") });
  await assert.rejects(refusing.socket.send(utf8("x"), TO), RangeError);
  refusing.socket.close();
  const unclosable = deno([fails("EBADF")], { close: () => assert.fail("cannot be closed") });
  await until(() => unclosable.ends.length === 1);
});

Deno.test("isDatagramError(): tells errors of a datagram from errors of the socket", () => {
  for (
    const code of ["ECONNREFUSED", "ENETUNREACH", "EHOSTUNREACH", "ENETDOWN", "EADDRNOTAVAIL", "EMSGSIZE", "EPERM"]
  ) {
    assert.ok(isDatagramError(systemError(code)), code);
  }
  assert.ok(isDatagramError(new RangeError("too large")));
  for (const error of [systemError("EBADF"), systemError("EMFILE"), new Error("Socket is closed"), undefined, null]) {
    assert.ok(!isDatagramError(error), String(error));
  }
});

/** A socket that heals, over scripted ones. */
function steady(fixedPort: boolean) {
  const udp = new ScriptedUdp();
  const clock = { time: 0 };
  const got: string[] = [];
  const onDatagram = (bytes: Uint8Array) => void got.push(new TextDecoder().decode(bytes));
  const socket = new ReopeningSocket({
    bind: udp.bind,
    hostname: "127.0.0.1",
    onDatagram,
    fixedPort,
    now: () => clock.time,
  });
  return { udp, clock, got, socket };
}

Deno.test("ReopeningSocket: binds again at the next datagram, at most once a pause", async () => {
  const { udp, clock, socket } = steady(false);
  udp.failBind = () => systemError("EMFILE");
  for (let i = 0; i < 10_000; i++) await assert.rejects(socket.send(utf8("x"), TO), { code: "EMFILE" });
  assert.equal(udp.asked.length, 1);
  clock.time += REOPEN_PAUSE;
  await assert.rejects(socket.send(utf8("x"), TO), { code: "EMFILE" });
  assert.equal(udp.asked.length, 2);
  udp.failBind = () => undefined;
  await assert.rejects(socket.send(utf8("too soon"), TO), { code: "EMFILE" });
  clock.time += REOPEN_PAUSE;
  await Promise.all([socket.send(utf8("a"), TO), socket.send(utf8("b"), TO)]);
  assert.equal(udp.asked.length, 3);
  assert.deepEqual(udp.sent, ["a to 127.0.0.1:53", "b to 127.0.0.1:53"]);
  socket.close();
  assert.ok(udp.sockets[0]!.closed);
  await assert.rejects(socket.send(utf8("x"), TO), /has ended/);
});

Deno.test("ReopeningSocket: a bind that throws, or ends at once, counts as failed", async () => {
  const throwing = new ReopeningSocket({
    bind: () => {
      throw systemError("EMFILE");
    },
    hostname: "127.0.0.1",
    onDatagram: () => {},
  });
  await assert.rejects(throwing.send(utf8("x"), TO), { code: "EMFILE" });
  const { udp, socket } = steady(false);
  udp.failBind = (options) => {
    options.onEnd?.(systemError("EBADF"));
    return undefined;
  };
  await assert.rejects(socket.send(utf8("x"), TO), { code: "EBADF" });
  assert.ok(udp.sockets[0]!.closed);
});

Deno.test("ReopeningSocket: survives errors of datagrams, and binds again after any other, on its port", async () => {
  const { udp, clock, socket } = steady(false);
  await socket.send(utf8("a"), TO);
  const { port } = udp.sockets[0]!;
  for (const code of ["ECONNREFUSED", "ENETDOWN", "ENETUNREACH", "EADDRNOTAVAIL"]) {
    udp.failSend = () => systemError(code);
    await assert.rejects(socket.send(utf8("x"), TO), { code });
  }
  assert.equal(udp.sockets.length, 1);
  udp.failSend = () => systemError("EBADF");
  clock.time += REOPEN_PAUSE;
  await assert.rejects(socket.send(utf8("x"), TO), { code: "EBADF" });
  assert.ok(udp.sockets[0]!.closed);
  udp.failSend = () => undefined;
  await socket.send(utf8("b"), TO);
  assert.equal(udp.sockets[1]!.port, port);
  // Ended by the system, and somebody else has the port by now.
  clock.time += REOPEN_PAUSE;
  udp.sockets[1]!.onEnd!(systemError("ENETDOWN"));
  udp.failBind = (options) => options.port === port ? systemError("EADDRINUSE") : undefined;
  await socket.send(utf8("c"), TO);
  assert.notEqual(udp.sockets[2]!.port, port);
  // What an old one says of itself is nothing to the new one.
  udp.sockets[1]!.onEnd!(systemError("ENETDOWN"));
  await socket.send(utf8("d"), TO);
  assert.equal(udp.sockets.length, 3);
  socket.close();
});

Deno.test("ReopeningSocket: with an announced port, binds again by itself and on that port only", async () => {
  const { udp, clock, got, socket } = steady(true);
  const { port } = await socket.open();
  clock.time += REOPEN_PAUSE;
  udp.sockets[0]!.onEnd!(systemError("EBADF"));
  await until(() => udp.sockets.length === 2);
  assert.equal(udp.sockets[1]!.port, port);
  udp.sockets[1]!.onDatagram(utf8("again"), TO);
  assert.deepEqual(got, ["again"]);
  udp.failBind = () => systemError("EADDRINUSE");
  clock.time += REOPEN_PAUSE;
  udp.sockets[1]!.onEnd!(systemError("EBADF"));
  await until(() => udp.asked.length === 3);
  assert.ok(udp.asked.every((asked, i) => i === 0 || asked === `127.0.0.1:${port}`));
  udp.failBind = () => undefined;
  clock.time += REOPEN_PAUSE;
  await within(10_000, "the port is free again", until(() => udp.sockets.length === 3));
  assert.equal(udp.sockets[2]!.port, port);
  clock.time += REOPEN_PAUSE;
  udp.failBind = () => systemError("EADDRINUSE");
  udp.sockets[2]!.onEnd!(systemError("EBADF"));
  await until(() => udp.asked.length > 4);
  socket.close();
});

Deno.test("ReopeningSocket: closes a socket that is bound too late", async () => {
  let late: ((socket: DatagramSocket) => void) | undefined;
  let closes = 0;
  const bind = () => new Promise<DatagramSocket>((resolve) => late = resolve);
  const socket = new ReopeningSocket({ bind, hostname: "127.0.0.1", onDatagram: () => {} });
  const sending = socket.send(utf8("x"), TO);
  await until(() => late !== undefined);
  socket.close();
  await assert.rejects(sending, /has ended/);
  late!({ local: HERE, send: () => Promise.resolve(), close: () => void closes++ });
  await until(() => closes === 1);
});

Deno.test("bindUdp(): real sockets, with an address not here, a port in use, and a port without listener", async () => {
  await assert.rejects(bindUdp({ hostname: "198.51.100.77", port: 0, onDatagram: () => {} }), {
    code: "GENERAL_FAILURE",
    message: /Cannot bind UDP 198\.51\.100\.77:0/,
  });
  const got: string[] = [];
  const socket = await bindUdp({
    hostname: "127.0.0.1",
    port: 0,
    onDatagram: (bytes) => void got.push(new TextDecoder().decode(bytes)),
  });
  await assert.rejects(bindUdp({ ...socket.local, onDatagram: () => {} }), { code: "GENERAL_FAILURE" });
  const closed = createSocket("udp4");
  await new Promise<void>((resolve) => closed.bind(0, "127.0.0.1", () => resolve()));
  const { port } = closed.address();
  await new Promise<void>((resolve) => closed.close(() => resolve()));
  for (let i = 0; i < 5; i++) await socket.send(utf8("x"), { hostname: "127.0.0.1", port }).catch(() => {});
  await assert.rejects(socket.send(new Uint8Array(65_508), socket.local), RangeError);
  await assert.rejects(socket.send(utf8("x"), { hostname: "::1", port: 9 }), (error) => isDatagramError(error));
  await assert.rejects(socket.send(utf8("x"), { hostname: "127.0.0.1", port: 0 }));
  await socket.send(utf8("still here"), socket.local);
  await until(() => got.length === 1);
  socket.close();
  await assert.rejects(socket.send(utf8("x"), socket.local));
});
