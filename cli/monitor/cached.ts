/**
 * What costs more the more sessions there are is not made anew for everybody who asks: a thousand polls a second take no more
 * than a share of the thread that serves.
 *
 * @module
 */
import { monotonicNow } from "../../base/runtime.ts";

/** What was made is good for so many times as long as it took to make it. */
const SHARE = 19;
/** Nothing is older than that, in milliseconds. */
const OLDEST = 1_000;

/** The same, made once at a time and not more often than {@linkcode SHARE} says. What fails is made anew. */
export function sparingly<T>(make: () => Promise<T>, now: () => number = monotonicNow): () => Promise<T> {
  let made: Promise<T> | undefined;
  let until = -Infinity;
  return () => {
    if (made !== undefined && now() < until) return made;
    const began = now();
    // Until it is there, whoever asks waits for the same one.
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

/** What `text` makes of a value, which does not change: made once. */
export function rendered<T extends object>(value: T, text: (value: T) => string): string {
  let texts = TEXTS.get(value);
  if (texts === undefined) TEXTS.set(value, texts = new Map());
  let made = texts.get(text);
  if (made === undefined) texts.set(text, made = text(value));
  return made;
}
