/**
 * One form for all spellings of a name that Active Directory takes for the same account.
 *
 * @module
 */

/** Letters with a stroke or a hook. Unicode does not decompose them, but Active Directory treats them as the plain letter. */
const LETTERS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    A: "\u023a",
    AE: "\u00c6",
    B: "\u0243\u0181",
    C: "\u023b\u0187",
    D: "\u0110\u00d0\u0189\u018a",
    E: "\u0246",
    F: "\u0191",
    G: "\u01e4\u0193",
    H: "\u0126",
    I: "\u0197",
    J: "\u0248",
    K: "\u0198",
    L: "\u0141\u023d",
    N: "\u019d\u0220",
    O: "\u00d8\u019f",
    OE: "\u0152",
    P: "\u01a4",
    R: "\u024c",
    T: "\u0166\u023e\u01ac\u01ae",
    TH: "\u00de",
    U: "\u0244",
    V: "\u01b2",
    Y: "\u024e\u01b3",
    Z: "\u01b5\u0224",
  }).flatMap(([plain, letters]) => [...letters].map((letter) => [letter, plain] as const)),
);

const UNSEEN = /[\p{M}\p{Cc}\p{Cf}\p{DI}]/gu;

/**
 * Folds a name: without case, accents, width, kind of kana, and invisible characters. Names of one account in Active Directory are equal in this
 * form.
 */
export function foldName(text: string): string {
  // Marks are removed first, because normalizing a long sequence of them takes more than linear time.
  return text.replace(UNSEEN, "").normalize("NFKD").replace(UNSEEN, "").toLowerCase().toUpperCase()
    .replace(/[\u00c6-\u024e]/g, (letter) => LETTERS.get(letter) ?? letter)
    .replace(/[\u3041-\u3096]/g, (kana) => String.fromCharCode(kana.charCodeAt(0) + 0x60));
}

/** Folds components. A domain controller may compare names as text, so a `/` in a component also separates. */
export function foldComponents(components: readonly string[]): readonly string[] {
  return components.flatMap((component) => foldName(component).split("/"));
}
