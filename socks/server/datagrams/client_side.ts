/**
 * The side of an association that faces the client: opens the client's datagrams and forwards them, and seals datagrams for the client
 * (RFC 1928 section 7, RFC 1961 section 5).
 *
 * @module
 */
import type { Bytes } from "../../../base/bytes.ts";
import { abortable } from "../../../base/deadline.ts";
import type { Eventually } from "../../../base/eventually.ts";
import { monotonicNow } from "../../../base/runtime.ts";
import { Slab } from "../../../base/slab.ts";
import type { BindDatagrams } from "../../stream/datagram_socket.ts";
import { makeUnlessAborted } from "../../stream/make_unless_aborted.ts";
import { type DatagramCodec, openEventually, sealEventually } from "../../stream/datagram_codec.ts";
import type { Endpoint } from "../../wire/address.ts";
import { MAX_DATAGRAM } from "../../wire/datagram.ts";
import { DatagramReader, DatagramWriter, type ReadDatagram } from "../../wire/datagram_headers.ts";
import { canonicalAddress } from "../../wire/ip.ts";
import type { FacingClient } from "../targets/announce.ts";
import type { DatagramEgress, OpenDatagrams, TargetRequest } from "../targets/target.ts";
import { ClientEndpoint } from "./client_endpoint.ts";
import { type DatagramCounts, type DroppedDatagrams, dropReason } from "./counts.ts";
import { ReopeningSocket } from "./reopening_socket.ts";

/** Datagrams in one direction that are under way at one time; further ones are dropped, as a network under load drops them. */
const IN_FLIGHT = 64;

/** Options of the side that faces the client. */
interface ClientSideOptions {
  /** The request; its endpoint is the one that the client declared. */
  readonly request: Omit<TargetRequest, "signal">;
  /** Protects the datagrams. */
  readonly codec: DatagramCodec;
  /** Addresses of the client and of the socket. */
  readonly facing: FacingClient;
  /** Opens the side that faces targets. */
  readonly open: OpenDatagrams;
  /** Makes the socket that faces the client. */
  readonly bind: BindDatagrams;
  /** Whether a client that proves its keys may be at an address now. @default {any address} */
  readonly mayMoveTo?: ((address: string) => boolean) | undefined;
  /** Whether a datagram of `length` bytes may pass now. */
  readonly admit: (length: number) => boolean;
  /** Counts of the datagrams. */
  readonly counts: DatagramCounts;
  /** Called for each datagram that was forwarded, with the number of its bytes. */
  readonly onForwarded: (direction: "sent" | "received", length: number) => void;
  /** Called for each datagram that rules deny. */
  readonly onDenied: (target: Endpoint, error: unknown) => void;
  /** Called when no more datagrams can come from targets, or go there. */
  readonly onEnd: (reason: Error) => void;
}

/** The side of an association that faces the client. */
export class ClientSide {
  readonly #options: ClientSideOptions;
  readonly #client: ClientEndpoint;
  readonly #socket: ReopeningSocket;
  #egress: DatagramEgress | undefined;
  readonly #reader = new DatagramReader();
  readonly #writer = new DatagramWriter();
  /** Memory for datagrams to the client. */
  readonly #slab = new Slab();
  /** Datagrams of the client that are under way. */
  #taking = 0;
  /** Datagrams to the client that are under way. */
  #delivering = 0;
  /** Whether the association has ended; datagrams that are still under way do not count then. */
  #ended = false;

