/**
 * Redis Sentinel: servers that watch a master and its replicas, and name the current master.
 *
 * @module
 */
import { abortable, startDeadline } from "../../base/deadline.ts";
import { closeRedis, openRedis, type OpenRedisOptions, type RedisClient } from "./redis_client.ts";
import type { RedisAddress } from "./redis_places.ts";

/** Options of {@linkcode Sentinels}. */
export interface SentinelsOptions extends Pick<OpenRedisOptions, "access" | "caCerts"> {
  readonly master: string;
  readonly sentinels: readonly RedisAddress[];
}

/** Time in milliseconds for the other sentinels after the first answer; later answers do not count. */
const OTHERS = 300;

/** The sentinels of one master, with a connection to each. */
export class Sentinels {
  readonly #options: SentinelsOptions;
  readonly #clients = new Map<RedisAddress, RedisClient>();

  constructor(options: SentinelsOptions) {
    this.#options = options;
  }

  /**
   * Returns the master that most of the answers name: a sentinel that is cut off from the others may not know it yet.
   *
   * @throws {Error} When no sentinel names one.
   */
  async master(signal: AbortSignal): Promise<RedisAddress> {
    const { sentinels, master } = this.#options;
    using deadline = startDeadline({
      milliseconds: Infinity,
      signal,
      reason: () => new Error("unreachable: there is no time limit yet"),
    });
    const asking = sentinels.map((sentinel) => this.#ask(sentinel, deadline.signal));
    const late = () => new Error(`it did not answer within ${OTHERS} ms after another one`);
    Promise.any(asking).then(() => deadline.limit(OTHERS, late), () => {});
    const asked = await Promise.allSettled(asking);
    const votes = new Map<string, { readonly address: RedisAddress; count: number }>();
    for (const answer of asked) {
      if (answer.status !== "fulfilled" || answer.value === undefined) continue;
      const name = `${answer.value.host} ${answer.value.port}`;
      const vote = votes.get(name);
      if (vote === undefined) votes.set(name, { address: answer.value, count: 1 });
      else vote.count++;
    }
    const [most] = [...votes.values()].sort((a, b) => b.count - a.count);
    if (most !== undefined) return most.address;
    const failed = asked.find((answer) => answer.status === "rejected");
    if (failed === undefined) throw new Error(`no sentinel knows a master "${master}"`);
    throw new Error(`no sentinel answers: ${(failed.reason as Error).message}`);
  }

  async #ask(sentinel: RedisAddress, signal: AbortSignal): Promise<RedisAddress | undefined> {
    let client = this.#clients.get(sentinel);
    try {
      if (client === undefined) {
        let opened: RedisClient | undefined;
        const onLost = () => this.#forget(sentinel, opened);
        client = opened = await openRedis({ ...this.#options, address: sentinel, onLost, signal });
        this.#clients.set(sentinel, client);
      }
      const asking = client.sendCommand(["SENTINEL", "get-master-addr-by-name", this.#options.master]);
      asking.catch(() => {});
      const answer: unknown = await abortable(asking, signal);
      if (answer === null) return undefined;
      const [host, port] = Array.isArray(answer) ? answer.map(String) : [];
      if (host && port && /^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) < 65_536) {
        return { host, port: Number(port) };
      }
      throw new Error("what it says of the master is no address");
    } catch (error) {
      this.#forget(sentinel, client);
      if (client !== undefined) closeRedis(client);
      throw error;
    }
  }

  /** One that has ended; there may be another one in its place. */
  #forget(sentinel: RedisAddress, client: RedisClient | undefined): void {
    if (client !== undefined && this.#clients.get(sentinel) === client) this.#clients.delete(sentinel);
  }

  close(): void {
    for (const client of this.#clients.values()) closeRedis(client);
    this.#clients.clear();
  }
}
