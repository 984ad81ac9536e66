/**
 * Caches what is expensive to make, such as a snapshot of many sessions, so that any number of polls takes a small share of the
 * thread that serves.
 *
 * @module
 */
import { monotonicNow } from "../../base/runtime.ts";

/** A value is kept for this many times as long as it took to make. */
const SHARE = 19;
/** Longest time that a value is kept, in milliseconds. */
const OLDEST = 1_000;

/** Wraps `make`, so that it runs once at a time and takes at most one part in {@linkcode SHARE} of the time. Failures are not kept. */
export function cached<T>(make: () => Promise<T>, now: () => number = monotonicNow): () => Promise<T> {
  let made: Promise<T> | undefined;
  let until = -Infinity;
  return () => {
    if (made !== undefined && now() < until) return made;
    const began = now();
    // Until it is ready, all callers wait for the same one.
    until = Infinity;
    return made = Promise.try(make).then((value) => {
      const ended = now();
      until = ended + Math.min(OLDEST, SHARE * (ended - began));
      return value;
    }, (error) => {
      until = -Infinity;
      throw error;
    });
  };
}

const TEXTS = new WeakMap<object, Map<(value: never) => string, string>>();

/** Returns `text(value)`, made once for each value; a value must not change. */
export function cachedText<T extends object>(value: T, text: (value: T) => string): string {
  let texts = TEXTS.get(value);
  if (texts === undefined) TEXTS.set(value, texts = new Map());
  let made = texts.get(text);
  if (made === undefined) texts.set(text, made = text(value));
  return made;
}
