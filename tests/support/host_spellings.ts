/**
 * Other ways to write a host name that UTS 46 maps to the same one.
 *
 * @module
 */
import fc from "fast-check";

/** Hosts in their normal form, each with other spellings. */
export const FORMS: Readonly<Record<string, readonly string[]>> = {
  "www.example.com": [
    "WWW.Example.COM",
    "www.example.com.",
    "ｗｗｗ．ｅｘａｍｐｌｅ．ｃｏｍ",
    "www。example｡com",
    "w\u00adww.example.com",
  ],
  "vm": ["VM", "ｖｍ", "v\u00adm", "v\u200bm", "ⓥⓜ", "𝐯𝐦", "vm。"],
  "xn--bcher-kva.example": ["bücher.example", "BÜCHER.example", "bu\u0308cher.example", "XN--BCHER-KVA.example"],
  // Deviation characters stay as they are (UTS 46, nontransitional), unlike in IDNA2003.
  "xn--fa-hia.example": ["faß.example", "faẞ.example", "FAẞ.example"],
  "xn--mxa8a.example": ["ας.example"],
  "xn--mxa9ab.example": ["ΣΑΣ.example", "σασ.example"],
  "xn--n3h.example": ["☃.example"],
  "tel.example": ["℡.example"],
  "_sip._tcp.example": ["_SIP._tcp.example."],
  "ab--cd.example": ["AB--cd.example"],
  "r3---sn-a.example": [],
  "-a.example": [],
  "a-.example": [],
  "1host": [],
  "3com.example": [],
  "1e3": [],
  "localhost": ["LOCALHOST", "localhost.", "ｌｏｃａｌｈｏｓｔ", "lo\u00adcalhost", "localhost\u3002"],
  [`${"a".repeat(63)}.example`]: [`${"A".repeat(63)}.example`],
  [`${"a.".repeat(126)}b`]: [`${"a.".repeat(126)}b.`],
  "127.0.0.1": [
    "127.1",
    "2130706433",
    "0x7f.1",
    "0x7f000001",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.1.",
    "１２７.0.0.1",
    "127。0。0。1",
    "①②⑦.0.0.1",
    "127\u200b.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "[::ffff:127.0.0.1]",
    "0:0:0:0:0:FFFF:7F00:1",
  ],
  "169.254.169.254": ["2852039166", "0xa9fea9fe", "169.254.43518", "[::FFFF:A9FE:A9FE]"],
  "0.0.0.0": ["0", "0x", "00"],
  "0.0.0.1": ["1", "0x1."],
  "::1": ["[::1]", "0:0:0:0:0:0:0:1", "[0::1]"],
  "2001:db8::1": ["2001:DB8:0::1", "[2001:db8::0001]"],
  // Equal only where IPv4 is translated: rules look at the embedded address.
  "64:ff9b::7f00:1": ["64:ff9b::127.0.0.1"],
  "::7f00:1": ["::127.0.0.1"],
};

/** Ignored characters: soft hyphen, zero width space, word joiner, invisible times, variation selectors. */
const DROPPED = ["\u00ad", "\u200b", "\u2060", "\u2064", "\ufe0f", "\u180b", "\u{e0100}"];
/** Full stops of other scripts. */
const DOTS = [".", "\u3002", "\uff0e", "\uff61"];

/** Returns spellings of one character. */
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

/** Returns Unicode spellings of a name, with and without a trailing dot, with some ignored characters. */
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
