/**
 * Copies both ways between two connections until both are done: one side's end is handed on as an end (half-close), and a failure as
 * one, where there is a way to say that. Whoever takes nothing more may still have something to say.
 *
 * @module
 */
import type { Bytes } from "../../../base/bytes.ts";
import { abortable, type Deadline } from "../../../base/deadline.ts";
import { Silence, Watch } from "./clock.ts";
import { RelayMemory, Room } from "./memory.ts";
import { abort, type Connection } from "../../stream/connection.ts";
import { drain } from "../../stream/drain.ts";
import { untilSettled } from "../../stream/settling.ts";

/** What a relay is told. */
export interface RelayOptions {
  /** Ends it when it is aborted; whoever does that closes the client's connection. */
  readonly clock: Deadline;
  /**
   * Times in milliseconds, `Infinity` for none: `idle` without a byte that comes or leaves either way, `halfClose` the same once one
   * side has ended, if that is shorter. Bytes that the gate delays are not silence.
   */
  readonly timeouts: { readonly idle: number; readonly halfClose?: number | undefined };
  /** Holds bytes up before they are handed on. */
  readonly gate?: Gate | undefined;
  /** Time for which one side takes nothing after which the other one is asked whether it is still there, in milliseconds. @default {1000} */
  readonly probeAfter?: number | undefined;
  /** Memory that it takes its buffers of. @default {one that all relays share} */
  readonly memory?: RelayMemory | undefined;
}

/** Gives a promise to wait for before so many bytes are handed on, where there is anything to wait for. */
export type Gate = (length: number) => Promise<void> | undefined;

/** Bytes carried. */
export interface RelayCounts {
  /** From the client to the target. */
  sent: number;
  /** From the target to the client. */
  received: number;
}

const SHARED = new RelayMemory();

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
  options: RelayOptions,
): Promise<void> {
  const { clock, timeouts: { idle, halfClose = Infinity }, gate, probeAfter = 1_000, memory = SHARED } = options;
  const over = gate === undefined ? undefined : new AbortController();
  const both: Promise<Undelivered | undefined>[] = [];
  let end = abort;
  try {
    const lost = Promise.withResolvers<never>();
    const silence = new Silence([client, target], clock, idle);
    using watch = new Watch([client, target], { probeAfter, lost: lost.reject });
    const pump = async (from: Connection, to: Connection, key: keyof RelayCounts) => {
      const undelivered = await copy(from, to, {
        memory,
        silence,
        watch: from === client ? watch : undefined,
        count: (length) => {
          counts[key] += length;
          const held = gate?.(length);
          // However long bytes are to be held up, they go nowhere once the relay is over.
          return held === undefined ? undefined : silence.held(abortable(held, over?.signal));
        },
      });
      undelivered?.rest.catch(lost.reject);
      silence.atMost(halfClose);
      return undelivered;
    };
    both.push(pump(client, target, "sent"), pump(target, client, "received"));
    const [sending, receiving] = await abortable(Promise.race([Promise.all(both), lost.promise]), clock.signal);
    const undelivered = sending ?? receiving;
    if (undelivered !== undefined) {
      // The client is still sending, and has to be able to read what it was told instead.
      if (receiving === undefined) await drain(client, { signal: clock.signal });
      throw undelivered.cause;
    }
    end = (connection) => connection.close();
  } finally {
    try {
      end(client);
    } finally {
      // Whatever a dialer's connection makes of it.
      end(target);
    }
    over?.abort(new Error("Relay is over"));
    await untilSettled(both);
  }
}

/** That writing has failed. */
interface Undelivered {
  /** Why. */
  readonly cause: unknown;
  /** Resolved when what was to be written has come to its end; fails when that does. */
  readonly rest: Promise<void>;
}

/** What a direction is told. */
interface CopyOptions {
  readonly memory: RelayMemory;
  readonly silence: Silence;
  readonly watch: Watch | undefined;
  /** Told of bytes that are to be handed on; gives what to wait for before. */
  readonly count: Gate;
}

/**
 * The next read is under way while the last bytes are written, and two writes may be at once, so that one is sealed while
 * the other goes out; a slow reader holds up two writes and one read, and no more.
 */
async function copy(from: Connection, to: Connection, options: CopyOptions): Promise<Undelivered | undefined> {
  const { silence, watch, count } = options;
  using room = new Room(options.memory);
  let buffer = room.take();
  let reading = from.read(buffer);
  let written: Bytes | undefined;
  let writing: Promise<void> = Promise.resolve();
  for (;;) {
    const bytes: Bytes | null = await reading;
    if (bytes === null) break;
    silence.broken();
    const held = count(bytes.length);
    if (held !== undefined) {
      watch?.waits();
      await held;
    }
    room.learn(bytes.length);
    const full = buffer;
    buffer = room.take();
    reading = from.read(buffer);
    reading.catch(() => {}); // Reported by the await above, or lost to an earlier failure.
    const before = writing;
    writing = to.write(bytes).then(() => silence.broken());
    writing.catch(() => {}); // Reported one round later.
    watch?.waits(reading);
    try {
      await before;
    } catch (cause) {
      return { cause, rest: readOn(from, reading) };
    } finally {
      watch?.goesOn();
    }
    if (written !== undefined) room.giveBack(written);
    written = full;
  }
  try {
    await writing;
    for (const unused of [written, buffer]) if (unused !== undefined) room.giveBack(unused);
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
