/**
 * Work that mostly waits, several pieces at a time.
 *
 * @module
 */

/** Number of pieces under way. */
const LANES = 8;

/** Does all the work, in order, several pieces at a time. */
export async function inLanes<T>(work: readonly T[], one: (piece: T) => Promise<void>): Promise<void> {
  const left = [...work];
  const lane = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) await one(next);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}
