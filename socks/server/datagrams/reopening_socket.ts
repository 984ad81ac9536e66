/**
 * A UDP socket that is opened again after it has failed: an association outlives a shortage of descriptors, an address that is missing
 * for a while, and a broken socket.
 *
 * @module
 */
import type { Bytes } from "../../../base/bytes.ts";
import { pause, startDeadline } from "../../../base/deadline.ts";
import { reasonText } from "../../../base/reason.ts";
import { monotonicNow } from "../../../base/runtime.ts";
import { SocksReplyError, SocksTimeoutError } from "../../errors.ts";
import type { BindDatagrams, DatagramSocket } from "../../stream/datagram_socket.ts";
import { isDatagramError } from "../../stream/datagram_error.ts";
import { makeUnlessAborted } from "../../stream/make_unless_aborted.ts";
import { type Endpoint, formatEndpoint } from "../../wire/address.ts";

/** Shortest time between two attempts to open a socket, in milliseconds. */
export const REOPEN_PAUSE = 500;
/** Longest time for one attempt, in milliseconds. */
const BIND_TIME = 5_000;

/** Options of {@linkcode ReopeningSocket}. */
export interface ReopeningSocketOptions {
  /** Opens sockets. */
  readonly bind: BindDatagrams;
  /** Address to bind. */
  readonly hostname: string;
  /** Called for each datagram that comes. */
  readonly onDatagram: (bytes: Bytes, from: Endpoint) => void;
  /**
   * Whether the client was told the port: then the socket is opened again as soon as it has failed, and on that port. Otherwise it is
   * opened again when a datagram is sent, on the same port if that is free.
   *
   * @default {false}
   */
  readonly fixedPort?: boolean | undefined;
  /** Gives the time, in milliseconds. @default {monotonicNow} */
  readonly now?: (() => number) | undefined;
}

/** A socket that is opened again after it has failed; there is one at a time. */
export class ReopeningSocket {
  readonly #options: ReopeningSocketOptions;
  readonly #now: () => number;
  readonly #over = new AbortController();
  #socket: DatagramSocket | undefined;
  #opening: Promise<DatagramSocket> | undefined;
  /** Where the first socket was bound. */
  #local: Endpoint | undefined;
  /** When the last attempt began. */
  #attempted = -Infinity;
  /** Why there is no socket. */
  #failure: unknown;
  #reopening = false;

  /** Creates it without a socket. */
  constructor(options: ReopeningSocketOptions) {
    this.#options = options;
    this.#now = options.now ?? monotonicNow;
  }

  /**
   * Opens the socket now.
   *
   * @returns Where it is bound.
   * @throws What `bind` throws.
   */
  async open(): Promise<Endpoint> {
    return (await this.#opened()).local;
  }

  /**
   * Sends a datagram.
   *
   * @throws {RangeError} When it is too large.
   * @throws What sending it, or `bind`, throws.
   */
  send(bytes: Uint8Array, to: Endpoint): Promise<void> {
    // Datagrams that wait for the socket go first.
    if (this.#socket === undefined || this.#opening !== undefined) {
      return this.#opened().then((socket) => this.#sendWith(socket, bytes, to));
    }
    return this.#sendWith(this.#socket, bytes, to);
  }

  async #sendWith(socket: DatagramSocket, bytes: Uint8Array, to: Endpoint): Promise<void> {
    try {
      await socket.send(bytes, to);
    } catch (error) {
      if (!isDatagramError(error)) this.#lost(socket, error);
      throw error;
    }
  }

  /** Closes the socket for good. May be called again. */
  close(): void {
    if (this.#over.signal.aborted) return;
    this.#failure = new SocksReplyError("GENERAL_FAILURE", "Association has ended");
    this.#over.abort(this.#failure);
    this.#socket?.close();
    this.#socket = undefined;
  }

  #opened(): Promise<DatagramSocket> {
    if (this.#opening !== undefined) return this.#opening;
    const now = this.#now();
    if (now - this.#attempted < REOPEN_PAUSE) return Promise.reject(this.#failure);
    this.#attempted = now;
    const opening = this.#open();
    // The first to be told: whoever sends later finds no one waiting before it.
    const done = () => void (this.#opening = undefined);
    opening.then(done, done);
    return this.#opening = opening;
  }

  async #open(): Promise<DatagramSocket> {
    const { hostname, fixedPort = false } = this.#options;
    using deadline = startDeadline({
      milliseconds: BIND_TIME,
      signal: this.#over.signal,
      reason: () =>
        new SocksTimeoutError("CONNECT_TIMEOUT", `UDP socket at ${hostname} was not opened within ${BIND_TIME} ms`),
    });
    try {
      const port = this.#local?.port ?? 0;
      try {
        return await this.#bind(port, deadline.signal);
      } catch (error) {
        if (fixedPort || port === 0 || deadline.signal.aborted) throw error;
        // The port is taken.
        return await this.#bind(0, deadline.signal);
      }
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  async #bind(port: number, signal: AbortSignal): Promise<DatagramSocket> {
    const { bind, hostname, onDatagram } = this.#options;
    /** The socket, and how it has ended; it may end before `bind` has returned it. */
    const state: { made?: DatagramSocket; end?: { readonly reason: unknown } } = {};
    const onEnd = (reason: unknown) => {
      state.end = { reason };
      if (state.made !== undefined) this.#lost(state.made, reason);
    };
    const made = await makeUnlessAborted(
      () => bind({ hostname, port, onDatagram, onEnd }),
      signal,
      (late) => late.close(),
    );
    if (state.end !== undefined || this.#over.signal.aborted) {
      made.close();
      throw state.end?.reason ?? this.#failure;
    }
    state.made = made;
    this.#socket = made;
    this.#local ??= made.local;
    return made;
  }

  /** Gives a socket up. */
  #lost(socket: DatagramSocket, reason: unknown): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    const { hostname, port } = socket.local;
    const why = reasonText(reason);
    const what = `UDP socket at ${formatEndpoint({ hostname, port })} has failed: ${why}`;
    this.#failure = new SocksReplyError("GENERAL_FAILURE", what, { cause: reason });
    try {
      socket.close();
    } catch {
      // Closing a broken socket may fail.
    }
    if (this.#options.fixedPort) void this.#reopen();
  }

  /** Opens the socket again without being asked, because the client may send to it at any time. Never rejects. */
  async #reopen(): Promise<void> {
    if (this.#reopening) return;
    this.#reopening = true;
    const { signal } = this.#over;
    while (this.#socket === undefined && !signal.aborted) {
      await this.#opened().catch(() => {});
      if (this.#socket === undefined) await pause(REOPEN_PAUSE, signal);
    }
    this.#reopening = false;
  }
}
