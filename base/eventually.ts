/**
 * Results that are there at once where that is possible, and promised where it is not: a promise that nobody needs takes longer to settle
 * than sealing a short message.
 *
 * @module
 */

/** A value now, or the promise of one. */
export type Eventually<T> = T | Promise<T>;

/** The promise of what `make` makes, now or later; what it throws rejects it. One promise: an `await` would make a second. */
export function promised<T>(make: () => Eventually<T>): Promise<T> {
  try {
    return Promise.resolve(make());
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Applies `next` now if the value is available, otherwise when its promise resolves. */
export function andThen<T, U>(value: Eventually<T>, next: (value: T) => Eventually<U>): Eventually<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}
