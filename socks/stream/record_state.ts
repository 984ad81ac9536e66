/**
 * What both directions of the record layer share: the connection below, the context, and why they have ended.
 *
 * @module
 */
import type { GssContext } from "../../gss/context.ts";
import type { ProtectionLevel } from "../protection.ts";
import { closedError } from "./closed_error.ts";
import { abort, type Connection } from "./connection.ts";

/** What a {@linkcode RecordState} consists of. */
interface RecordParts {
  readonly connection: Connection;
  readonly context: GssContext;
  readonly level: Exclude<ProtectionLevel, "none">;
}

/** State of a protected connection. */
export class RecordState {
  /** Connection that carries the frames. */
  readonly connection: Connection;
  /** Established context; disposed when the connection ends. */
  readonly context: GssContext;
  /** Protection level that was agreed. */
  readonly level: Exclude<ProtectionLevel, "none">;
  /** Failure of the protection, which ends both directions. */
  #failure: Error | undefined;
  #closed = false;

  constructor({ connection, context, level }: RecordParts) {
    this.connection = connection;
    this.context = context;
    this.level = level;
  }

  /**
   * Returns the error of calls in a direction that has ended; `undefined` while it works.
   *
   * @param ownFailure First failure of this direction alone.
   */
  endOf(ownFailure: Error | undefined): Error | undefined {
    return this.#failure ?? ownFailure ?? (this.#closed ? closedError("The connection") : undefined);
  }

  /** Throws {@linkcode RecordState.endOf}, if there is one. */
  throwIfEnded(ownFailure: Error | undefined): void {
    const end = this.endOf(ownFailure);
    if (end !== undefined) throw end;
  }

  /** Ends both directions for good: the protection has failed. */
  fail(failure: Error): void {
    this.#failure = failure;
    this.connection.close();
    this.context.dispose();
  }

  /** Ends both directions on request. */
  close(): void {
    this.#closed = true;
    this.connection.close();
    this.context.dispose();
  }

  /** Ends both directions and shows the peer that the stream was cut: see {@linkcode Connection.abort}. */
  abort(unfinished: Uint8Array | undefined): void {
    const isWorking = this.endOf(undefined) === undefined;
    this.#closed = true;
    // Behind this side's end nothing can be sent; the connection below takes care of that.
    abort(this.connection, isWorking ? unfinished : undefined);
    this.context.dispose();
  }
}
