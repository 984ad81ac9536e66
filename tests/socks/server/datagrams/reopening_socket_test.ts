/** A UDP socket that is opened again after it has failed. */
import assert from "node:assert/strict";
import { utf8 } from "../../../../base/bytes.ts";
import type { DatagramSocket } from "../../../../socks/stream/datagram_socket.ts";
import { REOPEN_PAUSE, ReopeningSocket } from "../../../../socks/server/datagrams/reopening_socket.ts";
import { until, within } from "../../../support/waiting.ts";
import { ScriptedUdp, systemError } from "../../../support/scripted_udp.ts";

const HERE = { hostname: "127.0.0.1", port: 9 };
const TO = { hostname: "127.0.0.1", port: 53 };

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

Deno.test("ReopeningSocket: sends what waited for it first", async () => {
  const udp = new ScriptedUdp();
  const socket = new ReopeningSocket({ bind: udp.bind, hostname: "0.0.0.0", onDatagram: () => {} });
  const sending: Promise<void>[] = [];
  for (let i = 0; i < 40; i++) {
    sending.push(socket.send(utf8(`${i}`), { hostname: "192.0.2.1", port: 53 }));
    await Promise.resolve();
  }
  await Promise.all(sending);
  assert.deepEqual(udp.sent.map((text) => parseInt(text)), Array.from({ length: 40 }, (_, i) => i));
  socket.close();
});
