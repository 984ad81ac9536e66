/**
 * A connection whose every call is answered by the test: for what must hold whatever a transport does and whenever.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import type { Connection } from "../../socks/stream/connection.ts";

/** A call that waits for its answer. */
export interface ScriptedCall<T> {
  /** What it was given. */
  readonly bytes: Uint8Array | undefined;
  /** Ends it well. */
  resolve(value: T): void;
  /** Ends it otherwise. */
  reject(error: unknown): void;
}

/** The connection and what was asked of it. */
export class ScriptedConnection implements Connection {
  /** Calls in their order, answered or not. */
  readonly reads: ScriptedCall<Bytes | null>[] = [];
  readonly writes: ScriptedCall<void>[] = [];
  readonly ends: ScriptedCall<void>[] = [];
  /** How often it was closed, and told that this is no end; how it was held and let go. */
  closes = 0;
  aborts = 0;
  refs: string[] = [];

  read(into?: Bytes): Promise<Bytes | null> {
    return this.#call(this.reads, into);
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#call(this.writes, bytes);
  }

  closeWrite(): Promise<void> {
    return this.#call(this.ends, undefined);
  }

  #call<T>(calls: ScriptedCall<T>[], bytes: Uint8Array | undefined): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    calls.push({ bytes, resolve, reject });
    return promise;
  }

  close(): void {
    this.closes++;
    for (const call of [...this.reads, ...this.writes, ...this.ends]) call.reject(new Error("Script was closed"));
  }

  abort(): void {
    this.aborts++;
    this.close();
  }

  ref(): void {
    this.refs.push("ref");
  }

  unref(): void {
    this.refs.push("unref");
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }
}

/** Lets everything happen that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}
