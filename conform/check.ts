/**
 * Checks as data: what each one holds a peer to, how much that weighs, and what came of it.
 *
 * @module
 */

/** How much a check weighs: a rule of the RFC, good behaviour that peers rely on, or an observation. */
export type Severity = "must" | "should" | "note";

/** What came of a check. `error`: it could not be carried out, which says nothing about the peer. */
export type Outcome = "pass" | "fail" | "skip" | "error";

/** One check. */
export interface Check<S> {
  /** Name of the check, such as `level.damaged`. */
  readonly id: string;
  /** Where the rule stands, such as `RFC 1961 section 3.8`. */
  readonly clause: string;
  readonly severity: Severity;
  /** The rule, as a sentence about the peer. */
  readonly title: string;
  /**
   * Carries the check out.
   *
   * @returns What was observed, where that is worth a word.
   * @throws {Failed} When the peer breaks the rule.
   * @throws {Skipped} When the peer lacks what the rule is about.
   */
  run(session: S): Promise<string | void>;
}

/** Result of a check. */
export interface CheckResult {
  /** Name of the check, such as `level.damaged`. */
  readonly id: string;
  /** Where the rule stands, such as `RFC 1961 section 3.8`. */
  readonly clause: string;
  /** How much it weighs. */
  readonly severity: Severity;
  /** The rule, as a sentence about the peer. */
  readonly title: string;
  /** What came of it. */
  readonly outcome: Outcome;
  /** What the rule asks for; with outcome `fail`. */
  readonly expected?: string;
  /** What came instead, bytes in hexadecimal; with outcome `fail`. */
  readonly got?: string;
  /** What was observed, why the check was skipped, or the error. */
  readonly detail?: string;
}

/** Thrown by a check when the peer breaks the rule. */
export class Failed extends Error {
  override readonly name: string = "Failed";
  readonly expected: string;
  readonly got: string;

  constructor(expected: string, got: string) {
    super(`expected ${expected}; got ${got}`);
    this.expected = expected;
    this.got = got;
  }
}

/** Thrown when the peer has ended the connection without a word. */
export class EndedSilently extends Failed {
  override readonly name = "EndedSilently";
}

/** Thrown by a check that cannot judge this peer; the message says why. */
export class Skipped extends Error {
  override readonly name = "Skipped";
}

/** Fails the check unless a condition holds. */
export function expect(condition: boolean, expected: string, got: string): asserts condition {
  if (!condition) throw new Failed(expected, got);
}

/** What a call of the kit gives, or `undefined` where the peer fails it: for notes, which judge nothing. */
export async function orUndefined<T>(waiting: Promise<T>): Promise<T | undefined> {
  try {
    return await waiting;
  } catch (error) {
    if (error instanceof Failed) return undefined;
    throw error;
  }
}
