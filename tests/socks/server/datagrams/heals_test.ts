/** Associations over real sockets whose surroundings change: descriptors, addresses of the client, addresses of names, families. */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../../../base/bytes.ts";
import { pause } from "../../../../base/deadline.ts";
import {
  associate,
  bind,
  bridge,
  noAuthentication,
  serve,
  type ServeOptions,
  type ServerEvent,
} from "../../../../mod.ts";
import { dialTcp } from "../../../../socks/shell/tcp.ts";
import { dialFrom } from "../../../../socks/shell/dial_from.ts";
import { bindUdp } from "../../../../socks/shell/udp.ts";
import { encodeDatagram } from "../../../../socks/wire/datagram.ts";
import { Command } from "../../../../socks/wire/messages.ts";
import { until } from "../../../support/waiting.ts";
import { ALL_FLAGS } from "../../../support/flags.ts";
import { ForgedClient } from "../../../support/forge_socks.ts";
import { credentialPair, memoryRealm } from "../../../support/gss_pair.ts";
import { udpServer } from "../../../support/servers.ts";
import { run } from "../../../support/process.ts";

const LOCALHOST = "127.0.0.1";
const ROOT = new URL("../../../..", import.meta.url).pathname;

function proxy(options: Partial<ServeOptions> = {}) {
  const events: ServerEvent[] = [];
  const server = serve({
    port: 0,
    allowUnauthenticated: options.keytab === undefined,
    commands: ["udp", "bind"],
    rules: ["allow localhost"],
    onEvent: (event) => void events.push(event),
    ...options,
  });
  const closed = async () => {
    await until(() => events.some(({ type }) => type === "closed"));
    const event = events.find(({ type }) => type === "closed");
    return event?.type === "closed" ? event.datagrams! : undefined;
  };
  return { server, events, closed, through: { proxy: server.addr, auth: [noAuthentication()] } };
}

Deno.test("association: recovers from a shortage of descriptors", async () => {
  for (const flags of [[], ["--unstable-net"]]) {
    const deno = [
      Deno.execPath(),
      "run",
      "-q",
      "--no-check",
      "-A",
      ...flags,
      `${ROOT}tests/support/descriptor_shortage_program.ts`,
    ];
    const config = ["-c", `${ROOT}deno.json`];
    const { stdout, stderr } = await run("sh", [
      "-c",
      'ulimit -n 60; exec "$@"',
      "sh",
      ...deno.toSpliced(3, 0, ...config),
    ]);
    assert.equal(stdout, "without descriptors: no answer\nwith descriptors: answered\nunreachable: some\n", stderr);
  }
});

