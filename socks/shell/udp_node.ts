/**
 * UDP sockets through node:dgram.
 *
 * @module
 */
import {
  type BindDatagramsOptions,
  type DatagramSocket,
  give,
  MANY,
  passes,
  sendError,
} from "../stream/datagram_socket.ts";
import type { Endpoint } from "../wire/address.ts";

/** What is used of the sockets of `node:dgram`. */
export interface NodeDatagrams {
  on(event: "error", told: (error: Error) => void): unknown;
  on(event: "close", told: () => void): unknown;
  on(event: "message", told: (data: Uint8Array, from: { address: string; port: number }) => void): unknown;
  bind(port: number, hostname: string, bound: () => void): unknown;
  address(): { readonly address: string; readonly port: number };
  send(bytes: Uint8Array, port: number, hostname: string, told: (error: unknown) => void): unknown;
  close(): unknown;
  ref(): unknown;
  unref(): unknown;
}

/** Binds with what `createSocket` of `node:dgram` is. */
export async function bindWithNode(
  { hostname, port, onDatagram, onEnd }: BindDatagramsOptions,
  createSocket: (options: { readonly type: "udp4" | "udp6"; readonly ipv6Only: boolean }) => NodeDatagrams,
): Promise<DatagramSocket> {
  const socket = createSocket({ type: hostname.includes(":") ? "udp6" : "udp4", ipv6Only: true });
  let closed = false;
  /** Datagrams to itself that are under way. */
  let wakes = 0;
  let failures = 0;
  /** Senders who have been told nothing. Of what is under way when a socket is closed Deno's says nothing any more. */
  const unsent = new Set<(error: unknown) => void>();
  const close = (reason: unknown) => {
    if (closed) return;
    closed = true;
    try {
      socket.close();
    } catch {
      // It is closed.
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
  // Nobody waits for it where binding throws.
  bound.catch(() => {});
  let isBound = false;
  socket.on("error", (error) => {
    reject(error);
    // After it is bound, most errors are about one datagram that went out, and its sender has been told.
    if (isBound && (!passes(error) || ++failures >= MANY)) end(error);
  });
  socket.on("close", () => end(new Error("Socket was closed")));
  socket.on("message", (data, from) => {
    failures = 0;
    if (wakes > 0 && data.length === 0 && from.port === socket.address().port) wakes--;
    else if (!closed) give(onDatagram, new Uint8Array(data), { hostname: from.address, port: from.port });
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
      const told = (error: unknown) => {
        unsent.delete(failed);
        if (error) failed(sendError(bytes, to, error));
        else sent();
      };
      unsent.add(failed);
      try {
        socket.send(bytes, to.port, to.hostname, told);
      } catch (error) {
        told(error);
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
      // Deno's node:dgram lets the process go behind the next datagram only, which this one is.
      wakes++;
      send(new Uint8Array(0), local).catch(() => wakes--);
    },
  };
}
