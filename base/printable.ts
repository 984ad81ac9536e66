/**
 * Text that others had a part in, fit for a terminal, a log and a page.
 *
 * @module
 */

/**
 * What moves a cursor, ends a line, turns the order of writing around or is not seen at all: controls (C0, C1), format
 * characters with the bidirectional ones, line and paragraph separators, halves of surrogate pairs, and whatever Unicode
 * has a reader pass over.
 */
const UNFIT = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{DI}]/gu;

/**
 * One line: what is not fit to be shown stands as `\uXXXX`. In JSON these are its own escapes, so that a line of JSON says
 * the same as before.
 */
export function printable(line: string): string {
  return line.replace(UNFIT, escape);
}

/** Several lines: line ends and tabs stay. */
export function printableLines(text: string): string {
  return text.replace(UNFIT, (character) => character === "\n" || character === "\t" ? character : escape(character));
}

function escape(character: string): string {
  return character.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");
}

/**
 * Characters of a text that are shown, enough for a complaint about the longest name of RFC 1929. Journals begin another
 * entry after 48 KiB, with whatever stands there then.
 */
const LONGEST = 2_000;

/** The beginning of a text that somebody may have made long, with dots where it is cut. */
export function shortened(text: string, longest: number = LONGEST): string {
  return text.length <= longest ? text : `${text.slice(0, longest)}...`;
}

/**
 * A name that others chose, as one word of a line: in quotation marks with those in it doubled, unless it has nothing in it
 * but letters, digits and what names are made of. No part of it reads as another field, and a rule takes it as it stands.
 */
export function quoted(name: string): string {
  return /^[\p{L}\p{N}._@/\\$+-]+$/u.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}
