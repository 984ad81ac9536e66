/**
 * A UDP socket that is there again after it could not be made, or has failed: an association lives longer than a shortage of
 * descriptors, an address that was away, or a socket.
 *
 * @module
 */
import { reasonText } from "../../../base/reason.ts";
import type { Bytes } from "../../../base/bytes.ts";
import { pause, startDeadline } from "../../../base/deadline.ts";
import { monotonicNow } from "../../../base/runtime.ts";
import { SocksReplyError, SocksTimeoutError } from "../../errors.ts";
import type { BindDatagrams, DatagramSocket } from "../../stream/datagram_socket.ts";
import { makeUnlessAborted } from "../../stream/make_unless_aborted.ts";
import { type Endpoint, formatEndpoint } from "../../wire/address.ts";
import { isDatagramError } from "../../stream/datagram_error.ts";

/** Between two attempts to make a socket, in milliseconds, however many datagrams want one. */
export const REOPEN_PAUSE = 500;
/** Longest time for an attempt, in milliseconds. */
const BIND_TIME = 5_000;

/** What {@linkcode SteadySocket} is made of. */
export interface SteadySocketOptions {
  /** Makes sockets. */
  readonly bind: BindDatagrams;
  /** Address that it is bound to. */
  readonly hostname: string;
  /** Told of each datagram that comes. */
  readonly onDatagram: (bytes: Bytes, from: Endpoint) => void;
  /**
   * Whether others were told its port: then it is made again as soon as it has failed, and on that port. Else it is made again
   * when something is to be sent, on the same port where that is free.
   *
   * @default {false}
   */
  readonly told?: boolean | undefined;
  /** Gives the time, in milliseconds. @default {monotonicNow} */
  readonly now?: (() => number) | undefined;
}

/** One socket after another, of which there is one at a time. */
export class SteadySocket {
  readonly #options: SteadySocketOptions;
  readonly #now: () => number;
  readonly #over = new AbortController();
  #socket: DatagramSocket | undefined;
  #opening: Promise<DatagramSocket> | undefined;
  /** Where the first one was bound. */
  #local: Endpoint | undefined;
  /** When the last attempt was made. */
  #attempted = -Infinity;
  /** Why there is no socket. */
  #failure: unknown;
  #reopening = false;

  /** Makes one, and no socket yet. */
  constructor(options: SteadySocketOptions) {
    this.#options = options;
    this.#now = options.now ?? monotonicNow;
  }

  /**
   * Has a socket made now.
   *
   * @returns Where it is bound.
   * @throws What making it throws.
   */
  async open(): Promise<Endpoint> {
    return (await this.#made()).local;
  }

  /**
   * Sends a datagram.
   *
   * @throws {RangeError} When it is too large.
   * @throws What sending it, or making a socket, throws.
   */
  async send(bytes: Uint8Array, to: Endpoint): Promise<void> {
    const socket = this.#socket ?? await this.#made();
    try {
      await socket.send(bytes, to);
    } catch (error) {
      if (!isDatagramError(error)) this.#lost(socket, error);
      throw error;
    }
  }

  /** Releases the port; there will be no other socket. May be called again. */
  close(): void {
    if (this.#over.signal.aborted) return;
    this.#failure = new SocksReplyError("GENERAL_FAILURE", "Association has ended");
    this.#over.abort(this.#failure);
    this.#socket?.close();
    this.#socket = undefined;
  }

  #made(): Promise<DatagramSocket> {
    if (this.#opening !== undefined) return this.#opening;
    const now = this.#now();
    if (now - this.#attempted < REOPEN_PAUSE) return Promise.reject(this.#failure);
    this.#attempted = now;
    const opening = this.#open().finally(() => this.#opening = undefined);
    return this.#opening = opening;
  }

  async #open(): Promise<DatagramSocket> {
    const { hostname, told = false } = this.#options;
    using deadline = startDeadline({
      milliseconds: BIND_TIME,
      signal: this.#over.signal,
      reason: () =>
        new SocksTimeoutError("CONNECT_TIMEOUT", `UDP socket at ${hostname} was not made within ${BIND_TIME} ms`),
    });
    try {
      const port = this.#local?.port ?? 0;
      try {
        return await this.#bind(port, deadline.signal);
      } catch (error) {
        if (told || port === 0 || deadline.signal.aborted) throw error;
        // Somebody else has the port now.
        return await this.#bind(0, deadline.signal);
      }
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  async #bind(port: number, signal: AbortSignal): Promise<DatagramSocket> {
    const { bind, hostname, onDatagram } = this.#options;
    /** The socket, and how it has ended, which it may before it is here. */
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

  /** A socket is of no more use. */
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
      // What is broken may not even be closed.
    }
    if (this.#options.told) void this.#reopen();
  }

  /** Others send to it, and nobody here knows when. Never rejects. */
  async #reopen(): Promise<void> {
    if (this.#reopening) return;
    this.#reopening = true;
    const { signal } = this.#over;
    while (this.#socket === undefined && !signal.aborted) {
      await this.#made().catch(() => {});
      if (this.#socket === undefined) await pause(REOPEN_PAUSE, signal);
    }
    this.#reopening = false;
  }
}
