/**
 * Names of components and a realm as text, `component/component@REALM`, in the form of RFC 1964 section 2.1.1. Every name has
 * its own text, which is read as that name again.
 *
 * @module
 */

/** Parts of a name. */
export interface NameParts {
  /** One or more components. */
  readonly components: readonly string[];
  /** Realm; `undefined` if the text has none. */
  readonly realm: string | undefined;
}

/** Control characters by the letter that stands for them after a backslash. */
const LETTERS: Readonly<Record<string, string>> = { n: "\n", t: "\t", b: "\b", "0": "\0" };
const SPECIAL: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(LETTERS).map(([letter, character]) => [character, letter]),
);

/**
 * Yields the characters of a text, each with whether a backslash quotes it.
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
 * Splits the text of a name.
 *
 * @throws {TypeError} When the text has two realms or ends in a backslash.
 */
export function parseNameText(text: string): NameParts {
  // The usual case: no backslash.
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
 * Splits the text of an enterprise name (RFC 6806 section 5): one component, which has one `@` itself, as it is or behind a
 * backslash; a realm follows the next one.
 *
 * @throws {TypeError} When the text ends in a backslash, or has something that looks like a second realm.
 */
export function parseEnterpriseText(text: string): NameParts {
  let name = "";
  let realm: string | undefined;
  for (const [character, quoted] of nameCharacters(text)) {
    if (realm !== undefined) {
      if (!quoted && character === "@") {
        throw new TypeError(`Cannot read enterprise name ${JSON.stringify(text)}: it has two realms`);
      }
      realm += character;
    } else if (!quoted && character === "@" && name.includes("@")) realm = "";
    else name += character;
  }
  return { components: [name], realm };
}

/**
 * Returns the text of a name. A backslash quotes `/`, `@` and itself; newline, tab, backspace and null become a backslash and a
 * letter. All other characters stay as they are, as in `krb5_unparse_name()`.
 */
export function formatNameText({ components, realm }: NameParts): string {
  const name = components.map(escape).join("/");
  return realm === undefined ? name : `${name}@${escape(realm)}`;
}

// deno-lint-ignore no-control-regex
const SPECIAL_CHARACTERS = /[\\/@\n\t\x08\0]/g;

function escape(text: string): string {
  // Few names have one of them, and a search costs a tenth of a replacement.
  if (text.search(SPECIAL_CHARACTERS) < 0) return text;
  return text.replace(SPECIAL_CHARACTERS, (character) => `\\${SPECIAL[character] ?? character}`);
}
