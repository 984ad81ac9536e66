/**
 * A byte stream both ways, whatever carries it.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { SocksProtocolError } from "../errors.ts";
import type { Decoded, Endpoint } from "../wire/address.ts";
import { ReceiveBuffer } from "../wire/receive_buffer.ts";

/**
 * A byte stream both ways. Calls of one kind at one time are served in the order in which they are made. After a failure every
 * later call of that kind fails alike; none takes a failure for the end.
 */
export interface Connection extends AsyncDisposable {
  /** This end, where it has an address. */
  readonly local?: Endpoint | undefined;
  /** The other end, where it has an address; behind a balancer that says so, the client. */
  readonly remote?: Endpoint | undefined;
  /**
   * The balancer that it came through, whose address the socket's other end has (see `proxyProtocol`): `remote` is the client, where
   * that is known, and `local` where the balancer reached this machine, which the client need not be able to.
   *
   * @default {none}
   */
  readonly relayedBy?: Endpoint | undefined;
  /**
   * Bytes that have left so far, counted while a call is still waiting for the rest to leave: whoever looks twice knows whether the peer
   * takes any. What counts is that it grows. `undefined` where the transport does not tell.
   */
  readonly written?: number | undefined;
  /**
   * Some bytes, never none, which are the caller's from then on with all of the memory that they lie in; `null` after the peer's last.
   *
   * @param into Memory that they may be put in, which spares fresh memory; they may lie elsewhere all the same. It stays where it is until the
   *   call settles: bytes go along with memory that is transferred.
   */
  read(into?: Bytes): Promise<Bytes | null>;
  /**
   * Sends all of the bytes, after those of earlier calls. They must not be changed until it is done. A failure ends writing for good, and
   * leaves reading alone where that is not broken too.
   *
   * @throws {TypeError} When they are no longer all there before they are sent.
   */
  write(bytes: Uint8Array): Promise<void>;
  /** Says that nothing more will be sent, after what earlier calls send; reading goes on. */
  closeWrite(): Promise<void>;
  /** Ends both directions at once; calls under way fail, whatever the peer does, and so do later ones. May be called again. */
  close(): void;
  /**
   * Ends both directions as {@linkcode close} does, and so that the peer does not take it for an end, where there is a way to tell it.
   * Whoever hands bytes on ends what failed so. @default {close()}
   *
   * @param unfinished Bytes that begin what will never be finished. They go first, behind what is being written, where the transport itself
   * has no way to say that it is cut.
   */
  abort?(unfinished?: Uint8Array): void;
  /**
   * Asks whether the peer is known to be gone, while nothing is read that would tell. Costs no byte and never waits for the peer.
   *
   * @throws {unknown} What the transport was told of it. An end is none, and neither is silence.
   */
  probe?(): Promise<void>;
  /** Has it keep the process going, as it does from the start. */
  ref?(): void;
  /** Lets the process end although it is open. */
  unref?(): void;
}

/** Makes connections: to a target, to a proxy, or through one. */
export type Dialer = (target: Endpoint, options: DialOptions) => Promise<Connection>;

/** What a {@linkcode Dialer} is told beside the target. */
export interface DialOptions {
  /** Ends the attempt. A connection that was made is not closed by it. */
  readonly signal?: AbortSignal | undefined;
}

/** Ends a connection so that the peer sees that it is cut, where it can; see {@linkcode Connection.abort}. */
export function abort(connection: Connection, unfinished?: Uint8Array): void {
  if (connection.abort !== undefined) return connection.abort(unfinished);
  if (unfinished !== undefined) connection.write(unfinished).catch(() => {});
  connection.close();
}

/** Whether the peer is known to be gone, where the transport can tell: fails then. */
export async function probe(connection: Connection): Promise<void> {
  await connection.probe?.();
}

/** A connection with bytes in front of it that were read before. */
export function withPrefix(connection: Connection, prefix: Bytes): Connection {
  if (prefix.length === 0) return connection;
  let pending: Bytes | undefined = prefix;
  const take = () => {
    const first = pending;
    pending = undefined;
    return first;
  };
  return withReads(connection, {
    read(into?: Bytes): Promise<Bytes | null> {
      const first = take();
      return first === undefined ? connection.read(into) : Promise.resolve(first);
    },
    forget: take,
  });
}

/** How {@linkcode withReads} reads. */
interface OtherReads {
  /** As that of a connection. */
  read(into?: Bytes): Promise<Bytes | null>;
  /** Told that nobody will read any more. */
  forget?(): void;
}

/** A connection that is read in another way, and is itself in everything else. */
export function withReads(connection: Connection, { read, forget = () => {} }: OtherReads): Connection {
  return {
    get local() {
      return connection.local;
    },
    get remote() {
      return connection.remote;
    },
    get relayedBy() {
      return connection.relayedBy;
    },
    get written() {
      return connection.written;
    },
    read,
    write: (bytes) => connection.write(bytes),
    closeWrite: () => connection.closeWrite(),
    close(): void {
      forget();
      connection.close();
    },
    abort(unfinished?: Uint8Array): void {
      forget();
      abort(connection, unfinished);
    },
    probe: () => probe(connection),
    ref: () => connection.ref?.(),
    unref: () => connection.unref?.(),
    [Symbol.asyncDispose](): Promise<void> {
      this.close();
      return Promise.resolve();
    },
  };
}

/** Bytes read at a time until a message turns out to be a long one, and from then on. Whoever reads here knows nobody yet. */
const [SHORT, LONG] = [1_024, 16_384];

/** Reads one message after another from a connection, and hands over what was read too much. */
export class MessageReader {
  readonly #connection: Connection;
  readonly #buffer: ReceiveBuffer;
  #room = SHORT;

  constructor(connection: Connection, limit: number) {
    this.#connection = connection;
    this.#buffer = new ReceiveBuffer(limit);
  }

  /** The next message. Throws `UNEXPECTED_END` when the connection ends before it is whole. */
  async next<T>(decode: (bytes: Bytes) => Decoded<T> | undefined): Promise<T> {
    for (;;) {
      const message = this.#buffer.next(decode);
      if (message !== undefined) return message;
      const bytes = await this.#connection.read(new Uint8Array(this.#room));
      if (bytes === null) {
        throw new SocksProtocolError("UNEXPECTED_END", "Peer closed the connection in the middle of the handshake");
      }
      if (bytes.length >= SHORT) this.#room = LONG;
      this.#buffer.push(bytes);
    }
  }

  /** Whether more was read than was used. */
  get hasMore(): boolean {
    return this.#buffer.length > 0;
  }

  /** The connection, with what was read and not used in front. */
  rest(): Connection {
    return withPrefix(this.#connection, this.#buffer.takeAll());
  }
}
