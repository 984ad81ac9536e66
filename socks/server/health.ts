/**
 * What goes wrong beside the sessions of a server. It ends no session; it is counted, reported once a minute at most, and shown.
 *
 * @module
 */
import { asError } from "../../base/reason.ts";
import { monotonicNow, systemRuntime } from "../../base/runtime.ts";
import { isOutOfResources } from "../stream/dial_error.ts";

/**
 * What goes wrong beside the sessions. `accept`: no client can be accepted. `descriptors`: there are no descriptors, or no memory, for
 * another socket. `observer`: `onEvent` or `onTrouble` fails. `ledger`: the user ledger cannot take a session back.
 */
export type TroubleKind = "accept" | "descriptors" | "observer" | "ledger";

/** The state of one kind of trouble, in plain values that one thread can send to another. */
export interface TroubleState {
  /** How often it has happened since the server began. */
  readonly count: number;
  /** Whether it has happened in the last minute. */
  readonly recent: boolean;
  /** When it happened last, in milliseconds since the epoch. */
  readonly at: number | undefined;
  /** Message of the last error. */
  readonly last: string | undefined;
}

/** The health of a server. */
export interface ServerHealth {
  /** Whether clients were not accepted, or were refused, in the last minute because the machine is short of descriptors or memory. */
  readonly degraded: boolean;
  /** Each kind of trouble. */
  readonly troubles: Readonly<Record<TroubleKind, TroubleState>>;
}

/** A trouble that is reported. */
export interface ServerTrouble {
  /** The kind. */
  readonly kind: TroubleKind;
  /** How often it has happened since the server began. */
  readonly count: number;
  /** The last error. */
  readonly error: Error;
}

/** Each kind is reported once in this time at most, and is recent for as long, in milliseconds. */
const MINUTE = 60_000;

/** Longest chain of causes that is followed: an error may be its own cause. */
const DEEPEST = 8;

/** Whether an error says that this machine is short of descriptors or memory. */
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

/** What is kept of one kind of trouble. */
interface Kept {
  count: number;
  error: Error | undefined;
  /** When it happened last, by the wall clock and by the monotonic clock. */
  date: number;
  time: number;
  /** When it was reported last, by the monotonic clock. */
  reported: number;
}

/** Counts troubles, and reports each kind once a minute at most. */
export class Troubles {
  readonly #now: () => number;
  readonly #kept: Readonly<Record<TroubleKind, Kept>>;

  /**
   * Creates counts of zero.
   *
   * @param now Gives the time in milliseconds, by a monotonic clock.
   */
  constructor(now: () => number = monotonicNow) {
    this.#now = now;
    const none = (): Kept => ({ count: 0, error: undefined, date: 0, time: -Infinity, reported: -Infinity });
    this.#kept = { accept: none(), descriptors: none(), observer: none(), ledger: none() };
  }

  /** Counts a trouble, and calls `report` if the kind was not reported in the last minute. Never throws. */
  note(kind: TroubleKind, thrown: unknown, report: ((trouble: ServerTrouble) => unknown) | undefined): void {
    const kept = this.#kept[kind];
    const now = this.#now();
    const error = thrownError(thrown);
    Object.assign(kept, { count: kept.count + 1, error, date: systemRuntime.now(), time: now });
    if (report === undefined || now - kept.reported < MINUTE) return;
    kept.reported = now;
    // A failure of `report` is counted, but not reported.
    notify(() => report({ kind, count: kept.count, error }), (failure) => this.note("observer", failure, undefined));
  }

  /** Returns the state of all kinds. */
  health(): ServerHealth {
    const now = this.#now();
    const state = ({ count, error, date, time }: Kept): TroubleState => ({
      count,
      recent: now - time <= MINUTE,
      at: error === undefined ? undefined : date,
      last: error?.message,
    });
    const { accept, descriptors, observer, ledger } = this.#kept;
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
 * Calls an observer, which cannot disturb the caller. Never throws, and leaves no unhandled rejection.
 *
 * @param call Calls the observer; a promise that it returns is not awaited.
 * @param onFailure Called with what was thrown, or with the reason of a rejection.
 */
export function notify(call: () => unknown, onFailure: (thrown: unknown) => void): void {
  try {
    const given = call();
    if (typeof given !== "object" || given === null) return;
    if (typeof (given as { then?: unknown }).then !== "function") return;
    // A promise of another implementation may do anything in its `then`.
    Promise.resolve(given).catch(onFailure);
  } catch (thrown) {
    onFailure(thrown);
  }
}

/** Returns what was thrown as an error. It may be anything, even an object that cannot be converted to a string. */
function thrownError(thrown: unknown): Error {
  try {
    return asError(thrown);
  } catch {
    return new Error("A value without a text was thrown");
  }
}
