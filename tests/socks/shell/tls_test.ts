/** TLS over any connection: its end and what is none, both directions, closing, and what it asks for. */
import assert from "node:assert/strict";
import { SocksConnectionError, SocksProtocolError, SocksTlsError } from "../../../socks/errors.ts";
import { type Certificate, certificateFor } from "../../support/certificate.ts";
import {
  bytes,
  type Cut,
  type Delivery,
  nodeServer,
  outcome,
  plainTo,
  rustlsServer,
  type TlsServer,
  Wire,
} from "../../support/tls.ts";
import type { Bytes } from "../../../base/bytes.ts";
import { tlsOver } from "../../../socks/shell/tls_over.ts";
import type { TlsClientOptions, TlsConnection } from "../../../socks/stream/tls.ts";
import type { Connection } from "../../../socks/stream/connection.ts";
import { listenTls } from "../../../socks/shell/tls.ts";
import { DenoConnection } from "../../../socks/shell/deno_connection.ts";
import { peer, peerTest } from "../../support/peers.ts";
import { pipe } from "../../support/pipe.ts";
import { Daemon, freePort, waitForPort } from "../../support/process.ts";

const SERVERS: Readonly<Record<string, (identity: Certificate, body: Bytes) => TlsServer | Promise<TlsServer>>> = {
  "rustls": rustlsServer,
  "node:tls, TLS 1.3": nodeServer,
  "node:tls, TLS 1.2": (identity, body) => nodeServer(identity, body, { version: "TLSv1.2" }),
};

/** Both ends of TLS over a socket: ours, and one of rustls that does what the test says. */
async function pair(
  identity: Certificate,
  over: (connection: Connection) => Connection = (connection) => connection,
): Promise<AsyncDisposable & { client: TlsConnection; server: Connection & { conn: Deno.TlsConn } }> {
  using listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...identity });
  const [client, conn] = await Promise.all([
    plainTo((listener.addr as Deno.NetAddr).port).then((plain) =>
      tlsOver(over(plain), { hostname: "localhost", caCerts: [identity.cert] })
    ),
    listener.accept().then((conn) => conn.handshake().then(() => conn)),
  ]);
  return {
    client,
    server: Object.assign(new DenoConnection(conn), { conn }),
    async [Symbol.asyncDispose](): Promise<void> {
      await client[Symbol.asyncDispose]();
      conn[Symbol.dispose]();
    },
  };
}

/** What the end of a stream must be. */
function assertEnd(end: unknown, cut: Cut, what: string): void {
  if (cut === "none") return assert.equal(end, null, what);
  if (cut === "by a reset") return assert.ok(end instanceof Deno.errors.ConnectionReset, `${what}: ${end}`);
  assert.ok(end instanceof SocksTlsError && end.code === "TLS_CUT", `${what}: ${end}`);
}

peerTest("a close_notify is the end of a TLS stream, and nothing else is", ["openssl"], async () => {
  const identity = await certificateFor();
  const cuts: Cut[] = ["none", "without close_notify", "in the middle of a record", "by a reset"];
  const deliveries: Delivery[] = ["as they come", "byte by byte", "in one piece"];
  for (const [name, serve] of Object.entries(SERVERS)) {
    for (const length of [1, 3_000, 100_000]) {
      const body = bytes(length);
      await using server = await serve(identity, body);
      for (const cut of cuts) {
        for (const delivery of deliveries) {
          if (delivery === "byte by byte" && length > 3_000) continue;
          const wire = new Wire(await plainTo(server.port), cut, delivery);
          await using client = await tlsOver(wire, { hostname: "localhost", caCerts: [identity.cert] });
          wire.keeping = delivery === "in one piece";
          const { got, end } = await outcome(client);
          const what = `${name}, ${length} bytes, ${cut}, ${delivery}`;
          assert.equal(wire.notices, 1, what);
          assert.deepEqual(got, body, what);
          assertEnd(end, cut, what);
        }
      }
    }
  }
});

