/**
 * The place that the proxy under test must reach: a server of the kit whose connections the checks themselves drive, and its datagrams.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import type { Connection } from "../socks/stream/connection.ts";
import type { DatagramSocket } from "../socks/stream/datagram_socket.ts";
import type { ConnectionListener } from "../socks/stream/listener.ts";
import type { Endpoint } from "../socks/wire/address.ts";
import { acceptAll, Arrivals } from "./arrivals.ts";
import { Failed } from "./check.ts";
import { Raw, type Times } from "./raw.ts";
import type { World } from "./world.ts";

/** A datagram that arrived, and from where. */
export interface Arrived {
  readonly bytes: Bytes;
  readonly from: Endpoint;
}

/** Where the kit listens, and what the proxy is told. */
export interface TargetOptions {
  /** Address to listen on; port 0 for a free one. */
  readonly listen: Endpoint;
  /** Name by which the proxy resolves the address. @default {none: requests by name are not checked} */
  readonly name?: string | undefined;
  /** IPv6 address to listen on too. @default {none: IPv6 is not checked} */
  readonly ipv6?: string | undefined;
}

/** The target of all checks of a run. */
export class Target implements AsyncDisposable {
  /** Its TCP address. */
  readonly tcp: Endpoint;
  /** Its UDP address. */
  readonly udp: Endpoint;
  /** The same TCP port under a name. */
  readonly named: Endpoint | undefined;
  /** Its TCP address of IPv6, if it has one. */
  readonly ipv6: Endpoint | undefined;
  readonly #listeners: readonly ConnectionListener[];
  readonly #socket: DatagramSocket;
  readonly #connections = new Arrivals<Connection>();
  readonly #datagrams: Arrivals<Arrived>;
  readonly #times: Times;

  private constructor(
    listeners: readonly [ConnectionListener, ...ConnectionListener[]],
    [socket, datagrams]: readonly [DatagramSocket, Arrivals<Arrived>],
    { name, times }: { readonly name: string | undefined; readonly times: Times },
  ) {
    this.#listeners = listeners;
    this.#socket = socket;
    this.#datagrams = datagrams;
    this.#times = times;
    this.tcp = listeners[0].addr;
    this.udp = socket.local;
    this.named = name === undefined ? undefined : { hostname: name, port: this.tcp.port };
    this.ipv6 = listeners[1]?.addr;
    for (const listener of listeners) void acceptAll(listener, this.#connections);
  }

  /** Starts the target. A machine without the IPv6 address has a target without it. */
  static async open(world: World, options: TargetOptions & { readonly times: Times }): Promise<Target> {
    const { listen, ipv6 } = options;
    const first = world.listen(listen);
    const [datagrams, second] = [new Arrivals<Arrived>(), ipv6 === undefined ? undefined : sixth(world, ipv6)];
    try {
      const onDatagram = (bytes: Bytes, from: Endpoint) => datagrams.push({ bytes: bytes.slice(), from });
      const socket = await world.bindDatagrams({ hostname: listen.hostname, port: listen.port, onDatagram });
      const listeners = second === undefined ? [first] as const : [first, second] as const;
      return new Target(listeners, [socket, datagrams], { name: options.name, times: options.times });
    } catch (error) {
      first.close();
      second?.close();
      throw error;
    }
  }

  /** Returns the next connection that the proxy makes. */
  async accepted(): Promise<Raw> {
    const connection = await this.#connections.next(this.#times.answer);
    if (connection === undefined) throw new Failed("a connection of the proxy to the target", "none in time");
    return new Raw(connection, this.#times);
  }

  /** Number of connections that were not accepted. */
  get waiting(): number {
    return this.#connections.length;
  }

  /** Returns the next datagram. */
  async datagram(what: string): Promise<Arrived> {
    const found = await this.#datagrams.next(this.#times.answer);
    if (found === undefined) throw new Failed(what, "none in time");
    return found;
  }

  /** Returns a datagram that comes within the time of silence, if one does. */
  async anyDatagram(): Promise<Arrived | undefined> {
    return await this.#datagrams.next(this.#times.silence);
  }

  /** Answers a datagram. */
  async answer(bytes: Uint8Array, to: Endpoint): Promise<void> {
    await this.#socket.send(bytes, to);
  }

  /** Forgets what a check has left. */
  clear(): void {
    for (const connection of this.#connections.takeAll()) connection.close();
    this.#datagrams.takeAll();
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const listener of this.#listeners) listener.close();
    this.#socket.close();
    this.clear();
    return Promise.resolve();
  }
}

function sixth(world: World, hostname: string): ConnectionListener | undefined {
  try {
    return world.listen({ hostname, port: 0 });
  } catch {
    return undefined;
  }
}
