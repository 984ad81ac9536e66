/**
 * The other end of a connection: a peer on a real socket that does what a situation tells it, and nothing by itself.
 *
 * @module
 */
import { type AddressInfo, connect as connectTo, createServer, type Server, type Socket } from "node:net";
import { type Bytes, concat, lenientText, utf8 } from "../../base/bytes.ts";

const LOCALHOST = "127.0.0.1";

/** A peer that has been reached. It reads nothing until it is told. */
export class Peer {
  readonly #conn: Deno.Conn;

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  /** Sends all of it. */
  async send(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === "string" ? utf8(data) : data;
    for (let at = 0; at < bytes.length;) at += await this.#conn.write(bytes.subarray(at));
  }

  /** Says that it sends no more, and goes on reading. */
  async end(): Promise<void> {
    await this.#conn.closeWrite();
  }

  /** The next bytes as text, as many as are wanted or as there are until the end: the acknowledgement of what was written. */
  async take(count: number): Promise<string> {
    return lenientText(await this.#take(count));
  }

  /** Everything until the end. */
  async takeAll(): Promise<Bytes> {
    return await this.#take(Infinity);
  }

  async #take(count: number): Promise<Bytes> {
    const parts: Bytes[] = [];
    for (let left = count; left > 0;) {
      const buffer = new Uint8Array(Math.min(left, 1 << 18));
      const got = await this.#conn.read(buffer);
      if (got === null) break;
      parts.push(buffer.subarray(0, got));
      left -= got;
    }
    return concat(...parts);
  }

  /** How the other side ends, with all that comes before thrown away. */
  async farewell(): Promise<"end" | "reset"> {
    try {
      while (await this.#conn.read(new Uint8Array(1 << 16)) !== null);
      return "end";
    } catch {
      return "reset";
    }
  }

  /** Sends without an end until nobody takes any more; says how many bytes were taken when it could send no more. */
  async flood(): Promise<number> {
    const chunk = new Uint8Array(1 << 16);
    for (let sent = 0;;) {
      try {
        sent += await this.#conn.write(chunk);
      } catch {
        return sent;
      }
    }
  }

  /** Closes the socket: the other side sees an end, whatever was read. */
  close(): void {
    this.#conn[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Where peers are reached. */
export interface Meeting extends AsyncDisposable {
  /** Port on the loopback interface. */
  readonly port: number;
  /** The wire in front of it, where there is one. */
  readonly wire?: Wire;
  /** The peer that the next one who connects is to talk to. */
  next(): Promise<Peer>;
}

/** Where the peers of a situation are reached: on TLS with a certificate; behind a {@linkcode Wire} where it is to fail. */
export async function meet(options: { tls?: { cert: string; key: string }; wired?: boolean } = {}): Promise<Meeting> {
  const { tls, wired = false } = options;
  const where = { hostname: LOCALHOST, port: 0 };
  const listener = tls === undefined ? Deno.listen(where) : Deno.listenTls({ ...where, ...tls });
  const wire = wired ? await Wire.open(listener.addr.port) : undefined;
  return {
    port: (wire ?? listener.addr).port,
    ...(wire && { wire }),
    async next(): Promise<Peer> {
      const conn = await listener.accept();
      if ("handshake" in conn) await (conn as Deno.TlsConn).handshake();
      return new Peer(conn);
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await wire?.[Symbol.asyncDispose]();
      listener.close();
    },
  };
}

/** A stretch of wire in front of a port: bytes pass as they are, until it is cut, or resets. */
export class Wire implements AsyncDisposable {
  readonly #server: Server;
  readonly #near = new Set<Socket>();
  readonly #far = new Set<Socket>();

  /** Begins to listen. */
  static async open(port: number): Promise<Wire> {
    const wire = new Wire(port);
    await new Promise<void>((resolve) => wire.#server.listen(0, LOCALHOST, resolve));
    return wire;
  }

  private constructor(port: number) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
      const far = connectTo({ port, host: LOCALHOST, allowHalfOpen: true, noDelay: true });
      this.#near.add(near);
      this.#far.add(far);
      for (const socket of [near, far]) socket.on("error", () => {}); // Told by what the ends see.
      near.on("close", () => far.destroy());
      far.on("close", () => near.destroy());
      near.pipe(far).pipe(near);
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Does something that sends, and waits until some of it has passed. */
  async arrives(send: () => Promise<void>): Promise<void> {
    const passed = [...this.#far].map((socket) => new Promise<void>((resolve) => socket.once("data", () => resolve())));
    await Promise.all([send(), Promise.race(passed)]);
  }

  /** Ends the bytes to those who connected, behind those that have passed, as if the other end had. */
  cut(): void {
    for (const socket of this.#near) socket.destroySoon();
  }

  /** Tells those who connected that there is no connection (RST). */
  reset(): void {
    for (const socket of this.#near) socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = [...this.#near, ...this.#far].filter((socket) => !socket.closed).map((socket) =>
      new Promise<void>((resolve) => socket.once("close", () => resolve()).destroy())
    );
    await Promise.all([...closed, new Promise((resolve) => this.#server.close(resolve))]);
  }
}
