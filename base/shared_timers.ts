/**
 * Timers of which all that have the same length share one of the system's. A session has several, mostly of the same few lengths, and
 * nearly all of them are stopped before their time: one of Deno's takes 2 us and more than a kilobyte, one of these 0.2 us and 50 bytes.
 *
 * @module
 */
import { monotonicNow } from "./runtime.ts";

/** What a timer is for. */
export interface Timed {
  /** Called when the time is up; must not throw. */
  timeUp(): void;
}

/** The timers of one length. */
class TimerList {
  readonly #milliseconds: number;
  /** When each is due, the earliest first: all take the same time. */
  readonly #due = new Map<Timed, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The time that the system's timer was set for. */
  #at = 0;

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
  }

  start(timed: Timed): void {
    const at = monotonicNow() + this.#milliseconds;
    this.#due.set(timed, at);
    if (this.#timer === undefined) this.#set(at, this.#milliseconds);
  }

  stop(timed: Timed): void {
    // The system's timer is left alone while others wait: it looks who is due.
    if (!this.#due.delete(timed) || this.#due.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    LISTS.delete(this.#milliseconds);
  }

  #set(at: number, milliseconds: number): void {
    this.#at = at;
    this.#timer = setTimeout(() => this.#up(), milliseconds);
  }

  #up(): void {
    // The system's timers may be a moment early.
    const now = Math.max(monotonicNow(), this.#at);
    const due: [Timed, number][] = [];
    for (const entry of this.#due) {
      if (entry[1] > now) break;
      due.push(entry);
    }
    for (const [timed, at] of due) {
      // One that was called may have stopped or restarted another one.
      if (this.#due.get(timed) !== at) continue;
      this.stop(timed);
      timed.timeUp();
    }
    // Not before: what was started meanwhile is due after those that wait.
    const [next] = this.#due;
    if (next !== undefined) this.#set(next[1], Math.max(0, next[1] - monotonicNow()));
  }
}

const LISTS = new Map<number, TimerList>();

/** A timer that runs. */
export type RunningTimer = Pick<TimerList, "stop">;

/**
 * Starts a timer.
 *
 * @param milliseconds At most 2^31 - 1, which is what the system's timers count.
 * @returns What stops it.
 */
export function startTimer(timed: Timed, milliseconds: number): RunningTimer {
  let list = LISTS.get(milliseconds);
  if (list === undefined) LISTS.set(milliseconds, list = new TimerList(milliseconds));
  list.start(timed);
  return list;
}
