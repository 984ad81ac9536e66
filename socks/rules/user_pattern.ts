/**
 * User and realm conditions of rules. Names of principals are compared as components and a realm, never as text, so no character of a name can
 * act as a separator or as the end.
 *
 * @module
 */
import { foldComponents, foldName } from "./folded_name.ts";
import { nameCharacters, type NameParts } from "../../base/name_text.ts";

/** Components of a name, or a realm as the only component, with a wildcard at one end. */
interface Part {
  readonly components: readonly string[];
  readonly star: "none" | "start" | "end";
}

/** A pattern. Its realm is `undefined` if it names none. */
interface PatternParts {
  readonly name: Part;
  readonly realm: Part | undefined;
}

/** A parsed user condition. */
export interface UserPattern {
  /** For allow rules: the exact name. */
  readonly exact: PatternParts;
  /** For deny rules: the folded forms, which are equal for all spellings. */
  readonly folded: readonly PatternParts[];
  /** For users of other methods, whose names are plain text: the parts between the wildcards. */
  readonly plain: readonly string[];
  /** The same parts, folded. */
  readonly foldedPlain: readonly string[];
}

/** A parsed realm condition. */
export interface RealmPattern {
  readonly exact: Part;
  readonly folded: Part;
}

/**
 * Parses `component/component@REALM`. A `*` is allowed at one end of the name and at one end of the realm, or instead of them. A backslash
 * escapes the next character.
 *
 * @throws {TypeError} A `*` is elsewhere, or the text is no name.
 */
export function parseUserPattern(text: string): UserPattern {
  if (text === "") throw new TypeError('"" is no user');
  const at = [...separators(text)];
  if (at.length > 1) {
    throw new TypeError(`${JSON.stringify(text)} is no user: it has two realms; \\@ is an @ in a name`);
  }
  const [split] = at;
  const exact: PatternParts = {
    name: readPart(text.slice(0, split), text, "/"),
    realm: split === undefined ? undefined : readPart(text.slice(split + 1), text),
  };
  const plain = text.split("*");
  return { exact, folded: spellings(foldPattern(exact)), plain, foldedPlain: plain.map(foldName) };
}

/**
 * Parses a realm. A `*` is allowed at one end.
 *
 * @throws {TypeError} A `*` is elsewhere.
 */
export function parseRealmPattern(text: string): RealmPattern {
  if (text === "") throw new TypeError('"" is no realm');
  const exact = readPart(text, text);
  return { exact, folded: foldRealm(exact) };
}

/** Indexes of the `@` that are separators. */
function* separators(text: string): Generator<number, void> {
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === "@") yield i;
  }
}

function readPart(text: string, whole: string, separator?: string): Part {
  const components = [""];
  const stars: number[] = [];
  let length = 0;
  for (const [character, quoted] of nameCharacters(text)) {
    if (!quoted && character === "*") stars.push(length);
    else if (!quoted && character === separator) components.push("");
    else components[components.length - 1] += character;
    length++;
  }
  const [star] = stars;
  if (stars.length > 1 || (star !== undefined && star > 0 && star < length - 1)) {
    throw new TypeError(
      `${
        JSON.stringify(whole)
      } is no user or realm: a * stands at one end of the name or of the realm; \\* is a * in a name`,
    );
  }
  // A single `*` is at both ends and matches everything.
  return { components, star: star === undefined ? "none" : star === length - 1 ? "end" : "start" };
}

function foldRealm({ components, star }: Part): Part {
  return { components: components.map(foldName), star };
}

function foldPattern({ name: { components, star }, realm }: PatternParts): PatternParts {
  return { name: { components: foldComponents(components), star }, realm: realm && foldRealm(realm) };
}

/** Forms of a pattern. An enterprise name with the realm as its domain is also the plain name. */
function spellings(pattern: PatternParts): PatternParts[] {
  const { name, realm } = pattern;
  const plain = realm?.star === "none" && name.star === "none" && plainUser(name.components, realm.components[0]!);
  return plain ? [pattern, { name: { components: plain.split("/"), star: "none" }, realm }] : [pattern];
}

/** The user of a folded enterprise name whose domain is the realm or the first labels of the realm. */
export function plainUser(components: readonly string[], realm: string): string | undefined {
  const [user, domain] = enterprise(components) ?? [];
  return domain !== undefined && (domain === realm || realm.startsWith(`${domain}.`)) ? user : undefined;
}

/** User and domain of an enterprise name, `user@domain`. */
export function enterprise(components: readonly string[]): readonly [user: string, domain: string] | undefined {
  const text = components.join("/");
  const at = text.lastIndexOf("@");
  return at < 1 ? undefined : [text.slice(0, at), text.slice(at + 1)];
}

/**
 * Whether a pattern matches a name.
 *
 * @param anywhere Whether a pattern without a realm matches names of every realm.
 */
export function matchesName({ name, realm }: PatternParts, given: NameParts, anywhere: boolean): boolean {
  if (realm !== undefined) return matchesPart(name, given.components) && matchesPart(realm, [given.realm ?? ""]);
  const fits = matchesPart(name, given.components);
  if (given.realm === undefined || given.realm === "" || name.star === "end" || anywhere && fits) return fits;
  // `*.EXAMPLE.COM` without `@`: the text after the `*` is the end of the realm.
  return name.star === "start" && name.components.length === 1 && matchesPart(name, [given.realm]);
}

export function matchesPart({ components: wanted, star }: Part, given: readonly string[]): boolean {
  const more = given.length - wanted.length;
  if (more < 0 || (star === "none" && more > 0)) return false;
  const offset = star === "start" ? more : 0;
  return wanted.every((text, i) => {
    const component = given[i + offset]!;
    if (star === "start" && i === 0) return component.endsWith(text);
    if (star === "end" && i === wanted.length - 1) return component.startsWith(text);
    return component === text;
  });
}

/** Whether a text consists of the parts of a pattern with anything between them. */
export function matchesText(pieces: readonly string[], text: string): boolean {
  const [first, ...rest] = pieces as [string, ...string[]];
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
