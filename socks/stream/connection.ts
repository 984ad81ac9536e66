/**
 * The connection of every transport and every protection level: bytes in both directions.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import type { Endpoint } from "../wire/address.ts";

/**
 * A stream of bytes in both directions. Calls of one kind that overlap are served in the order in which they are made. After a
 * failure every later call of that kind fails with the same error; no call reports a failure as an end.
 */
export interface Connection extends AsyncDisposable {
  /** Address of this end, if it has one. */
  readonly local?: Endpoint | undefined;
  /** Address of the other end, if it has one. Behind a balancer that speaks the PROXY protocol, the client's address. */
  readonly remote?: Endpoint | undefined;
  /**
   * Address of the balancer that relays the connection (see `proxyProtocol`). It is the peer of the socket; `remote` is then the
   * client, if its address is known, and `local` is the address at which the balancer reached this machine.
   *
   * @default {none}
   */
  readonly relayedBy?: Endpoint | undefined;
  /**
   * Bytes sent so far, counted also while a call still waits to send the rest. Two readings show whether the peer takes bytes: only
   * growth has a meaning. `undefined` if the transport does not count.
   */
  readonly written?: number | undefined;
  /**
   * Reads some bytes, at least one; `null` after the peer's last byte. The caller owns the bytes and all of the memory that they
   * lie in.
   *
   * @param into Memory that the bytes may be put into, which saves an allocation; they may lie elsewhere all the same. Leave it alone
   *   until the call settles: bytes are lost with memory that is transferred.
   */
  read(into?: Bytes): Promise<Bytes | null>;
  /**
   * Sends all of the bytes, after those of earlier calls. Do not change them until the call settles. A failure ends writing for good;
   * reading goes on unless it is broken too.
   *
   * @throws {TypeError} When the memory of the bytes is transferred or shrunk before they are sent.
   */
  write(bytes: Uint8Array): Promise<void>;
  /** Sends an end after the bytes of earlier calls; reading goes on. */
  closeWrite(): Promise<void>;
  /** Ends both directions at once. Pending calls fail, whatever the peer does, and so do later ones. May be called again. */
  close(): void;
  /**
   * Ends both directions as {@linkcode close} does, and shows the peer that the stream was cut, if the transport has a way to.
   * A relay ends a failed stream in this way. @default {close()}
   *
   * @param unfinished Start of a message that is never finished. It is sent behind the pending writes if the transport itself has no
   * way to say that it is cut.
   */
  abort?(unfinished?: Uint8Array): void;
  /**
   * Checks whether the transport knows that the peer is gone, without reading. Sends no byte and never waits for the peer.
   *
   * @throws {unknown} The transport's error if the peer is gone. Neither an end nor silence is an error.
   */
  probe?(): Promise<void>;
  /** Lets the connection keep the process running, as it does from the start. */
  ref?(): void;
  /** Lets the process exit although the connection is open. */
  unref?(): void;
  /** Sets whether small writes are sent at once (TCP_NODELAY), which they are from the start. @default {no effect} */
  setNoDelay?(noDelay: boolean): void;
  /** Sets whether a silent peer is probed (SO_KEEPALIVE), which it is from the start. @default {no effect} */
  setKeepAlive?(keepAlive: boolean): void;
}

/** Opens connections: to a target, to a proxy, or through a proxy. */
export type Dialer = (target: Endpoint, options: DialOptions) => Promise<Connection>;

/** Options of a {@linkcode Dialer}. */
export interface DialOptions {
  /** Aborts the attempt. A connection that is already open is not closed by it. */
  readonly signal?: AbortSignal | undefined;
}

/** Ends a connection so that the peer sees that it was cut, if possible; see {@linkcode Connection.abort}. */
export function abort(connection: Connection, unfinished?: Uint8Array): void {
  if (connection.abort !== undefined) return connection.abort(unfinished);
  if (unfinished !== undefined) connection.write(unfinished).catch(() => {});
  connection.close();
}

/** Fails if the transport knows that the peer is gone; see {@linkcode Connection.probe}. */
export async function probe(connection: Connection): Promise<void> {
  await connection.probe?.();
}
