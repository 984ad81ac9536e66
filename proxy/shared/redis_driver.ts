/**
 * Redis as a store. It is up when it takes writes, not when it is connected.
 *
 * @module
 */
import { onAbort } from "../../base/deadline.ts";
import { closeRedis, openRedis, type RedisClient } from "./redis_client.ts";
import { type RedisAddress, type RedisPlace, redisPlaces } from "./redis_places.ts";
import { ENTER, LOOK, RENEW } from "./redis_scripts.ts";
import { Sentinels } from "./sentinels.ts";
import type { LookOptions, SharedStoreOptions, StoreDriver, StoredSession, StoreEra } from "./store.ts";

/** Options of `connectRedis`. */
export interface RedisOptions extends SharedStoreOptions {
  /**
   * `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`, or `rediss:` for TLS. With several, the first that takes writes is the master;
   * when it takes no more writes, the master is looked for again. Or
   * `redis+sentinel://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]].../MASTER[/DATABASE]` (`rediss+sentinel:`): each second the sentinels
   * are asked which server is the master of that name. User and password are those of Redis.
   */
  readonly url: string | readonly string[];
  /** Password instead of the one in the address, such as one from a file. */
  readonly password?: string | undefined;
  /** Password of the sentinels. @default {none} */
  readonly sentinelPassword?: string | undefined;
  /** Certificates of trusted authorities for TLS, in PEM. @default {the system's} */
  readonly caCerts?: readonly string[] | undefined;
  /**
   * Replicas that must have an authenticator before it counts as remembered (`WAIT`), so that a promoted replica has it. If fewer have
   * it within half a second, the store is lost.
   *
   * @default {0}
   */
  readonly replicas?: number | undefined;
  /** Prefix of all keys. @default {"gssocks:"} */
  readonly prefix?: string | undefined;
}

/** Time in milliseconds for which the era is kept without a probe; without an era nothing is accepted. */
const ERA = 3_600_000;

/** Answers that a connection may owe. */
const OWED = 2;

/** Sessions renewed by one script: Redis does nothing else meanwhile. */
const AT_ONCE = 1_000;

/** Time for replicas to say that they have what was written, in milliseconds. */
const REPLICATING = 500;

/** Answers of one that has some of the keys alone. */
const CLUSTER = /^(?:MOVED|ASK|CROSSSLOT|CLUSTERDOWN)\b/;

/** A server that takes what is written. */
interface Master {
  readonly client: RedisClient;
  readonly address: RedisAddress;
}

/** Speaks to the one server of several that takes what is written. */
export class RedisDriver implements StoreDriver {
  readonly name = "Redis";
  readonly #prefix: string;
  readonly #options: RedisOptions;
  readonly #servers: readonly RedisPlace[];
  readonly #sentinels: Sentinels | undefined;
  /** How the server that the sentinels name is spoken to. */
  readonly #access: RedisPlace["access"];
  readonly #replicas: number;
  #master: Master | undefined;
  #owed = 0;
  /** Why the last connection was lost. */
  #lost = "not connected yet";
  #closed = false;

