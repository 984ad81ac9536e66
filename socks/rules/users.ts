/**
 * Whom a rule means. Names of principals are compared as components and a realm, never as text, so that no character of a
 * name can stand for a separator or for the end of it.
 *
 * A rule that allows fits the name as it is. A rule that denies fits every spelling of it: Active Directory knows a user in
 * any case, with accents or without, and by an enterprise name (RFC 6806 section 5), and the ticket carries what was typed.
 *
 * @module
 */
import { formatNameText, nameCharacters, type NameParts, parseNameText } from "../../gss/name_text.ts";
import type { Identity } from "../auth/method.ts";

/** Components, or a realm as the only one, with a `*` at one end for whatever stands there. */
interface Part {
  readonly components: readonly string[];
  readonly star: "none" | "start" | "end";
}

interface PatternParts {
  readonly name: Part;
  readonly realm: Part | undefined;
}

/** A user condition of a rule, read. */
export interface UserPattern {
  /** As principals are compared where a rule allows. */
  readonly exact: PatternParts;
  /** The same in the form in which all spellings are one. */
  readonly folded: readonly PatternParts[];
  /** As a user name of another method, which is plain text: what stands between the stars. */
  readonly plain: readonly string[];
  /** The same, folded. */
  readonly foldedPlain: readonly string[];
}

/** A realm condition of a rule, read. */
export interface RealmPattern {
  readonly exact: Part;
  readonly folded: Part;
}

/**
 * Reads `component/component@REALM`, where a `*` may stand at one end of the name and at one end of the realm, or instead
 * of them. A backslash takes the meaning from the character behind it.
 *
 * @throws {TypeError} When a star stands elsewhere, or the text is no name.
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
 * Reads a realm, with a `*` at one end for many.
 *
 * @throws {TypeError} When a star stands elsewhere.
 */
export function parseRealmPattern(text: string): RealmPattern {
  if (text === "") throw new TypeError('"" is no realm');
  const exact = readPart(text, text);
  return { exact, folded: foldPart(exact) };
}

/** Where an `@` separates. */
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
  // Alone it is at both ends, and whatever stands there fits.
  return { components, star: star === undefined ? "none" : star === length - 1 ? "end" : "start" };
}

const UNSEEN = /[\p{M}\p{Cc}\p{Cf}\p{DI}]/gu;

/**
 * The form in which every spelling that Active Directory takes for the same account is one: without case, accents, width,
 * kind of kana, and characters that are not seen.
 */
export function foldName(text: string): string {
  // Marks go first: to bring a long row of them into order is not linear work.
  return text.replace(UNSEEN, "").normalize("NFKD").replace(UNSEEN, "").toLowerCase().toUpperCase()
    .replace(/[\u3041-\u3096]/g, (kana) => String.fromCharCode(kana.charCodeAt(0) + 0x60));
}

function foldPart({ components, star }: Part): Part {
  return { components: components.map(foldName), star };
}

function foldPattern({ name, realm }: PatternParts): PatternParts {
  return { name: foldPart(name), realm: realm && foldPart(realm) };
}

/** An enterprise name of the realm itself is the user's plain one. */
function spellings(pattern: PatternParts): PatternParts[] {
  const { name, realm } = pattern;
  const plain = realm?.star === "none" && name.star === "none" && plainUser(name.components, realm.components[0]!);
  return plain ? [pattern, { name: { components: [plain], star: "none" }, realm }] : [pattern];
}

/** User of an enterprise name that says the realm once more, whole or by its first label; folded, as everything here. */
function plainUser(components: readonly string[], realm: string): string | undefined {
  const [user, domain] = enterprise(components) ?? [];
  return domain !== undefined && (domain === realm || realm.startsWith(`${domain}.`)) ? user : undefined;
}

/** Both sides of an enterprise name, `user@domain` in one component. */
function enterprise(components: readonly string[]): readonly [user: string, domain: string] | undefined {
  const at = components.length === 1 ? components[0]!.lastIndexOf("@") : -1;
  return at < 1 ? undefined : [components[0]!.slice(0, at), components[0]!.slice(at + 1)];
}

/** A user as rules see him. */
interface User {
  /** As a principal; `undefined` for a user of another method, whose name is plain text. */
  readonly name: NameParts | undefined;
  /** Everything that he may be called by where he is denied, folded. */
  readonly readings: readonly NameParts[];
  /** Whether the name stands for no one in particular (RFC 6111). */
  readonly wellKnown: boolean;
  /** Name that he counts under. */
  readonly key: string;
}

/** Every datagram is judged, and an identity stays the same as long as its session. */
const USERS = new WeakMap<Identity, User>();

function userOf(identity: Identity): User {
  let user = USERS.get(identity);
  if (user === undefined) {
    USERS.set(identity, user = identity.method === "gssapi" ? principal(identity) : plain(identity));
  }
  return user;
}

function principal({ name: text }: Identity): User {
  const name = readName(text);
  const realm = name.realm === undefined ? undefined : foldName(name.realm);
  const components = name.components.map(foldName);
  const readings = [{ components, realm }];
  const [user, domain] = enterprise(components) ?? [];
  if (user !== undefined) readings.push({ components: [user], realm }, { components: [user], realm: domain });
  // A domain controller that does not find a name looks for a machine's, which ends in a dollar.
  readings.push(
    ...readings.filter((one) => one.components.length === 1).map((one) => ({
      components: [`${one.components[0]}$`],
      realm: one.realm,
    })),
  );
  const counted = plainUser(components, realm ?? "");
  return {
    name,
    readings,
    wellKnown: components[0] === "WELLKNOWN" || (realm?.startsWith("WELLKNOWN:") ?? false),
    key: formatNameText({ components: counted === undefined ? components : [counted], realm }),
  };
}

