/**
 * Whether a client is still there while something is done on its behalf that takes time.
 *
 * @module
 */
import { clientGoneError, END_GRACE } from "../stream/client_end.ts";
import { type Deadline, pause } from "../../base/deadline.ts";
import type { Asked } from "./commands/command.ts";
import type { CommandName } from "../rules/rule.ts";
import { type Connection, probe } from "../stream/connection.ts";
import { EndWatcher, type PeerEnd } from "../stream/end_watcher.ts";

/** What a client may go in the middle of. */
const WHILE: Readonly<Record<CommandName, string>> = {
  connect: "its target was being reached",
  bind: "BIND waited",
  udp: "its association was set up",
  resolve: "its look-up was under way",
};

/**
 * Watches a client from its request to the answer, and ends what is done for it when it goes.
 *
 * Programs that have nothing to add to their request may end what they send and wait as long as others. So where the transport can tell, such a
 * client has its answer begun, after a moment: the system of one that has left refuses that. Nobody connects to who has ended, though, or
 * has datagrams relayed for him (RFC 1928 section 7).
 */
export class ClientWatch implements Disposable {
  readonly #asked: Asked;
  readonly #command: CommandName;
  readonly #attempt: Deadline;
  readonly #ahead: EndWatcher;
  /** Ends the looks at a client that has ended, once there are any. */
  #looking: AbortController | undefined;

  /**
   * Begins to watch.
   *
   * @param attempt What is done for the client.
   */
  constructor(asked: Asked, command: CommandName, attempt: Deadline) {
    this.#asked = asked;
    this.#command = command;
    this.#attempt = attempt;
    this.#ahead = new EndWatcher(asked.rest());
    this.#ahead.watch((end) => this.#ended(end), () => this.#canTell && this.#look(false));
  }

  /** The client's connection from here on. */
  rest(): Connection {
    return this.#ahead.rest();
  }

  /** Whether more can be known of a client than that it has ended. */
  get #canTell(): boolean {
    return this.#asked.accepted.probe !== undefined;
  }

  #ended(end: PeerEnd): void {
    const command = this.#command;
    const isEnd = end.failure === undefined;
    if (isEnd && (command === "connect" || command === "resolve") && this.#canTell) return this.#look(true);
    // A tunnel may carry what came early, and hand its end on; of everything else an end is the end.
    const reason = clientGoneError(end, WHILE[command], command === "connect");
    if (reason === undefined) return;
    if (isEnd && command !== "bind") this.#attempt.limit(END_GRACE, () => reason);
    else this.#attempt.abort(reason);
  }

  /** Looks whether it is there, while nothing is read that would tell. */
  #look(begins: boolean): void {
    const { signal } = this.#looking = new AbortController();
    const looking = async (): Promise<void> => {
      for (;;) {
        await pause(END_GRACE, signal);
        if (signal.aborted) return;
        if (begins) await this.#asked.begin();
        await probe(this.#asked.accepted);
      }
    };
    looking().catch((failure) => {
      if (signal.aborted) return;
      this.#attempt.abort(clientGoneError({ failure, hasUnread: false }, WHILE[this.#command], false));
    });
  }

  /** It is being answered: what it sends is the command's from now on. May be called again. */
  [Symbol.dispose](): void {
    this.#looking?.abort();
    this.#ahead[Symbol.dispose]();
    this.#attempt.limit(Infinity, () => new Error("unreachable: there is no time limit"));
  }
}