  /** @throws {TypeError} When an address is none. */
  constructor(options: RedisOptions) {
    const { prefix = "gssocks:", replicas = 0, password, caCerts } = options;
    if (!Number.isInteger(replicas) || replicas < 0) {
      throw new TypeError("Cannot use replicas: a number of them is wanted, 0 or more");
    }
    this.#prefix = prefix;
    this.#replicas = replicas;
    this.#options = options;
    const places = redisPlaces(options.url);
    if (places.type === "servers") {
      this.#servers = places.servers.map(({ address, access }) => ({
        address,
        access: { ...access, password: password ?? access.password },
      }));
      this.#access = this.#servers[0]!.access;
      return;
    }
    const { master, sentinels, access } = places;
    this.#servers = [];
    this.#access = { ...access, password: password ?? access.password };
    // Who a sentinel lets in is its own affair.
    const asked = { ...access, username: undefined, password: options.sentinelPassword, database: 0 };
    this.#sentinels = new Sentinels({ master, sentinels, caCerts, access: asked });
  }

  async look(options: LookOptions): Promise<StoreEra> {
    const { signal } = options;
    const named = await this.#named(signal);
    if (this.#master !== undefined && named !== undefined && !same(named, this.#master.address)) this.#drop();
    const master = this.#master;
    if (master === undefined) return await this.#open(named, options);
    const owes = () => {
      if (this.#master === master && ++this.#owed >= OWED) this.#drop("it owed answers");
    };
    using _owing = signal.aborted ? undefined : onAbort(signal, owes);
    try {
      const era = await this.#lookAt(master.client, options.gap);
      this.#owed = 0;
      return era;
    } catch (error) {
      // It may be a replica now, or have moved: the next probe looks for the master again.
      if (!signal.aborted && this.#master === master) this.#drop();
      throw error;
    }
  }

  /** What the sentinels say; where none says anything, the master that there is stays. */
  async #named(signal: AbortSignal): Promise<RedisAddress | undefined> {
    if (this.#sentinels === undefined) return undefined;
    return await this.#sentinels.master(signal).catch((error) => {
      if (this.#master === undefined) throw error;
      return undefined;
    });
  }

  /** Connects to all that it may be; the first in their order that takes a write is the master. */
  async #open(named: RedisAddress | undefined, options: LookOptions): Promise<StoreEra> {
    const places = named === undefined ? this.#servers : [{ address: named, access: this.#access }];
    const tried = await Promise.allSettled(places.map((place) => this.#try(place, options)));
    let found: StoreEra | undefined;
    for (const one of tried) {
      if (one.status === "rejected") continue;
      const { master, era } = one.value;
      if (found !== undefined || this.#closed || options.signal.aborted) closeRedis(master.client);
      else {
        [this.#master, this.#owed] = [master, 0];
        found = era;
      }
    }
    if (found !== undefined) return found;
    options.signal.throwIfAborted();
    const failed = tried.find((one) => one.status === "rejected");
    throw failed?.reason ?? new Error("Redis is closed");
  }

  async #try({ address, access }: RedisPlace, options: LookOptions): Promise<{ master: Master; era: StoreEra }> {
    const { signal } = options;
    // Also called for a connection that was never open.
    let opened: RedisClient | undefined;
    const onLost = (reason: string) => {
      if (opened !== undefined && this.#master?.client === opened) this.#drop(reason);
    };
    const client = opened = await openRedis({ address, access, caCerts: this.#options.caCerts, onLost, signal });
    using _giveUp = onAbort(signal, () => closeRedis(client));
    try {
      return { master: { client, address }, era: await this.#lookAt(client, options.gap) };
    } catch (error) {
      closeRedis(client);
      throw error;
    }
  }

  async #lookAt(client: RedisClient, gap: boolean): Promise<StoreEra> {
    // No authenticator and no user has the empty name: these writes are probes.
    const keys = [`${this.#prefix}known`, `${this.#prefix}replay:`, this.#user("")];
    const looking = client.eval(LOOK, { keys, arguments: [gap ? "1" : "0", String(ERA)] });
    const [answer] = await this.#replicated(client, looking).catch((error) => {
      throw CLUSTER.test(error.message) ? new Error(`Redis Cluster is not supported: ${error.message}`) : error;
    });
    const [id, age] = answer as [string, number];
    return { id: String(id), age: Number(age) };
  }

  /** What was written, once as many replicas have it as is wanted. */
  async #replicated<T>(client: RedisClient, writing: Promise<T>): Promise<[T]> {
    if (this.#replicas === 0) return [await writing];
    // Behind it on the same connection, so that it is about that write.
    const [written, count] = await Promise.all([writing, client.wait(this.#replicas, REPLICATING)]);
    if (count >= this.#replicas) return [written];
    throw new Error(`${count} of the ${this.#replicas} replicas that are wanted have what was written`);
  }

  #drop(reason = "it is looked for again"): void {
    const { client } = this.#master ?? {};
    this.#master = undefined;
    this.#lost = reason;
    this.#owed = 0;
    if (client !== undefined) closeRedis(client);
  }

  get #client(): RedisClient {
    if (this.#master === undefined) throw new Error(`Redis is not connected: ${this.#lost}`);
    return this.#master.client;
  }

  async remember(tag: string, milliseconds: number): Promise<boolean> {
    const client = this.#client;
    const set = { condition: "NX", expiration: { type: "PX", value: milliseconds } } as const;
    const [answer] = await this.#replicated(client, client.set(`${this.#prefix}replay:${tag}`, "1", set));
    return answer === "OK";
  }

  async enter({ user, session }: StoredSession, limit: number, lease: number): Promise<boolean> {
    const asking = { keys: [this.#user(user)], arguments: [session, String(limit), String(lease)] };
    return await this.#client.eval(ENTER, asking) === 1;
  }

  async leave({ user, session }: StoredSession): Promise<void> {
    await this.#client.zRem(this.#user(user), session);
  }

  /** All scripts are on their way before the first has been answered. */
  async renew(sessions: ReadonlyMap<string, readonly string[]>, lease: number): Promise<void> {
    const client = this.#client;
    const asked: Promise<unknown>[] = [];
    let [keys, words, count]: [string[], string[], number] = [[], [], 0];
    const ask = () => {
      asked.push(client.eval(RENEW, { keys, arguments: [String(lease), ...words] }));
      [keys, words, count] = [[], [], 0];
    };
    for (const [user, all] of sessions) {
      for (let at = 0; at < all.length; at += AT_ONCE) {
        const some = all.slice(at, at + AT_ONCE);
        if (count > 0 && count + some.length > AT_ONCE) ask();
        keys.push(this.#user(user));
        words.push(String(some.length), ...some);
        count += some.length;
      }
    }
    if (count > 0) ask();
    await Promise.all(asked);
  }

  #user(user: string): string {
    return `${this.#prefix}user:${user}`;
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#drop("it is closed");
    this.#sentinels?.close();
    return Promise.resolve();
  }
}

function same(one: RedisAddress, other: RedisAddress): boolean {
  return one.host === other.host && one.port === other.port;
}
