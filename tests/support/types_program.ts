/**
 * What programs write with the front door's types, and what the compiler is to refuse: checked by `tests/types_test.ts` under the settings
 * that programs have. Nothing in it is ever run.
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

/** A connection is taken wherever one of the platform's is. */
export function conn(): void {
  takesConn(connection);
}

/** What comes is taken by everything that takes bytes. */
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

/** What goes may come from everything that gives bytes. */
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

/** Datagrams likewise. */
export async function received(): Promise<void> {
  const [first, { hostname, port }] = await datagrams.receive();
  for await (const [data] of datagrams) new Blob([data, first]);
  const source: BufferSource = first;
  await crypto.subtle.digest("SHA-256", first);
  await datagrams.send(source, { hostname, port });
  using _held = datagrams;
}

/** How a proxy is used, with nothing said of anything. */
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

/** Options may be there and undefined. */
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
    services: maybeTexts,
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
  const later: ConnectOptions = { ...proxy, ...call, ...target };
  await connect({ ...later, auth: [noAuthentication()] });
}

/** What connect() and accept() give is one class, and is taken for one of Deno's. */
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

/** What the compiler refuses: each line an error, or this file does not compile. */
export async function refused(): Promise<void> {
  // @ts-expect-error -- A text has no bytes until somebody says how.
  await connection.write("x");
  // @ts-expect-error -- Nor has a list of numbers.
  await connection.write([1]);
  // @ts-expect-error -- A Blob has to be read first.
  await connection.write(new Blob(["x"]));
  // @ts-expect-error -- Nothing is nothing.
  await connection.write(undefined);
  // @ts-expect-error -- It is read into bytes.
  await connection.read(new DataView(new ArrayBuffer(1)));
  // @ts-expect-error -- Of one byte each.
  await connection.read(new Uint16Array(1));
  // @ts-expect-error -- The same for datagrams.
  await datagrams.send("x", target);
  // @ts-expect-error -- A port is a number.
  await connect({ ...proxy, hostname: "localhost", port: "80" });
  // @ts-expect-error -- For servers, too.
  serve({ port: "80" });
  // @ts-expect-error -- What is read is not written.
  accepted = connection.bound = { hostname: "", port: 1 };
}

declare let accepted: unknown;
