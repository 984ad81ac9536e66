/**
 * The early end of a session: by a time limit, a lost client, or the end of the server.
 *
 * @module
 */
import { abortable, type Deadline, NO_LIMIT, startDeadline } from "../../base/deadline.ts";
import { promised } from "../../base/eventually.ts";
import { abortQuietly, closeQuietly } from "../stream/close_quietly.ts";
import type { Connection } from "../stream/connection.ts";
import type { ClosingStep } from "./front/options.ts";

/** Longest wait for a client to take its refusal, in milliseconds. */
const REFUSAL_TIME = 1_000;

/**
 * Ends a session early. RFC 1961 section 3.8, and RFC 1929 section 2: a client that is refused while it authenticates gets an answer,
 * whatever the reason. Then its connection is closed, which ends everything that waits for it.
 */
export class EarlyEnd implements ClosingStep {
  /** Sends the answer of the step that is under way; `undefined` when there is nothing to answer. */
  refusal: (() => Promise<void>) | undefined;
  /** The connection to abort, which can tell the client that this is not a regular end. */
  tunnel: Connection | undefined;
  readonly #accepted: Connection;
  /** Aborted when the client has its answer, or had its time for that, and its connection is closed. */
  readonly over: Deadline = startDeadline({ milliseconds: Infinity, reason: NO_LIMIT });
  #patience: Deadline | undefined;
  #ended: Promise<void> | undefined;

  /**
   * Creates the end of a session that has not begun to end.
   *
   * @param accepted Connection to the client.
   */
  constructor(accepted: Connection) {
    this.#accepted = accepted;
  }

  /** Begins the early end, for this reason. */
  begin(reason: unknown): void {
    this.#ended = this.#end().then(() => this.over.abort(reason));
  }

  async #end(): Promise<void> {
    const { refusal, tunnel } = this;
    if (refusal !== undefined) {
      using deadline = startDeadline({
        milliseconds: REFUSAL_TIME,
        reason: () => new Error("Client does not take its refusal"),
      });
      this.#patience = deadline;
      // A method of the caller may throw, too.
      await abortable(promised(refusal), deadline).catch(() => {});
    }
    if (tunnel !== undefined) abortQuietly(tunnel);
    closeQuietly(this.#accepted);
  }

  /** Waits until an early end that has begun is over. The client has no more time than until now to take its refusal. */
  async finish(): Promise<void> {
    this.#patience?.abort(new Error("Session has ended"));
    await this.#ended;
  }
}
