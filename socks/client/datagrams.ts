/**
 * Datagrams through a proxy, as users of the client have them (RFC 1928 section 7, RFC 1961 section 5).
 *
 * @module
 */
import { type Bytes, bytesOf, type ByteSource } from "../../base/bytes.ts";
import { onAbort } from "../../base/deadline.ts";
import { andThen, type Eventually } from "../../base/eventually.ts";
import { rememberingLast } from "../../base/last_call.ts";
import { Slab } from "../../base/slab.ts";
import { SocksConnectionError, SocksError, SocksProtocolError } from "../errors.ts";
import { checkEndpoint, checkSignal } from "../argument_checks.ts";
import type { Identity } from "../identity.ts";
import type { ProtectionLevel } from "../protection.ts";
import { closeQuietly } from "../stream/close_quietly.ts";
import type { BindDatagrams, DatagramSocket } from "../stream/datagram_socket.ts";
import { type DatagramCodec, openEventually, sealEventually } from "../stream/datagram_codec.ts";
import type { Endpoint } from "../wire/address.ts";
import { MAX_DATAGRAM, maxHeader } from "../wire/datagram.ts";
import { DatagramReader, DatagramWriter } from "../wire/datagram_headers.ts";
import { withoutZone } from "../wire/ip.ts";
import { Inbox } from "./inbox.ts";
import { bindForRelay } from "./local_address.ts";
import type { GrantedRequest } from "./request.ts";

/** Options of {@linkcode SocksDatagrams.receive}. */
export interface ReceiveOptions {
  /** Ends the call. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@linkcode SocksDatagrams.open}. */
export interface OpenDatagramsOptions {
  /** Where the proxy takes datagrams. */
  readonly relay: Endpoint;
  /** Protects and opens datagrams. */
  readonly codec: DatagramCodec;
  /** Binds the socket. */
  readonly bind: BindDatagrams;
  /** Ends the attempt. */
  readonly attempt: AbortSignal;
  /** Ends the association. */
  readonly signal: AbortSignal | undefined;
}

/** Longest UDP datagram over IPv6 in bytes. The length does not include the IPv6 header, which has a fixed size. */
const MAX_DATAGRAM_6 = 65_527;

/**
 * Datagrams through a proxy, in the manner of `Deno.DatagramConn`. The association ends when this side closes it, when its signal is aborted, or
 * when the connection on which it was requested is lost. Pending and later calls then fail: with a {@linkcode SocksConnectionError} `CLOSED`,
 * with the signal's reason, or with a {@linkcode SocksConnectionError} `LOST` (or a {@linkcode SocksError} with the exact reason).
 *
 * @example
 * ```ts
 * import type { SocksDatagrams } from "@gssocks/gssocks";
 *
 * export async function ask(datagrams: SocksDatagrams, question: Uint8Array): Promise<Uint8Array> {
 *   await datagrams.send(question, { hostname: "ns.example.com", port: 53 });
 *   // After two seconds without an answer, the call fails; the association stays open.
 *   const [answer] = await datagrams.receive({ signal: AbortSignal.timeout(2_000) });
 *   return answer;
 * }
 * ```
 */
export class SocksDatagrams implements Disposable, AsyncDisposable, AsyncIterable<[Uint8Array<ArrayBuffer>, Endpoint]> {
  /** Where the proxy takes datagrams. */
  readonly relay: Endpoint;
  /** Protection of datagrams between this side and the proxy. */
  readonly protection: ProtectionLevel;
  /** How this side authenticated. */
  readonly identity: Identity;
  readonly #granted: GrantedRequest;
  readonly #codec: DatagramCodec;
  readonly #inbox = new Inbox<[Bytes, Endpoint]>();
  readonly #reader = new DatagramReader();
  readonly #writer = new DatagramWriter();
  /** Memory for datagrams to the relay. */
  readonly #slab = new Slab();
  readonly #withoutZone = rememberingLast(withoutZone);
  /** The relay's address as datagrams come from it. */
  readonly #from: string;
  /** Called with the reason of the end, one for each call that is under way. */
  readonly #calls = new Set<(reason: unknown) => void>();
  #listening: Disposable | undefined;
  #socket: DatagramSocket | undefined;
  #closedHere = false;
  #dropped = 0;

