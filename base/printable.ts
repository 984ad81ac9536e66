/**
 * Untrusted text made safe for a terminal, a log and a page.
 *
 * @module
 */

/**
 * Characters that move the cursor, end a line, reverse the writing direction or are invisible: controls (C0, C1), format
 * characters including the bidirectional ones, line and paragraph separators, halves of surrogate pairs, and Unicode's default
 * ignorable characters.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{DI}]/gu;

/**
 * Returns one line with every unsafe character as `\uXXXX`. These are escapes of JSON too, so a line of JSON keeps its meaning.
 */
export function printable(line: string): string {
  return line.replace(UNSAFE, escape);
}

/** Returns several lines with unsafe characters escaped; line ends and tabs stay. */
export function printableLines(text: string): string {
  return text.replace(UNSAFE, (character) => character === "\n" || character === "\t" ? character : escape(character));
}

function escape(character: string): string {
  return character.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");
}

/**
 * Maximum number of characters that are shown: enough for a message about the longest name of RFC 1929. The journal splits
 * entries after 48 KiB.
 */
const LONGEST = 2_000;

/** Returns the beginning of a long text, with three dots where it is cut, or a short text unchanged. */
export function shortened(text: string, longest: number = LONGEST): string {
  return text.length <= longest ? text : `${text.slice(0, longest)}...`;
}

/**
 * Returns an untrusted name as one word of a line. Unless it consists of letters, digits and the usual marks of names, it is put
 * in quotation marks, and those in it are doubled. So no part of it looks like another field, and a rule accepts it as it is.
 */
export function quoted(name: string): string {
  return /^[\p{L}\p{N}._@/\\$+-]+$/u.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}
