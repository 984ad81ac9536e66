/**
 * UDP sockets through node:dgram.
 *
 * @module
 */
import {
  type BindDatagramsOptions,
  type DatagramSocket,
  deliver,
  MAX_ERRORS,
  sendError,
} from "../stream/datagram_socket.ts";
import type { Bytes } from "../../base/bytes.ts";
import { isDatagramError } from "../stream/datagram_error.ts";
import type { Endpoint } from "../wire/address.ts";

/** The part of the sockets of `node:dgram` that is used here. */
export interface NodeDatagrams {
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "close", listener: () => void): unknown;
  on(event: "message", listener: (data: Uint8Array, from: { address: string; port: number }) => void): unknown;
  bind(port: number, hostname: string, bound: () => void): unknown;
  address(): { readonly address: string; readonly port: number };
  send(bytes: Uint8Array, port: number, hostname: string, sent: (error: unknown) => void): unknown;
  close(): unknown;
  ref(): unknown;
  unref(): unknown;
}

/** Returns the bytes of a `Buffer`, not copied: each datagram of `node:dgram` has memory of its own. */
function plainView({ buffer, byteOffset, length }: Uint8Array): Bytes {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, length);
}

/** Binds a socket through `createSocket` of `node:dgram`. */
export async function bindWithNode(
  { hostname, port, onDatagram, onEnd }: BindDatagramsOptions,
  createSocket: (options: { readonly type: "udp4" | "udp6"; readonly ipv6Only: boolean }) => NodeDatagrams,
): Promise<DatagramSocket> {
  const isIpv6 = hostname.includes(":");
  // Node refuses the flag for IPv4.
  const socket = createSocket({ type: isIpv6 ? "udp6" : "udp4", ipv6Only: isIpv6 });
  let closed = false;
  /** Number of datagrams that the socket has sent to itself; see `unref`. */
  let wakes = 0;
  let failures = 0;
  /** Rejects pending sends. Deno's `node:dgram` never settles them after the socket is closed. */
  const unsent = new Set<(error: unknown) => void>();
  const close = (reason: unknown) => {
    if (closed) return;
    closed = true;
    try {
      socket.close();
    } catch {
      // The socket is closed already.
    }
    for (const failed of unsent) failed(reason);
    unsent.clear();
  };
  const end = (reason: unknown) => {
    if (closed) return;
    close(reason);
    onEnd?.(reason);
  };
  const { promise: bound, resolve, reject } = Promise.withResolvers<void>();
  // Binding may throw before this is awaited.
  bound.catch(() => {});
  let isBound = false;
  socket.on("error", (error) => {
    reject(error);
    // After binding, most errors are about one datagram that was sent; its sender knows.
    if (isBound && (!isDatagramError(error) || ++failures >= MAX_ERRORS)) end(error);
  });
  socket.on("close", () => end(new Error("Socket was closed")));
  socket.on("message", (data, from) => {
    failures = 0;
    if (wakes > 0 && data.length === 0 && from.port === socket.address().port) wakes--;
    else if (!closed) deliver(onDatagram, plainView(data), { hostname: from.address, port: from.port });
  });
  try {
    socket.bind(port, hostname, () => resolve());
    await bound;
  } catch (error) {
    close(error);
    throw error;
  }
  isBound = true;
  const local = { hostname: socket.address().address, port: socket.address().port };
  const send = (bytes: Uint8Array, to: Endpoint) =>
    new Promise<void>((sent, failed) => {
      if (closed) return failed(new Error("Socket is closed"));
      const settle = (error: unknown) => {
        unsent.delete(failed);
        if (error) failed(sendError(bytes, to, error));
        else sent();
      };
      unsent.add(failed);
      try {
        socket.send(bytes, to.port, to.hostname, settle);
      } catch (error) {
        settle(error);
      }
    });
  return {
    local,
    send,
    close: () => close(new Error("Socket is closed")),
    ref(): void {
      if (!closed) socket.ref();
    },
    unref(): void {
      if (closed) return;
      socket.unref();
      // Deno's node:dgram applies `unref` only after the next datagram, so the socket sends one to itself.
      wakes++;
      send(new Uint8Array(0), local).catch(() => wakes--);
    },
  };
}