peerTest("a hundred whole streams and a hundred cut ones, read fast and slowly", ["openssl"], async () => {
  const identity = await certificateFor();
  const body = bytes(20_000);
  await using server = rustlsServer(identity, body);
  for (let i = 0; i < 200; i++) {
    const cut: Cut = i % 2 === 0 ? "none" : "without close_notify";
    const wire = new Wire(await plainTo(server.port), cut);
    await using client = await tlsOver(wire, { hostname: "localhost", caCerts: [identity.cert] });
    // Everything has come, or not.
    for (let turns = i % 7; turns > 0; turns--) await new Promise((resolve) => setTimeout(resolve, 0));
    const { got, end } = await outcome(client);
    assert.equal(got.length, body.length);
    assertEnd(end, cut, `stream ${i}`);
  }
});

peerTest("a stream that is cut before it has begun is cut", ["openssl"], async () => {
  const identity = await certificateFor();
  for (const cut of ["none", "without close_notify"] as const) {
    await using server = rustlsServer(identity, new Uint8Array(0));
    // What the server sends behind its handshake are session tickets.
    const wire = new Wire(await plainTo(server.port), cut);
    await using client = await tlsOver(wire, { hostname: "localhost", caCerts: [identity.cert] });
    const { got, end } = await outcome(client);
    assert.equal(got.length, 0);
    assertEnd(end, cut, cut);
  }
});

