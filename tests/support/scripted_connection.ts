/**
 * A connection whose calls a test answers one by one, for rules that must hold for every behaviour of a transport.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import type { Connection } from "../../socks/stream/connection.ts";

/** A pending call. */
export interface ScriptedCall<T> {
  /** Its argument. */
  readonly bytes: Uint8Array | undefined;
  /** Resolves the call. */
  resolve(value: T): void;
  /** Rejects the call. */
  reject(error: unknown): void;
}

/** A connection that records its calls. */
export class ScriptedConnection implements Connection {
  /** Calls in order, pending or settled. */
  readonly reads: ScriptedCall<Bytes | null>[] = [];
  readonly writes: ScriptedCall<void>[] = [];
  readonly ends: ScriptedCall<void>[] = [];
  /** Number of calls of close(), of its event hooks, of ref() and unref(). */
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

/** Runs all pending microtasks and timers of zero delay. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}
