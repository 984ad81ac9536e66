/**
 * Whether a client is still there while something is done on its behalf that takes time.
 *
 * @module
 */
import { type Deadline, pause } from "../../base/deadline.ts";
import type { Asked } from "./commands/command.ts";
import { SocksConnectionError, SocksError } from "../errors.ts";
import type { CommandName } from "../rules/rules.ts";
import { type Connection, probe } from "../stream/connection.ts";
import { type AheadEnd, ReadAhead } from "../stream/read_ahead.ts";

/**
 * Time in milliseconds for which a client is still served that has ended what it sends, where nothing else tells whether it is there: it may
 * be one that has nothing to add, and reads (`nc -N`), which looks no different from one that has left. Where a transport tells, this is the
 * time between two looks.
 */
export const GRACE = 500;

/**
 * Why a client that has come to its end is not served any further.
 *
 * A failure always is a reason. An end of what it sends is none where it has sent something that is to be carried: whoever has said all that
 * he has to say may still want to read the answer. RFC 1928 knows of no half-close; without anything to carry, an end is how a client leaves.
 *
 * @param doing What was under way, for the message.
 * @param mayEnd Whether it may end what it sends when there is something to carry.
 * @returns `undefined` where it is still to be served.
 */
export function goneBecause(
  { failure, early }: AheadEnd,
  doing: string,
  mayEnd: boolean,
): SocksError | undefined {
  if (failure === undefined && early && mayEnd) return undefined;
  // What is wrong with what it says is worth more than that it is over.
  if (failure instanceof SocksError && !(failure instanceof SocksConnectionError)) return failure;
  const reason = failure instanceof Error ? `: ${failure.message}` : "";
  return new SocksConnectionError("LOST", `Client went while ${doing}${reason}`, { cause: failure });
}

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
  readonly #ahead: ReadAhead;
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
    this.#ahead = new ReadAhead(asked.rest());
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

  #ended(end: AheadEnd): void {
    const command = this.#command;
    const isEnd = end.failure === undefined;
    if (isEnd && (command === "connect" || command === "resolve") && this.#canTell) return this.#look(true);
    // A tunnel may carry what came early, and hand its end on; of everything else an end is the end.
    const reason = goneBecause(end, WHILE[command], command === "connect");
    if (reason === undefined) return;
    if (isEnd && command !== "bind") this.#attempt.limit(GRACE, () => reason);
    else this.#attempt.abort(reason);
  }

  /** Looks whether it is there, while nothing is read that would tell. */
  #look(begins: boolean): void {
    const { signal } = this.#looking = new AbortController();
    const looking = async (): Promise<void> => {
      for (;;) {
        await pause(GRACE, signal);
        if (signal.aborted) return;
        if (begins) await this.#asked.begin();
        await probe(this.#asked.accepted);
      }
    };
    looking().catch((failure) => {
      if (signal.aborted) return;
      this.#attempt.abort(goneBecause({ failure, early: false }, WHILE[this.#command], false));
    });
  }

  /** It is being answered: what it sends is the command's from now on. May be called again. */
  [Symbol.dispose](): void {
    this.#looking?.abort();
    this.#ahead[Symbol.dispose]();
    this.#attempt.limit(Infinity, () => new Error("unreachable: there is no time limit"));
  }
}
