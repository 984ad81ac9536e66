/**
 * Copies in both directions between two connections until both have ended. An end is forwarded as an end (half-close), and a failure as a
 * failure, where the transport has a way to say that. A side that takes no more bytes may still send.
 *
 * @module
 */
import type { Bytes } from "../../../base/bytes.ts";
import { abortable, type Deadline, onAbort } from "../../../base/deadline.ts";
import { nextTurn } from "../../../base/turn.ts";
import { abort, type Connection } from "../../stream/connection.ts";
import { drain } from "../../stream/drain.ts";
import { SHORT_READ } from "../../stream/read_size.ts";
import { untilSettled } from "../../stream/settling.ts";
import type { Gate } from "../limits/bandwidth.ts";
import { ClientProbe } from "./client_probe.ts";
import { withRest } from "./cut_message.ts";
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
 * Bytes of a direction after which all others get their turn. Sockets that always have bytes and room are read and written within one turn
 * of the event loop: a download held the thread for up to 20 ms of processor time.
 */
const BYTES_A_TURN = 131_072;

/** The end of a relay: regular without a failure. */
type RelayEnd = { readonly error: unknown } | undefined;

/**
 * Relays until both directions have ended, and closes both connections. If writing to one side fails, the bytes that it sent before are
 * still forwarded: they may be a server's refusal of an upload. If reading fails, the relay ends.
 *
 * @param counts Counted up while the relay runs, so that they are right after a failure too.
 * @throws {Error} The failure of a read or a write, or the reason of the clock.
 */
export function relay(ends: RelayEnds, counts: RelayCounts, options: RelayOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    startRelay(ends, counts, options, (end) => end === undefined ? resolve() : reject(end.error));
  });
}

/** As {@linkcode relay}, without a promise that waits. */
export function startRelay(
  ends: RelayEnds,
  counts: RelayCounts,
  options: RelayOptions,
  onEnd: (end: RelayEnd) => void,
): void {
  new Relay(ends, counts, options, onEnd).start();
}

/** The client and the target. */
type RelayEnds = readonly [Connection, Connection];

/** The failure of a write. */
interface Undelivered {
  /** Why. */
  readonly cause: unknown;
  /** Resolved when the source of the bytes has ended; rejected when it fails. */
  readonly rest: Promise<void>;
}

/** A running relay: each direction is one suspended function, which tells how it has ended. */
class Relay {
  readonly #ends: RelayEnds;
  readonly #counts: RelayCounts;
  readonly #options: RelayOptions;
  #idleClock!: IdleClock;
  /** Created with the first bytes of the client. */
  #clientProbe: ClientProbe | undefined;
  /** Ends the delays of the gate. */
  readonly #over: AbortController | undefined;
  #listening: Disposable | undefined;
  readonly #onEnd: (end: RelayEnd) => void;
  /** Directions under way. */
  #running = 2;
  /** Failures of writes, by the direction. */
  readonly #undelivered: { sent?: Undelivered; received?: Undelivered } = {};
  #isOver = false;
  /** Called when both directions have ended. */
  #settled: (() => void) | undefined;

  constructor(ends: RelayEnds, counts: RelayCounts, options: RelayOptions, onEnd: (end: RelayEnd) => void) {
    this.#ends = ends;
    this.#counts = counts;
    this.#options = options;
    this.#onEnd = onEnd;
    if (options.gate !== undefined) this.#over = new AbortController();
  }

  start(): void {
    const [client, target] = this.#ends;
    const { clock, timeouts } = this.#options;
    try {
      this.#idleClock = new IdleClock(this.#ends, clock, timeouts.idle);
    } catch (error) {
      // Connections of a caller may throw whatever they are asked.
      this.#running = 0;
      return this.#fail(error);
    }
    void this.#pump(client, target, "sent");
    void this.#pump(target, client, "received");
    this.#listening = onAbort(clock, (error) => this.#fail(error));
  }