/** A mechanism whose names have another form has the whole of one as the only component. */
function readName(text: string): NameParts {
  try {
    return parseNameText(text);
  } catch {
    return { components: [text], realm: undefined };
  }
}

/** Directories behind a check of passwords know a user with a domain in front or behind. */
function plain({ name }: Identity): User {
  const folded = foldName(name);
  const [user, domain] = enterprise([folded]) ?? [];
  const texts = [folded, folded.slice(folded.lastIndexOf("\\") + 1)];
  const readings: NameParts[] = texts.map((text) => ({ components: [text], realm: undefined }));
  if (user !== undefined) readings.push({ components: [user], realm: domain });
  return { name: undefined, readings, wellKnown: false, key: folded || name };
}

/** Name under which a user counts: one for all spellings; empty for nobody. */
export function userKey(identity: Identity): string {
  return identity.name === "" ? "" : userOf(identity).key;
}

/** What a rule says of users. */
export interface UserRule {
  /** A rule that denies fits every spelling of a name. */
  readonly action: "allow" | "deny";
  /** User conditions as they were written; where there are none, every user fits. */
  readonly users?: readonly string[] | undefined;
  /** Realm conditions as they were written. */
  readonly realms?: readonly string[] | undefined;
}

interface Conditions {
  readonly users: readonly UserPattern[] | undefined;
  readonly realms: readonly RealmPattern[] | undefined;
}

const CONDITIONS = new WeakMap<UserRule, Conditions>();

function conditionsOf(rule: UserRule): Conditions {
  let conditions = CONDITIONS.get(rule);
  if (conditions === undefined) {
    conditions = { users: rule.users?.map(parseUserPattern), realms: rule.realms?.map(parseRealmPattern) };
    CONDITIONS.set(rule, conditions);
  }
  return conditions;
}

/**
 * Reads the users and realms of a rule, for {@linkcode fitsUser} not to meet one that is none.
 *
 * @throws {TypeError} When one cannot be read.
 */
export function checkUsers(rule: UserRule): void {
  conditionsOf(rule);
}

/** Whether a rule is about a client. */
export function fitsUser(rule: UserRule, identity: Identity): boolean {
  const denies = rule.action === "deny";
  const { users, realms } = conditionsOf(rule);
  const user = identity.method === "none" || identity.name === "" ? undefined : userOf(identity);
  if (users !== undefined) {
    const fits = denies ? isDenied : isAllowed;
    if (user === undefined || !users.some((pattern) => fits(pattern, user, identity.name))) return false;
  }
  // RFC 6111 section 3: such a name is nobody's in particular, so no rule lets it in that does not say the name.
  if (!denies && user?.wellKnown && !users?.some((pattern) => namesWellKnown(pattern, user))) return false;
  if (realms === undefined) return true;
  const realm = identity.method === "gssapi" ? realmOf(identity, user) : undefined;
  return realm !== undefined && realms.some((pattern) => fitsRealm(pattern, realm, denies));
}

function isAllowed({ exact, plain }: UserPattern, { name }: User, text: string): boolean {
  return name === undefined ? fitsText(plain, text) : fitsName(exact, name, false);
}

function isDenied({ folded, foldedPlain }: UserPattern, { name, readings }: User): boolean {
  return readings.some((reading) => folded.some((pattern) => fitsName(pattern, reading, true))) ||
    (name === undefined && fitsText(foldedPlain, readings[0]!.components[0]!));
}

function realmOf({ attributes }: Identity, user: User | undefined): string | undefined {
  return typeof attributes.realm === "string" ? attributes.realm : user?.name?.realm;
}

function fitsRealm({ exact, folded }: RealmPattern, realm: string, denies: boolean): boolean {
  return denies ? fitsPart(folded, [foldName(realm)]) : fitsPart(exact, [realm]);
}

/** A name without a realm is a user of none; where `anywhere`, of any. */
function fitsName({ name, realm }: PatternParts, given: NameParts, anywhere: boolean): boolean {
  if (realm !== undefined) return fitsPart(name, given.components) && fitsPart(realm, [given.realm ?? ""]);
  const fits = fitsPart(name, given.components);
  if (given.realm === undefined || given.realm === "" || name.star === "end" || anywhere && fits) return fits;
  // `*.EXAMPLE.COM`: what stands behind the star is the end of the whole, which is the realm.
  return name.star === "start" && name.components.length === 1 && fitsPart(name, [given.realm]);
}

function fitsPart({ components: wanted, star }: Part, given: readonly string[]): boolean {
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

/** A text against what stands between the stars of a pattern. */
function fitsText(pieces: readonly string[], text: string): boolean {
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

/** Whether a pattern that fits says in so many words that it means a well-known name. */
function namesWellKnown(pattern: UserPattern, user: User): boolean {
  const { name, realm } = pattern.exact;
  if (!fitsName(pattern.exact, user.name!, false)) return false;
  const [first] = name.components;
  if (user.readings[0]!.components[0] === "WELLKNOWN") {
    return first === user.name!.components[0] &&
      (name.star === "none" || (name.star === "end" && name.components.length > 1));
  }
  return realm !== undefined && realm.star !== "start" && foldName(realm.components[0]!).startsWith("WELLKNOWN:");
}
