/**
 * The sockets of the embedded KDC: TCP and UDP on one port.
 *
 * @module
 */
import type { RemoteInfo, Socket } from "node:dgram";
import { requireBuiltin } from "../../../base/builtin.ts";
import { type Bytes, ByteWriter } from "../../../base/bytes.ts";
import { abortable, pause, startDeadline } from "../../../base/deadline.ts";
import { FrameReader } from "../../reach/framing.ts";
import { sockets } from "../../reach/shell/default_sockets.ts";
import { NO_LISTENER } from "../../reach/shell/node_sockets.ts";
import type { StreamListener, StreamSocket } from "../../reach/shell/stream_sockets.ts";

/** Answers the requests that a listener receives. */
interface KdcHandler {
  /** Returns the reply to a request, or `undefined` for none. */
  answer(message: Bytes, transport: "tcp" | "udp"): Promise<Bytes | undefined>;
  /** Returns the reply to a request that is too long to be read. */
  tooLong(): Bytes;
}

/** Options of {@linkcode KdcListener.open}. */
interface ListenOptions {
  /** Address. */
  readonly hostname: string;
  /** Port, 0 for a free one. */
  readonly port: number;
}

/** Longest request, in bytes. */
const MAX_REQUEST = 65_536;
/** Pause before the next accept after one has failed, in milliseconds. */
const RETRY = 100;
/** How long a client may take to read a refusal before the connection is closed, in milliseconds. */
const DRAIN = 1_000;

/** A TCP listener and a UDP socket on one port. */
export class KdcListener implements AsyncDisposable {
  /** Port of both sockets. */
  readonly port: number;
  readonly #tcp: StreamListener;
  readonly #udp: Socket;
  readonly #handler: KdcHandler;
  readonly #connections = new Set<StreamSocket>();
  readonly #accepting: Promise<void>;
  #closed = false;

  private constructor(tcp: StreamListener, udp: Socket, handler: KdcHandler) {
    this.#tcp = tcp;
    this.#udp = udp;
    this.#handler = handler;
    this.port = tcp.addr.port;
    udp.on("message", (data: Uint8Array, from: RemoteInfo) => void answerDatagram(udp, handler, data, from));
    this.#accepting = this.#accept();
  }

  /** Opens both sockets. With port 0, another port is tried if the first one is not free for UDP. */
  static async open(options: ListenOptions, handler: KdcHandler): Promise<KdcListener> {
    for (let attempt = 1;; attempt++) {
      const tcp = await sockets.listen({ hostname: options.hostname, port: options.port });
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
        // The listener is closed, or the process has no free descriptor for now.
        if (!this.#closed) await pause(RETRY);
      }
    }
  }

  /** RFC 4120 section 7.2.2: a connection carries any number of requests, each after its length. */
  async #serve(connection: StreamSocket): Promise<void> {
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
        // A length with the reserved high bit is too long as well.
        if ((frames.announced ?? 0) > MAX_REQUEST) {
          await send(connection, this.#handler.tooLong());
          return await drain(connection);
        }
      }
    } catch {
      // The client is gone, or the listener is being closed.
    } finally {
      this.#connections.delete(connection);
      connection[Symbol.dispose]();
    }
  }

  /** Closes both sockets and every connection. Further calls do nothing. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return await this.#accepting;
    this.#closed = true;
    this.#tcp.close();
    for (const connection of this.#connections) connection[Symbol.dispose]();
    await new Promise<void>((resolve) => this.#udp.close(() => resolve()));
    await this.#accepting;
  }
}

/** Answers a datagram. A reply that cannot be sent is lost: the socket may be closed by now. */
export async function answerDatagram(
  socket: Pick<Socket, "send">,
  handler: Pick<KdcHandler, "answer">,
  data: Uint8Array,
  from: Pick<RemoteInfo, "address" | "port">,
): Promise<void> {
  try {
    const reply = await handler.answer(new Uint8Array(data), "udp");
    // The callback takes the error of a datagram that cannot be sent, such as one to port 0.
    if (reply !== undefined) socket.send(reply, from.port, from.address, () => {});
  } catch {
    // A datagram has no other effect.
  }
}

/** Sends a message after its length. */
async function send(connection: StreamSocket, message: Bytes): Promise<void> {
  const framed = new ByteWriter().u32(message.length).bytes(message).finish();
  for (let at = 0; at < framed.length;) at += await connection.write(framed.subarray(at));
}

/** Half-closes and reads on for a while, so that a reset does not destroy the reply. */
async function drain(connection: StreamSocket): Promise<void> {
  await connection.closeWrite();
  using deadline = startDeadline({
    milliseconds: DRAIN,
    reason: () => new Error("the client has not closed the connection"),
  });
  const rest = new Uint8Array(16_384);
  while (!deadline.signal.aborted && await abortable(connection.read(rest), deadline.signal) !== null);
}

async function bindUdp(hostname: string, port: number): Promise<Socket> {
  const { createSocket } = requireBuiltin<typeof import("node:dgram")>(
    "node:dgram",
    "listen for datagrams",
    NO_LISTENER,
  );
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
