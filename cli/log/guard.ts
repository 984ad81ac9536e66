/**
 * Unhandled errors: each is a fault of this program, is logged and counted, and ends no session.
 *
 * @module
 */
import { printable } from "../../base/printable.ts";
import { monotonicNow } from "../../base/runtime.ts";

/** Where unhandled errors are reported: the global scope of a thread. */
export type FaultScope = Pick<EventTarget, "addEventListener" | "removeEventListener">;

/** Calls back with each unhandled error, which then does not end the thread. The returned function stops this. */
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

/** Period for the limit of faults logged one by one, in milliseconds. */
const MINUTE = 60_000;
/** Faults that are logged one by one in a minute. */
const LOGGED = 5;

/** Logs faults and counts them. */
export class Faults {
  readonly #say: (line: string) => void;
  readonly #now: () => number;
  #count = 0;
  #begun = -Infinity;
  #logged = 0;
  #unlogged = 0;

  /**
   * Creates a log of faults.
   *
   * @param say Takes a line, with its end; it says that something is at fault.
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
      if (this.#unlogged > 0) this.#say(`${this.#unlogged} more faults were not logged one by one\n`);
      [this.#begun, this.#logged, this.#unlogged] = [now, 0, 0];
    }
    if (this.#logged === LOGGED) {
      this.#unlogged++;
      return;
    }
    this.#logged++;
    this.#say(`error: ${what}: ${faultText(error)}; this is a fault of gssocks, which goes on\n`);
  };
}

/** The text of a fault, with the stack that shows where it comes from. */
function faultText(error: unknown): string {
  const text = error instanceof Error ? error.stack ?? `${error.name}: ${error.message}` : String(error);
  return printable(text.split("\n").slice(0, STACK_LINES).map((line) => line.trim()).join(" ").slice(0, STACK_LENGTH));
}

/** Lines of a stack that are shown. */
const STACK_LINES = 6;
/** Characters of it that are shown: journals cut longer lines off. */
const STACK_LENGTH = 1_500;
