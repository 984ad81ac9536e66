/** Sockets and agents of Node's over connections through a proxy. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { get as getHttp } from "node:http";
import { get as getHttps } from "node:https";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { connect, type Connection, SocksConnection } from "../../mod.ts";
import { nodeAgents, nodeSocket, undiciConnector } from "../../proxy/node.ts";
import { certificateFor } from "../support/certificate.ts";
import { startKerberosProxy } from "../support/kerberos_proxy.ts";
import { echoServer, origin, TcpServer } from "../support/servers.ts";
import { peerTest } from "../support/peers.ts";

async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += new TextDecoder().decode(chunk);
  return text;
}

Deno.test("nodeSocket(): carries bytes both ways, and the end of both sides", async () => {
  await using proxy = await startKerberosProxy();
  await using echo = echoServer();
  const socket = nodeSocket(await connect({ ...proxy.client, hostname: "127.0.0.1", port: echo.port }));
  assert.equal(socket.connecting, true, "it opens in a later turn, as net.Socket does");
  let secured = 0;
  socket.on("secureConnect", () => secured++);
  await once(socket, "connect");
  assert.equal(socket.readyState, "open");
  assert.equal(socket.remotePort, echo.port);
  assert.equal(socket.remoteAddress, "127.0.0.1");
  assert.equal(socket.remoteFamily, "IPv4");
  assert.equal((socket.address() as { family: string }).family, "IPv4");
  // Writes before and after each other, many at once: all of them, in order.
  const sent = Array.from({ length: 50 }, (_, i) => `${i},`);
  for (const part of sent) socket.write(part);
  socket.end("end");
  assert.equal(await textOf(socket), `${sent.join("")}end`);
  assert.equal(socket.bytesWritten, socket.bytesRead);
  assert.equal(secured, 0, "nothing that is not TLS is called so");
  assert.equal(socket.destroyed, true);
});

Deno.test("nodeSocket(): is a socket that opens later, or fails", async () => {
  await using proxy = await startKerberosProxy();
  await using echo = echoServer();
  const socket = nodeSocket(connect({ ...proxy.client, hostname: "127.0.0.1", port: echo.port }));
  // What a driver does at once: set options, write, and wait for connect().
  socket.setNoDelay(true).setKeepAlive(true).unref().ref();
  const connected = new Promise<void>((resolve) => socket.connect({ host: "elsewhere", port: 1 }, resolve));
  socket.write("early");
  assert.equal(socket.readyState, "opening");
  await connected;
  const [first] = await once(socket, "data");
  assert.equal(String(first), "early");
  const called = Promise.withResolvers<void>();
  socket.connect({ port: 1 }, called.resolve);
  await called.promise;
  socket.destroy();
  await once(socket, "close");

  const refused = nodeSocket(connect({ ...proxy.client, hostname: "192.0.2.1", port: 1 }));
  const [error] = await once(refused, "error");
  assert.equal((error as { code?: string }).code, "NOT_ALLOWED");
  assert.equal(refused.destroyed, true);
});

Deno.test("nodeSocket(): destroy() before it is open closes the connection", async () => {
  await using proxy = await startKerberosProxy();
  const ended = Promise.withResolvers<number | null>();
  await using target = new TcpServer(async (connection) => {
    ended.resolve(await connection.read(new Uint8Array(1)));
  });
  const opening = connect({ ...proxy.client, hostname: "127.0.0.1", port: target.port });
  const socket = nodeSocket(opening);
  socket.destroy();
  await opening;
  assert.equal(await ended.promise, null);
});

Deno.test("nodeSocket(): emits timeout when no byte comes or leaves", async () => {
  await using proxy = await startKerberosProxy();
  await using echo = echoServer();
  const socket = nodeSocket(connect({ ...proxy.client, hostname: "127.0.0.1", port: echo.port }));
  await once(socket, "connect");
  let times = 0;
  socket.setTimeout(20, () => times++);
  await once(socket, "timeout");
  assert.equal(times, 1);
  assert.equal(socket.destroyed, false, "the library decides");
  socket.setTimeout(0);
  socket.destroySoon();
  await once(socket, "close");
});

/** A connection that records its calls. */
function recording(calls: Partial<Connection>) {
  const told: string[] = [];
  const connection = {
    read: () => new Promise<never>(() => {}),
    write: () => Promise.resolve(),
    closeWrite: () => Promise.resolve(),
    close: () => void told.push("close"),
    setNoDelay: (on: boolean) => void told.push(`noDelay ${on}`),
    setKeepAlive: (on: boolean) => void told.push(`keepAlive ${on}`),
    ref: () => void told.push("ref"),
    unref: () => void told.push("unref"),
    [Symbol.asyncDispose]: () => Promise.resolve(),
    ...calls,
  };
  const end = { hostname: "127.0.0.1", port: 1 };
  const identity = { method: "none", name: "", attributes: {} } as const;
  const made = new SocksConnection({ connection, bound: end, protection: "none", identity }, end);
  return { connection: made, told };
}

