/**
 * Every callback of the platform under the connections, with the errors that it can give, at every time and also late: the one who
 * awaits the call is told, and nothing is thrown where nobody is. An error that nobody handles fails the file (`support/watch_unhandled.ts`).
 */
import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { type Bytes, utf8 } from "../../../base/bytes.ts";
import { startDeadline } from "../../../base/deadline.ts";
import { bind, connect } from "../../../proxy/connect.ts";
import { noAuthentication } from "../../../socks/auth/none.ts";
import { relay } from "../../../socks/server/relay/relay.ts";
import { CarrierStream } from "../../../socks/shell/carrier.ts";
import { abort, type Connection } from "../../../socks/stream/connection.ts";
import { dialTcp, listenTcp } from "../../../socks/shell/tcp.ts";
import { listenTls } from "../../../socks/shell/tls.ts";
import { dialUnix, listenUnix } from "../../../socks/shell/unix.ts";
import { DenoConnection } from "../../../socks/shell/deno_connection.ts";
import type { ConnectionListener } from "../../../socks/stream/listener.ts";
import { dialFrom } from "../../../socks/shell/dial_from.ts";
import type { DuplexConnection } from "../../../socks/shell/duplex.ts";
import { acceptTls, tlsOver } from "../../../socks/shell/tls_over.ts";
import { connectionFromWebSocket, dialWebSocket } from "../../../socks/stream/web_socket.ts";
import { connectionFromStreams } from "../../../socks/stream/web_streams.ts";
import { certificateFor } from "../../support/certificate.ts";
import { ScriptedConnection } from "../../support/scripted_connection.ts";
import { tcpPair } from "../../support/transports.ts";

const identity = await certificateFor();
const FAILURE = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });

/** Everything that can happen has happened, timers without a time included. */
async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve));
}

/** Calls of every kind, whose failures are somebody's: what they come to. */
function calls(connection: Connection): Promise<PromiseSettledResult<unknown>[]> {
  return Promise.allSettled([
    connection.read(),
    connection.write(new Uint8Array(10)),
    connection.closeWrite(),
    connection.probe?.(),
  ]);
}

/** When something fails, beside the calls of whoever holds the connection. */
const TIMES: Readonly<Record<string, (connection: Connection, fail: () => void) => Promise<unknown>>> = {
  "while nobody asks": async (connection, fail) => {
    fail();
    await settled();
    return await calls(connection);
  },
  "while calls are under way": async (connection, fail) => {
    const asked = calls(connection);
    fail();
    await settled();
    return await asked;
  },
  "twice": async (connection, fail) => {
    fail();
    fail();
    await settled();
    return await calls(connection);
  },
  "behind close()": async (connection, fail) => {
    const asked = calls(connection);
    connection.close();
    fail();
    await settled();
    fail();
    return await asked;
  },
  "behind abort()": async (connection, fail) => {
    const asked = calls(connection);
    abort(connection);
    fail();
    return await asked;
  },
};

interface Made {
  readonly connection: Connection;
  /** Ways in which the platform fails under it. */
  readonly failures: Readonly<Record<string, () => void>>;
  readonly end?: () => void;
}

async function nodeSocket(): Promise<Made> {
  const server = createServer();
  const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const { port } = server.address() as { port: number };
  const connection = await dialFrom(["127.0.0.1"])({ hostname: "127.0.0.1", port }, {}) as DuplexConnection;
  const peer = await accepted;
  peer.on("error", () => {});
  const { stream } = connection as unknown as { stream: Socket };
  return {
    connection,
    failures: {
      "an error event": () => void stream.emit("error", FAILURE),
      "destroyed with an error": () => void stream.destroy(FAILURE),
      "a close event": () => void stream.emit("close"),
      "a time-out event": () => void stream.emit("timeout"),
      "the peer resets": () => void peer.resetAndDestroy(),
      "the peer closes": () => void peer.destroy(),
    },
    end() {
      peer.destroy();
      connection.close();
      server.close();
    },
  };
}

