/**
 * One datagram to a KDC, and the reply (RFC 4120 section 7.2.1).
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { abortable } from "../../base/deadline.ts";

/** Sender of a datagram. */
export interface DatagramSource {
  readonly address: string;
  readonly port: number;
}

/** The part of a socket of `node:dgram` that is used. */
export interface DatagramSocket {
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "message", listener: (data: Uint8Array, from: DatagramSource) => void): unknown;
  bind(port: number, address: string): unknown;
  send(message: Uint8Array, port: number, address: string, done: (error: Error | null) => void): unknown;
  close(): unknown;
}

/** Creates a socket, as `node:dgram` does. */
export type CreateSocket = (options: {
  readonly type: "udp4" | "udp6";
  readonly lookup: (name: string, options: never, found: FoundAddress) => void;
}) => DatagramSocket;

type FoundAddress = (error: null, address: string, family: number) => void;

/** Options of {@linkcode sendDatagram}. */
export interface SendDatagramOptions {
  /** The message to send. */
  readonly message: Bytes;
  /** Ends the call with its reason. */
  readonly signal: AbortSignal;
}

/**
 * Sends a message to an address and waits for a datagram from there. Every error of the socket rejects the promise: `node:dgram`
 * throws errors of a look-up, or of a permission that it requests later, where nothing catches them. So the socket has nothing to
 * look up, and is bound at once.
 */
export async function sendDatagram(
  createSocket: CreateSocket,
  to: { readonly hostname: string; readonly port: number },
  { message, signal }: SendDatagramOptions,
): Promise<Bytes> {
  signal.throwIfAborted();
  const { hostname: address, port } = to;
  const six = address.includes(":");
  const wanted = plainAddress(address);
  const socket = createSocket({
    type: six ? "udp6" : "udp4",
    lookup: (name, _options, found) => found(null, name, six ? 6 : 4),
  });
  try {
    const reply = new Promise<Bytes>((resolve, reject) => {
      socket.on("error", reject);
      socket.on("message", (data, from) => {
        // The socket is not connected: any host may send to it.
        if (from.port === port && plainAddress(from.address) === wanted) resolve(new Uint8Array(data));
      });
      socket.bind(0, six ? "::" : "0.0.0.0");
      socket.send(message, port, address, (error) => {
        if (error !== null) reject(error);
      });
    });
    return await abortable(reply, signal);
  } finally {
    closeQuietly(socket);
  }
}

/** A socket that has failed may be closed already. */
function closeQuietly(socket: DatagramSocket): void {
  try {
    socket.close();
  } catch {
    // It is closed already.
  }
}

/** The address in the form that URLs have, without the zone. */
function plainAddress(text: string): string {
  const address = text.replace(/%.*$/, "");
  return address.includes(":") ? new URL(`udp://[${address}]`).hostname : address;
}
