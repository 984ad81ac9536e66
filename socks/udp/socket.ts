/**
 * UDP sockets. They come from `node:dgram`, which unlike `Deno.listenDatagram` needs no unstable flag.
 *
 * @module
 */
import type { Bytes } from "../../gss/bytes.ts";
import { SocksReplyError } from "../errors.ts";
import { type Endpoint, formatEndpoint } from "../wire/address.ts";

/** A UDP socket. */
export interface DatagramSocket {
  /** Where it is bound. */
  readonly local: Endpoint;
  /** Sends a datagram to an address; names are not looked up. */
  send(bytes: Uint8Array, to: Endpoint): Promise<void>;
  /** Releases the port. May be called again. */
  close(): void;
}

/** What {@linkcode BindDatagrams} is told. */
export interface BindDatagramsOptions extends Endpoint {
  /** Told of each datagram that comes; its octets are the callee's. */
  readonly onDatagram: (bytes: Bytes, from: Endpoint) => void;
}

/** Makes UDP sockets. */
export type BindDatagrams = (options: BindDatagramsOptions) => Promise<DatagramSocket>;

/** Binds a UDP socket of the system. */
export const bindUdp: BindDatagrams = async (
  { hostname, port, onDatagram }: BindDatagramsOptions,
): Promise<DatagramSocket> => {
  // Loaded when it is wanted: most users of this package never do.
  const { createSocket } = await import("node:dgram");
  return await new Promise((resolve, reject) => {
    const socket = createSocket({ type: hostname.includes(":") ? "udp6" : "udp4", ipv6Only: true });
    let closed = false;
    const made = (): DatagramSocket => {
      const { address, port } = socket.address();
      return {
        local: { hostname: address, port },
        send: (bytes, to) =>
          new Promise((sent, failed) => {
            if (closed) return failed(new Error("Socket is closed"));
            socket.send(bytes, to.port, to.hostname, (error: unknown) => error ? failed(error) : sent());
          }),
        close(): void {
          if (!closed) socket.close();
          closed = true;
        },
      };
    };
    const fail = (cause: unknown) => {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const where = formatEndpoint({ hostname, port });
      reject(new SocksReplyError("GENERAL_FAILURE", `Cannot bind UDP ${where}: ${reason}`, { cause }));
    };
    // After it is bound, an error is about one datagram that went out, and its sender has been told.
    socket.on("error", fail);
    socket.on("message", (data: Uint8Array, from: { address: string; port: number }) => {
      if (!closed) onDatagram(new Uint8Array(data), { hostname: from.address, port: from.port });
    });
    socket.bind(port, hostname, () => resolve(made()));
  });
};
