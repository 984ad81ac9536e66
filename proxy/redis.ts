/**
 * What several machines behind one name share, through Redis: the authenticators that were seen, and how many sessions each
 * user has.
 *
 * @example Two servers that refuse each other's replays
 * ```ts
 * import { serve } from "@gssocks/gssocks";
 * import { connectRedis } from "@gssocks/gssocks/redis";
 *
 * export async function main(): Promise<void> {
 *   await using shared = await connectRedis({ url: "redis://redis.example.com", onLoss: "refuse" });
 *   const { replayCache, userLedger } = shared;
 *   await serve({ keytab: "/etc/krb5.keytab", rules: ["allow *"], replayCache, userLedger }).finished;
 * }
 * ```
 *
 * @module
 */
// First, although only the next line needs it, and only if it is there: without a lock file Deno does not find that package
// where a dynamic import meets it before its optional peer.
import "@opentelemetry/api";
import { createClient, type RedisClientType } from "@redis/client";
import { abortable, aborted, pause, startDeadline } from "../gss/deadline.ts";
import { randomBytes, systemRuntime } from "../gss/runtime.ts";
import { MemoryReplayCache, type ReplayCache, type ReplayEntry } from "../kerberos/mech/replay_cache.ts";
import { Tally, type UserLedger } from "../socks/limits/limits.ts";

/** What {@linkcode connectRedis} takes. */
export interface RedisOptions {
  /** `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`, or `rediss:` for TLS. */
  readonly url: string;
  /**
   * What becomes of clients while Redis cannot be reached: `refuse` lets nobody in by Kerberos, and nobody who is counted;
   * `allow` goes by what this server has seen itself, which lets in what was replayed from another. In both cases clients
   * without mutual authentication, where they are let in at all, are refused until the clock skew has passed since it was back.
   */
  readonly onLoss: "refuse" | "allow";
  /** Beginning of all keys. @default {"gssocks:"} */
  readonly prefix?: string | undefined;
  /** Time for an answer, in milliseconds. @default {2000} */
  readonly timeout?: number | undefined;
  /** Told when Redis is lost, and when it is back. */
  readonly onChange?: ((up: boolean, reason: string) => void) | undefined;
}

/** What is shared. */
export interface SharedStore extends AsyncDisposable {
  /** For `serve`. */
  readonly replayCache: ReplayCache;
  /** For `serve`. */
  readonly userLedger: UserLedger;
  /** Whether Redis can be reached, and what happens while it cannot. */
  state(): { readonly up: boolean; readonly onLoss: "refuse" | "allow" };
}

/**
 * Connects to Redis, and goes on trying where that fails: a server starts without it, and behaves as `onLoss` says.
 *
 * @throws {TypeError} When the URL is none.
 */
export async function connectRedis(options: RedisOptions): Promise<SharedStore> {
  // What is wrong with it is not repeated: there may be a password in it.
  if (!/^rediss?:\/\/./.test(options.url) || !URL.canParse(options.url)) {
    throw new TypeError("Cannot connect to Redis: redis://HOST:PORT is wanted");
  }
  const redis = new Redis(options);
  await redis.start();
  return {
    replayCache: new RedisReplayCache(redis),
    userLedger: new RedisUserLedger(redis),
    state: () => ({ up: redis.up, onLoss: options.onLoss }),
    [Symbol.asyncDispose]: () => redis.close(),
  };
}

/** Thrown where Redis does not answer and that is to refuse clients. */
export class SharedStoreError extends Error {
  /** Name of the class. */
  override readonly name = "SharedStoreError";
}

/** A client that answers in time or not at all. */
class Redis {
  readonly prefix: string;
  readonly onLoss: "refuse" | "allow";
  readonly closing = new AbortController();
  readonly #client: RedisClientType;
  readonly #timeout: number;
  readonly #onChange: (up: boolean, reason: string) => void;
  #keeping: Promise<void> = Promise.resolve();
  #up = false;
  /** Whether it has been asked in vain, or for too long. */
  #lost = false;
  /** When it was there again the last time, in milliseconds since the epoch. */
  #back: number | undefined;