/** A socket over such a connection. */
function recorded(calls: Partial<Connection>) {
  const { connection, told } = recording(calls);
  return { socket: nodeSocket(connection), told };
}

Deno.test("nodeSocket(): options set before and after it is open reach the connection", async () => {
  const { socket, told } = recorded({});
  socket.setNoDelay().setKeepAlive(true).unref();
  await once(socket, "connect");
  assert.deepEqual(told.splice(0), ["unref", "noDelay true", "keepAlive true"]);
  socket.setNoDelay(false).setKeepAlive(false).ref();
  assert.deepEqual(told.splice(0), ["noDelay false", "keepAlive false", "ref"]);
  socket.destroy();
  await once(socket, "close");
  assert.deepEqual(told, ["close"]);
});

Deno.test("nodeSocket(): a stream that fails is an error, never an end", async () => {
  const { socket } = recorded({ read: () => Promise.reject(new Error("cut")) });
  let ends = 0;
  socket.on("end", () => ends++);
  socket.resume();
  const [error] = await once(socket, "error");
  assert.match((error as Error).message, /cut$/);
  assert.equal(ends, 0);
});

Deno.test("nodeSocket(): destroy() before it is open is over at once, and closes what opens later", async () => {
  for (const early of [true, false]) {
    const { promise: opening, resolve: open } = Promise.withResolvers<SocksConnection>();
    const socket = nodeSocket(opening);
    if (!early) await new Promise((resolve) => setTimeout(resolve));
    const errors: unknown[] = [];
    socket.on("error", (error) => errors.push(error));
    const closed = new Promise<void>((resolve) => socket.once("close", resolve));
    socket.destroy(early ? undefined : new Error("given up"));
    await closed;
    assert.equal(errors.length, early ? 0 : 1);
    assert.equal(socket.connecting, false);
    const { connection, told } = recording({});
    open(connection);
    await opening;
    await new Promise((resolve) => setTimeout(resolve));
    assert.deepEqual(told, ["close"]);
  }
});

Deno.test("nodeSocket(): a reader that stops holds no more memory than it has bytes, about", async () => {
  let reads = 0;
  const { socket } = recorded({
    read(into?: Uint8Array) {
      reads++;
      const bytes = into === undefined ? new Uint8Array(1) : into.subarray(0, 1);
      bytes.fill(reads % 256);
      return Promise.resolve(bytes as Uint8Array<ArrayBuffer>);
    },
  });
  await once(socket, "connect");
  await once(socket, "readable");
  // It reads ahead as far as the stream's mark, one byte at a time.
  for (let before = -1; before !== reads;) {
    before = reads;
    await new Promise((resolve) => setTimeout(resolve));
  }
  assert.equal(reads, socket.readableHighWaterMark);
  const memories = new Set<ArrayBufferLike>();
  for (let i = 1; i <= 1_000; i++) {
    const piece = socket.read(1) as Uint8Array;
    assert.equal(piece[0], i % 256);
    memories.add(piece.buffer);
  }
  const held = [...memories].reduce((sum, { byteLength }) => sum + byteLength, 0);
  assert.ok(held < 200_000, `${held} bytes of memory for 1,000 bytes`);
  socket.destroy();
  await once(socket, "close");
});

Deno.test("nodeSocket(): large reads that a reader keeps stay as they were", async () => {
  let reads = 0;
  const { socket } = recorded({
    read: (into?: Uint8Array) =>
      Promise.resolve((++reads > 3 ? null : into!.fill(reads)) as Uint8Array<ArrayBuffer> | null),
  });
  const pieces: Uint8Array[] = [];
  for await (const piece of socket) pieces.push(piece);
  assert.deepEqual(pieces.map((piece) => [piece.length, piece[0]]), [[65_536, 1], [65_536, 2], [65_536, 3]]);
});

