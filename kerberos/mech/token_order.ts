/**
 * The order of received per-message tokens: they are opened concurrently, and their numbers judged in the order of the calls.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import type { UnwrappedMessage } from "../../gss/context.ts";
import type { Eventually } from "../../base/eventually.ts";
import { KerberosError } from "../errors.ts";
import { type SequenceOptions, SequenceWindow } from "./sequence.ts";
import { notGenuine } from "./tokens/errors.ts";

/** A genuine token, before its sequence number is judged. */
export interface GenuineToken {
  /** Both words of its sequence number. */
  readonly high: number;
  readonly low: number;
  /** The message, empty for a MIC token. */
  readonly data: Bytes;
  /** Whether the message was encrypted. */
  readonly confidential: boolean;
}

/** Judges the tokens that one side of a context receives. */
export class TokenOrder {
  readonly #window: SequenceWindow;
  /** Resolves when the token before has been judged; undefined when none is pending. */
  #pending: Promise<void> | undefined;

  constructor(options: SequenceOptions) {
    this.#window = new SequenceWindow(options);
  }

  /**
   * Judges the number of a token that was opened now, or is being opened, after those of the calls before. The number of a token that is
   * not genuine is ignored.
   */
  judge(opening: Eventually<GenuineToken>): Eventually<UnwrappedMessage> {
    return this.#pending === undefined && !(opening instanceof Promise)
      ? this.#judged(opening)
      : this.#judgeInTurn(this.#pending, opening);
  }

  async #judgeInTurn(before: Promise<void> | undefined, opening: Eventually<GenuineToken>): Promise<UnwrappedMessage> {
    const turn = Promise.withResolvers<void>();
    this.#pending = turn.promise;
    try {
      if (opening instanceof Promise) opening.catch(() => {}); // Reported below, after the tokens before it.
      await before;
      return this.#judged(await opening);
    } catch (error) {
      throw asNotGenuine(error);
    } finally {
      turn.resolve();
      if (this.#pending === turn.promise) this.#pending = undefined;
    }
  }

  #judged({ data, confidential, high, low }: GenuineToken): UnwrappedMessage {
    return { data, confidential, status: this.#window.check(high, low) };
  }
}

/** Names a seal or signature that does not fit the token. */
export function asNotGenuine(error: unknown): unknown {
  return error instanceof KerberosError && error.code === "INTEGRITY" ? notGenuine(error) : error;
}
