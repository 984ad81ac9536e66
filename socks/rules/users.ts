/**
 * Whether a rule matches a user. An allow rule matches the exact name. A deny rule matches every spelling of it, because Active Directory accepts
 * a user name in any case, with or without accents, and as an enterprise name (RFC 6806 section 5), and the ticket has the spelling that the
 * user typed.
 *
 * @module
 */
import { LruMap } from "../../base/lru_map.ts";
import { formatNameText, type NameParts, parseNameText } from "../../base/name_text.ts";
import type { GssAccount } from "../../gss/account.ts";
import type { Identity } from "../identity.ts";
import {
  enterprise,
  matchesName,
  matchesPart,
  matchesText,
  parseRealmPattern,
  parseUserPattern,
  plainUser,
  type RealmPattern,
  type UserPattern,
} from "./user_pattern.ts";
import { foldComponents, foldName } from "./folded_name.ts";

/** A client's user as rules see it. */
interface User {
  /** The principal; `undefined` for a user of another method, whose name is plain text. */
  readonly name: NameParts | undefined;
  /** All folded names that deny rules match. */
  readonly readings: readonly NameParts[];
  /** Whether the name is well-known and stands for no particular user (RFC 6111). */
  readonly wellKnown: boolean;
  /** Name under which limits count the user. */
  readonly key: string;
}

/** Every datagram is judged, and an identity stays the same as long as its session. */
const USERS = new WeakMap<Identity, User>();

function userOf(identity: Identity): User {
  let user = USERS.get(identity);
  if (user === undefined) USERS.set(identity, user = sharedUser(identity));
  return user;
}

/** Users seen lately, by all that they are made from: the sessions of one user share a kilobyte, and its names are folded once. */
const SEEN = new LruMap<User>(1_000);

function sharedUser(identity: Identity): User {
  const { method, name, account } = identity;
  const { sid, realm, name: stored, dnsDomain, upn } = account ?? {};
  const text = JSON.stringify([method === "gssapi", name, account !== undefined, sid, realm, stored, dnsDomain, upn]);
  let user = SEEN.get(text);
  if (user === undefined) SEEN.set(text, user = method === "gssapi" ? principal(identity) : plain(identity));
  return user;
}

function principal({ name: text, account }: Identity): User {
  const name = readName(text);
  const realm = name.realm === undefined ? undefined : foldName(name.realm);
  const components = foldComponents(name.components);
  const readings: NameParts[] = [components, ...accountNames(account)].flatMap((spelled) => {
    const [user, domain] = enterprise(spelled) ?? [];
    const plain = user?.split("/");
    return [
      { components: spelled, realm },
      ...(plain === undefined ? [] : [{ components: plain, realm }, { components: plain, realm: domain }]),
    ];
  });
  // An NT-MS-PRINCIPAL has the short name of the domain in front: DOMAIN\user.
  readings.push(...readings.filter((one) => one.components[0]!.includes("\\")).map(withoutShortDomain));
  // A domain controller that does not find a name looks for a machine with it, whose name ends with a dollar.
  readings.push(
    ...readings.filter((one) => one.components.length === 1).map((one) => ({
      components: [`${one.components[0]}$`],
      realm: one.realm,
    })),
  );
  const counted = name.components.length === 1 ? plainUser(components, realm ?? "") : undefined;
  return {
    name,
    readings,
    wellKnown: components[0] === "WELLKNOWN" || (realm?.startsWith("WELLKNOWN:") ?? false),
    // The keys of names are folded, that is, in upper case.
    key: account === undefined
      ? formatNameText({ components: counted?.split("/") ?? components, realm })
      : `sid:${account.sid}`,
  };
}

/** Other names of an account, which its user may not have spelled: the stored one, and the user principal name. */
function accountNames(account: GssAccount | undefined): (readonly string[])[] {
  if (account === undefined) return [];
  const { name, dnsDomain = account.realm, upn } = account;
  return [`${name}@${dnsDomain}`, ...(upn === undefined ? [] : [upn])].map((spelled) => foldComponents([spelled]));
}

