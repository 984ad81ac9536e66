/**
 * Takes the first answer of several candidates, in the manner of RFC 8305 section 5: the next one is asked when the one before fails,
 * or beside it when it is slow.
 *
 * @module
 */
import { abortable, aborted, startDeadline } from "../../base/deadline.ts";

/** Options of {@linkcode firstAnswer}. */
export interface RaceOptions<C> {
  /** Returns the next candidate; `undefined` if there is none now. It is called again when an attempt has failed. */
  readonly next: () => C | undefined;
  /** How long the next candidate waits for the one asked last, in milliseconds. */
  readonly delay: number;
  /** Attempts under way at one time at most. */
  readonly atOnce: number;
  /** Ends the race with its reason. */
  readonly signal: AbortSignal;
}

/** The error of {@linkcode firstAnswer} if no candidate answers. */
export class AllFailed extends Error {
  /** Name of the class. */
  override readonly name = "AllFailed";
  /** Errors of the attempts, in the order of the failures. */
  readonly failures: readonly unknown[];

  /**
   * Creates the error.
   *
   * @param failures Errors of the attempts.
   */
  constructor(failures: readonly unknown[]) {
    super("All attempts have failed");
    this.failures = failures;
  }
}

/**
 * Asks one candidate after another. The signal of an attempt is aborted as soon as the race is over; an attempt that ignores it is
 * not waited for.
 *
 * @throws {AllFailed} If all attempts have failed.
 * @throws {unknown} The signal's reason.
 */
export async function firstAnswer<C, T>(
  options: RaceOptions<C>,
  attempt: (candidate: C, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  options.signal.throwIfAborted();
  const race = new Race(options, attempt);
  try {
    return await race.run();
  } finally {
    race.end();
  }
}

class Race<C, T> {
  readonly #options: RaceOptions<C>;
  readonly #attempt: (candidate: C, signal: AbortSignal) => Promise<T>;
  readonly #failures: unknown[] = [];
  /** Aborted when the race is over, to end the other attempts. */
  readonly #over = new AbortController();
  #answer: { readonly value: T } | undefined;
  #underWay = 0;
  /** Attempts to start. */
  #due = 1;
  /** Resolved when an attempt has ended. */
  #ended = Promise.withResolvers<void>();

  constructor(options: RaceOptions<C>, attempt: (candidate: C, signal: AbortSignal) => Promise<T>) {
    this.#options = options;
    this.#attempt = attempt;
  }

  async run(): Promise<T> {
    const { signal, delay } = this.#options;
    for (;;) {
      this.#startDue();
      if (this.#underWay === 0) throw new AllFailed(this.#failures);
      if (await this.#isQuietFor(delay)) this.#due++;
      signal.throwIfAborted();
      if (this.#answer !== undefined) return this.#answer.value;
    }
  }

  end(): void {
    this.#over.abort(new Error("Another attempt has succeeded"));
  }

  /** Starts the attempts that are due, as far as there is room. If there is no candidate, none is due any more. */
  #startDue(): void {
    while (this.#due > 0 && this.#underWay < this.#options.atOnce) {
      const candidate = this.#options.next();
      if (candidate === undefined) {
        this.#due = 0;
        return;
      }
      this.#due--;
      this.#start(candidate);
    }
  }

  #start(candidate: C): void {
    this.#underWay++;
    // An error that is thrown at once is a failure of the attempt too.
    const attempt = new Promise<T>((resolve) => resolve(this.#attempt(candidate, this.#over.signal)));
    abortable(attempt, this.#over.signal).then((value) => {
      this.#answer ??= { value };
    }, (error) => {
      this.#failures.push(error);
      this.#due++;
    }).finally(() => {
      this.#underWay--;
      this.#ended.resolve();
    });
  }

  /** Waits until an attempt or the race has ended. Returns whether the time is up and none has. */
  async #isQuietFor(milliseconds: number): Promise<boolean> {
    const { signal } = this.#options;
    let quiet = false;
    const reason = () => {
      quiet = true;
      return new Error("the next one is due");
    };
    using limit = startDeadline({ milliseconds, signal, reason });
    await Promise.race([this.#ended.promise, aborted(limit.signal)]);
    this.#ended = Promise.withResolvers();
    return quiet;
  }
}