for (const version of ["tls1_2", "tls1_3"]) {
  peerTest(
    `OpenSSL's server ends a page with a close_notify, and killed with none (${version})`,
    ["openssl"],
    async () => {
      const { cert, key } = await certificateFor();
      const directory = await Deno.makeTempDir();
      try {
        await Deno.writeTextFile(`${directory}/both.pem`, cert + key);
        for (const killed of [false, true]) {
          const port = freePort();
          const server = new Daemon(peer("openssl"), [
            ...["s_server", "-accept", `127.0.0.1:${port}`, "-cert", `${directory}/both.pem`, `-${version}`],
            ...(killed ? ["-rev"] : ["-www"]),
          ]);
          await using _server = server;
          await waitForPort(port);
          await using client = await tlsOver(await plainTo(port), { hostname: "localhost", caCerts: [cert] });
          if (killed) await server[Symbol.asyncDispose]();
          else await client.write(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
          const { got, end } = await outcome(client);
          if (!killed) assert.match(new TextDecoder().decode(got), /^HTTP\/1\.0 200 ok/);
          assert.equal(end === null, !killed, String(end));
        }
      } finally {
        await Deno.remove(directory, { recursive: true });
      }
    },
  );
}

peerTest("a record that is not genuine ends the stream for good, and is told as such", ["openssl"], async () => {
  const identity = await certificateFor();
  await using server = rustlsServer(identity, bytes(5_000));
  const inner = await plainTo(server.port);
  let shaken = false;
  const forger = {
    ...bound(inner),
    async read(): Promise<Bytes | null> {
      const bytes = await inner.read();
      if (bytes === null || !shaken) return bytes;
      return bytes.with(bytes.length - 1, bytes.at(-1)! ^ 1) as Bytes;
    },
    write(bytes: Uint8Array): Promise<void> {
      // The client's last word in the handshake is a record of its own.
      if (bytes.length < 100) shaken = true;
      return inner.write(bytes);
    },
  };
  await using client = await tlsOver(forger, { hostname: "localhost", caCerts: [identity.cert] });
  const { end } = await outcome(client);
  assert.ok(end instanceof SocksProtocolError && end.code === "NOT_GENUINE", String(end));
  await assert.rejects(client.write(new Uint8Array(1)), { code: "NOT_GENUINE" });
});

/** The members of a connection, to change some. */
function bound(connection: Connection): Connection {
  return {
    read: (into) => connection.read(into),
    write: (bytes) => connection.write(bytes),
    closeWrite: () => connection.closeWrite(),
    close: () => connection.close(),
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}

peerTest("each direction of a TLS stream ends by itself, in either order", ["openssl"], async () => {
  const identity = await certificateFor();
  for (const first of ["client", "server"] as const) {
    await using ends = await pair(identity);
    const [one, other] = first === "client" ? [ends.client, ends.server] : [ends.server, ends.client];
    await one.write(bytes(100));
    await one.closeWrite();
    assert.deepEqual(await outcome(other), { got: bytes(100), end: null });
    await other.write(bytes(200_000));
    const writing = other.write(bytes(50)).then(() => other.closeWrite());
    assert.equal((await outcome(one)).got.length, 200_050);
    await writing;
    if (first === "client") await assert.rejects(one.write(bytes(1)), { code: "CLOSED" });
  }
});

peerTest("this side's end says so inside TLS, also where it closes", ["openssl"], async () => {
  const identity = await certificateFor();
  for (const how of ["closeWrite", "closeWrite and close", "close"] as const) {
    const done: string[] = [];
    await using ends = await pair(identity, (inner) => ({
      ...bound(inner),
      async write(bytes: Uint8Array): Promise<void> {
        done.push("write");
        await inner.write(bytes);
        await new Promise((resolve) => setTimeout(resolve, 0));
        done.push("written");
      },
      closeWrite: () => (done.push("end"), inner.closeWrite()),
    }));
    await ends.client.write(bytes(10));
    done.length = 0;
    if (how !== "close") await ends.client.closeWrite();
    if (how !== "closeWrite") ends.client.close();
    if (how !== "close") assert.match(done.join(), /write,written,end$/);
    // rustls takes an end without a close_notify for an error.
    assert.deepEqual(await outcome(ends.server), { got: bytes(10), end: null }, how);
  }
});

peerTest(
  "a connection that was closed fails whatever is under way, and all that is tried later",
  ["openssl"],
  async () => {
    const identity = await certificateFor();
    let wire: Wire | undefined;
    await using ends = await pair(identity, (inner) => wire = new Wire(inner));
    const { client } = ends;
    await ends.server.write(bytes(10));
    assert.deepEqual(await client.read(), bytes(10));
    // Nobody reads at the other end.
    const calls = [client.read(), client.read(), client.write(new Uint8Array(64 << 20)), client.closeWrite()];
    const settled = Promise.allSettled(calls);
    await new Promise((resolve) => setTimeout(resolve, 0));
    client.close();
    client.close();
    assert.ok(wire!.closed);
    for (const result of await settled) {
      assert.ok(result.status === "rejected" && result.reason instanceof SocksConnectionError, JSON.stringify(result));
      assert.equal(result.reason.code, "CLOSED");
    }
    for (const call of [() => client.read(), () => client.write(bytes(1)), () => client.closeWrite()]) {
      await assert.rejects(call, { code: "CLOSED" });
    }
    // What is underneath is closed, too: in the middle of a record, so that it is a cut.
    await assert.rejects(async () => {
      while (await ends.server.read() !== null);
    });
  },
);

peerTest("a connection that was closed gives nothing that came before", ["openssl"], async () => {
  const identity = await certificateFor();
  await using server = rustlsServer(identity, bytes(1_000));
  const wire = new Wire(await plainTo(server.port));
  await using client = await tlsOver(wire, { hostname: "localhost", caCerts: [identity.cert] });
  while (wire.notices === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  client.close();
  await assert.rejects(client.read(), { code: "CLOSED" });
});

peerTest("a close_notify that is not taken keeps nothing open for long", ["openssl"], async () => {
  const identity = await certificateFor();
  let deaf = false;
  const closed = Promise.withResolvers<void>();
  await using ends = await pair(identity, (inner) => ({
    ...bound(inner),
    write: (bytes) => deaf ? new Promise(() => {}) : inner.write(bytes),
    close: () => (closed.resolve(), inner.close()),
  }));
  deaf = true;
  ends.client.close();
  await assert.rejects(ends.client.read(), { code: "CLOSED" });
  await closed.promise;
});

peerTest("an end of writing before the handshake is done is one behind it", ["openssl"], async () => {
  const identity = await certificateFor();
  const listener = listenTls({ hostname: "127.0.0.1", port: 0, ...identity });
  try {
    const plain = await plainTo(listener.addr.port);
    await using accepted = (await listener.accept())!;
    const ending = accepted.closeWrite();
    await using client = await tlsOver(plain, { hostname: "localhost", caCerts: [identity.cert] });
    assert.deepEqual(await outcome(client), { got: bytes(0), end: null });
    await ending;
  } finally {
    listener.close();
  }
});

peerTest("memory of every kind is sent as it is", ["openssl"], async () => {
  const identity = await certificateFor();
  await using ends = await pair(identity);
  const kinds = [
    new Uint8Array(new SharedArrayBuffer(10)),
    new Uint8Array(new ArrayBuffer(10, { maxByteLength: 20 })),
    new Uint8Array(new ArrayBuffer(30), 5, 10),
  ];
  for (const chunk of kinds) {
    chunk.set(bytes(10));
    await ends.client.write(chunk);
  }
  await ends.client.closeWrite();
  assert.deepEqual((await outcome(ends.server)).got, Uint8Array.from([...bytes(10), ...bytes(10), ...bytes(10)]));
});

peerTest("what cannot be sent any more is told to every write, and does not end reading", ["openssl"], async () => {
  const identity = await certificateFor();
  const failure = new Error("no way out");
  let failing = false;
  await using ends = await pair(identity, (inner) => ({
    ...bound(inner),
    write: (bytes) => failing ? Promise.reject(failure) : inner.write(bytes),
  }));
  failing = true;
  await assert.rejects(ends.client.write(bytes(10)), failure);
  await assert.rejects(ends.client.write(bytes(10)), failure);
  await assert.rejects(ends.client.closeWrite(), failure);
  await ends.server.write(bytes(1_000));
  await ends.server.closeWrite();
  assert.deepEqual(await outcome(ends.client), { got: bytes(1_000), end: null });
});

peerTest("reads at one time are served in order, and each chunk's memory is its own", ["openssl"], async () => {
  const identity = await certificateFor();
  await using server = rustlsServer(identity, bytes(300_000));
  await using client = await tlsOver(await plainTo(server.port), { hostname: "localhost", caCerts: [identity.cert] });
  let expected = 0;
  for (let ended = false; !ended;) {
    for (const chunk of await Promise.all(Array.from({ length: 5 }, () => client.read()))) {
      if (chunk === null) {
        ended = true;
        continue;
      }
      assert.deepEqual(chunk, bytes(300_000).subarray(expected, expected + chunk.length));
      expected += chunk.length;
      assert.equal(chunk.buffer.byteLength, chunk.length);
      structuredClone(chunk.buffer, { transfer: [chunk.buffer] });
    }
  }
  assert.equal(expected, 300_000);
});

peerTest("a reader that takes nothing is sent no more than a little", ["openssl"], async () => {
  const identity = await certificateFor();
  await using server = rustlsServer(identity, bytes(8 << 20));
  const wire = new Wire(await plainTo(server.port));
  await using client = await tlsOver(wire, { hostname: "localhost", caCerts: [identity.cert] });
  let taken = -1;
  for (let still = 0; still < 20; still = wire.taken === taken ? still + 1 : 0) {
    taken = wire.taken;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.ok(taken < 1 << 20, `${taken} bytes taken`);
  assert.deepEqual((await outcome(client)).end, null);
});

peerTest("a handshake that fails says so, and closes what is underneath", ["openssl"], async () => {
  const identity = await certificateFor();
  await using server = rustlsServer(identity, bytes(1));
  const failing = async (wire: Wire, more: Partial<TlsClientOptions> = {}) => {
    const options = { hostname: "localhost", caCerts: [identity.cert], ...more };
    await assert.rejects(tlsOver(wire, options), (error) => {
      assert.ok(error instanceof SocksTlsError && error.code === "TLS_HANDSHAKE", String(error));
      return true;
    });
    assert.ok(wire.closed);
  };
  const other = await certificateFor("elsewhere.example");
  await failing(new Wire(await plainTo(server.port)), { caCerts: undefined });
  await failing(new Wire(await plainTo(server.port)), { caCerts: [other.cert] });
  await failing(new Wire(await plainTo(server.port)), { hostname: "elsewhere.example" });
  for (const said of ["SSH-2.0-not-tls\r\n", ""]) {
    const [near, far] = pipe();
    await far.write(new TextEncoder().encode(said));
    await far.closeWrite();
    await failing(new Wire(near));
  }
  const [near, far] = pipe();
  const reason = new Error("given up");
  const controller = new AbortController();
  const wire = new Wire(near);
  const attempt = tlsOver(wire, { hostname: "localhost", signal: controller.signal });
  await far.read();
  controller.abort(reason);
  await assert.rejects(attempt, reason);
  assert.ok(wire.closed);
});

peerTest("a certificate of this side's is shown to a server that wants one", ["openssl"], async () => {
  const [identity, mine] = [await certificateFor(), await certificateFor("client")];
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    await using server = await nodeServer(identity, bytes(10), { version, clients: mine.cert });
    const options = { hostname: "localhost", caCerts: [identity.cert] };
    {
      await using client = await tlsOver(await plainTo(server.port), { ...options, ...mine });
      assert.deepEqual(await outcome(client), { got: bytes(10), end: null });
    }
    // Without, the handshake fails; in TLS 1.3 this side is told only when it reads.
    const attempt = async () => {
      await using client = await tlsOver(await plainTo(server.port), options);
      throw (await outcome(client)).end;
    };
    await assert.rejects(attempt, { name: "SocksTlsError", code: "TLS_HANDSHAKE" });
  }
});

peerTest("the protocol agreed upon is told", ["openssl"], async () => {
  const identity = await certificateFor();
  await using server = await nodeServer(identity, bytes(1), { protocols: ["imap", "h2"] });
  const options = { hostname: "localhost", caCerts: [identity.cert] };
  for (const [alpnProtocols, expected] of [[["h2", "http/1.1"], "h2"], [undefined, undefined]] as const) {
    await using client = await tlsOver(await plainTo(server.port), { ...options, alpnProtocols });
    assert.equal(client.alpnProtocol, expected);
  }
});

Deno.test("dialTls(), tlsOver(): refuse an invalid certificate or key before anything is sent", async () => {
  const pem = (label: string) => `-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`;
  const wrong: Partial<TlsClientOptions>[] = [
    { cert: pem("CERTIFICATE") },
    { key: pem("PRIVATE KEY") },
    { cert: "cert.pem", key: pem("PRIVATE KEY") },
    { cert: pem("CERTIFICATE"), key: pem("CERTIFICATE") },
    { caCerts: ["/etc/ca.pem"] },
  ];
  for (const options of wrong) {
    const [near] = pipe();
    const wire = new Wire(near);
    await assert.rejects(tlsOver(wire, { hostname: "localhost", ...options }), TypeError);
    assert.ok(wire.closed);
    assert.equal(near.sent().length, 0);
  }
});

peerTest(
  "a listener lets go of a client that does not finish its handshake, and takes a cut for none",
  ["openssl"],
  async () => {
    const identity = await certificateFor();
    const listener = listenTls({ hostname: "127.0.0.1", port: 0, ...identity });
    try {
      for (const said of [[], [22, 3, 1, 2, 0, 1]]) {
        using plain = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
        if (said.length > 0) await plain.write(Uint8Array.from(said));
        const accepted = (await listener.accept())!;
        assert.equal(accepted.remote?.port, (plain.localAddr as Deno.NetAddr).port);
        const reading = accepted.read();
        accepted.close();
        await assert.rejects(reading, { code: "CLOSED" });
        assert.equal(await plain.read(new Uint8Array(1)), null);
      }
      for (const end of ["whole", "cut", "no TLS"] as const) {
        const plain = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
        const accepted = (await listener.accept())!;
        if (end === "no TLS") {
          await plain.write(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
          assert.equal((await outcome(accepted).then(({ end }) => end as SocksTlsError)).code, "TLS_HANDSHAKE");
          plain.close();
          accepted.close();
          continue;
        }
        const wire = new DenoConnection(plain);
        const mute = { ...bound(wire), closeWrite: () => wire.closeWrite() };
        const reading = outcome(accepted);
        await using client = await tlsOver(mute, { hostname: "localhost", caCerts: [identity.cert] });
        await client.write(bytes(10));
        if (end === "whole") await client.closeWrite();
        else await wire.closeWrite();
        const got = await reading;
        assert.deepEqual(got.got, bytes(10));
        assertEnd(got.end, end === "whole" ? "none" : "without close_notify", end);
        await accepted[Symbol.asyncDispose]();
      }
    } finally {
      listener.close();
    }
    assert.throws(() => listenTls({ hostname: "127.0.0.1", port: 0, cert: identity.cert, key: "none" }), TypeError);
  },
);
