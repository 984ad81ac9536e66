/**
 * Sockets around the embedded KDC: TCP and UDP on one port of the loopback interface.
 *
 * @module
 */
import type { RemoteInfo, Socket } from "node:dgram";
import { type Bytes, ByteWriter } from "../../../base/bytes.ts";
import { abortable, pause, startDeadline } from "../../../base/deadline.ts";
import { FrameReader } from "../../reach/framing.ts";

/** What answers requests. */
export interface KdcHandler {
  /** Answers a request that came to some port; `undefined` for no answer. */
  answer(message: Bytes, transport: "tcp" | "udp"): Promise<Bytes | undefined>;
  /** Answers a request that is too long to be read. */
  tooLong(): Bytes;
}

/** Where to listen. */
export interface ListenOptions {
  /** Address. */
  readonly hostname: string;
  /** Port, 0 for a free one. */
  readonly port: number;
}

/** Requests are small; what is longer is not read. */
const MAX_REQUEST = 65_536;
/** How long it waits before it accepts again when the system could not, in milliseconds. */
const RETRY = 100;
/** How long a client may take to read why its request is refused, in milliseconds. */
const DRAIN = 1_000;

/** The two sockets of a KDC. */
export class KdcListener implements AsyncDisposable {
  /** Port of both. */
  readonly port: number;
  readonly #tcp: Deno.TcpListener;
  readonly #udp: Socket;
  readonly #handler: KdcHandler;
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #accepting: Promise<void>;
  #closed = false;

  private constructor(tcp: Deno.TcpListener, udp: Socket, handler: KdcHandler) {
    this.#tcp = tcp;
    this.#udp = udp;
    this.#handler = handler;
    this.port = tcp.addr.port;
    udp.on("message", (data: Uint8Array, from: RemoteInfo) => void answerDatagram(udp, handler, data, from));
    this.#accepting = this.#accept();
  }

  /** Opens both sockets on one port; where port 0 finds one that UDP has not free, another is tried. */
  static async open(options: ListenOptions, handler: KdcHandler): Promise<KdcListener> {
    for (let attempt = 1;; attempt++) {
      const tcp = Deno.listen({ hostname: options.hostname, port: options.port });
      try {
        return new KdcListener(tcp, await bindUdp(options.hostname, tcp.addr.port), handler);
      } catch (error) {
        tcp.close();
        if (options.port !== 0 || attempt === 20) throw error;
      }
    }
  }

  async #accept(): Promise<void> {
    while (!this.#closed) {
      try {
        void this.#serve(await this.#tcp.accept());
      } catch {
        // Closed, or out of descriptors, which are there again after a while.
        if (!this.#closed) await pause(RETRY);
      }
    }
  }

  /** RFC 4120 section 7.2.2: requests follow one another, each behind its length. */
  async #serve(connection: Deno.TcpConn): Promise<void> {
    this.#connections.add(connection);
    try {
      const frames = new FrameReader(MAX_REQUEST);
      const chunk = new Uint8Array(16_384);
      for (let count = await connection.read(chunk); count !== null; count = await connection.read(chunk)) {
        frames.receive(chunk.subarray(0, count));
        for (let message = frames.next(); message !== undefined; message = frames.next()) {
          const reply = await this.#handler.answer(message, "tcp");
          if (reply === undefined) return;
          await send(connection, reply);
        }
        // The reserved high bit makes it too long as well.
        if ((frames.announced ?? 0) > MAX_REQUEST) {
          await send(connection, this.#handler.tooLong());
          return await drain(connection);
        }
      }
    } catch {
      // The client went away, or the listener is being closed; the next request comes on another connection.
    } finally {
      this.#connections.delete(connection);
      connection[Symbol.dispose]();
    }
  }

  /** Closes both sockets and every connection. May be called again. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return await this.#accepting;
    this.#closed = true;
    this.#tcp.close();
    for (const connection of this.#connections) connection[Symbol.dispose]();
    await new Promise<void>((resolve) => this.#udp.close(() => resolve()));
    await this.#accepting;
  }
}

/** Answers a datagram. What cannot be sent is lost, as datagrams are, whether the socket says so, or throws: it may be closed by now. */
export async function answerDatagram(
  socket: Pick<Socket, "send">,
  handler: Pick<KdcHandler, "answer">,
  data: Uint8Array,
  from: Pick<RemoteInfo, "address" | "port">,
): Promise<void> {
  try {
    const reply = await handler.answer(new Uint8Array(data), "udp");
    // Nothing goes to port 0, which anybody may name as the one that he sends from.
    if (reply !== undefined) socket.send(reply, from.port, from.address, () => {});
  } catch {
    // Nobody waits for this.
  }
}

/** Sends a message behind its length. */
async function send(connection: Deno.TcpConn, message: Bytes): Promise<void> {
  const framed = new ByteWriter().u32(message.length).bytes(message).finish();
  for (let at = 0; at < framed.length;) at += await connection.write(framed.subarray(at));
}

/** Ends our direction and reads what is left for a moment: closing at once could take the last message back. */
async function drain(connection: Deno.TcpConn): Promise<void> {
  await connection.closeWrite();
  using deadline = startDeadline({ milliseconds: DRAIN, reason: () => new Error("the client does not go") });
  const rest = new Uint8Array(16_384);
  while (!deadline.signal.aborted && await abortable(connection.read(rest), deadline.signal) !== null);
}

async function bindUdp(hostname: string, port: number): Promise<Socket> {
  const { createSocket } = await import("node:dgram");
  return await new Promise((resolve, reject) => {
    const socket = createSocket(hostname.includes(":") ? "udp6" : "udp4");
    const failed = (error: Error) => {
      socket.close();
      reject(error);
    };
    socket.once("error", failed);
    socket.bind(port, hostname, () => {
      socket.off("error", failed);
      socket.on("error", () => {});
      resolve(socket);
    });
  });
}
