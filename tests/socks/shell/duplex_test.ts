/** Connections over streams of Node's, and streams over connections, where no socket would show it. */
import assert from "node:assert/strict";
import { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Bytes } from "../../../base/bytes.ts";
import { CarrierStream } from "../../../socks/shell/carrier.ts";
import { SMALL_CHUNK } from "../../../socks/stream/chunk.ts";
import type { Connection } from "../../../socks/stream/connection.ts";
import { DuplexConnection } from "../../../socks/shell/duplex.ts";
import { NodeTlsConnection } from "../../../socks/shell/tls_connection.ts";
import { pipe } from "../../support/pipe.ts";

Deno.test("DuplexConnection: the first read gets the bytes, also if another one starts in between", async () => {
  const stream = new Duplex({ read() {} });
  const connection = new DuplexConnection(stream);
  const first = connection.read();
  stream.push(Uint8Array.of(1));
  const second = connection.read();
  stream.push(Uint8Array.of(2));
  assert.deepEqual([await first, await second], [Uint8Array.of(1), Uint8Array.of(2)]);
  connection.close();
});

Deno.test("DuplexConnection: cutting a stream that cannot be reset closes it", async () => {
  // Node's sockets in the file system have the method, and throw.
  const resetAndDestroy = () => {
    throw new TypeError("This handle type cannot be sent");
  };
  const stream = Object.assign(new Duplex({ read() {} }), { resetAndDestroy });
  const connection = new DuplexConnection(stream);
  connection.abort();
  assert.equal(stream.destroyed, true);
  await assert.rejects(connection.read(), { code: "CLOSED" });
});

Deno.test("DuplexConnection: returns a chunk in memory of its own", async () => {
  const stream = new Duplex({ read() {} });
  const connection = new DuplexConnection(stream);
  const slab = Uint8Array.of(1, 2, 3, 4, 5);
  stream.push(slab.subarray(1, 3));
  const chunk = (await connection.read())!;
  assert.deepEqual([chunk, chunk.buffer.byteLength], [Uint8Array.of(2, 3), 2]);
  connection.close();
});

Deno.test("DuplexConnection: a chunk transferred during a write is an error and ends writing", async () => {
  let taken = () => {};
  const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => void (taken = done) });
  const connection = new DuplexConnection(stream);
  const chunk = new Uint8Array(SMALL_CHUNK + 1);
  const writing = connection.write(chunk);
  structuredClone(chunk.buffer, { transfer: [chunk.buffer] });
  taken();
  const failure = await writing.then(() => assert.fail("it did not fail"), (error) => error);
  assert.ok(failure instanceof TypeError);
  for (const call of [() => connection.write(new Uint8Array(1)), () => connection.closeWrite()]) {
    await assert.rejects(call(), (error) => error === failure);
  }
  connection.close();
});

Deno.test("DuplexConnection: reads a small chunk before write() returns", async () => {
  const sent: number[] = [];
  const stream = new Duplex({
    read() {},
    write: (chunk, _encoding, done) => void setTimeout(() => done(void sent.push(...chunk))),
  });
  const connection = new DuplexConnection(stream);
  const chunk = new Uint8Array(1);
  const writes = [1, 2, 3].map((n) => connection.write(chunk.fill(n)));
  structuredClone(chunk.buffer, { transfer: [chunk.buffer] });
  await Promise.all(writes);
  assert.deepEqual(sent, [1, 2, 3]);
  for (const nothing of ["text", [1], null, chunk]) {
    await assert.rejects(connection.write(nothing as Uint8Array), TypeError);
  }
  await connection.write(Uint8Array.of(4));
  assert.deepEqual(sent, [1, 2, 3, 4]);
  connection.close();
});

Deno.test("DuplexConnection: an end before a failure is an end, one after it is none", async () => {
  for (const ended of [true, false]) {
    const stream = new Duplex({ read() {} });
    const connection = new DuplexConnection(stream);
    const failure = new Error("failed");
    if (ended) stream.push(null);
    stream.emit("error", failure);
    if (!ended) stream.push(null);
    for (let i = 0; i < 2; i++) {
      const reading = connection.read();
      if (ended) assert.equal(await reading, null);
      else await assert.rejects(reading, failure);
    }
    connection.close();
  }
});

Deno.test("CarrierStream: does not overwrite bytes that the stream still holds", async () => {
  const [near] = pipe();
  let count = 0;
  const connection: Connection = {
    read(into?: Bytes): Promise<Bytes | null> {
      if (count === 3) return Promise.resolve(null);
      return Promise.resolve(into!.fill(++count).subarray(0, 4));
    },
    write: (bytes) => near.write(bytes),
    closeWrite: () => near.closeWrite(),
    close: () => near.close(),
    [Symbol.asyncDispose]: () => near[Symbol.asyncDispose](),
  };
  const carrier = new CarrierStream(Duplex, connection);
  carrier.stream.read(0);
  while (carrier.stream.readableLength < 12) await new Promise((resolve) => setTimeout(resolve, 0));
  assert.equal(carrier.end, undefined);
  const held: number[] = [];
  for (let chunk; (chunk = carrier.stream.read()) !== null;) held.push(...chunk);
  assert.deepEqual(held, [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]);
  assert.deepEqual(carrier.end, {});
  carrier.stream.destroy();
});

Deno.test("NodeTlsConnection: an error says which side caused it", async () => {
  const alert = {
    code: "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
    message: "received fatal alert: certificate required",
  };
  const record = { code: "ERR_SSL_DECRYPTION_FAILED", message: "bad record mac" };
  const reset = { code: "ECONNRESET", message: "reset" };
  const cases: [{ code?: string; message: string }, number, { name: string; code?: string }][] = [
    // Nothing has come: the other side did not want what it was shown.
    [alert, 0, { name: "SocksTlsError", code: "TLS_HANDSHAKE" }],
    [alert, 1, { name: "Error", code: alert.code }],
    [record, 0, { name: "SocksProtocolError", code: "NOT_GENUINE" }],
    [record, 1, { name: "SocksProtocolError", code: "NOT_GENUINE" }],
    [reset, 0, { name: "Error", code: reset.code }],
    [{ message: "no code" }, 1, { name: "Error" }],
  ];
  for (const [{ code, message }, bytesRead, expected] of cases) {
    const socket = Object.assign(new Duplex({ read() {} }), { bytesRead }) as unknown as TLSSocket;
    const [near] = pipe();
    const connection = new NodeTlsConnection(socket, {
      carrier: new CarrierStream(Duplex, near),
      connection: near,
      peer: "server",
    });
    socket.emit("secure");
    socket.emit("error", Object.assign(new Error(message), code === undefined ? {} : { code }));
    await assert.rejects(connection.read(), expected, message);
    connection.close();
  }
});
