/**
 * Probes of a client that is not read.
 *
 * @module
 */
import { type Deadline, startDeadline } from "../../../base/deadline.ts";
import { type Connection, probe } from "../../stream/connection.ts";

/**
 * Probes the client while the target takes no bytes: nothing is read from the client then, so that its reset would not be seen. A target
 * that has reset is not given up: the bytes that it sent before still go to the client, however slow the client is.
 */
export class ClientProbe implements Disposable {
  #timer: Deadline | undefined;
  readonly #client: Connection;
  readonly #target: Connection;
  readonly #options: ClientProbeOptions;
  #paused = false;
  #running = false;
  #written: number | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor([client, target]: readonly [Connection, Connection], options: ClientProbeOptions) {
    this.#client = client;
    this.#target = target;
    this.#options = options;
  }

  /** Called when the client is not read any more, but for a read that is under way. */
  pause(reading?: Promise<unknown>): void {
    this.#paused = true;
    reading?.catch((error) => this.#failure = { error });
    if (this.#running) return;
    this.#running = true;
    this.#written = this.#target.written;
    this.#timer ??= startDeadline({ milliseconds: Infinity, reason: () => undefined });
    this.#timer.limit(this.#options.probeAfter, () => this.#probe());
  }

  /** Called when the client is read again. */
  resume(): void {
    this.#paused = false;
  }

  #probe(): undefined {
    this.#running = this.#paused;
    const { written } = this.#target;
    if (!this.#paused) this.#timer?.limit(Infinity, () => undefined);
    else if (written !== this.#written) this.#written = written;
    else if (this.#failure !== undefined) this.#options.lost(this.#failure.error);
    else probe(this.#client).catch(this.#options.lost);
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
  }
}

/** Options of a {@linkcode ClientProbe}. */
interface ClientProbeOptions {
  /** Time between two probes, in milliseconds. */
  readonly probeAfter: number;
  /** Called with the failure, when the client has gone. */
  readonly lost: (error: unknown) => void;
}