  /**
   * Copies one direction. The next read is under way while the last bytes are written, and two writes may be under way, so that one is
   * sealed while the other is sent; a slow reader holds back two writes and one read, and no more.
   */
  async #pump(from: Connection, to: Connection, key: keyof RelayCounts): Promise<void> {
    const buffers = new DirectionBuffers(this.#options.memory ?? SHARED);
    try {
      let buffer = buffers.acquire();
      let reading = from.read(buffer);
      let written: Bytes | undefined;
      let writing: Promise<void> | undefined;
      let inTurn = 0;
      for (;;) {
        let bytes: Bytes | null = await reading;
        if (bytes === null) break;
        this.#idleClock.transferred();
        let ahead: Promise<Bytes | null> | undefined;
        if (bytes.length === SHORT_READ) [bytes, ahead] = await withRest(bytes, from);
        const delay = this.#count(key, bytes.length);
        if (delay !== undefined) {
          this.#unread(key);
          await delay;
        }
        const full = buffer;
        buffers.learn(bytes.length, full.length);
        buffer = buffers.acquire();
        reading = ahead ?? from.read(buffer);
        reading.catch(() => {}); // Reported by the await above; after an earlier failure it does not matter.
        const before = writing;
        writing = to.write(bytes).then(() => this.#idleClock.transferred());
        writing.catch(() => {}); // Reported one round later.
        this.#unread(key, reading);
        try {
          await before;
        } catch (cause) {
          return this.#lost(key, { cause, rest: readOn(from, reading) });
        } finally {
          if (key === "sent") this.#clientProbe?.resume();
        }
        if (written !== undefined) buffers.release(written);
        written = full;
        inTurn += bytes.length;
        if (inTurn >= BYTES_A_TURN) {
          inTurn = 0;
          await nextTurn();
        }
      }
      try {
        await writing;
        for (const unused of [written, buffer]) if (unused !== undefined) buffers.release(unused);
        await to.closeWrite();
      } catch (cause) {
        return this.#lost(key, { cause, rest: Promise.resolve() });
      }
      this.#idleClock.shorten(this.#options.timeouts.halfClose ?? Infinity);
    } catch (error) {
      this.#fail(error);
    } finally {
      buffers[Symbol.dispose]();
      this.#ended();
    }
  }

  /** Called before bytes are forwarded; returns what to await before. */
  #count(key: keyof RelayCounts, length: number): Promise<void> | undefined {
    this.#counts[key] += length;
    const delay = this.#options.gate?.(length);
    // A delay ends with the relay.
    return delay === undefined ? undefined : this.#idleClock.delayed(abortable(delay, this.#over?.signal));
  }

  /** Called when the client is not read any more, but for a read that is under way; a target is let be. */
  #unread(key: keyof RelayCounts, reading?: Promise<unknown>): void {
    if (key !== "sent" || this.#isOver) return;
    this.#clientProbe ??= new ClientProbe(this.#ends, {
      probeAfter: this.#options.probeAfter ?? 1_000,
      lost: (error) => this.#fail(error),
    });
    this.#clientProbe.pause(reading);
  }

  /** Called when a side takes no more bytes. It may still send. */
  #lost(key: keyof RelayCounts, undelivered: Undelivered): void {
    this.#undelivered[key] = undelivered;
    undelivered.rest.catch((error) => this.#fail(error));
    this.#idleClock.shorten(this.#options.timeouts.halfClose ?? Infinity);
  }

  /** Called when a direction has ended, in whatever way. */
  #ended(): void {
    this.#running--;
    if (this.#running > 0) return;
    this.#settled?.();
    if (this.#isOver) return;
    this.#isOver = true;
    const { sent, received } = this.#undelivered;
    const undelivered = sent ?? received;
    if (undelivered === undefined) return this.#close(undefined, (connection) => connection.close());
    const failure = { error: undelivered.cause };
    // The client is still sending; it must be able to read the answer of the target.
    const told = received === undefined ? drain(this.#ends[0], { signal: this.#options.clock.signal }) : undefined;
    void Promise.resolve(told).then(() => this.#close(failure, abort));
  }

  /** Ends the relay, unless it has ended. */
  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#close({ error }, abort);
  }

  /** Closes both connections, and tells the end once nothing uses them any more. */
  #close(end: RelayEnd, close: (connection: Connection) => void): void {
    const [client, target] = this.#ends;
    this.#listening?.[Symbol.dispose]();
    this.#clientProbe?.[Symbol.dispose]();
    let told = end;
    try {
      try {
        close(client);
      } finally {
        // Closing a caller's connection may throw.
        close(target);
      }
    } catch (error) {
      told = { error };
    }
    this.#over?.abort(new Error("Relay is over"));
    if (this.#running === 0) return this.#onEnd(told);
    const settled = new Promise<void>((resolve) => this.#settled = resolve);
    void untilSettled([settled]).then(() => this.#onEnd(told));
  }
}

/** Reads and discards the rest, so that the sender can go on to read, and its end is noticed. */
async function readOn(from: Connection, reading: Promise<Bytes | null>): Promise<void> {
  for (let bytes = await reading; bytes !== null; bytes = await from.read());
}
