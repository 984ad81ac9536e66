/**
 * "Did you mean": the known word that a mistyped one is closest to.
 *
 * @module
 */
import leven from "leven";

/** Longest word that is compared, in characters: longer ones are no typing errors, and cost time. */
const MAX_WORD = 64;

/**
 * Returns the candidate that a word was probably meant to be, or `undefined` where none is close.
 *
 * A third of the characters may differ, upper and lower case are the same, and the beginning of a single candidate counts as it.
 *
 * @example
 * ```ts
 * import { suggest } from "./suggestion.ts";
 *
 * if (suggest("kinti", ["kinit", "klist"]) !== "kinit") throw new Error("no suggestion");
 * ```
 */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  if (word === "" || word.length > MAX_WORD) return undefined;
  const wanted = word.toLowerCase();
  const most = Math.max(1, Math.ceil(wanted.length / 3));
  const known = [...candidates].map((candidate) => {
    const lower = candidate.toLowerCase();
    // Nothing of the word is left where every character differs.
    const distance = lower.length <= most ? Infinity : leven(wanted, lower, { maxDistance: most + 1 });
    return { candidate, distance, begins: begins(wanted, lower) };
  });
  const close = known.filter(({ distance }) => distance <= most)
    .toSorted((a, b) => a.distance - b.distance || b.begins - a.begins);
  if (close.length > 0) return close[0]!.candidate;
  const longer = wanted.length < 3 ? [] : known.filter((one) => one.begins === wanted.length);
  return longer.length === 1 ? longer[0]!.candidate : undefined;
}

/** How many characters two words have in common at their beginning. */
function begins(one: string, other: string): number {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at++;
  return at;
}

/** {@linkcode suggest} as the end of an error: `; did you mean "kinit"?`, or nothing where none is close. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const meant = suggest(word, candidates);
  return meant === undefined ? "" : `; did you mean "${meant}"?`;
}