async function denoSocket(): Promise<Made> {
  const server = createServer();
  const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const { port } = server.address() as { port: number };
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const connection = new DenoConnection(conn);
  const peer = await accepted;
  peer.on("error", () => {});
  return {
    connection,
    failures: {
      "the peer resets": () => void peer.resetAndDestroy(),
      "the peer closes": () => void peer.destroy(),
      "closed by somebody else": () => conn[Symbol.dispose](),
    },
    end() {
      peer.destroy();
      connection.close();
      server.close();
    },
  };
}

function under(): { script: ScriptedConnection; failures: Made["failures"] } {
  const script = new ScriptedConnection();
  const garbage = () => script.reads.at(-1)?.resolve(utf8("HTTP/1.1 400 Bad Request\r\n\r\n") as Bytes);
  return {
    script,
    failures: {
      "reading fails": () => script.reads.forEach((read) => read.reject(FAILURE)),
      "writing fails": () => script.writes.forEach((write) => write.reject(FAILURE)),
      "it ends": () => script.reads.forEach((read) => read.resolve(null)),
      "what comes is no TLS": garbage,
      "it is closed": () => script.close(),
    },
  };
}

function tlsServer(): Promise<Made> {
  const { script, failures } = under();
  return Promise.resolve({ connection: acceptTls(script, identity), failures });
}

async function tlsEstablished(): Promise<Made> {
  const [near, far] = await tcpPair();
  const connection = acceptTls(far, identity);
  const reading = connection.read();
  const client = await tlsOver(near, { hostname: "localhost", caCerts: [identity.cert] });
  await client.write(new Uint8Array(1));
  await reading;
  const { stream } = connection as unknown as { stream: Duplex };
  return {
    connection,
    failures: {
      "an error event": () => void stream.emit("error", FAILURE),
      "destroyed with an error": () => void stream.destroy(FAILURE),
      "the client is gone": () => near.close(),
      "a record that is none": () => void near.write(utf8("GET / HTTP/1.0\r\n\r\n")).catch(() => {}),
      "closed underneath": () => far.close(),
    },
    end: () => client.close(),
  };
}

function webSocket(readyState: number): () => Promise<Made> {
  return () => {
    const socket = {
      readyState,
      send(): void {
        if (socket.readyState === WebSocket.CONNECTING) throw new DOMException("not open", "InvalidStateError");
      },
      close: () => void (socket.readyState = WebSocket.CLOSING),
    } as unknown as WebSocket & { readyState: number };
    const feed = (data: unknown) => socket.onmessage?.({ data } as MessageEvent);
    return Promise.resolve({
      connection: connectionFromWebSocket(socket),
      failures: {
        "an error event": () => socket.onerror?.(new Event("error")),
        "a close event": () => socket.onclose?.(new CloseEvent("close")),
        "a text that says nothing": () => feed("what?"),
        "a message that is no bytes": () => feed(new Blob(["x"])),
        "a message without data": () => feed(undefined),
        "too large a message": () => feed(new ArrayBuffer(1 << 21)),
        "sending throws": () => {
          socket.send = () => {
            throw FAILURE;
          };
          if (socket.readyState === WebSocket.OPEN) feed(new ArrayBuffer(0));
          else socket.onclose?.(new CloseEvent("close"));
        },
      },
    });
  };
}

function streams(): Promise<Made> {
  let source!: ReadableStreamDefaultController<Uint8Array>;
  let sink!: WritableStreamDefaultController;
  const refuse = () => Promise.reject(FAILURE);
  const readable = new ReadableStream<Uint8Array>({ start: (made) => void (source = made), cancel: refuse });
  const writable = new WritableStream<Uint8Array>({
    start: (made) => void (sink = made),
    write: refuse,
    close: refuse,
    abort: refuse,
  });
  const quietly = (call: () => void) => () => {
    try {
      call();
    } catch {
      // The stream is over.
    }
  };
  return Promise.resolve({
    connection: connectionFromStreams({ readable, writable }),
    failures: {
      "the source fails": quietly(() => source.error(FAILURE)),
      "the source ends": quietly(() => source.close()),
      "a chunk that is no bytes": quietly(() => source.enqueue("text" as unknown as Uint8Array)),
      "the sink fails": quietly(() => sink.error(FAILURE)),
    },
  });
}

