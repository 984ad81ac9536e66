/**
 * What goes wrong beside the sessions of a server: it ends none of them, and it is counted, told now and then, and shown.
 *
 * @module
 */
import { monotonicNow, systemRuntime } from "../../base/runtime.ts";
import { asError } from "../../base/reason.ts";
import { isOutOfResources } from "../stream/dial_error.ts";

/**
 * What goes wrong beside the sessions: nobody can be accepted; there are no descriptors, or no memory, for another socket; whoever watches
 * the server fails, `onEvent` or `onTrouble`; or the user ledger does not take note of an end.
 */
export type TroubleKind = "accept" | "descriptors" | "observer" | "ledger";

/** How one kind of trouble stands, in plain values that a thread can hand to another. */
export interface TroubleState {
  /** How often since the server began. */
  readonly count: number;
  /** Whether the last time was no longer ago than a minute. */
  readonly recent: boolean;
  /** When the last time was, in milliseconds since the epoch. */
  readonly at: number | undefined;
  /** What was said the last time. */
  readonly last: string | undefined;
}

/** How a server stands. */
export interface ServerHealth {
  /** Whether clients have been kept out, or refused, in the last minute, because the machine had nothing left for them. */
  readonly degraded: boolean;
  /** Each kind of trouble. */
  readonly troubles: Readonly<Record<TroubleKind, TroubleState>>;
}

/** Trouble that is told. */
export interface ServerTrouble {
  /** What goes wrong. */
  readonly kind: TroubleKind;
  /** How often since the server began. */
  readonly count: number;
  /** What was said the last time. */
  readonly error: Error;
}

/** A kind is told of so often at most, and is recent for as long, in milliseconds. */
const MINUTE = 60_000;

/** Errors have few causes; one that is its own must not hold anybody up. */
const DEEPEST = 8;

/** Whether an error comes of a machine that has no descriptors or no memory left. */
export function isShortage(error: unknown): boolean {
  let cause = error;
  for (let depth = 0; depth < DEEPEST && cause instanceof Error; depth++) {
    if (isOutOfResources(cause)) return true;
    if (cause instanceof AggregateError && cause.errors.some((one) => one instanceof Error && isOutOfResources(one))) {
      return true;
    }
    cause = cause.cause;
  }
  return false;
}

/** What is known of a kind. */
interface Known {
  count: number;
  error: Error | undefined;
  /** When the last time was, by both clocks. */
  date: number;
  time: number;
  /** When it was told. */
  told: number;
}

/** Counts troubles, and tells of each kind once a minute at most. */
export class Troubles {
  readonly #now: () => number;
  readonly #known: Readonly<Record<TroubleKind, Known>>;

  /**
   * Makes it.
   *
   * @param now Gives the time in milliseconds, by a clock that nobody sets.
   */
  constructor(now: () => number = monotonicNow) {
    this.#now = now;
    const none = (): Known => ({ count: 0, error: undefined, date: 0, time: -Infinity, told: -Infinity });
    this.#known = { accept: none(), descriptors: none(), observer: none(), ledger: none() };
  }

  /** Takes note of one. Never throws, whatever was thrown and whoever is told. */
  note(kind: TroubleKind, thrown: unknown, tell: ((trouble: ServerTrouble) => unknown) | undefined): void {
    const known = this.#known[kind];
    const now = this.#now();
    const error = thrownError(thrown);
    Object.assign(known, { count: known.count + 1, error, date: systemRuntime.now(), time: now });
    if (tell === undefined || now - known.told < MINUTE) return;
    known.told = now;
    // One who fails to be told is not told of that.
    watching(() => tell({ kind, count: known.count, error }), (failure) => this.note("observer", failure, undefined));
  }

  /** How it stands. */
  health(): ServerHealth {
    const now = this.#now();
    const state = ({ count, error, date, time }: Known): TroubleState => ({
      count,
      recent: now - time <= MINUTE,
      at: error === undefined ? undefined : date,
      last: error?.message,
    });
    const { accept, descriptors, observer, ledger } = this.#known;
    const troubles = {
      accept: state(accept),
      descriptors: state(descriptors),
      observer: state(observer),
      ledger: state(ledger),
    };
    return { degraded: troubles.accept.recent || troubles.descriptors.recent, troubles };
  }
}

/**
 * Calls somebody who watches and has no say. Never throws, and leaves no rejection to nobody.
 *
 * @param call What is called; where it gives a promise nobody waits for it.
 * @param failed Told of what was thrown, or what the promise was rejected with.
 */
export function watching(call: () => unknown, failed: (thrown: unknown) => void): void {
  try {
    const given = call();
    if (typeof given !== "object" || given === null) return;
    if (typeof (given as { then?: unknown }).then !== "function") return;
    // It may be a promise of another make, whose `then` may do anything.
    Promise.resolve(given).catch(failed);
  } catch (thrown) {
    failed(thrown);
  }
}

/** What was thrown may be anything, a thing that cannot even be made text of too. */
function thrownError(thrown: unknown): Error {
  try {
    return asError(thrown);
  } catch {
    return new Error("Something was thrown that has no text");
  }
}
