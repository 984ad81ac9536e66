/**
 * Carries checks out, one after another, and sums their results up.
 *
 * @module
 */
import { reasonText } from "../base/reason.ts";
import { type Check, type CheckResult, Failed, type Outcome, Skipped } from "./check.ts";

/** Options of {@linkcode runChecks}. */
interface RunOptions<S> {
  /** Makes the session of a check, which is disposed of after it. */
  readonly open: (check: Check<S>) => Promise<S & AsyncDisposable>;
  /** Called with each result. */
  readonly onResult?: ((result: CheckResult) => void) | undefined;
  /** Ends the run before its next check. */
  readonly signal?: AbortSignal | undefined;
}

/** Carries checks out one after another: a peer that is busy with one would answer another one late. */
export async function runChecks<S>(checks: readonly Check<S>[], options: RunOptions<S>): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const check of checks) {
    options.signal?.throwIfAborted();
    const { id, clause, severity, title } = check;
    const result = { id, clause, severity, title, ...await outcomeOf(check, options.open) };
    results.push(result);
    options.onResult?.(result);
  }
  return results;
}

type Found = Pick<CheckResult, "outcome" | "expected" | "got" | "detail">;

async function outcomeOf<S>(check: Check<S>, open: RunOptions<S>["open"]): Promise<Found> {
  try {
    await using session = await open(check);
    const detail = await check.run(session);
    return { outcome: "pass", ...(detail === undefined ? {} : { detail }) };
  } catch (error) {
    if (error instanceof Failed) return { outcome: "fail", expected: error.expected, got: error.got };
    if (error instanceof Skipped) return { outcome: "skip", detail: error.message };
    return { outcome: "error", detail: reasonText(error) };
  }
}

/** Number of results of each outcome. */
export function countOutcomes(results: readonly CheckResult[]): Record<Outcome, number> {
  const counts = { pass: 0, fail: 0, skip: 0, error: 0 };
  for (const { outcome } of results) counts[outcome]++;
  return counts;
}

/**
 * What a run says: `ok` when no rule that must hold was broken, `failed` when one was, `not run` when one could not be judged because
 * of an error, or there was nothing to judge.
 */
export function verdictOf(results: readonly CheckResult[]): "ok" | "failed" | "not run" {
  const musts = results.filter(({ severity }) => severity === "must");
  if (musts.some(({ outcome }) => outcome === "fail")) return "failed";
  const judged = musts.some(({ outcome }) => outcome === "pass");
  return judged && !musts.some(({ outcome }) => outcome === "error") ? "ok" : "not run";
}
