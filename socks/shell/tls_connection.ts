/**
 * What is inside TLS, over what is outside of it.
 *
 * @module
 */
import type { TLSSocket } from "node:tls";
import { abortable, startDeadline } from "../../base/deadline.ts";
import { SocksError, SocksProtocolError, SocksTlsError } from "../errors.ts";
import type { Carrier } from "./carrier.ts";
import { abort, type Connection, probe } from "../stream/connection.ts";
import { DuplexConnection } from "./duplex.ts";

/** What is under a {@linkcode TlsOver}, and who is at the other end. */
export interface TlsUnder {
  /** Carries the records. */
  readonly carrier: Carrier;
  /** What they are carried on. */
  readonly connection: Connection;
  /** For messages. */
  readonly peer: "server" | "client";
}

/**
 * An error of an established stream in our words. A server that does not want this side's certificate says so in an alert,
 * which comes after this side's handshake is done (RFC 8446 section 6.2).
 */
function translated(error: Error, peer: string, received: number): Error {
  const { code } = error as { code?: unknown };
  if (typeof code !== "string" || !code.startsWith("ERR_SSL_")) return error;
  if (!error.message.startsWith("received fatal alert")) {
    return new SocksProtocolError("NOT_GENUINE", `TLS record is not genuine: ${error.message}`, { cause: error });
  }
  if (received > 0) return error;
  return new SocksTlsError("TLS_HANDSHAKE", `TLS ${peer} ended the handshake: ${error.message}`, { cause: error });
}

/** The connection inside. What is read or written before the handshake is done waits for it. */
export class TlsOver extends DuplexConnection {
  readonly #socket: TLSSocket;
  readonly #carrier: Carrier;
  readonly #connection: Connection;
  readonly #peer: TlsUnder["peer"];
  readonly #agreed = Promise.withResolvers<void>();
  #secure = false;
  #gone: Promise<void> | undefined;

  /**
   * Makes one.
   *
   * @param socket TLS, whose handshake is under way.
   * @param under What it is over.
   */
  constructor(socket: TLSSocket, { carrier, connection, peer }: TlsUnder) {
    super(socket, connection);
    this.#socket = socket;
    this.#carrier = carrier;
    this.#connection = connection;
    this.#peer = peer;
    carrier.full = () => socket.readableLength >= socket.readableHighWaterMark;
    carrier.onWriteFailure = (error) => this.failWrites(error);
    carrier.onEnd = ({ error }) => {
      // The first error stays, so that of TLS does where there is one.
      if (!this.#secure) socket.destroy(error ?? new Error(`the ${peer} closed the connection`));
      this.changed();
    };
    const secured = () => {
      this.#secure = true;
      this.#agreed.resolve();
    };
    this.#agreed.promise.catch(() => {}); // Told by the calls that wait for it.
    socket.once("secureConnect", secured);
    socket.once("secure", secured);
    carrier.watch();
  }

  /** Protocol agreed upon (RFC 7301). */
  get alpnProtocol(): string | undefined {
    return this.#socket.alpnProtocol || undefined;
  }

  /** With what is around the records. */
  override get written(): number | undefined {
    return this.#connection.written;
  }

  override probe(): Promise<void> {
    return probe(this.#connection);
  }

  /** A server that has no more to say says so inside TLS; who ends it outside may be anybody. */
  protected override missing(): Error | undefined {
    const { end } = this.#carrier;
    if (end === undefined || this.ended) return undefined;
    return end.error ?? new SocksTlsError("TLS_CUT", "TLS stream was cut: it ended without a close_notify");
  }

  protected override taken(): void {
    this.#carrier.resume();
  }

  protected override fail(error: Error): void {
    const told = this.#secure ? translated(error, this.#peer, this.#socket.bytesRead) : this.#unagreed(error);
    this.#agreed.reject(told);
    super.fail(told);
  }

  #unagreed(error: Error): Error {
    if (error instanceof SocksError) return error;
    return new SocksTlsError("TLS_HANDSHAKE", `TLS handshake with the ${this.#peer} failed: ${error.message}`, {
      cause: error,
    });
  }

  protected override async endWriting(): Promise<void> {
    // An end before the handshake is done would be one of the handshake.
    if (!this.#secure) await this.#agreed.promise;
    await super.endWriting();
    await this.#carrier.flushed();
    if (this.#carrier.writeFailure !== undefined) throw this.#carrier.writeFailure;
    await this.#connection.closeWrite();
  }

  /**
   * An end without a close_notify is a cut (RFC 8446 section 6.1). Where it is none this side says so, unless it is in the middle of a
   * record: the peer would take the end for a cut.
   */
  protected override release(): void {
    const { stream, writeFailure } = this.#carrier;
    const able = !this.cut && this.#secure && writeFailure === undefined && !this.#socket.destroyed;
    if (!able || this.#socket.writableLength > 0) return this.#depart();
    if (!this.#socket.writableEnded) this.#socket.end();
    else if (stream.writableLength === 0) return this.#depart();
    this.#gone = this.#said().then(() => this.#depart());
  }

  /** Resolved when the close_notify is underneath, or will not be. */
  async #said(): Promise<void> {
    using deadline = startDeadline({ milliseconds: PATIENCE, reason: () => new Error("close_notify is not taken") });
    await abortable(this.#carrier.flushed(), deadline.signal).catch(() => {});
  }

  #depart(): void {
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

  override async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#gone;
  }
}

/** Longest wait until a close_notify is taken, in milliseconds. */
const PATIENCE = 1_000;
