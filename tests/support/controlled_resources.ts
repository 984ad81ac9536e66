/**
 * Resources and operations that a test controls: they tell whether they were closed, or stay pending until the test lets them go.
 *
 * @module
 */
import { pause } from "../../base/deadline.ts";
import type { Connection } from "../../socks/stream/connection.ts";

/** A resource that knows whether it was closed. */
export interface Closable {
  closed: boolean;
  close(): void;
}

/** Creates a resource that does nothing else. */
export function closable(): Closable {
  return {
    closed: false,
    close(): void {
      this.closed = true;
    },
  };
}

/** A connection to a target that knows whether it was closed. Writes are discarded. */
export interface WatchedTarget extends Connection, Closable {
  /** Number of reads so far. */
  reads: number;
}

/** Creates a target that sends nothing, sends without end, or is stuck: its calls stay pending even after close(). */
export function watchedTarget(kind: "silent" | "flood" | "stuck"): WatchedTarget {
  const ended = Promise.withResolvers<void>();
  return {
    closed: false,
    reads: 0,
    read(): Promise<Uint8Array<ArrayBuffer>> {
      this.reads++;
      if (kind === "flood" && !this.closed) return pause(0).then(() => new Uint8Array(65_536));
      if (kind === "stuck") return new Promise(() => {});
      return ended.promise.then(() => Promise.reject(new Error("Target is closed")));
    },
    write: () => kind === "stuck" ? new Promise(() => {}) : Promise.resolve(),
    closeWrite: () => Promise.resolve(),
    close(): void {
      this.closed = true;
      ended.resolve();
    },
    [Symbol.asyncDispose](): Promise<void> {
      this.close();
      return Promise.resolve();
    },
  };
}

/** An operation that ignores its signal and stays pending until `resolve` is called. */
export interface StuckOperation<T> {
  /** Resolved at the first call of `make`. */
  readonly started: Promise<void>;
  /** Starts the operation. */
  make(): Promise<T>;
  /** Resolves all pending calls. */
  resolve(made: T): void;
}

/** Creates a pending operation. */
export function stuckOperation<T>(): StuckOperation<T> {
  const started = Promise.withResolvers<void>();
  const made = Promise.withResolvers<T>();
  return {
    started: started.promise,
    make(): Promise<T> {
      started.resolve();
      return made.promise;
    },
    resolve: made.resolve,
  };
}
