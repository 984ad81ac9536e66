/**
 * Watches whether a client is still there while the server works for it.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { type Deadline, NO_LIMIT, pause } from "../../base/deadline.ts";
import type { CommandName } from "../rules/rule.ts";
import { clientGoneError, END_GRACE } from "../stream/client_end.ts";
import { type Connection, probe } from "../stream/connection.ts";
import { EndWatcher, type PeerEnd } from "../stream/end_watcher.ts";
import { SHORT_READ } from "../stream/read_size.ts";
import type { ClientRequest } from "./front/request.ts";

/** What the server does for each command, for the message. */
const WHILE: Readonly<Record<CommandName, string>> = {
  connect: "its target was being reached",
  bind: "BIND waited",
  udp: "its association was set up",
  resolve: "its look-up was under way",
};

/**
 * Watches a client from its request to the reply, and ends the attempt when the client goes.
 *
 * A program that has nothing to add to its request may end its side and wait for the reply like any other. So if the transport can tell
 * whether such a client is there, the reply to it is begun after a moment: the system of a client that has gone refuses that byte. But
 * a client that has ended gets no connection from BIND, and no datagrams (RFC 1928 section 7).
 */
export class ClientWatch implements Disposable {
  /** The connection that follows the request, for the command. */
  readonly rest: Connection;
  readonly #client: ClientRequest;
  readonly #command: CommandName;
  readonly #attempt: Deadline;
  readonly #ahead: EndWatcher;
  /** Ends the probes of a client that has ended its side, once there are any. */
  #probing: AbortController | undefined;

  /**
   * Begins to watch.
   *
   * @param attempt What the server does for the client.
   */
  constructor(client: ClientRequest, command: CommandName, attempt: Deadline) {
    this.#client = client;
    this.#command = command;
    this.#attempt = attempt;
    this.#ahead = new RequestWatcher(client.rest);
    this.rest = this.#ahead.rest();
    this.#ahead.watch((end) => this.#ended(end), () => this.#canProbe && this.#probe(false));
  }

  /** Stops to watch, before the reply: what the client sends belongs to the command from now on. May be called again. */
  readonly stop = (): void => {
    this.#probing?.abort();
    this.#ahead[Symbol.dispose]();
    this.#attempt.limit(Infinity, NO_LIMIT);
  };

  /** Whether the transport can tell more than that the client has ended its side. */
  get #canProbe(): boolean {
    return this.#client.accepted.probe !== undefined;
  }

  #ended(end: PeerEnd): void {
    const command = this.#command;
    const isEnd = end.failure === undefined;
    if (isEnd && (command === "connect" || command === "resolve") && this.#canProbe) return this.#probe(true);
    // A tunnel can forward early bytes and the end behind them; for other commands, an end means that the client has gone.
    const reason = clientGoneError(end, WHILE[command], command === "connect");
    if (reason === undefined) return;
    if (isEnd && command !== "bind") this.#attempt.limit(END_GRACE, () => reason);
    else this.#attempt.abort(reason);
  }

  /** Probes the client from time to time, while nothing is read that would tell. */
  #probe(begins: boolean): void {
    const { signal } = this.#probing = new AbortController();
    const probing = async (): Promise<void> => {
      for (;;) {
        await pause(END_GRACE, signal);
        if (signal.aborted) return;
        if (begins) await this.#client.begin();
        await probe(this.#client.accepted);
      }
    };
    probing().catch((failure) => {
      if (signal.aborted) return;
      this.#attempt.abort(clientGoneError({ failure, hasUnread: false }, WHILE[this.#command], false));
    });
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}

/** Takes little for the first read, which an idle session waits with; the relay joins what it cuts. */
class RequestWatcher extends EndWatcher {
  protected override memory(held: number): Bytes | undefined {
    return held === 0 ? new Uint8Array(SHORT_READ) : undefined;
  }
}
