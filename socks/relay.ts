/**
 * Copies both ways between two connections until both are done: one side's end is handed on as an end (half-close), and a failure as
 * one, where there is a way to say that. Whoever takes nothing more may still have something to say.
 *
 * @module
 */
import { BufferPool } from "../gss/buffer_pool.ts";
import type { Bytes } from "../gss/bytes.ts";
import { abortable, type Deadline } from "../gss/deadline.ts";
import { SocksTimeoutError } from "./errors.ts";
import { abort, type Connection } from "./stream/connection.ts";
import { drain } from "./stream/drain.ts";
import { settled } from "./stream/late.ts";
import { LARGE, ReadSize } from "./stream/read_size.ts";

/** What a relay is told. */
export interface RelayOptions {
  /** Ends it when it is aborted; whoever does that closes the client's connection. */
  readonly clock: Deadline;
  /** Time without an octet either way after which it ends, in milliseconds; `Infinity` for none. */
  readonly idleTimeout: number;
  /** The same once one side has ended, where that is less. @default {Infinity} */
  readonly halfCloseTimeout?: number | undefined;
  /** Holds octets up before they are handed on. */
  readonly gate?: Gate | undefined;
}

/** Gives a promise to wait for before so many octets are handed on, where there is anything to wait for. */
export type Gate = (length: number) => Promise<void> | undefined;

/** Octets carried. */
export interface RelayCounts {
  /** From the client to the target. */
  sent: number;
  /** From the target to the client. */
  received: number;
}

/**
 * Relays until both directions have ended, and closes both connections. Where writing to one fails, what it sent before is still handed on, as
 * a server's refusal of what is being sent to it; where reading fails there is nothing more to be had of it.
 *
 * @param counts Counted up while it runs, so that they are right after a failure too.
 * @throws {Error} What failed: reading or writing of either side, or the reason why the clock was aborted.
 */
export async function relay(
  [client, target]: readonly [Connection, Connection],
  counts: RelayCounts,
  { clock, idleTimeout, halfCloseTimeout = Infinity, gate }: RelayOptions,
): Promise<void> {
  clock.limit(
    idleTimeout,
    () => new SocksTimeoutError("IDLE_TIMEOUT", `Nothing was sent or received for ${idleTimeout} ms`),
  );
  const over = new AbortController();
  const lost = Promise.withResolvers<never>();
  const pump = async (from: Connection, to: Connection, key: keyof RelayCounts) => {
    const undelivered = await copy(from, to, (length) => {
      counts[key] += length;
      clock.restart();
      const held = gate?.(length);
      // However long octets are to be held up, they go nowhere once the relay is over.
      return held === undefined ? undefined : abortable(held, over.signal);
    });
    undelivered?.rest.catch(lost.reject);
    if (halfCloseTimeout < idleTimeout) {
      clock.limit(
        halfCloseTimeout,
        () =>
          new SocksTimeoutError("IDLE_TIMEOUT", `One side has ended, and the other was silent ${halfCloseTimeout} ms`),
      );
    }
    return undelivered;
  };
  const both = [pump(client, target, "sent"), pump(target, client, "received")];
  let end = abort;
  try {
    const [sending, receiving] = await abortable(Promise.race([Promise.all(both), lost.promise]), clock.signal);
    const undelivered = sending ?? receiving;
    if (undelivered !== undefined) {
      // The client is still sending, and has to be able to read what it was told instead.
      if (receiving === undefined) await drain(client, { signal: clock.signal });
      throw undelivered.cause;
    }
    end = (connection) => connection.close();
  } finally {
    end(client);
    end(target);
    over.abort(new Error("Relay is over"));
    await settled(both);
  }
}

/** That writing has failed. */
interface Undelivered {
  /** Why. */
  readonly cause: unknown;
  /** Resolved when what was to be written has come to its end; fails when that does. */
  readonly rest: Promise<void>;
}

/** Memory of busy directions, shared by all relays. */
const BUFFERS = new BufferPool(LARGE, 256);

/**
 * The next read is under way while the last octets are written, and two writes may be at once, so that one is sealed while
 * the other goes out; a slow reader holds up two writes and one read, and no more.
 */
async function copy(from: Connection, to: Connection, count: Gate): Promise<Undelivered | undefined> {
  const size = new ReadSize();
  // Where little comes, the connection's own memory does, and an idle one holds no more than that.
  const take = () => size.next === LARGE ? BUFFERS.take() : undefined;
  let buffer = take();
  let reading = from.read(buffer);
  let written: Bytes | undefined;
  let writing: Promise<void> = Promise.resolve();
  for (;;) {
    const bytes: Bytes | null = await reading;
    if (bytes === null) break;
    const held = count(bytes.length);
    if (held !== undefined) await held;
    size.learn(bytes.length);
    const full = buffer;
    buffer = take();
    reading = from.read(buffer);
    reading.catch(() => {}); // Reported by the await above, or lost to an earlier failure.
    const before = writing;
    writing = to.write(bytes);
    writing.catch(() => {}); // Reported one round later.
    try {
      await before;
    } catch (cause) {
      return { cause, rest: readOn(from, reading) };
    }
    if (written !== undefined) BUFFERS.giveBack(written);
    written = full;
  }
  try {
    await writing;
    for (const unused of [written, buffer]) if (unused !== undefined) BUFFERS.giveBack(unused);
    await to.closeWrite();
    return undefined;
  } catch (cause) {
    return { cause, rest: Promise.resolve() };
  }
}

/** Reads what nobody takes, to know of the end, and so that whoever sends it can go on to read. */
async function readOn(from: Connection, reading: Promise<Bytes | null>): Promise<void> {
  for (let bytes = await reading; bytes !== null; bytes = await from.read());
}
