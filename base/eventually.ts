/**
 * Results that are there at once where that is possible, and promised where it is not: a promise that nobody needs takes longer to settle
 * than sealing a short message.
 *
 * @module
 */

/** A value now, or the promise of one. */
export type Eventually<T> = T | Promise<T>;

/** Applies `next` now if the value is available, otherwise when its promise resolves. */
export function andThen<T, U>(value: Eventually<T>, next: (value: T) => Eventually<U>): Eventually<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}
