/**
 * Other ways to write a host name that UTS 46 maps to the same one.
 *
 * @module
 */
import fc from "fast-check";

/** Characters that are dropped: soft hyphen, zero width space, word joiner, invisible times, variation selectors. */
const DROPPED = ["\u00ad", "\u200b", "\u2060", "\u2064", "\ufe0f", "\u180b", "\u{e0100}"];
/** Full stops of other scripts. */
const DOTS = [".", "\u3002", "\uff0e", "\uff61"];

/** Spellings of one character of a name. */
function character(letter: string): fc.Arbitrary<string> {
  if (letter === ".") return fc.constantFrom(...DOTS);
  const forms = [letter, letter.normalize("NFD"), letter.toUpperCase(), letter.toUpperCase().normalize("NFD")];
  const code = letter.codePointAt(0)!;
  if (/[!-~]/.test(letter)) forms.push(String.fromCodePoint(code + 0xfee0)); // full width
  if (/[a-z]/.test(letter)) {
    const n = code - 0x61;
    // Full width capitals, circled letters, mathematical bold, sans-serif, monospace.
    for (const first of [0xff21, 0x24d0, 0x24b6, 0x1d41a, 0x1d5ba, 0x1d670]) {
      forms.push(String.fromCodePoint(first + n));
    }
  }
  // Circled, and double-struck.
  if (/[1-9]/.test(letter)) forms.push(...[0x245f, 0x1d7d8].map((zero) => String.fromCodePoint(zero + Number(letter))));
  if (letter === "ß") return fc.constantFrom("ß", "ẞ");
  if (letter === "σ") return fc.constantFrom("σ", "Σ");
  return fc.constantFrom(...forms);
}

/** Spellings of a name in Unicode, with a full stop at the end or without. A few characters that are dropped are strewn in. */
export function spellings(name: string): fc.Arbitrary<string> {
  const letters = [...name].map((letter, i) =>
    fc.tuple(
      character(letter),
      i === 0 || letter === "." ? fc.constant("") : fc.oneof(
        { arbitrary: fc.constant(""), weight: 4 },
        { arbitrary: fc.constantFrom(...DROPPED), weight: 1 },
      ),
    ).map(([spelled, dropped]) => dropped + spelled)
  );
  return fc.tuple(fc.tuple(...letters), fc.constantFrom("", "", ...DOTS)).map(([parts, end]) => parts.join("") + end);
}
