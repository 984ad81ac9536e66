/**
 * Copies both ways between two connections until both are done: one side's end is handed on as an end (half-close), and
 * any failure ends both at once.
 *
 * @module
 */
import { BufferPool } from "../gss/buffer_pool.ts";
import type { Bytes } from "../gss/bytes.ts";
import { abortable, startDeadline } from "../gss/deadline.ts";
import { SocksTimeoutError } from "./errors.ts";
import type { Connection } from "./stream/connection.ts";
import { LARGE, ReadSize } from "./stream/read_size.ts";

/** What a relay is told. */
export interface RelayOptions {
  /** Time without an octet either way after which it ends, in milliseconds. @default {Infinity} */
  readonly idleTimeout?: number;
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
}

/** Octets carried. */
export interface RelayCounts {
  /** From the client to the target. */
  sent: number;
  /** From the target to the client. */
  received: number;
}

/**
 * Relays until both directions have ended, and closes both connections.
 *
 * @param counts Counted up while it runs, so that they are right after a failure too.
 * @throws {Error} What failed: reading or writing of either side, the time, or the signal's reason.
 */
export async function relay(
  [client, target]: readonly [Connection, Connection],
  counts: RelayCounts,
  options: RelayOptions = {},
): Promise<void> {
  const { idleTimeout = Infinity, signal } = options;
  using idle = startDeadline({
    milliseconds: idleTimeout,
    signal,
    reason: () => new SocksTimeoutError("IDLE_TIMEOUT", `Nothing was sent or received for ${idleTimeout} ms`),
  });
  const close = () => {
    client.close();
    target.close();
  };
  const pump = (from: Connection, to: Connection, key: keyof RelayCounts) =>
    copy(from, to, (length) => {
      counts[key] += length;
      idle.restart();
    });
  const both = Promise.all([pump(client, target, "sent"), pump(target, client, "received")]);
  try {
    await abortable(both, idle.signal);
  } finally {
    close();
    await both.catch(() => {});
  }
}

/** Memory of busy directions, shared by all relays. */
const BUFFERS = new BufferPool(LARGE, 16);

/**
 * The next read is under way while the last octets are written, and two writes may be at once, so that one is sealed while
 * the other goes out; a slow reader holds up two writes and one read, and no more.
 */
async function copy(from: Connection, to: Connection, count: (length: number) => void): Promise<void> {
  const size = new ReadSize();
  const take = () => size.next === LARGE ? BUFFERS.take() : new Uint8Array(size.next);
  let buffer = take();
  let reading = from.read(buffer);
  let written = buffer.subarray(0, 0);
  let writing: Promise<void> = Promise.resolve();
  for (;;) {
    const bytes: Bytes | null = await reading;
    if (bytes === null) break;
    count(bytes.length);
    size.learn(bytes.length);
    const full = buffer;
    buffer = take();
    reading = from.read(buffer);
    reading.catch(() => {}); // Reported by the await above, or lost to an earlier failure.
    const before = writing;
    writing = to.write(bytes);
    writing.catch(() => {}); // Reported one round later.
    await before;
    BUFFERS.giveBack(written);
    written = full;
  }
  await writing;
  for (const unused of [written, buffer]) BUFFERS.giveBack(unused);
  await to.closeWrite();
}
