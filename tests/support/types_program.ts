/**
 * Programs that use the types of `mod.ts`, and lines that the compiler must refuse. `tests/types_test.ts` checks it
 * under several compiler settings; it is never run.
 *
 * @module
 */
import {
  associate,
  bind,
  bridge,
  connect,
  type ConnectOptions,
  connectTls,
  dialThrough,
  noAuthentication,
  resolve,
  serve,
  type SocksConnection,
  type SocksDatagrams,
} from "@gssocks/gssocks";

declare const connection: SocksConnection;
declare const datagrams: SocksDatagrams;
declare function takesConn(conn: Deno.Conn): void;
declare const maybeSignal: AbortSignal | undefined;
declare const maybeNumber: number | undefined;
declare const maybeText: string | undefined;
declare const maybeTexts: string[] | undefined;
declare const maybe: boolean | undefined;

/** A connection is accepted wherever one of the platform's is. */
export function conn(): void {
  takesConn(connection);
}

/** Received bytes are accepted by all functions that take bytes. */
export async function streams(): Promise<void> {
  await new Response(connection.readable.pipeThrough(new DecompressionStream("gzip"))).text();
  connection.readable.pipeThrough(new TextDecoderStream());
  new Response(connection.readable);
  for await (const chunk of connection.readable) {
    const source: BufferSource = chunk;
    new Blob([chunk]);
    await crypto.subtle.digest("SHA-256", chunk);
    structuredClone(source, { transfer: [chunk.buffer] });
  }
  const byob: ReadableStreamBYOBReader = connection.readable.getReader({ mode: "byob" });
  await byob.read(new Uint8Array(1));
}

/** Bytes may be sent from everything that yields bytes. */
export async function sinks(): Promise<void> {
  await (await fetch("http://localhost/")).body!.pipeTo(connection.writable);
  await new Response("x").body!.pipeThrough(new CompressionStream("gzip")).pipeTo(connection.writable);
  await new Blob(["x"]).stream().pipeTo(connection.writable);
  const sink: WritableStream<BufferSource> = connection.writable;
  const bytes: WritableStream<Uint8Array> = connection.writable;
  await sink.getWriter().write(new DataView(new ArrayBuffer(1)));
  await bytes.getWriter().write(new Uint8Array(1));
  for (const chunk of [new Uint8Array(1), new Uint16Array(1), new ArrayBuffer(1), new SharedArrayBuffer(1)]) {
    const count: number = await connection.write(chunk);
    await datagrams.send(chunk, { hostname: "localhost", port: count });
  }
}

/** Datagrams accept and yield the same types. */
export async function received(): Promise<void> {
  const [first, { hostname, port }] = await datagrams.receive();
  for await (const [data] of datagrams) new Blob([data, first]);
  const source: BufferSource = first;
  await crypto.subtle.digest("SHA-256", first);
  await datagrams.send(source, { hostname, port });
  using _held = datagrams;
}

/** Options of a proxy, all of them undefined. */
const proxy = {
  proxy: "localhost",
  credentials: undefined,
  auth: undefined,
  service: maybeText,
  protection: undefined,
  minimumProtection: undefined,
  spnego: maybe,
  delegate: maybe,
  insecureNecMode: maybe,
  dial: undefined,
} as const;
const call = { timeout: maybeNumber, signal: maybeSignal } as const;
const target = { hostname: "localhost", port: 80 } as const;

/** Options may be present and undefined. */
export async function options(): Promise<void> {
  await connect({ ...proxy, ...call, ...target });
  await connectTls({ ...proxy, ...call, ...target, caCerts: maybeTexts, alpnProtocols: maybeTexts });
  await associate({ ...proxy, ...call });
  await bind({ ...proxy, ...call, expected: undefined });
  await resolve({ ...proxy, ...call, hostname: "localhost" });
  dialThrough(proxy);
  bridge({
    ...proxy,
    hostname: maybeText,
    port: maybeNumber,
    signal: maybeSignal,
    listeners: undefined,
    tls: undefined,
  });
  serve({
    hostname: maybeText,
    port: maybeNumber,
    signal: maybeSignal,
    keytab: maybeText,
    gssapi: { services: maybeTexts },
    protection: undefined,
    passwords: undefined,
    allowUnauthenticated: maybe,
    rules: maybeTexts,
    clients: maybeTexts,
    commands: undefined,
    listeners: undefined,
    tls: undefined,
    datagrams: undefined,
    onListen: undefined,
    onEvent: undefined,
    dial: undefined,
  });
  const later: ConnectOptions = { proxy: "localhost", auth: [noAuthentication()], ...call, ...target };
  await connect(later);
}

/** connect() and accept() return one class, which is accepted as one of Deno's. */
export async function held(): Promise<void> {
  const pending = await bind(proxy);
  const accepted: SocksConnection = await pending.accept({ timeout: maybeNumber, signal: maybeSignal });
  const conn: Deno.Conn = accepted;
  accepted.ref();
  accepted.unref();
  await conn.read(new Uint8Array(new SharedArrayBuffer(1)));
  await using _closed = accepted;
  using _also = await connect({ ...proxy, ...target });
}

/** Errors of the compiler: each line is one, or this file does not compile. */
export async function refused(): Promise<void> {
  // @ts-expect-error -- Text needs an encoding.
  await connection.write("x");
  // @ts-expect-error -- A list of numbers is not bytes.
  await connection.write([1]);
  // @ts-expect-error -- A Blob must be read first.
  await connection.write(new Blob(["x"]));
  // @ts-expect-error -- undefined is not bytes.
  await connection.write(undefined);
  // @ts-expect-error -- read() needs a buffer of bytes.
  await connection.read(new DataView(new ArrayBuffer(1)));
  // @ts-expect-error -- The buffer's elements must be bytes.
  await connection.read(new Uint16Array(1));
  // @ts-expect-error -- Datagrams need bytes too.
  await datagrams.send("x", target);
  // @ts-expect-error -- A port is a number.
  await connect({ ...proxy, hostname: "localhost", port: "80" });
  // @ts-expect-error -- A server's port is a number too.
  serve({ port: "80" });
  // @ts-expect-error -- The bound address is read-only.
  accepted = connection.bound = { hostname: "", port: 1 };
}

declare let accepted: unknown;