  private constructor(granted: GrantedRequest, { relay, codec }: OpenDatagramsOptions) {
    this.relay = relay;
    this.protection = granted.protection;
    this.identity = granted.identity;
    this.#granted = granted;
    this.#codec = codec;
    this.#from = withoutZone(relay.hostname);
  }

  /** @internal */
  static async open(granted: GrantedRequest, options: OpenDatagramsOptions): Promise<SocksDatagrams> {
    const { relay, bind, attempt, signal } = options;
    const datagrams = new SocksDatagrams(granted, options);
    const binding = (hostname: string) =>
      bind({
        hostname,
        port: 0,
        onDatagram: (bytes, from) => datagrams.#receive(bytes, from),
        onEnd: (cause) => datagrams.#end(lost("its socket has failed", cause), "keep"),
      });
    const socket = await bindForRelay(relay, granted.dialled.local, { binding, attempt });
    datagrams.#socket = socket;
    try {
      attempt.throwIfAborted();
      datagrams.#inbox.throwIfEnded();
    } catch (error) {
      socket.close();
      throw error;
    }
    datagrams.#listening = onAbort(signal, (reason) => datagrams.#end(reason, "discard"));
    void datagrams.#watchConnection();
    return datagrams;
  }

  /** Number of received datagrams that were dropped: not genuine, not complete, not from the relay, or too many at the same time. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * Sends a datagram. A name is sent to the proxy as a name, in A-labels. As with any datagram, the sender does not learn whether it arrives.
   *
   * @param data A buffer or a view of one. The bytes are copied at the time of the call.
   * @returns Returns the number of bytes.
   * @throws {SocksConnectionError} The association has ended; see the class.
   * @throws {HostNameError} The target's host name is invalid.
   * @throws {RangeError} The datagram is too large with its header and protection.
   * @throws {TypeError} The data has no bytes; nothing was sent.
   */
  async send(data: ByteSource, to: Endpoint): Promise<number> {
    const bytes = bytesOf(data);
    const { length } = bytes;
    // Writing copies the bytes, so the caller may change the memory from now on.
    const datagram = this.#writer.write(this.#slab, checkEndpoint("to", to), bytes);
    this.#checkSize(datagram.length, length);
    // Sealing needs the keys, which are gone at the end.
    this.#inbox.throwIfEnded();
    await this.#unlessEnded(
      andThen(sealEventually(this.#codec, datagram), (sealed) => this.#sendSealed(sealed, length)),
    );
    return length;
  }

  #sendSealed(sealed: Bytes, length: number): Promise<void> {
    this.#checkSize(sealed.length, length);
    this.#inbox.throwIfEnded();
    return this.#socket!.send(sealed, this.relay);
  }

