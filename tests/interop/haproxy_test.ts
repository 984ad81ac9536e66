/**
 * Servers behind a real HAProxy that names its clients: CONNECT, UDP, rules, limits and logs use the client's
 * address.
 */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { createConnection } from "node:net";
import { connect, noAuthentication, serve, type ServeOptions, type ServerEvent } from "../../mod.ts";
import { dialFrom, tlsOver } from "../../socks/mod.ts";
import { eventRecord } from "../../cli/log/event_log.ts";
import { certificateFor } from "../support/certificate.ts";
import { gssocks } from "../support/run_cli.ts";
import { startHaproxy } from "../support/haproxy.ts";
import { peerTest } from "../support/peers.ts";
import { echoServer, udpServer } from "../support/servers.ts";
import { until } from "../support/until.ts";

const [BALANCER, CLIENT, OTHER] = ["127.0.0.5", "127.0.0.9", "127.0.0.10"];

function start(options: Partial<ServeOptions> = {}) {
  const events: ServerEvent[] = [];
  const server = serve({
    port: 0,
    allowUnauthenticated: true,
    proxyProtocol: [BALANCER],
    commands: ["connect", "udp"],
    rules: [`allow 127.0.0.1,from=${CLIENT}`, `allow 127.0.0.1,from=${OTHER}`],
    onEvent: (event) => void events.push(event),
    ...options,
  });
  const refusals = (from: string) =>
    events.flatMap((event) => event.type === "refused" && event.client?.hostname === from ? [event.error.message] : []);
  return { server, events, refusals, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

async function through(port: number, from: string, target: number): Promise<string> {
  const bytes = new TextEncoder().encode(`hello from ${from}`);
  await using connection = await connect({
    proxy: { hostname: "127.0.0.1", port },
    auth: [noAuthentication()],
    dial: dialFrom([from]),
    hostname: "127.0.0.1",
    port: target,
  });
  await connection.write(bytes);
  const back = new Uint8Array(bytes.length);
  for (let at = 0; at < back.length;) {
    const count = await connection.read(back.subarray(at));
    assert.ok(count !== null);
    at += count;
  }
  return new TextDecoder().decode(back);
}

for (
  const words of [
    "send-proxy",
    "send-proxy-v2",
    "send-proxy-v2 proxy-v2-options crc32c,unique-id check check-send-proxy inter 100",
    "send-proxy check check-send-proxy inter 100",
  ]
) {
  peerTest(`HAProxy: the client's address counts with ${words}`, ["haproxy"], async () => {
    await using echo = echoServer();
    await using lab = start({ limits: { sessionsPerSource: 1 }, clients: [`allow ${CLIENT}`, `allow ${BALANCER}`] });
    await using balancer = await startHaproxy({ servers: [{ port: lab.server.addr.port }], words });
    assert.equal(await through(balancer.port, CLIENT, echo.port), `hello from ${CLIENT}`);
    const connected = lab.events.find(({ type }) => type === "connected")!;
    assert.equal(connected.client?.hostname, CLIENT);
    assert.match(String(eventRecord(connected).client), /^127\.0\.0\.9:\d+$/);
    await assert.rejects(through(balancer.port, OTHER, echo.port));
    await until("refused", () => lab.refusals(OTHER).some((why) => /no client rule/.test(why)));
    // One session per client address; the balancer has none itself.
    await until("over", () => lab.server.liveSessions().every(({ client }) => client?.hostname !== CLIENT));
    const sockets = [0, 1].map(() =>
      createConnection({ host: "127.0.0.1", port: balancer.port, localAddress: CLIENT })
    );
    await until("refused", () => lab.refusals(CLIENT).some((why) => /has 1 sessions/.test(why)));
    for (const socket of sockets) socket.destroy();
    if (!words.includes("check")) return;
    await until("checks are the balancer's own", () => lab.events.some(({ client }) => client?.hostname === BALANCER));
    assert.ok(!/is DOWN/.test(balancer.output), balancer.output);
  });
}

peerTest("HAProxy: UDP ASSOCIATE takes datagrams from the client that the header names", [
  "haproxy",
], async () => {
  await using echo = await udpServer((bytes) => bytes);
  await using lab = start();
  await using balancer = await startHaproxy({ servers: [{ port: lab.server.addr.port }], words: "send-proxy-v2" });
  await using control = await dialFrom([CLIENT])({ hostname: "127.0.0.1", port: balancer.port }, {});
  const take = async (length: number) => {
    const got: number[] = [];
    while (got.length < length) got.push(...(await control.read())!);
    return got;
  };
  await control.write(Uint8Array.of(5, 1, 0));
  assert.deepEqual(await take(2), [5, 0]);
  await control.write(Uint8Array.of(5, 3, 0, 1, 0, 0, 0, 0, 0, 0));
  const reply = await take(10);
  assert.equal(reply[1], 0, lab.refusals(CLIENT).join());
  const relay = reply[8]! << 8 | reply[9]!;
  const datagram = Uint8Array.from([0, 0, 0, 1, 127, 0, 0, 1, echo.port >> 8, echo.port & 0xff, 7, 7, 7]);
  const socket = createSocket("udp4");
  try {
    await new Promise<void>((resolve) => socket.bind(0, CLIENT, resolve));
    const answered = new Promise<Uint8Array>((resolve) => socket.once("message", resolve));
    socket.send(datagram, relay, "127.0.0.1");
    assert.deepEqual([...(await answered).slice(-3)], [7, 7, 7]);
  } finally {
    await new Promise<void>((resolve) => socket.close(() => resolve()));
  }
});

peerTest("HAProxy: the header precedes TLS", ["haproxy", "openssl"], async () => {
  await using echo = echoServer();
  const { cert, key } = await certificateFor();
  await using lab = start({ tls: { cert, key } });
  await using balancer = await startHaproxy({ servers: [{ port: lab.server.addr.port }], words: "send-proxy-v2" });
  const under = await dialFrom([CLIENT])({ hostname: "127.0.0.1", port: balancer.port }, {});
  await using connection = await connect({
    proxy: { hostname: "127.0.0.1", port: balancer.port },
    dial: () => tlsOver(under, { hostname: "localhost", caCerts: [cert] }),
    auth: [noAuthentication()],
    hostname: "127.0.0.1",
    port: echo.port,
  });
  await connection.write(Uint8Array.of(1));
  assert.equal(await connection.read(new Uint8Array(1)), 1);
  assert.equal(lab.events.find(({ type }) => type === "connected")!.client?.hostname, CLIENT);
});

peerTest(
  "HAProxy: a missing header from a balancer and a header from a client are refused",
  ["haproxy"],
  async () => {
    await using echo = echoServer();
    await using lab = start();
    const port = lab.server.addr.port;
    {
      await using balancer = await startHaproxy({ servers: [{ port }], words: "" });
      await assert.rejects(through(balancer.port, CLIENT, echo.port));
      await until("said", () => lab.refusals(BALANCER).some((why) => /PROXY protocol header/.test(why)));
    }
    // Direct clients are served as always, and cannot choose an address.
    assert.equal(await through(port, OTHER, echo.port), `hello from ${OTHER}`);
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await conn.write(new TextEncoder().encode(`PROXY TCP4 ${CLIENT} 127.0.0.1 7 1080\r\n`));
    await until("refused", () => lab.refusals("127.0.0.1").length > 0);
    assert.ok(lab.events.every(({ client }) => client?.port !== 7));
  },
);

peerTest("HAProxy: gssocks serve --proxy-protocol logs the client's address", ["haproxy"], async () => {
  await using echo = echoServer();
  const stop = new AbortController();
  const listening = Promise.withResolvers<number>();
  let printed = "";
  const served = gssocks(
    ["serve", "-l", "127.0.0.1:0", "-m", "none", "--allow", "127.0.0.1", "--proxy-protocol", `10.0.0.1, ${BALANCER}`],
    {
      signal: stop.signal,
      onErr: (text) => {
        printed = text;
        const port = /Listening on 127\.0\.0\.1:(\d+)/.exec(text)?.[1];
        if (port !== undefined) listening.resolve(Number(port));
      },
    },
  );
  {
    await using balancer = await startHaproxy({
      servers: [{ port: await listening.promise }],
      words: "send-proxy-v2",
    });
    assert.equal(await through(balancer.port, CLIENT, echo.port), `hello from ${CLIENT}`);
  }
  stop.abort();
  assert.equal((await served).code, 0);
  assert.match(printed, /connection from 127\.0\.0\.9:\d+/);
  assert.ok(!printed.includes(`connection from ${BALANCER}`), printed);
});