function withoutShortDomain({ components: [first, ...others], realm }: NameParts): NameParts {
  return { components: [first!.slice(first!.lastIndexOf("\\") + 1), ...others], realm };
}

/** Reads the text of a principal. A name of another form, from another mechanism, is one component. */
function readName(text: string): NameParts {
  try {
    return parseNameText(text);
  } catch {
    return { components: [text], realm: undefined };
  }
}

/** A directory behind a password check accepts the name of a user with a domain in front or behind. */
function plain({ name }: Identity): User {
  const folded = foldName(name);
  const [user, domain] = enterprise([folded]) ?? [];
  const texts = [folded, folded.slice(folded.lastIndexOf("\\") + 1)];
  const readings: NameParts[] = texts.map((text) => ({ components: text.split("/"), realm: undefined }));
  if (user !== undefined) readings.push({ components: user.split("/"), realm: domain });
  return { name: undefined, readings, wellKnown: false, key: folded || name };
}

/**
 * The name under which limits count a user: the SID of the account, if it is known. It is the same for all spellings, and empty for
 * unauthenticated clients.
 */
export function userKey(identity: Identity): string {
  return identity.name === "" ? "" : userOf(identity).key;
}

/** The conditions of a rule on users. */
export interface UserRule {
  /** Verdict of the rule. A deny rule matches every spelling of a name. */
  readonly action: "allow" | "deny";
  /** User conditions as text. Without them, every user matches. */
  readonly users?: readonly string[] | undefined;
  /** Realm conditions as text. */
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
 * Parses the users and realms of a rule, so that {@linkcode matchesUser} finds no invalid one later.
 *
 * @throws {TypeError} One of them is invalid.
 */
export function checkUsers(rule: UserRule): void {
  conditionsOf(rule);
}

/** Whether a rule's users and realms match a client. */
export function matchesUser(rule: UserRule, identity: Identity): boolean {
  const denies = rule.action === "deny";
  const { users, realms } = conditionsOf(rule);
  const user = identity.method === "none" || identity.name === "" ? undefined : userOf(identity);
  if (users !== undefined) {
    const fits = denies ? isDenied : isAllowed;
    if (user === undefined || !users.some((pattern) => fits(pattern, user, identity.name))) return false;
  }
  // RFC 6111 section 3: a well-known name stands for no particular user, so only a rule with this very name allows it.
  if (!denies && user?.wellKnown && !users?.some((pattern) => namesWellKnown(pattern, user))) return false;
  if (realms === undefined) return true;
  const realm = identity.method === "gssapi" ? realmOf(identity, user) : undefined;
  return realm !== undefined && realms.some((pattern) => matchesRealm(pattern, realm, denies));
}

function isAllowed({ exact, plain }: UserPattern, { name }: User, text: string): boolean {
  return name === undefined ? matchesText(plain, text) : matchesName(exact, name, false);
}

function isDenied({ folded, foldedPlain }: UserPattern, { name, readings }: User): boolean {
  return readings.some((reading) => folded.some((pattern) => matchesName(pattern, reading, true))) ||
    (name === undefined && matchesText(foldedPlain, readings[0]!.components.join("/")));
}

function realmOf({ attributes: { realm } }: Identity, user: User | undefined): string | undefined {
  return typeof realm === "string" ? realm : user?.name?.realm;
}

function matchesRealm({ exact, folded }: RealmPattern, realm: string, denies: boolean): boolean {
  return denies ? matchesPart(folded, [foldName(realm)]) : matchesPart(exact, [realm]);
}

/** Whether a pattern matches a well-known name because it names it, and not by a wildcard. */
function namesWellKnown(pattern: UserPattern, user: User): boolean {
  const { name, realm } = pattern.exact;
  if (!matchesName(pattern.exact, user.name!, false)) return false;
  const [first] = name.components;
  if (user.readings[0]!.components[0] === "WELLKNOWN") {
    return first === user.name!.components[0] &&
      (name.star === "none" || (name.star === "end" && name.components.length > 1));
  }
  return realm !== undefined && realm.star !== "start" && foldName(realm.components[0]!).startsWith("WELLKNOWN:");
}
