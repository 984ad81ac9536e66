/**
 * The client's side of UDP ASSOCIATE (RFC 1928 section 7, RFC 1961 section 5): datagrams through a proxy.
 *
 * @module
 */
import { type Bytes, bytesOf, type ByteSource } from "../../base/bytes.ts";
import { abortable } from "../../base/deadline.ts";
import type { Identity } from "../identity.ts";
import { type GrantedRequest, requestWithin, startCall, type ThroughOptions } from "./request.ts";
import { SocksAuthError, SocksConnectionError, SocksError, SocksProtocolError } from "../errors.ts";
import { checkEndpoint, checkFunction, checkSignal } from "../argument_checks.ts";
import { isUnspecified } from "../rules/special_ranges.ts";
import { resolvedOf, type Resolver } from "../names/resolver.ts";
import { closeQuietly } from "../stream/close_quietly.ts";
import { makeUnlessAborted } from "../stream/make_unless_aborted.ts";
import type { ProtectionLevel } from "../protection.ts";
import type { DatagramCodec } from "../stream/datagram_codec.ts";
import type { Endpoint } from "../wire/address.ts";
import { decodeDatagram, encodeDatagram, MAX_DATAGRAM } from "../wire/datagram.ts";
import { canonicalAddress, isLinkLocal, parseIp, withoutZone } from "../wire/ip.ts";
import { Command } from "../wire/messages.ts";
import { Inbox } from "./inbox.ts";
import type { BindDatagrams, DatagramSocket } from "../stream/datagram_socket.ts";
import { bindTowards, zoneOf } from "./source.ts";

/** What {@linkcode associateThrough} takes. */
export interface AssociateThroughOptions extends ThroughOptions {
  /** Makes the socket. */
  readonly bind: BindDatagrams;
  /** Looks up a relay that the proxy gives by name. */
  readonly resolve: Resolver;
}

/** What {@linkcode SocksDatagrams.receive} takes. */
export interface ReceiveOptions {
  /** Gives the call up. */
  readonly signal?: AbortSignal | undefined;
}

/** Opens an association; throws as `connectThrough` does. */
export async function associateThrough(options: AssociateThroughOptions): Promise<SocksDatagrams> {
  checkFunction("bind", options.bind);
  checkFunction("resolve", options.resolve);
  using deadline = startCall(options);
  const { signal } = deadline;
  const granted = await requestWithin(signal, options, { command: Command.UdpAssociate, hostname: "0.0.0.0", port: 0 });
  try {
    const { datagrams: codec } = granted.channel;
    if (codec === undefined) {
      throw new SocksAuthError("FLAGS_MISSING", "Security context does not notice datagrams that come twice");
    }
    const relay = await relayOf(granted, options, signal);
    return await SocksDatagrams.open(granted, {
      relay,
      codec,
      bind: options.bind,
      attempt: signal,
      signal: options.signal,
    });
  } catch (error) {
    closeQuietly(granted.connection);
    throw error;
  }
}

/** Where the proxy takes datagrams. One that listens on all of its addresses says so, which is no use to anybody. */
async function relayOf(
  { bound, dialled }: GrantedRequest,
  { proxy, resolve }: AssociateThroughOptions,
  signal: AbortSignal,
): Promise<Endpoint> {
  const named = isUnspecified(bound.hostname) ? dialled.remote?.hostname ?? proxy.hostname : bound.hostname;
  const found = parseIp(named) === undefined
    ? await makeUnlessAborted(() => resolve(named, { signal }), signal, () => {})
    : [named];
  const [address] = resolvedOf(found).addresses;
  if (address === undefined) throw new SocksProtocolError("BAD_MESSAGE", `Proxy's relay ${named} has no address`);
  // A zone is this side's to know, from how the proxy was called.
  const zone = zoneOf(dialled.remote?.hostname) || zoneOf(proxy.hostname);
  const hostname = canonicalAddress(address);
  return { hostname: isLinkLocal(hostname) && !hostname.includes("%") ? hostname + zone : hostname, port: bound.port };
}

interface Opening {
  readonly relay: Endpoint;
  readonly codec: DatagramCodec;
  readonly bind: BindDatagrams;
  /** Ends the attempt. */
  readonly attempt: AbortSignal;
  /** Ends the association. */
  readonly signal: AbortSignal | undefined;
}

/** Bytes that a UDP datagram can carry over IPv6: no header of a fixed length counts into its length. */
const MAX_DATAGRAM_6 = 65_527;

/**
 * Datagrams through a proxy, in the manner of `Deno.DatagramConn`. The association ends when this side closes it, when the signal that
 * it was opened with is aborted, and when the connection on which it was asked for is lost. Calls under way and later ones fail then: with a
 * {@linkcode SocksConnectionError} `CLOSED`, with the signal's reason, or with a {@linkcode SocksConnectionError} `LOST` (or the
 * {@linkcode SocksError} that says how).
 *
 * @example
 * ```ts
 * import type { SocksDatagrams } from "@gssocks/gssocks";
 *
 * export async function ask(datagrams: SocksDatagrams, question: Uint8Array): Promise<Uint8Array> {
 *   await datagrams.send(question, { hostname: "ns.example.com", port: 53 });
 *   // What does not come for two seconds is not coming; the next datagram is nobody's yet.
 *   const [answer] = await datagrams.receive({ signal: AbortSignal.timeout(2_000) });
 *   return answer;
 * }
 * ```
 */
