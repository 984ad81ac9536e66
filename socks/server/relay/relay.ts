/**
 * Copies in both directions between two connections until both have ended. An end is forwarded as an end (half-close), and a failure as a
 * failure, where the transport has a way to say that. A side that takes no more bytes may still send.
 *
 * @module
 */
import type { Bytes } from "../../../base/bytes.ts";
import { abortable, type Deadline } from "../../../base/deadline.ts";
import { abort, type Connection } from "../../stream/connection.ts";
import { drain } from "../../stream/drain.ts";
import { untilSettled } from "../../stream/settling.ts";
import type { Gate } from "../limits/bandwidth.ts";
import { ClientProbe } from "./client_probe.ts";
import { IdleClock } from "./idle_clock.ts";
import { DirectionBuffers, RelayMemory } from "./memory.ts";

/** Options of a relay. */
export interface RelayOptions {
  /** Aborting it ends the relay; the caller closes the client's connection then. */
  readonly clock: Deadline;
  /**
   * Times in milliseconds, `Infinity` for no limit: `idle` without a byte in either direction; `halfClose` the same once one side has
   * ended, if that is shorter. Time in which the gate delays bytes does not count.
   */
  readonly timeouts: { readonly idle: number; readonly halfClose?: number | undefined };
  /** Delays bytes before they are forwarded. */
  readonly gate?: Gate | undefined;
  /** Time in which the target takes no byte after which the client is probed, in milliseconds. @default {1000} */
  readonly probeAfter?: number | undefined;
  /** Memory for its buffers. @default {one that all relays share} */
  readonly memory?: RelayMemory | undefined;
}

/** Bytes transferred. */
export interface RelayCounts {
  /** From the client to the target. */
  sent: number;
  /** From the target to the client. */
  received: number;
}

const SHARED = new RelayMemory();

/**
 * Relays until both directions have ended, and closes both connections. If writing to one side fails, the bytes that it sent before are
 * still forwarded: they may be a server's refusal of an upload. If reading fails, the relay ends.
 *
 * @param counts Counted up while the relay runs, so that they are right after a failure too.
 * @throws {Error} The failure of a read or a write, or the reason of the clock.
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
    const idleClock = new IdleClock([client, target], clock, idle);
    using clientProbe = new ClientProbe([client, target], { probeAfter, lost: lost.reject });
    const pump = async (from: Connection, to: Connection, key: keyof RelayCounts) => {
      const undelivered = await copy(from, to, {
        memory,
        idleClock,
        clientProbe: from === client ? clientProbe : undefined,
        count: (length) => {
          counts[key] += length;
          const delay = gate?.(length);
          // A delay ends with the relay.
          return delay === undefined ? undefined : idleClock.delayed(abortable(delay, over?.signal));
        },
      });
      undelivered?.rest.catch(lost.reject);
      idleClock.shorten(halfClose);
      return undelivered;
    };
    both.push(pump(client, target, "sent"), pump(target, client, "received"));
    const [sending, receiving] = await abortable(Promise.race([Promise.all(both), lost.promise]), clock.signal);
    const undelivered = sending ?? receiving;
    if (undelivered !== undefined) {
      // The client is still sending; it must be able to read the answer of the target.
      if (receiving === undefined) await drain(client, { signal: clock.signal });
      throw undelivered.cause;
    }
    end = (connection) => connection.close();
  } finally {
    try {
      end(client);
    } finally {
      // Closing a caller's connection may throw.
      end(target);
    }
    over?.abort(new Error("Relay is over"));
    await untilSettled(both);
  }
}

/** The failure of a write. */
interface Undelivered {
  /** Why. */
  readonly cause: unknown;
  /** Resolved when the source of the bytes has ended; rejected when it fails. */
  readonly rest: Promise<void>;
}

/** Options of one direction. */
interface CopyOptions {
  readonly memory: RelayMemory;
  readonly idleClock: IdleClock;
  readonly clientProbe: ClientProbe | undefined;
  /** Called before bytes are forwarded; returns what to await before. */
  readonly count: Gate;
}

/**
 * Copies one direction. The next read is under way while the last bytes are written, and two writes may be under way, so that one is
 * sealed while the other is sent; a slow reader holds back two writes and one read, and no more.
 */
async function copy(from: Connection, to: Connection, options: CopyOptions): Promise<Undelivered | undefined> {
  const { idleClock, clientProbe, count } = options;
  using buffers = new DirectionBuffers(options.memory);
  let buffer = buffers.acquire();
  let reading = from.read(buffer);
  let written: Bytes | undefined;
  let writing: Promise<void> = Promise.resolve();
  for (;;) {
    const bytes: Bytes | null = await reading;
    if (bytes === null) break;
    idleClock.transferred();
    const delay = count(bytes.length);
    if (delay !== undefined) {
      clientProbe?.pause();
      await delay;
    }
    buffers.learn(bytes.length);
    const full = buffer;
    buffer = buffers.acquire();
    reading = from.read(buffer);
    reading.catch(() => {}); // Reported by the await above, or after an earlier failure by none.
    const before = writing;
    writing = to.write(bytes).then(() => idleClock.transferred());
    writing.catch(() => {}); // Reported one round later.
    clientProbe?.pause(reading);
    try {
      await before;
    } catch (cause) {
      return { cause, rest: readOn(from, reading) };
    } finally {
      clientProbe?.resume();
    }
    if (written !== undefined) buffers.release(written);
    written = full;
  }
  try {
    await writing;
    for (const unused of [written, buffer]) if (unused !== undefined) buffers.release(unused);
    await to.closeWrite();
    return undefined;
  } catch (cause) {
    return { cause, rest: Promise.resolve() };
  }
}

/** Reads and discards the rest, so that the sender can go on to read, and its end is noticed. */
async function readOn(from: Connection, reading: Promise<Bytes | null>): Promise<void> {
  for (let bytes = await reading; bytes !== null; bytes = await from.read());
}
