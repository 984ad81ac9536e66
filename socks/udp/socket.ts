/**
 * UDP sockets. No unstable flag is needed, and one makes them faster.
 *
 * @module
 */
import type { Bytes } from "../../gss/bytes.ts";
import { SocksReplyError } from "../errors.ts";
import { isOutOfResources } from "../stream/dial_error.ts";
import { type Endpoint, formatEndpoint } from "../wire/address.ts";

/** A UDP socket. */
export interface DatagramSocket {
  /** Where it is bound. */
  readonly local: Endpoint;
  /**
   * Sends a datagram to an address; names are not looked up.
   *
   * @throws {RangeError} When it is too large.
   */
  send(bytes: Uint8Array, to: Endpoint): Promise<void>;
  /** Releases the port. May be called again. */
  close(): void;
  /** Has it keep the process going, as it does from the start. */
  ref?(): void;
  /** Lets the process end although it is open. */
  unref?(): void;
}

/** What {@linkcode BindDatagrams} is told. */
export interface BindDatagramsOptions extends Endpoint {
  /** Told of each datagram that comes; its octets are the callee's. */
  readonly onDatagram: (bytes: Bytes, from: Endpoint) => void;
  /** Told that no more will come, when nobody has closed the socket. */
  readonly onEnd?: ((reason: unknown) => void) | undefined;
}

/** Makes UDP sockets. */
export type BindDatagrams = (options: BindDatagramsOptions) => Promise<DatagramSocket>;

/**
 * Binds a UDP socket of the system: through `Deno.listenDatagram` where `--unstable-net` brings that, which takes a third of
 * the time, and else through `node:dgram`.
 */
export const bindUdp: BindDatagrams = async (options: BindDatagramsOptions): Promise<DatagramSocket> => {
  try {
    return inOrder("listenDatagram" in Deno ? bindWithDeno(options) : await bindWithNode(options));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
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
interface DenoDatagrams {
  readonly addr: Deno.NetAddr;
  receive(buffer: Uint8Array): Promise<[Bytes, Deno.Addr]>;
  send(bytes: Uint8Array, to: Deno.NetAddr): Promise<number>;
  close(): void;
  ref(): void;
  unref(): void;
}

/** The largest datagram that there is. */
const LARGEST = 65_535;
/** So many errors one after another are no matter of single datagrams. */
const MANY = 100;

/** What the system says of a datagram that did not go. */
function sendError(bytes: Uint8Array, to: Endpoint, cause: unknown): unknown {
  if ((cause as { code?: unknown }).code !== "EMSGSIZE") return cause;
  return new RangeError(`Cannot send datagram of ${bytes.length} octets to ${formatEndpoint(to)}: it is too large`, {
    cause,
  });
}

function bindWithDeno({ hostname, port, onDatagram, onEnd }: BindDatagramsOptions): DatagramSocket {
  const { listenDatagram } = Deno as unknown as {
    listenDatagram(options: Endpoint & { readonly transport: "udp" }): DenoDatagrams;
  };
  const socket = listenDatagram({ transport: "udp", hostname, port });
  let closed = false;
  const receiveAll = async () => {
    const buffer = new Uint8Array(LARGEST);
    let failure: unknown;
    for (let failures = 0; !closed && failures < MANY;) {
      try {
        const [bytes, from] = await socket.receive(buffer);
        const { hostname, port } = from as Deno.NetAddr;
        failures = 0;
        if (!closed) onDatagram(bytes.slice(), { hostname, port });
      } catch (error) {
        // Closed, or an error about a datagram that went out, whose sender has been told.
        failures++;
        failure = error;
      }
    }
    if (!closed) onEnd?.(failure);
  };
  void receiveAll();
  return {
    local: { hostname: socket.addr.hostname, port: socket.addr.port },
    async send(bytes, to): Promise<void> {
      try {
        await socket.send(bytes, { transport: "udp", hostname: to.hostname, port: to.port });
      } catch (error) {
        throw sendError(bytes, to, error);
      }
    },
    close(): void {
      if (!closed) socket.close();
      closed = true;
    },
    ref: () => socket.ref(),
    unref: () => socket.unref(),
  };
}

async function bindWithNode({ hostname, port, onDatagram }: BindDatagramsOptions): Promise<DatagramSocket> {
  // Loaded when it is wanted: most users of this package never do.
  const { createSocket } = await import("node:dgram");
  const socket = createSocket({ type: hostname.includes(":") ? "udp6" : "udp4", ipv6Only: true });
  let closed = false;
  /** Datagrams to itself that are under way. */
  let wakes = 0;
  await new Promise<void>((resolve, reject) => {
    // After it is bound, an error is about one datagram that went out, and its sender has been told.
    socket.on("error", reject);
    socket.on("message", (data: Uint8Array, from: { address: string; port: number }) => {
      if (wakes > 0 && data.length === 0 && from.port === socket.address().port) wakes--;
      else if (!closed) onDatagram(new Uint8Array(data), { hostname: from.address, port: from.port });
    });
    socket.bind(port, hostname, () => resolve());
  });
  const { address, port: bound } = socket.address();
  return {
    local: { hostname: address, port: bound },
    send: (bytes, to) =>
      new Promise((sent, failed) => {
        if (closed) return failed(new Error("Socket is closed"));
        socket.send(bytes, to.port, to.hostname, (error: unknown) => {
          if (error) failed(sendError(bytes, to, error));
          else sent();
        });
      }),
    close(): void {
      if (!closed) socket.close();
      closed = true;
    },
    ref(): void {
      if (!closed) socket.ref();
    },
    unref(): void {
      if (closed) return;
      socket.unref();
      // Deno's node:dgram lets the process go behind the next datagram only, which this one is.
      wakes++;
      socket.send(new Uint8Array(0), bound, address, (error: unknown) => {
        if (error) wakes--;
      });
    },
  };
}
