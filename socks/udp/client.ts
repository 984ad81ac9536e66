/**
 * The client's side of UDP ASSOCIATE (RFC 1928 section 7, RFC 1961 section 5): datagrams through a proxy.
 *
 * @module
 */
import type { Bytes } from "../../gss/bytes.ts";
import type { Identity } from "../auth/method.ts";
import { type GrantedRequest, requestThrough, type ThroughOptions } from "../client.ts";
import { SocksAuthError, SocksProtocolError } from "../errors.ts";
import { isUnspecified } from "../rules/special_ranges.ts";
import type { DatagramCodec, ProtectionLevel } from "../stream/protected.ts";
import type { Resolver } from "../stream/deno.ts";
import type { Endpoint } from "../wire/address.ts";
import { decodeDatagram, encodeDatagram } from "../wire/datagram.ts";
import { canonicalAddress, parseIp } from "../wire/ip.ts";
import { Command } from "../wire/messages.ts";
import type { BindDatagrams, DatagramSocket } from "./socket.ts";

/** What {@linkcode associateThrough} takes. */
export interface AssociateThroughOptions extends ThroughOptions {
  /** Makes the socket. */
  readonly bind: BindDatagrams;
  /** Looks up a relay that the proxy gives by name. */
  readonly resolve: Resolver;
}

/** Datagrams that wait to be received; what comes beyond it is dropped. */
const QUEUE = 256;

/** Opens an association; throws as `connectThrough` does. */
export async function associateThrough(options: AssociateThroughOptions): Promise<SocksDatagrams> {
  const granted = await requestThrough(options, Command.UdpAssociate, { hostname: "0.0.0.0", port: 0 });
  const { bound, dialled, channel } = granted;
  try {
    if (channel.datagrams === undefined) {
      throw new SocksAuthError("FLAGS_MISSING", "Security context does not notice datagrams that come twice");
    }
    const named = isUnspecified(bound.hostname) ? dialled.remote?.hostname ?? options.proxy.hostname : bound.hostname;
    const { signal } = options;
    const [address] = parseIp(named) === undefined ? await options.resolve(named, { signal }) : [named];
    if (address === undefined) {
      throw new SocksProtocolError("BAD_MESSAGE", `Proxy's relay ${named} has no address`);
    }
    const relay = { hostname: canonicalAddress(address), port: bound.port };
    return await SocksDatagrams.open(granted, { relay, codec: channel.datagrams, bind: options.bind });
  } catch (error) {
    granted.connection.close();
    throw error;
  }
}

interface Opening {
  readonly relay: Endpoint;
  readonly codec: DatagramCodec;
  readonly bind: BindDatagrams;
}

/** Datagrams through a proxy, in the manner of `Deno.DatagramConn`. */
export class SocksDatagrams implements AsyncDisposable, AsyncIterable<[Uint8Array, Endpoint]> {
  /** Where the proxy takes the datagrams. */
  readonly relay: Endpoint;
  /** How the way to the proxy is protected. */
  readonly protection: ProtectionLevel;
  /** How this side authenticated. */
  readonly identity: Identity;
  readonly #granted: GrantedRequest;
  readonly #codec: DatagramCodec;
  #socket: DatagramSocket | undefined;
  readonly #queue: [Bytes, Endpoint][] = [];
  #wake = Promise.withResolvers<void>();
  #failure: Error | undefined;
  #dropped = 0;

  private constructor(granted: GrantedRequest, { relay, codec }: Opening) {
    this.relay = relay;
    this.protection = granted.protection;
    this.identity = granted.identity;
    this.#granted = granted;
    this.#codec = codec;
  }

  /** @internal */
  static async open(granted: GrantedRequest, opening: Opening): Promise<SocksDatagrams> {
    const made = new SocksDatagrams(granted, opening);
    made.#socket = await opening.bind({
      hostname: opening.relay.hostname.includes(":") ? "::" : "0.0.0.0",
      port: 0,
      onDatagram: (bytes, from) => void made.#take(bytes, from),
    });
    void made.#watch();
    return made;
  }

  /** Datagrams that came and were not genuine, not whole, not from the relay, or too many at one time. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * Sends a datagram. A name goes to the proxy as a name, in A-labels. As with any datagram, nobody says whether it arrives.
   *
   * @returns How many octets that were.
   * @throws {SocksProtocolError} `UNEXPECTED_END` after the association has ended.
   * @throws {HostNameError} When no host can be called what the target is called.
   * @throws {RangeError} When it is too large for a datagram with what is put around it.
   */
  async send(data: Uint8Array, to: Endpoint): Promise<number> {
    this.#alive();
    const sealed = await this.#codec.seal(encodeDatagram(to, data));
    this.#alive();
    await this.#socket!.send(sealed, this.relay);
    return data.length;
  }

  /**
   * The next datagram, with where it came from.
   *
   * @throws {SocksProtocolError} `UNEXPECTED_END` after the association has ended.
   */
  async receive(): Promise<[Uint8Array, Endpoint]> {
    for (;;) {
      const next = this.#queue.shift();
      if (next !== undefined) return next;
      this.#alive();
      await this.#wake.promise;
    }
  }

  /** Datagrams until the association ends. */
  async *[Symbol.asyncIterator](): AsyncGenerator<[Uint8Array, Endpoint], void> {
    while (this.#queue.length > 0 || this.#failure === undefined) {
      const next = this.#queue.shift();
      if (next !== undefined) yield next;
      else await this.#wake.promise;
    }
  }

  async #take(bytes: Bytes, from: Endpoint): Promise<void> {
    const { hostname, port } = this.relay;
    if (canonicalAddress(from.hostname) !== hostname || from.port !== port || this.#queue.length >= QUEUE) {
      this.#dropped++;
      return;
    }
    try {
      const { fragment, data, ...source } = decodeDatagram(await this.#codec.open(bytes));
      if (fragment !== 0) throw new SocksProtocolError("BAD_MESSAGE", "Datagram is a part of a larger one");
      this.#queue.push([data, source]);
      this.#signal();
    } catch {
      this.#dropped++;
    }
  }

  /** The association lasts as long as the connection on which it was asked for. */
  async #watch(): Promise<void> {
    try {
      while (await this.#granted.connection.read() !== null);
      this.#end(new SocksProtocolError("UNEXPECTED_END", "Proxy has ended the association"));
    } catch (error) {
      this.#end(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #alive(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #end(failure: Error): void {
    this.#failure ??= failure;
    this.#socket?.close();
    this.#granted.connection.close();
    this.#signal();
  }

  #signal(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers<void>();
  }

  /** Ends the association. May be called again. */
  close(): void {
    this.#end(new SocksProtocolError("UNEXPECTED_END", "Association is closed"));
  }

  /** Same as {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }
}
