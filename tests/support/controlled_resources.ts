/**
 * Resources and operations that a test controls: they tell whether they were closed, or stay pending until the test lets them go.
 *
 * @module
 */
import { pause } from "../../base/deadline.ts";
import type { Connection } from "../../socks/stream/connection.ts";

/** Something that is closed or not. */
export interface Closable {
  closed: boolean;
  close(): void;
}

/** Something that is closed or not, and does nothing else. */
export function closable(): Closable {
  return {
    closed: false,
    close(): void {
      this.closed = true;
    },
  };
}

/** A connection to a target, which says whether it was closed. What is written to it is gone. */
export interface WatchedTarget extends Connection, Closable {
  /** How often it was read from. */
  reads: number;
}

/** A target that says nothing, sends without end, or is deaf to its own end: its calls stay pending, as those of no transport may. */
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

/** Makes something when it is told to, whatever signal it is given. */
export interface StuckOperation<T> {
  /** Resolved when it was asked for the first time. */
  readonly asked: Promise<void>;
  /** Asks for it. */
  make(): Promise<T>;
  /** Makes it, for everybody who asked. */
  resolve(made: T): void;
}

/** Makes nothing yet. */
export function stuckOperation<T>(): StuckOperation<T> {
  const asked = Promise.withResolvers<void>();
  const made = Promise.withResolvers<T>();
  return {
    asked: asked.promise,
    make(): Promise<T> {
      asked.resolve();
      return made.promise;
    },
    resolve: made.resolve,
  };
}
