/**
 * TLS for tests: servers of several libraries, and a wire that may cut the stream.
 *
 * @module
 */
import assert from "node:assert/strict";
import { createServer, type TLSSocket } from "node:tls";
import type { Bytes } from "../../base/bytes.ts";
import type { Connection } from "../../socks/stream/connection.ts";
import { DenoConnection } from "../../socks/shell/deno_connection.ts";
import type { Certificate } from "./certificate.ts";

/** Returns pseudo-random bytes, so that no byte can stand for another. */
export function bytes(length: number): Bytes {
  return new Uint8Array(length).map((_, i) => i * 7 + (i >> 8) * 3);
}

/** A TLS server that sends a body to each client, ends its side, and reads on. */
export interface TlsServer extends AsyncDisposable {
  readonly port: number;
}

/** Starts a server on rustls (TLS 1.3). */
export function rustlsServer(identity: Certificate, body: Bytes): TlsServer {
  const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...identity });
  const clients = new Set<Deno.TlsConn>();
  const serve = async (client: Deno.TlsConn) => {
    for (let at = 0; at < body.length;) at += await client.write(body.subarray(at));
    await client.closeWrite();
    while (await client.read(new Uint8Array(1_024)) !== null);
  };
  const serving = (async () => {
    const all: Promise<void>[] = [];
    for (;;) {
      const client = await listener.accept().catch(() => undefined);
      if (client === undefined) break;
      clients.add(client);
      all.push(
        serve(client).catch(() => {}).finally(() => {
          clients.delete(client);
          client[Symbol.dispose]();
        }),
      );
    }
    await Promise.all(all);
  })();
  return {
    port: (listener.addr as Deno.NetAddr).port,
    async [Symbol.asyncDispose](): Promise<void> {
      listener.close();
      for (const client of clients) client[Symbol.dispose]();
      await serving;
    },
  };
}

/** Starts a server on `node:tls`, for one TLS version. */
export async function nodeServer(
  identity: Certificate,
  body: Bytes,
  options: { readonly version?: "TLSv1.2" | "TLSv1.3"; readonly clients?: string; readonly protocols?: string[] } = {},
): Promise<TlsServer> {
  const { version = "TLSv1.3", clients, protocols } = options;
  const open = new Set<TLSSocket>();
  const server = createServer({
    ...identity,
    minVersion: version,
    maxVersion: version,
    allowHalfOpen: true,
    ...(clients === undefined ? {} : { requestCert: true, rejectUnauthorized: true, ca: [clients] }),
    ...(protocols === undefined ? {} : { ALPNProtocols: protocols }),
  }, (socket) => {
    open.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => open.delete(socket));
    socket.resume();
    socket.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    async [Symbol.asyncDispose](): Promise<void> {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** How the wire cuts the server's end. */
export type Cut = "none" | "without close_notify" | "in the middle of a record" | "by a reset";
/** How the bytes are delivered. */
export type Delivery = "as they come" | "byte by byte" | "in one piece";

/** A wire that carries the server's records, and may lose its close_notify. */
export class Wire implements Connection {
  /** Whether bytes are collected and delivered in one piece with the end. */
  keeping = false;
  /** Bytes read so far. */
  taken = 0;
  /** Number of close_notify alerts received. */
  notices = 0;
  /** Whether it was closed. */
  closed = false;
  readonly #inner: Connection;
  readonly #cut: Cut;
  readonly #delivery: Delivery;
  readonly #ready: Bytes[] = [];
  #kept: Bytes[] = [];
  #partial: Bytes = new Uint8Array(0);
  #ended = false;

  constructor(inner: Connection, cut: Cut = "none", delivery: Delivery = "as they come") {
    this.#inner = inner;
    this.#cut = cut;
    this.#delivery = delivery;
  }

  async read(): Promise<Bytes | null> {
    for (;;) {
      const next = this.#ready.shift();
      if (next !== undefined) {
        this.taken += next.length;
        return next;
      }
      if (this.#ended) {
        if (this.#cut === "by a reset") throw new Deno.errors.ConnectionReset("reset on the way");
        return null;
      }
      const bytes = await this.#inner.read();
      this.#ended = bytes === null;
      const records = bytes === null ? [] : this.#records(bytes).flatMap((record) => this.#passed(record));
      this.#deliver(records);
    }
  }

  /** Splits whole TLS records: type, version, length (RFC 8446 section 5.1). */
  #records(bytes: Bytes): Bytes[] {
    const all = new Uint8Array([...this.#partial, ...bytes]);
    const found: Bytes[] = [];
    let at = 0;
    for (;;) {
      const end = at + 5 + ((all[at + 3]! << 8) | all[at + 4]!);
      if (!(end <= all.length)) break;
      found.push(all.slice(at, end));
      at = end;
    }
    this.#partial = all.slice(at);
    return found;
  }

  /** Applies the cut to a record. An alert has its own type in TLS 1.2; in TLS 1.3 its length tells. */
  #passed(record: Bytes): Bytes[] {
    const alert = record[0] === 21 || (record[0] === 23 && record.length === 24);
    if (alert) this.notices++;
    if (!alert || this.#cut === "none") return [record];
    return this.#cut === "in the middle of a record" ? [record.slice(0, record.length >> 1)] : [];
  }

  #deliver(records: readonly Bytes[]): void {
    if (this.#delivery === "byte by byte") {
      for (const record of records) for (const byte of record) this.#ready.push(Uint8Array.of(byte));
      return;
    }
    this.#kept.push(...records);
    if (this.keeping && !this.#ended) return;
    if (this.#kept.length > 0) this.#ready.push(joined(this.#kept));
    this.#kept = [];
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#inner.write(bytes);
  }

  closeWrite(): Promise<void> {
    return this.#inner.closeWrite();
  }

  close(): void {
    this.closed = true;
    this.#inner.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#inner[Symbol.asyncDispose]();
  }
}

function joined(parts: readonly Bytes[]): Bytes {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Opens a plain connection to a local port. */
export async function plainTo(port: number): Promise<Connection> {
  return new DenoConnection(await Deno.connect({ hostname: "127.0.0.1", port }));
}

/** Reads to the end: returns the bytes, and `null` or the error of this and every later read. */
export async function outcome(connection: Connection): Promise<{ got: Bytes; end: unknown }> {
  const parts: Bytes[] = [];
  for (;;) {
    const next = await connection.read().catch((error: unknown) => error);
    if (!(next instanceof Uint8Array)) {
      assert.equal(await connection.read().catch((error: unknown) => error), next, "a second read gives the same");
      return { got: joined(parts), end: next };
    }
    assert.ok(next.length > 0, "an empty chunk");
    parts.push(next as Bytes);
  }
}
