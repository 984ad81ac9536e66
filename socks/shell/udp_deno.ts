/**
 * UDP sockets through Deno.listenDatagram.
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
import type { Bytes } from "../../base/bytes.ts";
import { pause } from "../../base/deadline.ts";
import type { Endpoint } from "../wire/address.ts";

/** What is used of Deno's interface, which is not in its stable types. */
export interface DenoDatagrams {
  readonly addr: Endpoint;
  receive(buffer: Uint8Array): Promise<[Bytes, unknown]>;
  send(bytes: Uint8Array, to: Endpoint & { readonly transport: "udp" }): Promise<number>;
  close(): void;
  ref(): void;
  unref(): void;
}

/** The largest datagram that there is. */
const LARGEST = 65_535;

const FEW = 3;

/** Those behind the first few are waited out, in milliseconds. */
const BREATH = 10;

/** Binds with what `Deno.listenDatagram` is. */
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
      // What is broken may not even be closed.
    }
  };
  const receiveAll = async () => {
    const buffer = new Uint8Array(LARGEST);
    let failure: unknown;
    for (let failures = 0; !over.signal.aborted && failures < MANY;) {
      try {
        const [bytes, from] = await socket.receive(buffer);
        const { hostname, port } = from as Endpoint;
        failures = 0;
        if (!over.signal.aborted) give(onDatagram, bytes.slice(), { hostname, port });
      } catch (error) {
        // Closed, or an error about a datagram that went out, whose sender has been told.
        failures++;
        failure = error;
        if (!passes(error)) break;
        if (failures > FEW) await pause(BREATH, over.signal);
      }
    }
    if (over.signal.aborted) return;
    close();
    onEnd?.(failure);
  };
  receiveAll().catch(() => {}); // Whoever is told of the end has thrown.
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
