/**
 * UDP sockets through Deno.listenDatagram.
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
import { isDatagramError } from "../stream/datagram_error.ts";
import type { Bytes } from "../../base/bytes.ts";
import { Slab } from "../../base/slab.ts";
import { pause } from "../../base/deadline.ts";
import type { Endpoint } from "../wire/address.ts";

/** The part of Deno's interface that is used here. Deno's stable types do not have it. */
export interface DenoDatagrams {
  readonly addr: Endpoint;
  receive(buffer: Uint8Array): Promise<[Bytes, unknown]>;
  send(bytes: Uint8Array, to: Endpoint & { readonly transport: "udp" }): Promise<number>;
  close(): void;
  ref(): void;
  unref(): void;
}

/** Size of the largest datagram. */
const LARGEST = 65_535;

/** Number of consecutive errors after which there is a pause before the next call. */
const FREE_ERRORS = 3;

/** Length of the pause in milliseconds. */
const ERROR_PAUSE = 10;

/** Binds a socket through `Deno.listenDatagram`. */
export function bindWithDeno(
  { hostname, port, onDatagram, onEnd }: BindDatagramsOptions,
  listenDatagram: (options: Endpoint & { readonly transport: "udp" }) => DenoDatagrams,
): DatagramSocket {
  const socket = listenDatagram({ transport: "udp", hostname, port });
  const over = new AbortController();
  const close = () => {
    if (over.signal.aborted) return;
    over.abort();
    try {
      socket.close();
    } catch {
      // A broken socket may fail to close.
    }
  };
  const receiveAll = async () => {
    const slab = new Slab();
    let failure: unknown;
    for (let failures = 0; !over.signal.aborted && failures < MAX_ERRORS;) {
      try {
        const [bytes, from] = await socket.receive(slab.room(LARGEST));
        slab.take(bytes.length);
        const { hostname, port } = from as Endpoint;
        failures = 0;
        if (!over.signal.aborted) deliver(onDatagram, bytes, { hostname, port });
      } catch (error) {
        // The socket is closed, or the error is about a datagram that was sent; its sender knows.
        failures++;
        failure = error;
        if (!isDatagramError(error)) break;
        if (failures > FREE_ERRORS) await pause(ERROR_PAUSE, over.signal);
      }
    }
    if (over.signal.aborted) return;
    close();
    onEnd?.(failure);
  };
  receiveAll().catch(() => {}); // The callback of the end has thrown.
  return {
    local: { hostname: socket.addr.hostname, port: socket.addr.port },
    async send(bytes, to): Promise<void> {
      try {
        await socket.send(bytes, { transport: "udp", hostname: to.hostname, port: to.port });
      } catch (error) {
        throw sendError(bytes, to, error);
      }
    },
    close,
    ref: () => socket.ref(),
    unref: () => socket.unref(),
  };
}
