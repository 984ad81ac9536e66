/**
 * A queue of lines for a log. The caller never waits and sees no failure: a sink that is slow, not read or full (a pipe, a stopped
 * terminal, a full disk) costs lines, and nothing else.
 *
 * @module
 */
import { abortable, pause, startDeadline } from "../../base/deadline.ts";
import { concat, utf8 } from "../../base/bytes.ts";

/** Where lines go. */
export interface LogSink {
  /** Writes some of the bytes; says how many. */
  write(bytes: Uint8Array): Promise<number>;
}

/** Options of {@linkcode LogQueue}. */
export interface LogQueueOptions {
  /** Bytes that wait at most. @default {1048576} */
  readonly maxBytes?: number | undefined;
  /** Lines that wait at most. @default {10000} */
  readonly maxLines?: number | undefined;
  /** Pause behind a write that failed, in milliseconds. @default {1000} */
  readonly retry?: number | undefined;
}

/** Bytes given to the sink at one time. */
const BATCH = 65_536;

/** A pipe that does not block says that it is full; it is asked again after so many milliseconds. */
const FULL_PIPE = 20;

/** Texts with the number of their lines. */
interface Waiting {
  readonly bytes: Uint8Array;
  readonly lines: number;
}

/** A bounded queue of lines for a sink. */
export class LogQueue {
  readonly #sink: LogSink;
  readonly #maxBytes: number;
  readonly #maxLines: number;
  readonly #retry: number;
  readonly #closing = new AbortController();
  #waiting: Waiting[] = [];
  #bytes = 0;
  #lines = 0;
  #dropped = 0;
  /** Lines dropped since the last note about it in the log. */
  #untold = 0;
  #gapLine = (note: string): string => `${note}\n`;
  #running: Promise<void> | undefined;

  /**
   * Creates a queue.
   *
   * @param sink Where lines go. One write is under way at a time, so that a sink that is stuck holds one thread.
   * @param options How much may wait.
   */
  constructor(sink: LogSink, { maxBytes = 1 << 20, maxLines = 10_000, retry = 1_000 }: LogQueueOptions = {}) {
    this.#sink = sink;
    this.#maxBytes = maxBytes;
    this.#maxLines = maxLines;
    this.#retry = retry;
  }

  /** Lines that were dropped since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Sets how a note about dropped lines is written as a line. */
  noteGaps(line: (note: string) => string): void {
    this.#gapLine = line;
  }

  /** Queues lines, or drops them if there is no room. */
  write(text: string): void {
    if (text === "") return;
    // After a drop, half of the room must be free before lines are queued again, so that a slow log has few gaps.
    const share = this.#untold > 0 ? 2 : 1;
    const bytes = utf8(text);
    const lines = countLines(text);
    if (this.#bytes + bytes.length > this.#maxBytes / share || this.#lines + lines > this.#maxLines / share) {
      this.#dropped += lines;
      this.#untold += lines;
      return;
    }
    this.#tellGap();
    this.#push(bytes, lines);
  }

  /** Writes a note about dropped lines, at the gap. */
  #tellGap(): void {
    if (this.#untold === 0) return;
    const note = `${this.#untold} log line${this.#untold === 1 ? " was" : "s were"} dropped: the log took no more`;
    this.#untold = 0;
    this.#push(utf8(this.#gapLine(note)), 1);
  }

  #push(bytes: Uint8Array, lines: number): void {
    this.#waiting.push({ bytes, lines });
    this.#bytes += bytes.length;
    this.#lines += lines;
    this.#running ??= this.#run().finally(() => this.#running = undefined);
  }

  /**
   * Waits until everything is written, for so long at most; what cannot be written any more is given up. To be called once,
   * at the end.
   */
  async close(milliseconds: number): Promise<void> {
    this.#closing.abort(new Error("The log is closed"));
    using deadline = startDeadline({ milliseconds, reason: () => new Error("The log is not read") });
    while (this.#running !== undefined && !deadline.signal.aborted) {
      await abortable(this.#running, deadline.signal).catch(() => {});
    }
  }

  async #run(): Promise<void> {
    // Lines of one moment go out together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#batch();
      // The process ends; the rest is given up.
      if (!await this.#writeAll(batch)) return;
      if (this.#waiting.length === 0) this.#tellGap();
    }
  }

  #batch(): Waiting {
    let count = 0;
    let length = 0;
    let lines = 0;
    do {
      length += this.#waiting[count]!.bytes.length;
      lines += this.#waiting[count]!.lines;
      count++;
    } while (count < this.#waiting.length && length + this.#waiting[count]!.bytes.length <= BATCH);
    return { bytes: concat(...this.#waiting.splice(0, count).map(({ bytes }) => bytes)), lines };
  }

  /** Writes to the end, however often that fails; says whether it was, for at the end of the process it is tried once. */
  async #writeAll({ bytes, lines }: Waiting): Promise<boolean> {
    const { signal } = this.#closing;
    for (let at = 0; at < bytes.length;) {
      try {
        at += await this.#sink.write(bytes.subarray(at));
      } catch (error) {
        const full = error instanceof Deno.errors.WouldBlock;
        if (signal.aborted && !full) return false;
        await pause(full ? FULL_PIPE : this.#retry, full ? undefined : signal);
      }
    }
    this.#bytes -= bytes.length;
    this.#lines -= lines;
    return true;
  }
}

function countLines(text: string): number {
  let lines = text.endsWith("\n") ? 0 : 1;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines++;
  return lines;
}