Deno.test("UDP egress: sends from the address of egress", async () => {
  await using echo = await udpServer();
  const { server, closed, through } = proxy();
  await using _server = server;
  const datagrams = await associate({ ...through, dial: dialFrom(["127.0.0.2"]) });
  await datagrams.send(utf8("x"), { hostname: LOCALHOST, port: echo.port });
  await datagrams.receive();
  datagrams.close();
  assert.equal((await closed())!.dropped.wrongSource, 0);
  // What a dialer says of its end need not be here, and a tunnel that begins on this machine leads nowhere else.
  for (const local of ["198.51.100.77", "2001:db8::77", "nowhere"]) {
    const told = async () => {
      const connection = await dialTcp(server.addr, {});
      return {
        ...connection,
        local: { hostname: local, port: 1 },
        read: (into?: Bytes) => connection.read(into),
        write: (bytes: Uint8Array) => connection.write(bytes),
        closeWrite: () => connection.closeWrite(),
        close: () => connection.close(),
        [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
      };
    };
    await using other = await associate({ ...through, dial: told });
    await other.send(utf8("x"), { hostname: LOCALHOST, port: echo.port });
    await other.receive();
  }
});

Deno.test("UDP egress: reaches a name at the address that answers", async () => {
  await using echo = await udpServer();
  const names: Readonly<Record<string, readonly string[]>> = {
    "six.example": ["::1", LOCALHOST],
    "dead.example": ["127.0.0.8", "127.0.0.9", LOCALHOST],
  };
  const { server, through } = proxy({
    rules: ["allow 127.0.0.0/8", "allow [::1]", "allow *"],
    resolve: (name) => Promise.resolve(names[name]!),
  });
  await using _server = server;
  for (const hostname of Object.keys(names)) {
    await using datagrams = await associate(through);
    const answer = datagrams.receive();
    const answered = new AbortController();
    answer.then(() => answered.abort(), () => {});
    for (let tries = 0; tries < 200 && !answered.signal.aborted; tries++) {
      await datagrams.send(utf8("x"), { hostname, port: echo.port });
      await pause(50, answered.signal);
    }
    assert.deepEqual((await answer)[1], { hostname: LOCALHOST, port: echo.port }, hostname);
    // From then on at once.
    for (let i = 0; i < 5; i++) {
      await datagrams.send(utf8("y"), { hostname, port: echo.port });
      await datagrams.receive();
    }
  }
});

Deno.test("announce: tells each client an address of its family", async () => {
  const { server } = proxy({ hostname: "::", datagrams: { announce: ["192.0.2.99", "2001:db8::99"] } });
  await using _server = server;
  const one = proxy({ hostname: "::", datagrams: { announce: "192.0.2.99" } });
  await using _one = one.server;
  const relay = async (port: number, hostname: string) => {
    await using datagrams = await associate({ proxy: { hostname, port }, auth: [noAuthentication()] });
    await using pending = await bind({ proxy: { hostname, port }, auth: [noAuthentication()] });
    return [datagrams.relay.hostname, pending.bound.hostname];
  };
  assert.deepEqual(await relay(server.addr.port, LOCALHOST), ["192.0.2.99", "192.0.2.99"]);
  assert.deepEqual(await relay(server.addr.port, "::1"), ["2001:db8::99", "2001:db8::99"]);
  assert.deepEqual(await relay(one.server.addr.port, LOCALHOST), ["192.0.2.99", "192.0.2.99"]);
  assert.deepEqual(await relay(one.server.addr.port, "::1"), ["::1", "::1"]);
  // And it listens there.
  await using echo = await udpServer();
  await using datagrams = await associate({
    proxy: { hostname: "::1", port: one.server.addr.port },
    auth: [noAuthentication()],
  });
  await datagrams.send(utf8("x"), { hostname: LOCALHOST, port: echo.port });
  await datagrams.receive();
  for (const announce of [["192.0.2.1", "192.0.2.2"], [], "a b"]) {
    for (const begin of [serve, bridge]) {
      const options = { port: 0, allowUnauthenticated: true, proxy: "proxy.example", datagrams: { announce } };
      assert.throws(() => begin(options), /Cannot (announce|use host)/, JSON.stringify(announce));
    }
  }
});

Deno.test("BIND: listens at the address of egress, in the target's family", async () => {
  const { server, events, through } = proxy({ egress: { addresses: ["127.0.0.5"] }, rules: ["allow 127.0.0.0/8"] });
  await using _server = server;
  for (const hostname of [LOCALHOST, "0.0.0.0"]) {
    await using pending = await bind({ ...through, expected: { hostname, port: 0 } });
    assert.equal(pending.bound.hostname, "127.0.0.5");
    const accepted = pending.accept();
    using target = await Deno.connect(pending.bound);
    using connection = await accepted;
    await target.write(utf8("x"));
    assert.equal(await connection.read(new Uint8Array(9)), 1);
    const listening = events.findLast(({ type }) => type === "listening");
    assert.ok(listening?.type === "listening");
    assert.deepEqual(listening.bound, pending.bound);
  }
  // A client of one family that waits for somebody of the other.
  const six = proxy({ hostname: "::1" });
  await using _six = six.server;
  await using pending = await bind({ ...six.through, expected: { hostname: LOCALHOST, port: 0 } });
  const accepted = pending.accept();
  using _target = await Deno.connect({ hostname: LOCALHOST, port: pending.bound.port });
  using _connection = await accepted;
});

Deno.test("association: follows a client that proves its keys to another address", async () => {
  const realm = await memoryRealm();
  const { initiator } = credentialPair(realm);
  await using echo = await udpServer();
  for (const clients of [undefined, ["allow 127.0.0.1"]]) {
    const { server, closed } = proxy({ keytab: realm.keytab("rcmd/localhost"), hostname: "0.0.0.0", clients });
    await using _server = server;
    const control = await dialTcp({ hostname: LOCALHOST, port: server.addr.port }, {});
    const flags = { ...ALL_FLAGS, sequence: false };
    const client = await ForgedClient.open(control, { credential: initiator, flags, greeting: true });
    await client.level(2);
    const relay = await client.request({ command: Command.UdpAssociate, hostname: "0.0.0.0", port: 0 });
    const make = (text: string) => client.sealed(encodeDatagram({ hostname: LOCALHOST, port: echo.port }, utf8(text)));
    const got: string[] = [];
    const socket = (hostname: string) => bindUdp({ hostname, port: 0, onDatagram: () => void got.push(hostname) });
    const [home, away] = [await socket(LOCALHOST), await socket("127.0.0.2")];
    await home.send(await make("one"), relay);
    await until(() => got.length === 1);
    await away.send(await make("two"), relay);
    if (clients === undefined) await until(() => got.length === 2);
    await home.send(await make("three"), relay);
    await until(() => got.length === (clients === undefined ? 3 : 2));
    client.close();
    const { moved, dropped } = (await closed())!;
    if (clients === undefined) {
      assert.deepEqual(got, [LOCALHOST, "127.0.0.2", LOCALHOST]);
      assert.deepEqual([moved, dropped.wrongSource], [2, 0]);
    } else {
      assert.deepEqual(got, [LOCALHOST, LOCALHOST]);
      assert.deepEqual([moved, dropped.wrongSource], [0, 1]);
    }
    for (const each of [home, away]) each.close();
  }
});
