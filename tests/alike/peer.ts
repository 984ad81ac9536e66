/**
 * The other end of a connection: a peer on a real socket that does what a situation tells it, and nothing by itself.
 *
 * @module
 */
import { type Bytes, concat, lenientText, utf8 } from "../../gss/bytes.ts";

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

  /** The next octets as text, as many as are wanted or as there are until the end: the acknowledgement of what was written. */
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

  /** Sends without an end until nobody takes any more; says how many octets were taken when it could send no more. */
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

  /** Closes the socket. With octets that were not read in it, the other side gets a reset and not an end (RFC 1122 section 4.2.2.13). */
  close(): void {
    this.#conn[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Where peers are reached. */
export interface Meeting extends Disposable {
  /** Port on the loopback interface. */
  readonly port: number;
  /** The peer that the next one who connects is to talk to. */
  next(): Promise<Peer>;
  /** Closes the socket under TLS, without a word of TLS. */
  cut(): void;
}

/** Peers on TCP. */
export function meetOverTcp(): Meeting {
  const listener = Deno.listen({ hostname: LOCALHOST, port: 0 });
  return {
    port: listener.addr.port,
    next: async () => new Peer(await listener.accept()),
    cut(): void {
      throw new Error("There is nothing under TCP to be cut");
    },
    [Symbol.dispose]: () => listener.close(),
  };
}

/** Peers on TLS; what goes over the wire passes a {@linkcode Wire}. */
export function meetOverTls(identity: { cert: string; key: string }): Meeting {
  const listener = Deno.listenTls({ hostname: LOCALHOST, port: 0, ...identity });
  const wire = new Wire(listener.addr.port);
  return {
    port: wire.port,
    async next(): Promise<Peer> {
      const conn = await listener.accept();
      await conn.handshake();
      return new Peer(conn);
    },
    cut: () => wire.cut(),
    [Symbol.dispose](): void {
      wire[Symbol.dispose]();
      listener.close();
    },
  };
}

/** A stretch of wire in front of a port: octets pass as they are, until it is cut. */
export class Wire implements Disposable {
  readonly #listener = Deno.listen({ hostname: LOCALHOST, port: 0 });
  readonly #conns: Deno.TcpConn[] = [];

  constructor(port: number) {
    void this.#run(port).catch(() => {}); // Closed.
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async #run(port: number): Promise<void> {
    for await (const near of this.#listener) {
      this.#conns.push(near);
      const far = await Deno.connect({ hostname: LOCALHOST, port });
      this.#conns.push(far);
      for (const [from, to] of [[near, far], [far, near]] as const) void copy(from, to);
    }
  }

  /** Ends the octets to those who connected, as if the other end had. */
  cut(): void {
    for (const conn of this.#conns) conn[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    this.cut();
  }
}

async function copy(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(1 << 16);
  try {
    for (let got = await from.read(buffer); got !== null; got = await from.read(buffer)) {
      for (let at = 0; at < got;) at += await to.write(buffer.subarray(at, got));
    }
    await to.closeWrite();
  } catch {
    // One side is gone without an end: so is the other.
    from[Symbol.dispose]();
    to[Symbol.dispose]();
  }
}
