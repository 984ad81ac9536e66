/**
 * How a server lets go of a port that another one listens on too. Clients whom the system has given to this one and who wait to be
 * accepted are reset when it stops to listen, so that the moment is to be one at which nobody waits.
 *
 * @module
 */
import { pause } from "../../base/deadline.ts";
import type { ConnectionListener } from "../../socks/stream/listener.ts";

/** Longest wait for a client behind whom the port can be closed, in milliseconds: where none comes, none is lost. */
const QUIET = 100;

/** Listeners that can be let go of. */
export class Handover {
  readonly #open = new Set<ConnectionListener>();
  #ending = false;

  /** The same listener, which {@linkcode end} closes behind a client that was accepted, while no accept is under way. */
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

  /** Closes each listener behind its next client, or where none comes for a while. */
  async end(): Promise<void> {
    this.#ending = true;
    await pause(QUIET);
    for (const listener of this.#open) this.#close(listener);
  }
}
