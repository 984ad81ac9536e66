/**
 * The guard at the top of what goes on: an error that nobody handled is a fault of this program, and is to be seen and
 * counted, but it ends no session of anybody's.
 *
 * @module
 */
import { printable } from "../../base/printable.ts";
import { monotonicNow } from "../../base/runtime.ts";

/** What tells of errors that nobody handled: the global scope of a thread. */
export type FaultScope = Pick<EventTarget, "addEventListener" | "removeEventListener">;

/** Calls back with each error that nobody handled, which does not end the thread any more; the function given back ends that. */
export function guard(scope: FaultScope, callback: (error: unknown) => void): () => void {
  const onError = (event: Event) => {
    event.preventDefault();
    const { error, message } = event as ErrorEvent;
    callback(error ?? message);
  };
  const onRejection = (event: Event) => {
    event.preventDefault();
    callback((event as PromiseRejectionEvent).reason);
  };
  scope.addEventListener("error", onError);
  scope.addEventListener("unhandledrejection", onRejection);
  return () => {
    scope.removeEventListener("error", onError);
    scope.removeEventListener("unhandledrejection", onRejection);
  };
}

/** Time in which faults are told one by one only so often, in milliseconds. */
const MINUTE = 60_000;
/** How many are told with all that is known of them in a minute. */
const TOLD = 5;

/** Tells of faults and counts them. */
export class Faults {
  readonly #say: (line: string) => void;
  readonly #now: () => number;
  #count = 0;
  #begun = -Infinity;
  #told = 0;
  #untold = 0;

  /**
   * Makes one.
   *
   * @param say Takes a line, with its end.
   * @param now A clock that never goes back, in milliseconds.
   */
  constructor(say: (line: string) => void, now: () => number = monotonicNow) {
    this.#say = say;
    this.#now = now;
  }

  /** How many there were. */
  get count(): number {
    return this.#count;
  }

  /** Takes note of one. `what` says what went wrong where that is known, such as `telemetry`. */
  readonly take = (error: unknown, what = "Uncaught"): void => {
    this.#count++;
    const now = this.#now();
    if (now - this.#begun >= MINUTE) {
      if (this.#untold > 0) this.#say(`${this.#untold} more faults were not told one by one\n`);
      [this.#begun, this.#told, this.#untold] = [now, 0, 0];
    }
    if (this.#told === TOLD) {
      this.#untold++;
      return;
    }
    this.#told++;
    this.#say(`error: ${what}: ${faultText(error)}; this is a fault of gssocks, which goes on\n`);
  };
}

/** Where it comes from is what somebody needs to find the fault. */
function faultText(error: unknown): string {
  const text = error instanceof Error ? error.stack ?? `${error.name}: ${error.message}` : String(error);
  return printable(text.split("\n").slice(0, STACK_LINES).map((line) => line.trim()).join(" ").slice(0, STACK_LENGTH));
}

/** Lines of a stack that are shown. */
const STACK_LINES = 6;
/** Characters of it that are shown: journals cut longer lines off. */
const STACK_LENGTH = 1_500;
