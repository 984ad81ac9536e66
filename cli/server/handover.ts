/**
 * Hands a port over to another server that listens on it too. When a listener is closed, the system resets the clients in its queue,
 * so it is closed at a moment when the queue is empty.
 *
 * @module
 */
import { pause } from "../../base/deadline.ts";
import type { ConnectionListener } from "../../socks/stream/listener.ts";

/** Longest wait for a client after which the port is closed, in milliseconds; if none comes, none is lost. */
const QUIET = 100;

/** Closes listeners without losing clients in their queues. */
export class Handover {
  readonly #open = new Set<ConnectionListener>();
  #ending = false;

  /** Wraps a listener, so that {@linkcode end} closes it right after a client was accepted, before the next accept. */
  watched<T extends ConnectionListener>(listener: T): T {
    this.#open.add(listener);
    return {
      ...listener,
      accept: () => {
        if (this.#ending) this.#close(listener);
        return listener.accept();
      },
      close: () => this.#close(listener),
    };
  }

  #close(listener: ConnectionListener): void {
    this.#open.delete(listener);
    listener.close();
  }

  /** Closes each listener after its next client, or after a short wait without one. */
  async end(): Promise<void> {
    this.#ending = true;
    await pause(QUIET);
    for (const listener of this.#open) this.#close(listener);
  }
}