export class SocksDatagrams implements Disposable, AsyncDisposable, AsyncIterable<[Uint8Array<ArrayBuffer>, Endpoint]> {
  /** Where the proxy takes the datagrams. */
  readonly relay: Endpoint;
  /** How the way to the proxy is protected. */
  readonly protection: ProtectionLevel;
  /** How this side authenticated. */
  readonly identity: Identity;
  readonly #granted: GrantedRequest;
  readonly #codec: DatagramCodec;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.#end(this.#signal!.reason, "at once");
  readonly #inbox = new Inbox<[Bytes, Endpoint]>();
  /** Aborted at the end, for what is under way then. */
  readonly #over = new AbortController();
  #socket: DatagramSocket | undefined;
  #closedError = false;
  #dropped = 0;

  private constructor(granted: GrantedRequest, { relay, codec, signal }: Opening) {
    this.relay = relay;
    this.protection = granted.protection;
    this.identity = granted.identity;
    this.#granted = granted;
    this.#codec = codec;
    this.#signal = signal;
  }

  /** @internal */
  static async open(granted: GrantedRequest, opening: Opening): Promise<SocksDatagrams> {
    const { relay, bind, attempt, signal } = opening;
    const made = new SocksDatagrams(granted, opening);
    const binding = (hostname: string) =>
      bind({
        hostname,
        port: 0,
        onDatagram: (bytes, from) => void made.#take(bytes, from),
        onEnd: (cause) => made.#end(lost("its socket has failed", cause)),
      });
    const socket = await bindTowards(relay, granted.dialled.local, { binding, attempt });
    made.#socket = socket;
    try {
      attempt.throwIfAborted();
      made.#inbox.throwIfEnded();
    } catch (error) {
      socket.close();
      throw error;
    }
    signal?.addEventListener("abort", made.#onAbort, { once: true });
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
   * @param data Bytes of any buffer, or view of one, as they are at the time of the call.
   * @returns How many bytes that were.
   * @throws {SocksConnectionError} After the association has ended; as the class says.
   * @throws {HostNameError} When no host can be called what the target is called.
   * @throws {RangeError} When it is too large for a datagram with what is put around it.
   * @throws {TypeError} When the data has no bytes; nothing was sent.
   */
  async send(data: ByteSource, to: Endpoint): Promise<number> {
    const bytes = bytesOf(data);
    const { length } = bytes;
    // A copy: what the caller does with the memory from now on is the caller's affair.
    const datagram = encodeDatagram(checkEndpoint("to", to), bytes);
    this.#checkSize(datagram.length, length);
    // Why it has ended is told, rather than what that does to whatever was under way.
    await abortable(this.#sealAndSend(datagram, length), this.#over.signal);
    return length;
  }

  async #sealAndSend(datagram: Bytes, length: number): Promise<void> {
    const sealed = await this.#codec.seal(datagram);
    this.#checkSize(sealed.length, length);
    this.#inbox.throwIfEnded();
    await this.#socket!.send(sealed, this.relay);
  }

  #checkSize(size: number, length: number): void {
    const limit = this.relay.hostname.includes(":") ? MAX_DATAGRAM_6 : MAX_DATAGRAM;
    if (size <= limit) return;
    throw new RangeError(
      `Cannot send datagram of ${length} bytes: with what is put around it that is ${size}, and ${limit} are the most`,
    );
  }

  /**
   * The next datagram, with where it came from. Calls at one time are served in their order.
   *
   * @param options `signal` gives this one call up, with its reason; the datagram that comes next is the next call's.
   * @throws {SocksConnectionError} After the association has ended; as the class says. What came before it was lost is still received.
   */
  async receive(options: ReceiveOptions = {}): Promise<[Uint8Array<ArrayBuffer>, Endpoint]> {
    return await this.#inbox.next(checkSignal(options.signal));
  }

  /**
   * Datagrams until this side closes the association. Leaving the loop leaves it open.
   *
   * @throws {SocksConnectionError} When it ends in another way; as the class says.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<[Uint8Array<ArrayBuffer>, Endpoint], void> {
    for (;;) {
      let next: [Bytes, Endpoint];
      try {
        next = await this.#inbox.next();
      } catch (error) {
        if (this.#closedError) return;
        throw error;
      }
      yield next;
    }
  }

  async #take(bytes: Bytes, from: Endpoint): Promise<void> {
    const { hostname, port } = this.relay;
    if (withoutZone(from.hostname) !== withoutZone(hostname) || from.port !== port || !this.#inbox.reserve()) {
      this.#dropped++;
      return;
    }
    try {
      const { fragment, data, ...source } = decodeDatagram(await this.#codec.open(bytes));
      if (fragment !== 0) throw new SocksProtocolError("BAD_MESSAGE", "Datagram is a part of a larger one");
      this.#inbox.put([data, source]);
    } catch {
      this.#inbox.putNothing();
      this.#dropped++;
    }
  }

  /** The association lasts as long as the connection on which it was asked for. */
  async #watch(): Promise<void> {
    try {
      while (await this.#granted.connection.read() !== null);
      this.#end(lost("the proxy has ended it"));
    } catch (error) {
      this.#end(error instanceof SocksError ? error : lost("the connection to the proxy failed", error));
    }
  }

  /** Ends it. What has come is still received, unless it is to end at once. */
  #end(failure: unknown, how?: "at once"): void {
    if (!this.#inbox.end(failure, how)) return;
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#over.abort(failure);
    closeQuietly(this.#socket);
    closeQuietly(this.#granted.connection);
  }

  /** Ends the association. May be called again. */
  close(): void {
    this.#closedError ||= !this.#inbox.ended;
    this.#end(new SocksConnectionError("CLOSED", "Association is closed"), "at once");
  }

  /** Has the association keep the process going, as it does from the start. */
  ref(): void {
    this.#socket?.ref?.();
    this.#granted.connection.ref?.();
  }

  /** Lets the process end although the association is open. */
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
