/**
 * Times as messages carry them: KerberosTime has whole seconds (RFC 4120 section 5.2.3), microseconds stand apart.
 *
 * @module
 */

/** The latest time that messages can carry, in milliseconds since the epoch: KerberosTime has four digits for the year. */
export const LATEST_TIME: number = Date.UTC(9999, 11, 31, 23, 59, 59);

/** Returns a time without its fraction of a second. Times are in milliseconds since the epoch. */
export function wholeSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000) * 1000;
}

/** Returns a time as the whole seconds and the microseconds that messages carry. */
export function splitTime(milliseconds: number): { readonly time: number; readonly usec: number } {
  const time = wholeSeconds(milliseconds);
  return { time, usec: Math.floor((milliseconds - time) * 1000) };
}
