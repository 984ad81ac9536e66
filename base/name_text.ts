/**
 * Names of components and a realm as text, `component/component@REALM`, in the form of RFC 1964 section 2.1.1. It is one
 * to one: whatever a name is made of, its text is read as that name and no other.
 *
 * @module
 */

/** A name in its parts. */
export interface NameParts {
  /** Components, one or more. */
  readonly components: readonly string[];
  /** Realm; `undefined` for a text that names none. */
  readonly realm: string | undefined;
}

/** Letters that stand for control characters behind a backslash. */
const LETTERS: Readonly<Record<string, string>> = { n: "\n", t: "\t", b: "\b", "0": "\0" };
const SPECIAL: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(LETTERS).map(([letter, character]) => [character, letter]),
);

/**
 * Characters of a text, each with whether a backslash in front took its meaning.
 *
 * @throws {TypeError} When the text ends in a backslash.
 */
export function* nameCharacters(text: string): Generator<readonly [character: string, quoted: boolean], void> {
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (character !== "\\") yield [character, false];
    else if (++i < text.length) yield [LETTERS[text[i]!] ?? text[i]!, true];
    else throw new TypeError(`Cannot read principal ${JSON.stringify(text)}: it ends in a backslash`);
  }
}

/**
 * Parts of a name.
 *
 * @throws {TypeError} When the text has two realms or ends in a backslash.
 */
export function parseNameText(text: string): NameParts {
  // Most names have nothing that a backslash is needed for.
  const at = text.indexOf("@");
  if (!text.includes("\\") && at === text.lastIndexOf("@")) {
    return at < 0
      ? { components: text.split("/"), realm: undefined }
      : { components: text.slice(0, at).split("/"), realm: text.slice(at + 1) };
  }
  const components = [""];
  let realm: string | undefined;
  for (const [character, quoted] of nameCharacters(text)) {
    if (!quoted && character === "@") {
      if (realm !== undefined) throw new TypeError(`Cannot read principal ${JSON.stringify(text)}: it has two realms`);
      realm = "";
    } else if (realm !== undefined) realm += character;
    else if (!quoted && character === "/") components.push("");
    else components[components.length - 1] += character;
  }
  return { components, realm };
}

/**
 * Text of a name. A backslash stands in front of `/`, `@` and itself, and newline, tab, backspace and null are letters
 * behind one; everything else stands as it is, blanks and other control characters too, as `krb5_unparse_name()` has it.
 */
export function formatNameText({ components, realm }: NameParts): string {
  const name = components.map(escape).join("/");
  return realm === undefined ? name : `${name}@${escape(realm)}`;
}

function escape(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\\/@\n\t\x08\0]/g, (character) => `\\${SPECIAL[character] ?? character}`);
}
