/**
 * Waits for a condition, with a time limit.
 *
 * @module
 */

/** Polls until a condition is true; throws when it is not in time. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  milliseconds = 15_000,
): Promise<void> {
  const started = performance.now();
  while (!await isSo()) {
    if (performance.now() - started > milliseconds) throw new Error(`Not within ${milliseconds} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
