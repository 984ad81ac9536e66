/**
 * What users of the client hold: a connection that looks like Deno's own.
 *
 * @module
 */
import type { Bytes } from "../gss/bytes.ts";
import type { Identity } from "./auth/method.ts";
import type { ProxiedConnection } from "./client.ts";
import type { Connection } from "./stream/connection.ts";
import type { ProtectionLevel } from "./stream/protected.ts";
import { type DuplexStreams, streamsOfConnection } from "./stream/web_streams.ts";
import type { Endpoint } from "./wire/address.ts";

/** A connection through a proxy, in the manner of `Deno.Conn`. */
export class SocksConnection implements AsyncDisposable, Disposable {
  /** Target, with its host in one form: a name in A-labels, an address without brackets. */
  readonly target: Endpoint;
  /** Address that the proxy uses towards the target. */
  readonly bound: Endpoint;
  /** How the way to the proxy is protected. */
  readonly protection: ProtectionLevel;
  /** How this side authenticated. */
  readonly identity: Identity;
  readonly #connection: Connection;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.close();
  #pending: Bytes | undefined;
  #streams: DuplexStreams | undefined;

  /** @internal */
  constructor(made: ProxiedConnection, target: Endpoint, signal?: AbortSignal) {
    this.target = target;
    this.bound = made.bound;
    this.protection = made.protection;
    this.identity = made.identity;
    this.#connection = made.connection;
    this.#signal = signal;
    signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Octets from the target. Do not mix with {@linkcode read}. */
  get readable(): ReadableStream<Uint8Array> {
    return (this.#streams ??= streamsOfConnection(this.#connection)).readable;
  }

  /** Octets to the target; closing it is {@linkcode closeWrite}. Do not mix with {@linkcode write}. */
  get writable(): WritableStream<Uint8Array> {
    return (this.#streams ??= streamsOfConnection(this.#connection)).writable;
  }

  /**
   * Reads into `buffer`, in the manner of `Deno.Conn`.
   *
   * @returns How many octets there are now, or `null` after the last.
   */
  async read(buffer: Uint8Array): Promise<number | null> {
    if (buffer.length === 0) return 0;
    const into = buffer.buffer instanceof ArrayBuffer ? buffer as Bytes : undefined;
    const bytes = this.#pending ?? await this.#connection.read(into);
    if (bytes === null) return null;
    if (bytes.buffer === buffer.buffer && bytes.byteOffset === buffer.byteOffset) return bytes.length;
    const count = Math.min(bytes.length, buffer.length);
    buffer.set(bytes.subarray(0, count));
    this.#pending = count < bytes.length ? bytes.subarray(count) : undefined;
    return count;
  }

  /**
   * Sends all of the octets.
   *
   * @returns How many that were.
   */
  async write(bytes: Uint8Array): Promise<number> {
    await this.#connection.write(bytes);
    return bytes.length;
  }

  /** Says that nothing more will be sent; reading goes on. */
  async closeWrite(): Promise<void> {
    await this.#connection.closeWrite();
  }

  /** Ends both directions. May be called again. */
  close(): void {
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#connection.close();
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
