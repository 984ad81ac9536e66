/**
 * Deno KV as a store: a file on one machine, Deno Deploy's, or a server of one's own (denokv).
 *
 * @module
 */
import { pause } from "../../base/deadline.ts";
import { randomBytes, systemRuntime } from "../../base/runtime.ts";
import type { LookOptions, StoreDriver, StoredSession, StoreEra } from "./store.ts";

/** A key. */
type Key = readonly (string | number)[];

/** An entry, or that there is none. */
interface Entry {
  readonly key: Key;
  readonly value: unknown;
  readonly versionstamp: string | null;
}

/** Several changes in one step. */
interface Atomic {
  check(...entries: { key: Key; versionstamp: string | null }[]): Atomic;
  set(key: Key, value: unknown, options?: { expireIn?: number }): Atomic;
  commit(): Promise<{ readonly ok: boolean }>;
}

/** What of `Deno.Kv` is used, whose types are not stable. */
export interface Kv {
  /** Reads one. */
  get(key: Key): Promise<Entry>;
  /** Begins a change. */
  atomic(): Atomic;
  /** Ends it. */
  close(): void;
}

/** Sessions of a user at one server, and until when they count, in milliseconds since the epoch. */
type Counted = Record<string, { readonly sessions: readonly string[]; readonly until: number }>;

/** How often a change is tried that others come before. */
const TRIES = 100;

/** Time in milliseconds for which the era is kept without a probe; without an era nothing is accepted. */
const ERA = 3_600_000;

/**
 * Deno KV as a store. It has no clock: the clocks of the servers must agree to a few seconds, as Kerberos requires anyway. Its writes
 * are on disk, so that it forgets nothing; another file at its path is another era.
 */
export class KvDriver implements StoreDriver {
  readonly name = "Deno KV";
  readonly #openKv: () => Promise<Kv>;
  readonly #prefix: string;
  readonly #markOf: (() => Promise<string>) | undefined;
  #opened: Kv | undefined;
  /** Of the file that is open. */
  #mark: string | undefined;
  #closed = false;

  /**
   * Creates a driver.
   *
   * @param openKv Opens the database.
   * @param prefix Beginning of all keys.
   * @param markOf What tells its file from another one of the same name, where it is a file.
   */
  constructor(openKv: () => Promise<Kv>, prefix: string, markOf: (() => Promise<string>) | undefined) {
    this.#openKv = openKv;
    this.#prefix = prefix;
    this.#markOf = markOf;
  }

  /** Opens it: at the start, and when its file has become another one. */
  async open(): Promise<void> {
    this.#opened?.close();
    this.#opened = this.#mark = undefined;
    const opened = await this.#openKv();
    if (this.#closed) return opened.close();
    this.#opened = opened;
    this.#mark = await this.#markOf?.();
  }

  get #kv(): Kv {
    if (this.#opened === undefined) throw new Error("Deno KV: its file is not open");
    return this.#opened;
  }

  /** Whether the file is still the one opened. A removed file accepts writes, which no other process sees. */
  async #isThere(): Promise<boolean> {
    if (this.#markOf === undefined) return true;
    const mark = await this.#markOf().catch(() => undefined);
    return mark !== undefined && mark === this.#mark;
  }

  async look({ gap }: LookOptions): Promise<StoreEra> {
    if (this.#opened === undefined || !await this.#isThere()) await this.open();
    const key = [this.#prefix, "known"];
    for (let tries = 0; tries < TRIES; tries++) {
      const { value, versionstamp } = await this.#kv.get(key);
      const now = systemRuntime.now();
      const held = value as { readonly id: string; readonly since: number } | null;
      const known = held === null || gap ? { id: randomBytes(16).join("."), since: now } : held;
      const options = { expireIn: ERA };
      const ok = await this.#commit((atomic) => atomic.check({ key, versionstamp }).set(key, known, options));
      if (ok) return { id: known.id, age: now - known.since };
    }
    throw contended();
  }

  async remember(tag: string, milliseconds: number): Promise<boolean> {
    const key = [this.#prefix, "replay", tag];
    const isNew = await this.#commit((atomic) =>
      atomic.check({ key, versionstamp: null }).set(key, 1, { expireIn: milliseconds })
    );
    if (!await this.#isThere()) throw new Error("Deno KV: its file is gone, or another one is in its place");
    return isNew;
  }

  enter({ user, session }: StoredSession, limit: number, lease: number): Promise<boolean> {
    return this.#change(user, lease, (counted) => {
      const count = Object.values(counted).reduce((sum, { sessions }) => sum + sessions.length, 0);
      if (count >= limit) return undefined;
      const server = serverOf(session);
      const sessions = [...counted[server]?.sessions ?? [], session];
      return { ...counted, [server]: { sessions, until: systemRuntime.now() + lease } };
    });
  }

  async leave({ user, session }: StoredSession): Promise<void> {
    await this.#change(user, undefined, (counted) => {
      const server = serverOf(session);
      const held = counted[server];
      if (held === undefined) return undefined;
      const sessions = held.sessions.filter((one) => one !== session);
      return { ...counted, [server]: { ...held, sessions } };
    });
  }

  async renew(sessions: ReadonlyMap<string, readonly string[]>, lease: number): Promise<void> {
    await Promise.all([...sessions].map(([user, all]) =>
      this.#change(user, lease, (counted) => {
        const [first] = all;
        if (first === undefined) return undefined;
        return { ...counted, [serverOf(first)]: { sessions: all, until: systemRuntime.now() + lease } };
      })
    ));
  }

  /** Changes what is counted of a user unless it is changed meanwhile, and then anew; says whether there was anything to change. */
  async #change(
    user: string,
    lease: number | undefined,
    change: (counted: Counted) => Counted | undefined,
  ): Promise<boolean> {
    const key = [this.#prefix, "user", user];
    for (let tries = 0; tries < TRIES; tries++) {
      const { value, versionstamp } = await this.#kv.get(key);
      const now = systemRuntime.now();
      const held = Object.entries((value ?? {}) as Counted).filter(([, { until }]) => until > now);
      const changed = change(Object.fromEntries(held));
      if (changed === undefined) return false;
      const left = Object.fromEntries(Object.entries(changed).filter(([, { sessions }]) => sessions.length > 0));
      const last = Math.max(now + (lease ?? 0), ...Object.values(left).map(({ until }) => until));
      const options = { expireIn: Math.max(1, last - now) };
      if (await this.#commit((atomic) => atomic.check({ key, versionstamp }).set(key, left, options))) return true;
    }
    throw contended();
  }

  /** Makes a change; says whether what it was checked against was still so. A file that another process writes is waited for. */
  async #commit(change: (atomic: Atomic) => Atomic): Promise<boolean> {
    for (let tries = 1;; tries++) {
      try {
        return (await change(this.#kv.atomic()).commit()).ok;
      } catch (error) {
        if (tries >= TRIES || !(error as Error).message.includes("database is locked")) throw error;
        // A random pause: writers in conflict must not try again at the same moment.
        await pause(1 + randomBytes(1)[0]! % 16);
      }
    }
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#opened?.close();
    this.#opened = undefined;
    return Promise.resolve();
  }
}

/** A session's name begins with its server's. */
function serverOf(session: string): string {
  return session.split(":")[0]!;
}

function contended(): Error {
  return new Error(`Deno KV: others came first ${TRIES} times`);
}