  constructor({ url, onLoss, prefix = "gssocks:", timeout = 2_000, onChange = () => {} }: RedisOptions) {
    this.prefix = prefix;
    this.onLoss = onLoss;
    this.#timeout = timeout;
    this.#onChange = onChange;
    this.#client = createClient({
      url,
      // What cannot be asked now is not asked later: a client waits for the answer.
      disableOfflineQueue: true,
      maintNotifications: "disabled",
      // The client's own pauses go on when it is closed, so that it is connected again here.
      socket: { connectTimeout: timeout, reconnectStrategy: false },
    }) as RedisClientType;
    this.#client.on("error", (error: Error) => this.#change(false, error.message || "connection failed"));
    this.#client.on("ready", () => this.#change(true, "connected"));
  }

  get up(): boolean {
    return this.#up && this.#client.isReady;
  }

  #change(up: boolean, reason: string): void {
    if (this.closing.signal.aborted) return;
    if (!up) this.#lost = true;
    if (this.#up === up) return;
    this.#up = up;
    if (up && this.#lost) [this.#lost, this.#back] = [false, systemRuntime.now()];
    this.#onChange(up, reason);
  }

  /** Since when nothing that was accepted can be missing; `undefined` while Redis has always been there. */
  get knowsSince(): number | undefined {
    return this.up ? this.#back : systemRuntime.now();
  }

  /** Waits for the connection, and not for longer than an answer may take. */
  async start(): Promise<void> {
    const connected = new Promise<void>((resolve) => this.#client.once("ready", () => resolve()));
    this.#keeping = this.#keep();
    await this.#inTime(connected).catch((error) => this.#onChange(false, (error as Error).message));
  }

  /** Connects, and connects again, until it is closed. */
  async #keep(): Promise<void> {
    const { signal } = this.closing;
    for (let tries = 0; !signal.aborted; tries++) {
      // What fails is told by the events.
      const lost = new Promise<void>((resolve) => this.#client.once("terminated", () => resolve()));
      const connected = await this.#client.connect().then(() => true, () => false);
      if (connected) {
        tries = 0;
        await Promise.race([lost, aborted(signal)]);
      }
      await pause(Math.min(100 * 2 ** tries, 2_000), signal);
    }
  }

  /** An answer, or an error in time. */
  async ask<T>(question: (client: RedisClientType) => Promise<T>): Promise<T> {
    return await this.#inTime(question(this.#client));
  }

  async #inTime<T>(answer: Promise<T>): Promise<T> {
    const milliseconds = this.#timeout;
    using deadline = startDeadline({
      milliseconds,
      reason: () => new SharedStoreError(`Redis did not answer within ${milliseconds} ms`),
    });
    answer.catch(() => {});
    return await abortable(answer, deadline.signal);
  }

  /** What to do where there is no answer. */
  lost<T>(error: unknown, otherwise: () => T): T {
    if (this.onLoss === "allow") return otherwise();
    const reason = error instanceof Error ? error.message : String(error);
    throw new SharedStoreError(`Cannot ask the shared store: ${reason}`, { cause: error });
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.#client.destroy();
    await this.#keeping;
  }
}

/** Remembers authenticators for all machines: to ask and to remember is one command (`SET NX`). */
class RedisReplayCache implements ReplayCache {
  readonly #redis: Redis;
  /** What this server has seen itself, for when Redis is lost. */
  readonly #own = new MemoryReplayCache();

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** A Redis that was lost may have begun anew with nothing, and meanwhile each machine went by what it had seen itself. */
  get knowsSince(): number | undefined {
    return this.#redis.knowsSince;
  }

  async insert(entry: ReplayEntry): Promise<boolean> {
    const own = this.#own.insert(entry);
    const { tag, expiresAt, now } = entry;
    try {
      const value = Math.max(1, Math.ceil(expiresAt - now));
      const key = `${this.#redis.prefix}replay:${tag}`;
      const set = { condition: "NX", expiration: { type: "PX", value } } as const;
      return await this.#redis.ask((client) => client.set(key, "1", set)) === "OK" && own;
    } catch (error) {
      return this.#redis.lost(error, () => own);
    }
  }
}

/** A session counts for so long, in milliseconds, after its server was last heard of. */
const LEASE = 30_000;

/** Takes out what has run out, and puts a session in where there is room; times are Redis' own. */
const ENTER = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1`;

/** Puts off when sessions run out. */
const RENEW = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1`;

/** Counts sessions of users over all machines. A machine that dies is not counted any more after {@linkcode LEASE}. */
class RedisUserLedger implements UserLedger {
  readonly #redis: Redis;
  readonly #server = [...randomBytes(8)].map((octet) => octet.toString(16).padStart(2, "0")).join("");
  /** Sessions of this server by user. */
  readonly #sessions = new Map<string, string[]>();
  readonly #own = new Tally();
  #count = 0;

  constructor(redis: Redis) {
    this.#redis = redis;
    void this.#renew();
  }

  async enter(user: string, limit: number): Promise<boolean> {
    if (!this.#own.enter(user, limit)) return false;
    const session = `${this.#server}:${++this.#count}`;
    const asking = { keys: [this.#key(user)], arguments: [session, String(limit), String(LEASE)] };
    try {
      const entered = await this.#redis.ask((client) => client.eval(ENTER, asking)) === 1;
      if (!entered) this.#own.leave(user);
      else this.#of(user).push(session);
      return entered;
    } catch (error) {
      try {
        this.#redis.lost(error, () => this.#of(user).push(session));
      } catch (refusal) {
        this.#own.leave(user);
        throw refusal;
      }
      return true;
    }
  }

  leave(user: string): void {
    this.#own.leave(user);
    const sessions = this.#of(user);
    const session = sessions.pop();
    if (sessions.length === 0) this.#sessions.delete(user);
    if (session === undefined) return;
    // One that cannot be taken out runs out.
    this.#redis.ask((client) => client.zRem(this.#key(user), session)).catch(() => {});
  }

  #of(user: string): string[] {
    let sessions = this.#sessions.get(user);
    if (sessions === undefined) this.#sessions.set(user, sessions = []);
    return sessions;
  }

  #key(user: string): string {
    return `${this.#redis.prefix}user:${user}`;
  }

  async #renew(): Promise<void> {
    const { signal } = this.#redis.closing;
    while (!signal.aborted) {
      await pause(LEASE / 3, signal);
      for (const [user, sessions] of this.#sessions) {
        if (signal.aborted) return;
        const renewing = { keys: [this.#key(user)], arguments: [String(LEASE), ...sessions] };
        await this.#redis.ask((client) => client.eval(RENEW, renewing)).catch(() => {});
      }
    }
  }
}
