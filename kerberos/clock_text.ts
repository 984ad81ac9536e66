/**
 * Times and differences of clocks, for people.
 *
 * @module
 */

/** Units of a difference, from which amount on each is used. */
const UNITS: readonly (readonly [least: number, seconds: number, name: string])[] = [
  [172_800, 86_400, "days"],
  [7_200, 3_600, "h"],
  [120, 60, "min"],
  [0, 1, "s"],
];

/** Returns a time as `10 min` or `30 s`, whatever its sign. */
export function timeSpan(milliseconds: number): string {
  const seconds = Math.round(Math.abs(milliseconds) / 1000);
  const [, size, name] = UNITS.find(([least]) => seconds >= least)!;
  return `${Math.round(seconds / size)} ${name}`;
}

/**
 * Returns how far a clock is from another one: `10 min behind`, `30 s ahead of`.
 *
 * @param ahead Milliseconds that it is ahead; negative if it is behind.
 */
export function clockDifference(ahead: number): string {
  return `${timeSpan(ahead)} ${ahead < 0 ? "behind" : "ahead of"}`;
}
