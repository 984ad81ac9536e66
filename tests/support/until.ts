/**
 * Waits until something is so, and not for ever.
 *
 * @module
 */

/** Asks again and again; throws when it is not so in time. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  milliseconds = 15_000,
): Promise<void> {
  const started = performance.now();
  while (!await isSo()) {
    if (performance.now() - started > milliseconds) throw new Error(`Not in ${milliseconds} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
