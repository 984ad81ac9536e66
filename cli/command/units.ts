/**
 * Times and sizes as options and the configuration file have them.
 *
 * @module
 */
import { parseDuration } from "../../base/duration.ts";

/** Forms of a time, for help and errors. */
export const TIME_FORMS = "500ms, 90s, 30m, 8h, 1d, never, or a number of milliseconds";
/** Forms of a time as a text with its unit, for editors. */
export const TIME_PATTERN: string = String.raw`^(\d{1,11}(ms|s|m|h|d)|never)$`;
/** Forms of a size, for help and errors. */
export const SIZE_FORMS = "64KiB, 10MiB, 1GiB, or a number";
/** Forms of a size as a text with its unit, for editors. */
export const SIZE_PATTERN: string = String.raw`^\d{1,9}(KiB|MiB|GiB)$`;

/** Reads a time with its unit; returns milliseconds, `Infinity` for `never`, or `undefined` if the text is not a time. */
export function readTime(text: string): number | undefined {
  return parseDuration(text, { units: ["ms", "s", "m", "h", "d"], never: true });
}

/** Reads a size with its unit; returns bytes, or `undefined` if the text is not a size. */
export function readSize(text: string): number | undefined {
  const [, amount, unit] = /^(\d{1,9})(KiB|MiB|GiB)$/.exec(text) ?? [];
  return amount === undefined
    ? undefined
    : Number(amount) * { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }[unit as "KiB"];
}
