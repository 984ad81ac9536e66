/**
 * What the figures of several turns say: the middle, how sure it is, and whether a goal is met.
 *
 * @module
 */

/** A median, and the range that holds the true one with a probability of nine in ten or more. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** What a figure should be: at least, at most. */
export type Bound = { readonly least: number } | { readonly most: number };

/** What is known about a goal. Noise: it lies within the spread, so that another run may say otherwise. */
export type Verdict = "met" | "not met" | "noise";

/** How a commit compares with another one. */
export type Change = "better" | "worse" | "within noise";

/** Returns the median. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
}

/**
 * Returns the spread of some turns. The range runs from one of the smallest to one of the largest values: the chance that the
 * true median lies below the k smallest of n values is that of at most k - 1 heads among n coins, whatever the values'
 * distribution is. Five turns give all of their range (94 %), eleven leave two out at each end. Fewer than five are too few for
 * nine in ten, and give all of their range.
 */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const n = sorted.length;
  let outside = 0;
  let chance = 2 / 2 ** n; // That the true median lies beyond an end.
  for (let ways = 1; outside < (n - 1) >> 1;) {
    ways *= (n - outside) / (outside + 1);
    chance += 2 * ways / 2 ** n;
    if (chance > 0.1) break;
    outside++;
  }
  return { median: median(values), low: sorted[outside]!, high: sorted[n - 1 - outside]! };
}

/** Compares a spread with a goal. */
export function judge({ low, high }: Spread, goal: Bound): Verdict {
  if ("least" in goal) return low >= goal.least ? "met" : high < goal.least ? "not met" : "noise";
  return high <= goal.most ? "met" : low > goal.most ? "not met" : "noise";
}

/** Smallest change that counts: two processes of the same commit may differ by as much for as long as they live. */
const MARGIN = 0.03;

/** Judges the ratios of a commit to another one, turn by turn; more is better. */
export function judgeChange(ratios: Spread): Change {
  if (ratios.low > 1 && ratios.median > 1 + MARGIN) return "better";
  if (ratios.high < 1 && ratios.median < 1 - MARGIN) return "worse";
  return "within noise";
}
