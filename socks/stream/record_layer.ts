/**
 * The record layer of RFC 1961 section 5: every byte of a connection travels in a token of an established security context.
 *
 * ## How this works
 *
 * **On the wire.** Each direction is a sequence of frames `01 03 length token` (`wire/gssapi.ts`). A token is the result of
 * GSS_Wrap: the message, a sequence number and a checksum, encrypted or signed only. RFC 1961 has no frame for an end or an error.
 *
 * **Files.** `record_state.ts` is what both directions share: the connection below, the context, and whether they still work.
 * `record_reader.ts` is the incoming direction, `record_writer.ts` with `sealing.ts` the outgoing one. The two directions do not wait for
 * each other. This file joins them to one {@linkcode Connection}.
 *
 * **Order.** A context gives each token its sequence number when `wrap` is called, so the calls must be made in the order of the bytes;
 * the cryptography behind them may run at the same time. Two turns keep that order when calls of `write` overlap: the turn to seal ends
 * when the last message of a call has its number, the turn to write ends when its last byte has left. So the next call's messages are
 * sealed while this call's frames are still being sent. Calls of `read` run one after another, since a message belongs to one call.
 *
 * **Several tokens at once.** Up to four tokens (`IN_FLIGHT`) are sealed at once into one buffer, which one write sends: a batch. The
 * next batch is sealed while that write is pending. In the other direction all complete frames that were read, up to the same number, are
 * opened at once, and their messages are delivered in the order of the frames. If the caller gives memory for its read, messages that
 * surely fit are joined in it; a single one stays where it was decrypted, which saves a copy.
 *
 * **Short messages.** Where nothing is ahead, a small chunk is sealed and handed to the connection below within the call of `write`, and
 * a token is opened as soon as it has been read; neither makes a promise if the context's cryptography is synchronous. A small chunk
 * waits for none of the places that limit how many connections seal at once, so a keystroke does not wait behind downloads.
 *
 * **What each failure ends.**
 *
 * | failure | effect |
 * | --- | --- |
 * | A frame or a token is not valid: not genuine, not in order, signed instead of encrypted, another frame type, a frame cut short by the peer's end | both directions, for good; nothing of the message or behind it is delivered |
 * | The connection below cannot be read | reading; what is still to be sent may be sent |
 * | The connection below cannot be written, or the context cannot seal (it has expired) | writing; what came, and still comes, can be read |
 * | `close()` or `abort()` | both directions, pending calls included |
 *
 * The first failure of a direction is the error of all its later calls. A failure of a message is reported in its place: the good messages
 * in front of it are delivered first.
 *
 * **An end and a cut.** The end of a direction is the end of the stream below it, behind a complete frame: `closeWrite()` waits for
 * pending writes and ends the stream below (half-close), and `read()` gives `null` for it. The end is not protected: an attacker who can
 * end the TCP connection between two frames can shorten the stream, as RFC 1961 has no message for an end (section 6). `closeWrite()`
 * therefore sends no end behind a failed write, because what is missing would look complete. `abort()` makes the cut visible: it sends the
 * first bytes of a frame that never follows ({@linkcode UNFINISHED}), which the peer reports as `UNEXPECTED_END`.
 *
 * **Who owns memory.** Bytes given to `write` stay the caller's and must not change until the call settles; small ones are sealed or copied at once.
 * Frames lie in pooled buffers, which go back to their pool when the write below has settled well. Bytes are read into a buffer of the
 * reader, and tokens are opened in place there; a decrypted message lies in memory of its own or in the reader's buffer. What `read`
 * returns is the caller's: a message in the reader's buffer is copied, because the next read overwrites that buffer. The caller's
 * `into` is written to at the end of the call only, since it may be transferred meanwhile.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import type { GssContext } from "../../gss/context.ts";
import type { ProtectionLevel, SealPolicy } from "../protection.ts";
import type { Endpoint } from "../wire/address.ts";
import { FrameType } from "../wire/gssapi.ts";
import { type Connection, probe } from "./connection.ts";
import { RecordReader } from "./record_reader.ts";
import { RecordState } from "./record_state.ts";
import { RecordWriter } from "./record_writer.ts";

/** Options of a {@linkcode ProtectedConnection}. */
export interface ProtectedConnectionOptions {
  /** Connection that carries the frames. */
  readonly connection: Connection;
  /** Established context. */
  readonly context: GssContext;
  /** Protection level that was agreed. */
  readonly level: Exclude<ProtectionLevel, "none">;
  /** Which messages are encrypted at level "selective". @default {all of them} */
  readonly seal?: SealPolicy | undefined;
}

/** Header of a frame whose token does not follow. */
const UNFINISHED = Uint8Array.of(1, FrameType.Encapsulation, 0, 32);

/** A connection whose bytes are protected by a security context. */
export class ProtectedConnection implements Connection {
  readonly #state: RecordState;
  readonly #reader: RecordReader;
  readonly #writer: RecordWriter;

  /** Creates a protected connection; it owns the connection below and the context. */
  constructor({ connection, context, level, seal = () => true }: ProtectedConnectionOptions) {
    this.#state = new RecordState({ connection, context, level });
    this.#reader = new RecordReader(this.#state);
    this.#writer = new RecordWriter(this.#state, seal);
  }

  get local(): Endpoint | undefined {
    return this.#state.connection.local;
  }

  get remote(): Endpoint | undefined {
    return this.#state.connection.remote;
  }

  get relayedBy(): Endpoint | undefined {
    return this.#state.connection.relayedBy;
  }

  /** Counts the frames, not the messages in them. */
  get written(): number | undefined {
    return this.#state.connection.written;
  }

  read(into?: Bytes): Promise<Bytes | null> {
    return this.#reader.read(into);
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#writer.write(bytes);
  }

  closeWrite(): Promise<void> {
    return this.#writer.closeWrite();
  }

  close(): void {
    this.#state.close();
  }

  /** Sends the start of a frame that is never finished, unless writing has failed before. */
  abort(): void {
    this.#state.abort(this.#writer.hasFailed ? undefined : UNFINISHED);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  probe(): Promise<void> {
    return probe(this.#state.connection);
  }

  ref(): void {
    this.#state.connection.ref?.();
  }

  unref(): void {
    this.#state.connection.unref?.();
  }

  /** Sets whether small writes are sent at once. */
  setNoDelay(noDelay: boolean): void {
    this.#state.connection.setNoDelay?.(noDelay);
  }

  /** Sets whether a silent peer is probed. */
  setKeepAlive(keepAlive: boolean): void {
    this.#state.connection.setKeepAlive?.(keepAlive);
  }
}