  /** Creates it without a socket. */
  constructor(options: ClientSideOptions) {
    const { request, facing: { client: address, bind: hostname }, bind } = options;
    this.#options = options;
    this.#client = new ClientEndpoint({
      address,
      // A client behind NAT declares what it looks like from inside, which does not help here.
      port: request.port !== 0 && canonicalAddress(request.hostname) === address ? request.port : undefined,
      proves: request.protection !== "none",
      mayMove: (to) => this.#mayMove(to),
      now: monotonicNow,
    });
    const onDatagram = (bytes: Bytes, from: Endpoint) => this.#take(bytes, from);
    this.#socket = new ReopeningSocket({ bind, hostname, onDatagram, fixedPort: true });
  }

  /**
   * Opens the side that faces targets, then the socket.
   *
   * @returns Port of the socket.
   */
  async open(signal: AbortSignal): Promise<number> {
    const { open, request, onEnd } = this.#options;
    const listener = {
      onDatagram: (data: Bytes, from: Endpoint) => this.#deliver(data, from),
      onDrop: (reason: keyof DroppedDatagrams) => this.#drop(reason),
      onEnd,
    };
    this.#egress = await makeUnlessAborted(
      () => open({ ...request, signal }, listener),
      signal,
      (late) => late.close(),
    );
    const { port } = await abortable(this.#socket.open(), signal);
    return port;
  }

  /** Closes both sides. */
  close(): void {
    this.#ended = true;
    this.#socket.close();
    this.#egress?.close();
  }

  /** Whether the client may be at another address: its rules, and the rules of the server for any client, hold for that address. */
  #mayMove(to: string): boolean {
    if (this.#options.mayMoveTo?.(to) === false) return false;
    return this.#egress?.moved?.(to) ?? true;
  }

  /** Takes a datagram that came to the socket: at once, as far as nothing must be waited for. */
  #take(bytes: Bytes, from: Endpoint): void {
    if (!this.#client.mayBeFrom(from)) return this.#drop("wrongSource");
    if (this.#taking >= IN_FLIGHT) return this.#drop("overload");
    this.#taking++;
    const place = new Place(() => this.#taking--);
    whenDone(
      () => openEventually(this.#options.codec, bytes),
      (plain) => this.#forward(plain, from, place),
      () => {
        place.leave();
        this.#drop("notGenuine");
      },
    );
  }

  /** Forwards a datagram that was opened. Its place is left when it is sent or dropped. */
  #forward(plain: Bytes, from: Endpoint, place: Place): void {
    let datagram: ReadDatagram | undefined;
    try {
      datagram = this.#admitted(plain, from);
    } finally {
      // Whoever judges a move may throw.
      if (datagram === undefined) place.leave();
    }
    if (datagram === undefined) return;
    const { endpoint, data } = datagram;
    whenDone(
      () => this.#egress!.send(data, endpoint, { onWait: () => place.leave() }),
      () => {
        place.leave();
        this.#count("sent", data.length);
      },
      (error) => {
        place.leave();
        this.#failedToSend(endpoint, error);
      },
    );
  }

  /** Returns a datagram that may go to its target; `undefined` if it is dropped. */
  #admitted(plain: Bytes, from: Endpoint): ReadDatagram | undefined {
    let datagram: ReadDatagram | undefined;
    try {
      datagram = this.#reader.read(plain);
    } catch {
      this.#drop("malformed");
      return undefined;
    }
    // The sender has the keys or, without keys, is the first sender: it is the client from now on.
    const place = this.#client.take(from);
    if (place === "moved" && !this.#ended) this.#options.counts.moved++;
    const problem = place === undefined ? "wrongSource" : this.#problem(datagram);
    if (problem === undefined) return datagram;
    this.#drop(problem);
    return undefined;
  }

  /** Why a datagram of the client may not go to its target; `undefined` if it may. */
  #problem({ fragment, endpoint: { port }, data }: ReadDatagram): keyof DroppedDatagrams | undefined {
    if (fragment !== 0) return "fragment";
    if (port === 0) return "malformed";
    return this.#options.admit(data.length) ? undefined : "overload";
  }

  #failedToSend(target: Endpoint, error: unknown): void {
    if (this.#ended) return;
    const reason = dropReason(error);
    this.#drop(reason);
    if (reason === "denied") this.#options.onDenied(target, error);
  }

  /** Sends a datagram of a target to the client. */
  #deliver(data: Bytes, from: Endpoint): void {
    if (this.#client.endpoint === undefined) return this.#drop("unsolicited");
    if (this.#delivering >= IN_FLIGHT || !this.#options.admit(data.length)) return this.#drop("overload");
    this.#delivering++;
    const failed = (error: unknown) => {
      this.#delivering--;
      // A token that does not fit into its frame is a RangeError.
      this.#drop(error instanceof RangeError ? "tooLarge" : "unreachable");
    };
    const delivered = () => {
      this.#delivering--;
      this.#count("received", data.length);
    };
    const { codec } = this.#options;
    whenDone(
      () => sealEventually(codec, this.#writer.write(this.#slab, from, data)),
      (sealed) => whenDone(() => this.#sendToClient(sealed), delivered, failed),
      failed,
    );
  }

  #sendToClient(bytes: Bytes): Promise<void> {
    if (bytes.length > MAX_DATAGRAM) throw new RangeError(`Datagram of ${bytes.length} bytes is too large`);
    // The client may have moved while the datagram was sealed.
    return this.#socket.send(bytes, this.#client.endpoint!);
  }

  #count(direction: "sent" | "received", length: number): void {
    if (this.#ended) return;
    this.#options.counts[direction]++;
    this.#options.onForwarded(direction, length);
  }

  #drop(reason: keyof DroppedDatagrams): void {
    if (!this.#ended) this.#options.counts.dropped[reason]++;
  }
}

/** The place of a datagram among those that are under way. */
class Place {
  #leave: (() => void) | undefined;

  constructor(leave: () => void) {
    this.#leave = leave;
  }

  /** Gives the place back, once. */
  leave(): void {
    this.#leave?.();
    this.#leave = undefined;
  }
}

/** Calls `done` with what `start` returns, or `failed` with what it throws: now or, if it returns a promise, later. */
function whenDone<T>(start: () => Eventually<T>, done: (result: T) => void, failed: (error: unknown) => void): void {
  let result: Eventually<T>;
  try {
    result = start();
  } catch (error) {
    return failed(error);
  }
  if (!(result instanceof Promise)) return done(result);
  // An observer that throws is no reason to end anything.
  result.then(done, failed).catch(() => {});
}
