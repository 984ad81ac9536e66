/**
 * UDP sockets. No unstable flag is needed, and one makes them faster.
 *
 * @module
 */
import type { BindDatagrams, BindDatagramsOptions, DatagramSocket } from "../stream/datagram_socket.ts";
import { isDatagramError } from "../stream/datagram_error.ts";
import { reasonText } from "../../base/reason.ts";
import type { Bytes } from "../../base/bytes.ts";
import { pause } from "../../base/deadline.ts";
import { SocksReplyError } from "../errors.ts";
import { isOutOfResources } from "../stream/dial_error.ts";
import { type Endpoint, formatEndpoint } from "../wire/address.ts";

/**
 * Binds a UDP socket of the system: through `Deno.listenDatagram` where `--unstable-net` brings that, which takes a third of
 * the time, and else through `node:dgram`.
 */
export const bindUdp: BindDatagrams = async (options: BindDatagramsOptions): Promise<DatagramSocket> => {
  try {
    if ("listenDatagram" in Deno) {
      const { listenDatagram } = Deno as unknown as { listenDatagram: Parameters<typeof bindWithDeno>[1] };
      return inOrder(bindWithDeno(options, listenDatagram));
    }
    // Loaded when it is wanted: most users of this package never do.
    const { createSocket } = await import("node:dgram");
    return inOrder(await bindWithNode(options, createSocket as Parameters<typeof bindWithNode>[1]));
  } catch (cause) {
    const reason = reasonText(cause);
    const code = isOutOfResources(cause) ? "OUT_OF_RESOURCES" : "GENERAL_FAILURE";
    throw new SocksReplyError(code, `Cannot bind UDP ${formatEndpoint(options)}: ${reason}`, { cause });
  }
};

/**
 * Until the system has said once that a socket may be sent from, Deno has all that is to be sent wait, and sends the last of it
 * first. So each waits for the one before it until one has gone.
 */
function inOrder(socket: DatagramSocket): DatagramSocket {
  let last: Promise<void> = Promise.resolve();
  let waiting = 0;
  let begun = false;
  return {
    local: socket.local,
    send(bytes, to): Promise<void> {
      if (begun && waiting === 0) return socket.send(bytes, to);
      waiting++;
      const sent = last.then(() => socket.send(bytes, to)).then(() => void (begun = true));
      last = sent.catch(() => {}).then(() => void waiting--);
      return sent;
    },
    close: () => socket.close(),
    ref: () => socket.ref?.(),
    unref: () => socket.unref?.(),
  };
}

/** What is used of Deno's interface, which is not in its stable types. */
export interface DenoDatagrams {
  readonly addr: Endpoint;
  receive(buffer: Uint8Array): Promise<[Bytes, unknown]>;
  send(bytes: Uint8Array, to: Endpoint & { readonly transport: "udp" }): Promise<number>;
  close(): void;
  ref(): void;
  unref(): void;
}

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

/** The largest datagram that there is. */
const LARGEST = 65_535;
/** So many errors one after another are no matter of single datagrams. */
const MANY = 100;
/** Those behind the first few are waited out, in milliseconds. */
const BREATH = 10;
const FEW = 3;

/** What the system says of a datagram that did not go. */
function sendError(bytes: Uint8Array, to: Endpoint, cause: unknown): unknown {
  if ((cause as { code?: unknown }).code !== "EMSGSIZE") return cause;
  return new RangeError(`Cannot send datagram of ${bytes.length} bytes to ${formatEndpoint(to)}: it is too large`, {
    cause,
  });
}

/** What the callee makes of a datagram is no matter of the socket. */
function give(onDatagram: BindDatagramsOptions["onDatagram"], bytes: Bytes, from: Endpoint): void {
  try {
    onDatagram(bytes, from);
  } catch {
    // It is lost, as any datagram may be.
  }
}

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
        if (!isDatagramError(error)) break;
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
    if (isBound && (!isDatagramError(error) || ++failures >= MANY)) end(error);
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
