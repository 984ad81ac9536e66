/**
 * The side of an association that faces the client: opens the client's datagrams and forwards them, and seals datagrams for the client
 * (RFC 1928 section 7, RFC 1961 section 5).
 *
 * @module
 */
import type { Bytes } from "../../../base/bytes.ts";
import { abortable } from "../../../base/deadline.ts";
import { monotonicNow } from "../../../base/runtime.ts";
import type { BindDatagrams } from "../../stream/datagram_socket.ts";
import { makeUnlessAborted } from "../../stream/make_unless_aborted.ts";
import type { DatagramCodec } from "../../stream/datagram_codec.ts";
import type { Endpoint } from "../../wire/address.ts";
import { type Datagram, decodeDatagram, encodeDatagram, MAX_DATAGRAM } from "../../wire/datagram.ts";
import { canonicalAddress } from "../../wire/ip.ts";
import type { FacingClient } from "../targets/announce.ts";
import type { DatagramEgress, OpenDatagrams, TargetRequest } from "../targets/target.ts";
import { ClientEndpoint } from "./client_endpoint.ts";
import { type DatagramCounts, type DroppedDatagrams, dropReason } from "./counts.ts";
import { ReopeningSocket } from "./reopening_socket.ts";

/** Datagrams of one client that are under way at one time; further ones are dropped, as a network under load drops them. */
const IN_FLIGHT = 64;

/** Options of the side that faces the client. */
interface ClientSideOptions {
  /** The request; its endpoint is the one that the client declared. */
  readonly request: TargetRequest;
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
  #inFlight = 0;
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
    // An observer that throws is no reason to end anything.
    const onDatagram = (bytes: Bytes, from: Endpoint) => void this.#take(bytes, from).catch(() => {});
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
      onDatagram: (data: Bytes, from: Endpoint) => void this.#deliver(data, from).catch(() => {}),
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

  /** Takes a datagram that came to the socket. */
  async #take(bytes: Bytes, from: Endpoint): Promise<void> {
    if (!this.#client.mayBeFrom(from)) return this.#drop("wrongSource");
    if (this.#inFlight >= IN_FLIGHT) return this.#drop("overload");
    this.#inFlight++;
    let held = true;
    const letGo = () => {
      if (held) this.#inFlight--;
      held = false;
    };
    try {
      await this.#forward(bytes, from, letGo);
    } finally {
      letGo();
    }
  }

  /** @param onWait Called when other datagrams need not wait with this one. */
  async #forward(bytes: Bytes, from: Endpoint, onWait: () => void): Promise<void> {
    const datagram = await this.#opened(bytes);
    if (datagram === undefined) return;
    // The sender has the keys or, without keys, is the first sender: it is the client from now on.
    const place = this.#client.take(from);
    if (place === undefined) return this.#drop("wrongSource");
    const { admit, counts, onForwarded } = this.#options;
    if (place === "moved" && !this.#ended) counts.moved++;
    if (datagram.fragment !== 0) return this.#drop("fragment");
    if (datagram.port === 0) return this.#drop("malformed");
    const { hostname, port, data } = datagram;
    if (!admit(data.length)) return this.#drop("overload");
    try {
      await this.#egress!.send(data, { hostname, port }, { onWait });
    } catch (error) {
      return this.#failedToSend({ hostname, port }, error);
    }
    if (this.#ended) return;
    counts.sent++;
    onForwarded("sent", data.length);
  }

  async #opened(bytes: Bytes): Promise<Datagram | undefined> {
    let plain: Bytes;
    try {
      plain = await this.#options.codec.open(bytes);
    } catch {
      this.#drop("notGenuine");
      return undefined;
    }
    try {
      return decodeDatagram(plain);
    } catch {
      this.#drop("malformed");
      return undefined;
    }
  }

  #failedToSend(target: Endpoint, error: unknown): void {
    if (this.#ended) return;
    const reason = dropReason(error);
    this.#drop(reason);
    if (reason === "denied") this.#options.onDenied(target, error);
  }

  /** Sends a datagram of a target to the client. */
  async #deliver(data: Bytes, from: Endpoint): Promise<void> {
    const { admit, codec, counts, onForwarded } = this.#options;
    if (this.#client.endpoint === undefined) return this.#drop("unsolicited");
    if (!admit(data.length)) return this.#drop("overload");
    try {
      const bytes = await codec.seal(encodeDatagram(from, data));
      if (bytes.length > MAX_DATAGRAM) return this.#drop("tooLarge");
      // The client may have moved meanwhile.
      await this.#socket.send(bytes, this.#client.endpoint);
    } catch (error) {
      // A token that does not fit into its frame is a RangeError.
      return this.#drop(error instanceof RangeError ? "tooLarge" : "unreachable");
    }
    if (this.#ended) return;
    counts.received++;
    onForwarded("received", data.length);
  }

  #drop(reason: keyof DroppedDatagrams): void {
    if (!this.#ended) this.#options.counts.dropped[reason]++;
  }
}