const OBJECTS: Readonly<Record<string, () => Promise<Made>>> = {
  "a socket of Node's": nodeSocket,
  "a socket of Deno's": denoSocket,
  "TLS with a client, in its handshake": tlsServer,
  "TLS with a client": tlsEstablished,
  "a WebSocket": webSocket(WebSocket.OPEN),
  "a WebSocket that is not open yet": webSocket(WebSocket.CONNECTING),
  "streams": streams,
};

for (const [name, make] of Object.entries(OBJECTS)) {
  Deno.test(`${name}: reports every failure underneath to the caller, and to no other`, async (t) => {
    const first = await make();
    first.connection.close();
    first.end?.();
    for (const failure of Object.keys(first.failures)) {
      for (const [time, play] of Object.entries(TIMES)) {
        await t.step(`${failure}, ${time}`, async () => {
          const { connection, failures, end } = await make();
          const played = play(connection, failures[failure]!);
          // What the failure is none for goes on until it is closed.
          await settled();
          connection.close();
          end?.();
          await played;
          await settled();
        });
      }
    }
  });
}

Deno.test("dialTcp(), dialUnix(), dialFrom(): a failed or aborted dial reports once and leaves nothing open", async (t) => {
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = free.addr;
  free.close();
  const nowhere = { hostname: "127.0.0.1", port };
  const folder = await Deno.makeTempDir();
  const dials = {
    "Deno's socket": () => dialTcp(nowhere, {}),
    "Node's socket": () => dialFrom(["127.0.0.1"])(nowhere, {}),
    "Node's socket, given up": () => dialFrom(["127.0.0.1"])(nowhere, { signal: AbortSignal.abort(FAILURE) }),
    "an address that is not ours": () => dialFrom(["192.0.2.1"])(nowhere, {}),
    "a socket in the file system": () => dialUnix(`${folder}/none`)(nowhere, {}),
    "one that is given up": () => dialUnix(`${folder}/none`)(nowhere, { signal: AbortSignal.abort(FAILURE) }),
    "a WebSocket": () => dialWebSocket(`ws://127.0.0.1:${port}/`)(nowhere, {}),
    "a WebSocket, given up": () =>
      dialWebSocket(`ws://127.0.0.1:${port}/`)(nowhere, { signal: AbortSignal.abort(FAILURE) }),
    "a WebSocket nowhere": () => dialWebSocket("no url")(nowhere, {}),
    "TLS over what fails": () => {
      const script = new ScriptedConnection();
      const secured = tlsOver(script, { hostname: "localhost" });
      void settled().then(() => script.close());
      return secured;
    },
    "TLS with what is no certificate": () =>
      tlsOver(new ScriptedConnection(), { hostname: "localhost", caCerts: ["none"] }),
  };
  for (const [name, dial] of Object.entries(dials)) {
    await t.step(name, async () => {
      await assert.rejects(dial());
      await settled();
    });
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("NodeTlsConnection: survives an error of its stream that has no other listener", async () => {
  const { stream } = new CarrierStream(Duplex, new ScriptedConnection());
  stream.destroy(FAILURE);
  await settled();
});

for (
  const [name, listen] of Object.entries({
    TCP: () => listenTcp({ hostname: "127.0.0.1", port: 0 }),
    TLS: () => listenTls({ hostname: "127.0.0.1", port: 0, ...identity }),
  })
) {
  Deno.test(`${name}: a lost, silent or broken client delays no other, and ends no listener`, async () => {
    const listener = listen();
    const where = { hostname: "127.0.0.1", port: listener.addr.port };
    const bad = await Promise.all([1, 2, 3].map(() => dialFrom(["127.0.0.1"])(where, {})));
    abort(bad[0]!);
    await bad[1]!.write(utf8("nonsense"));
    // The third says nothing at all. Nothing is accepted of the one that has reset, which is no error for the others to wait for.
    const accepted = [await listener.accept(), await listener.accept()];
    const [dialled, good] = await Promise.all([dialTcp(where, {}), listener.accept()]);
    const read = good!.read();
    const client = name === "TLS"
      ? await tlsOver(dialled, { hostname: "localhost", caCerts: [identity.cert] })
      : dialled;
    await client.write(utf8("good"));
    assert.deepEqual(await read, utf8("good"));
    const asked = accepted.map((connection) => calls(connection!));
    for (const connection of [...accepted, ...bad, client, good]) connection!.close();
    await Promise.all(asked);
    await closes(listener);
  });
}

/** What waits for a client ends with the listener, and so does what asks later. */
async function closes(listener: ConnectionListener): Promise<void> {
  const waiting = listener.accept();
  listener.close();
  listener.close();
  assert.deepEqual([await waiting, await listener.accept()], [undefined, undefined]);
  await settled();
}

Deno.test("listenUnix(): removes its path, and reports one in use", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/socket`;
  const listener = listenUnix(path);
  assert.throws(
    () => listenUnix(path),
    (error: Error) => error.message.includes(path) && error instanceof Deno.errors.AddrInUse,
  );
  await closes(listener);
  assert.deepEqual([...Deno.readDirSync(folder)], []);
  await closes(listenUnix(path));
  await Deno.remove(folder, { recursive: true });
});

Deno.test("startDeadline(): a reason that cannot be made aborts with the error", async () => {
  using deadline = startDeadline({
    milliseconds: 0,
    reason: () => {
      throw FAILURE;
    },
  });
  await settled();
  assert.equal(deadline.signal.reason, FAILURE);
});

/** A dialer's connection of which one thing throws where it should reject. */
function throwing(what: string): Connection {
  const script = new ScriptedConnection();
  return new Proxy(script, {
    get(of, key) {
      if (key === what) {
        if (key === "written") throw FAILURE;
        return () => {
          throw FAILURE;
        };
      }
      const value = Reflect.get(of, key, of);
      return typeof value === "function" ? value.bind(of) : value;
    },
  });
}

for (const what of ["read", "write", "closeWrite", "written", "close", "abort", "probe"]) {
  Deno.test(`relay: a connection whose \`${what}\` throws ends its own relay only`, async () => {
    for (const side of ["client", "target"]) {
      const other = new ScriptedConnection();
      const ends: [Connection, Connection] = side === "client" ? [throwing(what), other] : [other, throwing(what)];
      using clock = startDeadline({ milliseconds: Infinity, reason: () => undefined });
      const done = relay(ends, { sent: 0, received: 0 }, { clock, timeouts: { idle: 5 }, probeAfter: 1 });
      done.catch(() => {});
      other.reads[0]?.resolve(new Uint8Array(1));
      await settled();
      other.reads[1]?.resolve(null);
      await settled();
      clock.abort(FAILURE);
      await assert.rejects(done);
      await settled();
      assert.ok(other.closes > 0, side);
    }
  });
}

/** A connection to a proxy that grants everything; what it was made of may be closed already when it is told to close. */
function unclosable(): Connection {
  const answers = [[5, 0], [5, 0, 0, 1, 127, 0, 0, 1, 0, 80]];
  return {
    read: () => {
      const answer = answers.shift();
      return answer === undefined ? new Promise(() => {}) : Promise.resolve(new Uint8Array(answer));
    },
    write: () => Promise.resolve(),
    closeWrite: () => Promise.resolve(),
    close() {
      throw new Error("closed already");
    },
    abort() {
      throw new Error("closed already");
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

Deno.test("signal: ends nothing else, whatever a dialer's connection does with it", async () => {
  const stop = new AbortController();
  const through = { proxy: "proxy.example", auth: [noAuthentication()], dial: () => Promise.resolve(unclosable()) };
  const given = { ...through, signal: stop.signal };
  const connection = await connect({ ...given, hostname: "target.example", port: 80 });
  const streams = await connect({ ...through, hostname: "target.example", port: 80 });
  const listening = await bind(given);
  const patient = await bind(through);
  const ends = Promise.allSettled([listening.accept(), patient.accept({ signal: stop.signal })]);
  stop.abort(new Error("enough"));
  for (const end of await ends) assert.equal(end.status === "rejected" && end.reason.message, "enough");
  await assert.rejects(connection.read(new Uint8Array(1)), { message: "enough" });
  await streams.writable.abort(new Error("enough"));
  await assert.rejects(streams.read(new Uint8Array(1)), { code: "CLOSED" });
  await settled();
});