Deno.test("nodeSocket(): a listener or a callback that throws is not a failure of the connection", async () => {
  const problems: string[] = [];
  const seen = Promise.withResolvers<void>();
  const take = (event: PromiseRejectionEvent | ErrorEvent) => {
    event.preventDefault();
    problems.push(("reason" in event ? event.reason : event.error).message);
    if (problems.length === 3) seen.resolve();
  };
  addEventListener("unhandledrejection", take);
  addEventListener("error", take);
  let reads = 0;
  const { socket } = recorded({
    read: () => reads++ === 0 ? Promise.resolve(Uint8Array.of(1)) : new Promise<never>(() => {}),
  });
  const errors: unknown[] = [];
  socket.on("error", (error) => errors.push(error));
  socket.once("connect", () => {
    throw new Error("of connect");
  });
  socket.once("data", () => {
    throw new Error("of data");
  });
  socket.write("x", () => {
    throw new Error("of write");
  });
  await seen.promise;
  removeEventListener("unhandledrejection", take);
  removeEventListener("error", take);
  assert.deepEqual([problems.sort(), errors, socket.destroyed], [["of connect", "of data", "of write"], [], false]);
  socket.destroy();
  await once(socket, "close");
});

Deno.test("nodeSocket(): a connection closed elsewhere is an error", async () => {
  await using proxy = await startKerberosProxy();
  await using echo = echoServer();
  const connection = await connect({ ...proxy.client, hostname: "127.0.0.1", port: echo.port });
  const socket = nodeSocket(connection);
  await once(socket, "connect");
  socket.resume();
  connection.close();
  const [error] = await once(socket, "error");
  assert.equal((error as { code?: string }).code, "CLOSED");
});

async function answerOf(request: (callback: (response: IncomingMessage) => void) => unknown): Promise<string> {
  const response = await new Promise<IncomingMessage>((resolve) => request(resolve));
  return await textOf(response);
}

Deno.test("nodeAgents(): node:http goes through the proxy, connections are kept", async () => {
  let sessions = 0;
  await using proxy = await startKerberosProxy({ onEvent: ({ type }) => type === "connected" && sessions++ });
  await using site = origin("the page");
  const { httpAgent } = nodeAgents(proxy.client, { keepAlive: true });
  const url = `http://127.0.0.1:${site.addr.port}/`;
  for (let i = 0; i < 3; i++) {
    assert.equal(await answerOf((done) => getHttp(url, { agent: httpAgent }, done)), "the page");
  }
  assert.equal(sessions, 1);
  httpAgent.destroy();
});

peerTest("nodeAgents(): node:https verifies the target's certificate", ["openssl"], async () => {
  await using proxy = await startKerberosProxy();
  const certificate = await certificateFor("localhost");
  await using site = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {}, ...certificate },
    () => new Response("the secure page"),
  );
  const url = `https://localhost:${site.addr.port}/`;
  const { httpsAgent } = nodeAgents(proxy.client, { ca: certificate.cert });
  assert.equal(await answerOf((done) => getHttps(url, { agent: httpsAgent }, done)), "the secure page");
  httpsAgent.destroy();
  const { httpsAgent: strict } = nodeAgents(proxy.client);
  const failed = getHttps(url, { agent: strict });
  const [error] = await once(failed, "error");
  assert.match((error as Error).message, /self.signed/i);
  strict.destroy();
});

peerTest("undiciConnector(): opens sockets for http: and https:, and says why it cannot", ["openssl"], async () => {
  await using proxy = await startKerberosProxy();
  await using echo = echoServer();
  const open = (wanted: { hostname: string; port: string; protocol: string }, ca?: string) =>
    new Promise<Socket>((resolve, reject) =>
      undiciConnector(proxy.client, ca === undefined ? {} : { ca })(
        wanted,
        (error, socket) => error === null ? resolve(socket!) : reject(error),
      )
    );
  const plain = await open({ hostname: "127.0.0.1", port: `${echo.port}`, protocol: "http:" });
  plain.end("hello");
  assert.equal(await textOf(plain), "hello");
  let answers = 0;
  const wanted = { hostname: "127.0.0.1", port: `${echo.port}`, protocol: "http:" };
  const late = await new Promise<Socket>((resolve) =>
    undiciConnector(proxy.client)(wanted, (_error, socket) => {
      answers++;
      resolve(socket!);
    })
  );
  late.on("error", () => {});
  const closed = new Promise((resolve) => late.once("close", resolve));
  late.destroy(new Error("later"));
  await closed;
  assert.equal(answers, 1, "a failure of an open socket is the socket's to say");
  await assert.rejects(
    open({ hostname: "192.0.2.1", port: "80", protocol: "http:" }),
    (error: { code?: string }) => error.code === "NOT_ALLOWED",
  );
  await assert.rejects(
    open({ hostname: "bad host", port: "80", protocol: "http:" }),
    (error: Error) => /bad host/.test(error.message),
  );
  const certificate = await certificateFor("localhost");
  await using site = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {}, ...certificate },
    () => new Response("x"),
  );
  const secure = await open(
    { hostname: "localhost", port: `${site.addr.port}`, protocol: "https:" },
    certificate.cert,
  );
  secure.end("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  assert.match(await textOf(secure), /^HTTP\/1\.1 200/);
});
