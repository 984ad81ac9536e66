/**
 * One answer out of several places to ask, in the manner of RFC 8305: the next one is asked when the one before fails, or beside
 * it when it takes its time, and the first answer is taken.
 *
 * @module
 */
import { abortable, aborted, startDeadline } from "../../base/deadline.ts";

/** What {@linkcode firstAnswer} goes by. */
export interface RaceOptions<C> {
  /** The next one to be asked; `undefined` where there is none, or none yet: it is asked again when an attempt has failed. */
  readonly next: () => C | undefined;
  /** How long the others wait for the one asked last, in milliseconds. */
  readonly delay: number;
  /** How many may be under way at one time. */
  readonly atOnce: number;
  /** Ends the race with its reason. */
  readonly signal: AbortSignal;
}

/** What {@linkcode firstAnswer} fails with: none of them has answered. */
export class NobodyAnswered extends Error {
  /** Name of the class. */
  override readonly name = "NobodyAnswered";
  /** What each attempt failed with, in the order of the failures. */
  readonly failures: readonly unknown[];

  /**
   * Makes one.
   *
   * @param failures What each attempt failed with.
   */
  constructor(failures: readonly unknown[]) {
    super("None of them has answered");
    this.failures = failures;
  }
}

/**
 * Asks one after another. Attempts end with their signal, which is aborted as soon as the race is over; an attempt that does not
 * listen to it holds nobody up.
 *
 * @throws {NobodyAnswered} When all have failed.
 * @throws {unknown} The signal's reason.
 */
export async function firstAnswer<C, T>(
  options: RaceOptions<C>,
  attempt: (asked: C, signal: AbortSignal) => Promise<T>,
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
  readonly #attempt: (asked: C, signal: AbortSignal) => Promise<T>;
  readonly #failures: unknown[] = [];
  /** Aborted when the race is over, for the losers to hear it. */
  readonly #over = new AbortController();
  #answer: { readonly value: T } | undefined;
  #underWay = 0;
  /** Attempts that are due. */
  #due = 1;
  /** Resolved when an attempt has ended. */
  #change = Promise.withResolvers<void>();

  constructor(options: RaceOptions<C>, attempt: (asked: C, signal: AbortSignal) => Promise<T>) {
    this.#options = options;
    this.#attempt = attempt;
  }

  async run(): Promise<T> {
    const { signal, delay } = this.#options;
    for (;;) {
      this.#startDue();
      if (this.#underWay === 0) throw new NobodyAnswered(this.#failures);
      if (await this.#quietFor(delay)) this.#due++;
      signal.throwIfAborted();
      if (this.#answer !== undefined) return this.#answer.value;
    }
  }

  end(): void {
    this.#over.abort(new Error("Another one has answered"));
  }

  /** Those whose turn has come, as far as there is room; whoever finds none has not been owed one. */
  #startDue(): void {
    while (this.#due > 0 && this.#underWay < this.#options.atOnce) {
      const asked = this.#options.next();
      if (asked === undefined) {
        this.#due = 0;
        return;
      }
      this.#due--;
      this.#start(asked);
    }
  }

  #start(asked: C): void {
    this.#underWay++;
    // What an attempt throws at once is its failure as well.
    const made = new Promise<T>((resolve) => resolve(this.#attempt(asked, this.#over.signal)));
    abortable(made, this.#over.signal).then((value) => {
      this.#answer ??= { value };
    }, (error) => {
      this.#failures.push(error);
      this.#due++;
    }).finally(() => {
      this.#underWay--;
      this.#change.resolve();
    });
  }

  /** Waits until an attempt has ended, or the race itself; says whether the time is over and none has. */
  async #quietFor(milliseconds: number): Promise<boolean> {
    const { signal } = this.#options;
    let quiet = false;
    const reason = () => {
      quiet = true;
      return new Error("the next one's turn");
    };
    using limit = startDeadline({ milliseconds, signal, reason });
    await Promise.race([this.#change.promise, aborted(limit.signal)]);
    this.#change = Promise.withResolvers();
    return quiet;
  }
}