  /**
   * Settles as a call that is under way does, or fails at the end of the association: the reason of the end counts, not what it does to
   * the call. A set of functions is cheaper than as many listeners of a signal.
   */
  #unlessEnded(call: Eventually<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#calls.add(reject);
      Promise.resolve(call).then(resolve, reject).finally(() => this.#calls.delete(reject));
    });
  }

  /**
   * Returns the size of the longest data that {@linkcode send} takes for a target (RFC 1928 section 7): what a UDP datagram
   * has room for, less the header (10 bytes for an IPv4 address, 22 for an IPv6 address, 262 for any name) and the protection.
   * Larger datagrams to a short name may fit too.
   *
   * @throws {HostNameError} The target's host name is invalid.
   * @throws {SocksConnectionError} The association has ended and its protection with it.
   *
   * @example
   * ```ts
   * import type { SocksDatagrams } from "@gssocks/gssocks";
   *
   * export async function sendInPieces(datagrams: SocksDatagrams, data: Uint8Array): Promise<void> {
   *   const target = { hostname: "log.example.com", port: 514 };
   *   const size = datagrams.maxSize(target);
   *   for (let at = 0; at < data.length; at += size) await datagrams.send(data.subarray(at, at + size), target);
   * }
   * ```
   */
  maxSize(to: Endpoint): number {
    this.#inbox.throwIfEnded();
    const checked = checkEndpoint("target", to);
    const room = this.#codec.roomIn?.(this.#limit) ?? this.#limit;
    return Math.max(0, room - maxHeader(checked));
  }

  /** Longest datagram that the relay can get. */
  get #limit(): number {
    return this.relay.hostname.includes(":") ? MAX_DATAGRAM_6 : MAX_DATAGRAM;
  }

  #checkSize(size: number, length: number): void {
    const limit = this.#limit;
    if (size <= limit) return;
    throw new RangeError(
      `Cannot send datagram of ${length} bytes: it has ${size} bytes with header and protection, and the limit is ${limit}`,
    );
  }

  /**
   * Returns the next datagram and its sender. Concurrent calls are served in order.
   *
   * @param options `signal` ends this call with its reason; the datagram that comes next goes to the next call.
   * @throws {SocksConnectionError} The association has ended; see the class. Datagrams that came before it was lost are returned first.
   */
  async receive(options: ReceiveOptions = {}): Promise<[Uint8Array<ArrayBuffer>, Endpoint]> {
    return await this.#inbox.next(checkSignal(options.signal));
  }

  /**
   * Returns datagrams until this side closes the association. Leaving the loop keeps it open.
   *
   * @throws {SocksConnectionError} The association ended in another way; see the class.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<[Uint8Array<ArrayBuffer>, Endpoint], void> {
    for (;;) {
      let next: [Bytes, Endpoint];
      try {
        next = await this.#inbox.next();
      } catch (error) {
        if (this.#closedHere) return;
        throw error;
      }
      yield next;
    }
  }

  /** Called for each datagram of the socket. */
  #receive(bytes: Bytes, { hostname, port }: Endpoint): void {
    if (port !== this.relay.port || this.#withoutZone(hostname) !== this.#from || !this.#inbox.reserve()) {
      this.#dropped++;
      return;
    }
    const drop = () => {
      this.#inbox.release();
      this.#dropped++;
    };
    try {
      const plain = openEventually(this.#codec, bytes);
      if (plain instanceof Promise) plain.then((opened) => this.#put(opened, bytes)).catch(drop);
      else this.#put(plain, bytes);
    } catch {
      drop();
    }
  }

  /** Puts the data of a datagram that was opened into the inbox. The user gets memory that nobody else has a part of. */
  #put(plain: Bytes, { buffer }: Bytes): void {
    const { endpoint, fragment, data } = this.#reader.read(plain);
    if (fragment !== 0) throw new SocksProtocolError("BAD_MESSAGE", "Datagram is a part of a larger one");
    this.#inbox.put([data.buffer === buffer ? new Uint8Array(data) : data, { ...endpoint }]);
  }

  /** RFC 1928 section 7: the association ends with the connection on which it was requested. */
  async #watchConnection(): Promise<void> {
    try {
      while (await this.#granted.connection.read() !== null);
      this.#end(lost("the proxy has ended it"), "keep");
    } catch (error) {
      const failure = error instanceof SocksError ? error : lost("the connection to the proxy failed", error);
      this.#end(failure, "keep");
    }
  }

  /** Ends the association. "keep" lets later calls receive the datagrams that came before. */
  #end(failure: unknown, received: "keep" | "discard"): void {
    if (!this.#inbox.end(failure, received)) return;
    this.#listening?.[Symbol.dispose]();
    for (const fail of this.#calls) fail(failure);
    closeQuietly(this.#socket);
    closeQuietly(this.#granted.connection);
  }

  /** Ends the association. Later calls have no effect. */
  close(): void {
    this.#closedHere ||= !this.#inbox.ended;
    this.#end(new SocksConnectionError("CLOSED", "Association is closed"), "discard");
  }

  /** Makes the association keep the process alive. This is the default. */
  ref(): void {
    this.#socket?.ref?.();
    this.#granted.connection.ref?.();
  }

  /** Lets the process end while the association is open. */
  unref(): void {
    this.#socket?.unref?.();
    this.#granted.connection.unref?.();
  }

  /** Same as {@linkcode close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Same as {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }
}

function lost(why: string, cause?: unknown): SocksConnectionError {
  const reason = cause instanceof Error ? `: ${cause.message}` : "";
  return new SocksConnectionError("LOST", `Association is lost: ${why}${reason}`, cause === undefined ? {} : { cause });
}
