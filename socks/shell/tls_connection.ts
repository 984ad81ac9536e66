/**
 * A connection inside TLS, through `node:tls`.
 *
 * @module
 */
import type { TLSSocket } from "node:tls";
import { abortable, startDeadline } from "../../base/deadline.ts";
import { SocksError, SocksProtocolError, SocksTlsError } from "../errors.ts";
import type { CarrierStream } from "./carrier.ts";
import { abort, type Connection, probe } from "../stream/connection.ts";
import { DuplexConnection } from "./duplex.ts";

/** What a {@linkcode NodeTlsConnection} stands on. */
export interface TlsTransport {
  /** The stream that carries the records. */
  readonly carrier: CarrierStream;
  /** The connection under the stream. */
  readonly connection: Connection;
  /** The other side, for messages. */
  readonly peer: "server" | "client";
}

/**
 * Converts an error after the handshake. A server that refuses this side's certificate sends an alert after this side has finished the
 * handshake (RFC 8446 section 6.2).
 */
function convertError(error: Error, peer: string, received: number): Error {
  const { code } = error as { code?: unknown };
  if (typeof code !== "string" || !code.startsWith("ERR_SSL_")) return error;
  if (!error.message.startsWith("received fatal alert")) {
    return new SocksProtocolError("NOT_GENUINE", `TLS record is not genuine: ${error.message}`, { cause: error });
  }
  if (received > 0) return error;
  return new SocksTlsError("TLS_HANDSHAKE", `TLS ${peer} ended the handshake: ${error.message}`, { cause: error });
}

/** A connection inside TLS. Reads and writes wait for the handshake. */
export class NodeTlsConnection extends DuplexConnection {
  readonly #socket: TLSSocket;
  readonly #carrier: CarrierStream;
  readonly #connection: Connection;
  readonly #peer: TlsTransport["peer"];
  readonly #handshake = Promise.withResolvers<void>();
  #secure = false;
  #closing: Promise<void> | undefined;

  /**
   * @param socket The TLS socket, whose handshake has started.
   * @param transport What it stands on.
   */
  constructor(socket: TLSSocket, { carrier, connection, peer }: TlsTransport) {
    super(socket, connection);
    this.#socket = socket;
    this.#carrier = carrier;
    this.#connection = connection;
    this.#peer = peer;
    carrier.full = () => socket.readableLength >= socket.readableHighWaterMark;
    carrier.onWriteFailure = (error) => this.failWrites(error);
    carrier.onEnd = ({ error }) => {
      // The first error stays; an error of TLS comes before this one.
      if (!this.#secure) socket.destroy(error ?? new Error(`the ${peer} closed the connection`));
      this.changed();
    };
    const secured = () => {
      this.#secure = true;
      this.#handshake.resolve();
    };
    this.#handshake.promise.catch(() => {}); // Calls that wait for it report it.
    socket.once("secureConnect", secured);
    socket.once("secure", secured);
    carrier.watch();
  }

  /** Protocol that both sides agreed on (RFC 7301). */
  get alpnProtocol(): string | undefined {
    return this.#socket.alpnProtocol || undefined;
  }

  /** Counts the bytes of the connection underneath, with the records' headers. */
  override get written(): number | undefined {
    return this.#connection.written;
  }

  override probe(): Promise<void> {
    return probe(this.#connection);
  }

  /** Only a close_notify ends the stream. An attacker can end the connection underneath. */
  protected override missing(): Error | undefined {
    const { end } = this.#carrier;
    if (end === undefined || this.ended) return undefined;
    return end.error ?? new SocksTlsError("TLS_CUT", "TLS stream was cut: it ended without a close_notify");
  }

  protected override taken(): void {
    this.#carrier.resume();
  }

  protected override fail(error: Error): void {
    const reported = this.#secure
      ? convertError(error, this.#peer, this.#socket.bytesRead)
      : this.#handshakeError(error);
    this.#handshake.reject(reported);
    super.fail(reported);
  }

  #handshakeError(error: Error): Error {
    if (error instanceof SocksError) return error;
    return new SocksTlsError("TLS_HANDSHAKE", `TLS handshake with the ${this.#peer} failed: ${error.message}`, {
      cause: error,
    });
  }

  protected override async endWriting(): Promise<void> {
    // An end during the handshake would abort it.
    if (!this.#secure) await this.#handshake.promise;
    await super.endWriting();
    await this.#carrier.flushed();
    if (this.#carrier.writeFailure !== undefined) throw this.#carrier.writeFailure;
    await this.#connection.closeWrite();
  }

  /**
   * An end without a close_notify is a cut (RFC 8446 section 6.1). So a regular close sends one, except in the middle of a record, which
   * the peer takes for a cut anyway.
   */
  protected override release(): void {
    const { stream, writeFailure } = this.#carrier;
    const canNotify = !this.cut && this.#secure && writeFailure === undefined && !this.#socket.destroyed;
    if (!canNotify || this.#socket.writableLength > 0) return this.#closeBoth();
    if (!this.#socket.writableEnded) this.#socket.end();
    else if (stream.writableLength === 0) return this.#closeBoth();
    this.#closing = this.#notified().then(() => this.#closeBoth());
  }

  /** Resolved when the connection underneath has taken the close_notify, or the time is over. */
  async #notified(): Promise<void> {
    using deadline = startDeadline({ milliseconds: NOTIFY_TIME, reason: () => new Error("close_notify is not taken") });
    await abortable(this.#carrier.flushed(), deadline.signal).catch(() => {});
  }

  #closeBoth(): void {
    this.#socket.destroy();
    if (this.cut) abort(this.#connection);
    else this.#connection.close();
  }

  override ref(): void {
    this.#connection.ref?.();
  }

  override unref(): void {
    this.#connection.unref?.();
  }

  override setNoDelay(noDelay: boolean): void {
    this.#connection.setNoDelay?.(noDelay);
  }

  override setKeepAlive(keepAlive: boolean): void {
    this.#connection.setKeepAlive?.(keepAlive);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#closing;
  }
}

/** Longest wait until the connection underneath takes a close_notify, in milliseconds. */
const NOTIFY_TIME = 1_000;
