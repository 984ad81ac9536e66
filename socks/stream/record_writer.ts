/**
 * The outgoing direction of the record layer: messages are sealed a batch at a time, and frames sent in order.
 *
 * @module
 */
import { asError } from "../../base/reason.ts";
import { readsAtOnce } from "../../gss/eventual.ts";
import { GssError } from "../../gss/status.ts";
import { SocksConnectionError } from "../errors.ts";
import { isSealed, type SealPolicy } from "../protection.ts";
import { Chunk } from "./chunk.ts";
import { closedError } from "./closed_error.ts";
import type { RecordState } from "./record_state.ts";
import { acquireSealing, sealBatch, type SealedBatch, type Sealer } from "./sealing.ts";

/** Turns of one call of `write`. */
interface Turns {
  /** Resolved when the calls before have sent all of their frames, or failed. */
  readonly writeTurn: Promise<void>;
  /** Called when every message of this call has its sequence number. */
  readonly onSealing: () => void;
}

/** Writes protected messages. */
export class RecordWriter {
  readonly #state: RecordState;
  readonly #sealer: Sealer;
  /** Resolved when the calls before have started to seal all of their messages; `undefined` if they already have. */
  #sealing: Promise<void> | undefined;
  /** Calls that are not settled. */
  #pending = 0;
  /** The last call; it settles after those before it. */
  #writing: Promise<void> = Promise.resolve();
  #ending: Promise<void> | undefined;
  /** Failure of this direction. */
  #failure: Error | undefined;

  constructor(state: RecordState, seal: SealPolicy) {
    this.#state = state;
    this.#sealer = { context: state.context, confidential: (length) => isSealed(state.level, seal, length) };
  }

  /** Whether writing has failed: the peer must not take what follows for a continuation. */
  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** Implements `Connection.write`. Sealing starts at once if no earlier call is still sealing. */
  write(bytes: Uint8Array): Promise<void> {
    const isAlone = this.#pending === 0;
    let chunk: Chunk;
    try {
      // A copy takes 2 us in a session that is idle between its messages.
      chunk = new Chunk(bytes, !isAlone || !readsAtOnce(this.#state.context));
      this.#throwIfEnded();
      if (this.#ending !== undefined) throw closedError("Writing");
    } catch (error) {
      return Promise.reject(error);
    }
    this.#pending++;
    return this.#writing = isAlone && chunk.isSmall ? this.#writeSmall(chunk) : this.#writeInTurn(chunk);
  }

  /** Seals a small chunk now, and sends its frame. Nothing is ahead of it. */
  async #writeSmall(chunk: Chunk): Promise<void> {
    try {
      if (chunk.length > 0) await this.#send(sealBatch(this.#sealer, chunk, 0));
    } catch (error) {
      throw this.#fail(error);
    } finally {
      this.#pending--;
    }
  }

  async #writeInTurn(chunk: Chunk): Promise<void> {
    const [sealTurn, writeTurn] = [this.#sealing, this.#writing.catch(() => {})];
    const sealed = Promise.withResolvers<void>();
    this.#sealing = sealed.promise;
    const onSealing = () => {
      if (this.#sealing === sealed.promise) this.#sealing = undefined;
      sealed.resolve();
    };
    try {
      if (sealTurn !== undefined) await sealTurn;
      await this.#writeMessages(chunk, { writeTurn, onSealing });
    } catch (error) {
      throw this.#fail(error);
    } finally {
      onSealing();
      this.#pending--;
    }
  }

  /** Seals a batch at a time, each while the batch before is being sent. */
  async #writeMessages(chunk: Chunk, { writeTurn, onSealing }: Turns): Promise<void> {
    let writing = writeTurn;
    for (let at = 0; at < chunk.length;) {
      const turn = acquireSealing(chunk);
      if (turn !== undefined) await turn;
      let batch: SealedBatch;
      try {
        batch = sealBatch(this.#sealer, chunk, at);
      } catch (error) {
        // The batches before are sent first, so that the error names the right count.
        await writing;
        throw error;
      }
      at += batch.length;
      // Every message has its number: the next call may seal.
      if (at >= chunk.length) onSealing();
      if (batch.frames instanceof Promise) batch.frames.catch(() => {}); // Reported below, unless the write before fails too.
      await writing;
      writing = this.#send(batch);
      writing.catch(() => {}); // Reported one round later.
    }
    onSealing();
    await writing;
  }

  async #send({ frames, release }: SealedBatch): Promise<void> {
    const bytes = frames instanceof Promise ? await frames : frames;
    // Frames behind a failed write would leave a gap.
    this.#throwIfEnded();
    await this.#state.connection.write(bytes);
    release();
  }

  /** Implements `Connection.closeWrite`. */
  async closeWrite(): Promise<void> {
    this.#throwIfEnded();
    await (this.#ending ??= this.#writing.catch(() => {}).then(() => this.#endWriting()));
  }

  async #endWriting(): Promise<void> {
    try {
      // An end behind a failed write would make an incomplete stream look complete.
      this.#throwIfEnded();
      await this.#state.connection.closeWrite();
    } catch (error) {
      throw this.#fail(error);
    }
  }

  #throwIfEnded(): void {
    this.#state.throwIfEnded(this.#failure);
  }

  /** Returns the first failure, which stays. Reading goes on. */
  #fail(error: unknown): Error {
    const known = this.#state.endOf(this.#failure);
    if (known !== undefined) return known;
    this.#failure = error instanceof GssError
      ? new SocksConnectionError("LOST", `Cannot protect a message: ${error.message}`, { cause: error })
      : asError(error);
    return this.#failure;
  }
}
