/**
 * Whether a rule matches the account of a directory that a client is: by its stored name, by SID, or by group. An allow rule
 * matches what was verified and what no other domain can claim. A deny rule matches also a client whose account is not
 * known, because it may be the one: without that, a client could leave the proof of its account out.
 *
 * @module
 */
import { formatSid, parseSid } from "../../base/sid.ts";
import type { GssAccount } from "../../gss/account.ts";
import type { Identity } from "../identity.ts";
import { foldName } from "./folded_name.ts";
import { matchesText } from "./user_pattern.ts";
import { wellKnownGroup } from "./well_known_groups.ts";

/** The conditions of a rule on accounts. */
interface AccountRule {
  /** Verdict of the rule. */
  readonly action: "allow" | "deny";
  /** Account conditions as text. */
  readonly accounts?: readonly string[] | undefined;
  /** SIDs as text. */
  readonly sids?: readonly string[] | undefined;
  /** Groups as text. */
  readonly groups?: readonly string[] | undefined;
}

type Test = (account: GssAccount) => boolean;

const CONDITIONS = new WeakMap<AccountRule, readonly (readonly Test[])[]>();

function conditionsOf(rule: AccountRule): readonly (readonly Test[])[] {
  let conditions = CONDITIONS.get(rule);
  if (conditions === undefined) {
    const { action, accounts, sids, groups } = rule;
    conditions = [
      accounts?.map((text) => parseAccount(action, text)),
      sids?.map(parseSidCondition),
      groups?.map((text) => parseGroup(action, text)),
    ].filter((tests) => tests !== undefined);
    CONDITIONS.set(rule, conditions);
  }
  return conditions;
}

/**
 * Parses the accounts, SIDs and groups of a rule, so that {@linkcode matchesAccount} finds no invalid one later.
 *
 * @throws {TypeError} One of them is invalid.
 */
export function checkAccounts(rule: AccountRule): void {
  conditionsOf(rule);
}

/** Whether a rule's accounts, SIDs and groups match a client. */
export function matchesAccount(rule: AccountRule, { account }: Identity): boolean {
  const conditions = conditionsOf(rule);
  if (conditions.length === 0) return true;
  if (account === undefined) return rule.action === "deny";
  return conditions.every((tests) => tests.some((test) => test(account)));
}

/**
 * Parses `name@dns.domain`, and for deny rules also `DOMAIN\name` and `name` alone. A `*` in the name stands for any text.
 *
 * @throws {TypeError} The text is no account, or an account that a trusted domain could have, too.
 */
function parseAccount(action: AccountRule["action"], text: string): Test {
  const at = text.lastIndexOf("@");
  const slash = text.indexOf("\\");
  const [name, domain] = at >= 0
    ? [text.slice(0, at), text.slice(at + 1)]
    : slash >= 0
    ? [text.slice(slash + 1), text.slice(0, slash)]
    : [text, undefined];
  if (name === "" || domain === "") throw new TypeError(`${JSON.stringify(text)} is no account`);
  if (action === "deny") return deniedAccount(text, name, domain);
  if (at < 0) {
    throw new TypeError(
      `account ${JSON.stringify(text)} needs the DNS name of its domain in a rule that allows, as in ` +
        `${
          JSON.stringify(`${name}@corp.example`)
        }: another domain can have an account of this name, and any short name`,
    );
  }
  const pieces = name.toLowerCase().split("*");
  return (account) =>
    matchesText(pieces, account.name.toLowerCase()) && account.realm.toLowerCase() === domain!.toLowerCase();
}

/** Deny rules match every name that the account has, in every spelling. */
function deniedAccount(text: string, name: string, domain: string | undefined): Test {
  const pieces = name.split("*").map(foldName);
  const [whole, foldedDomain] = [foldName(text), domain === undefined ? undefined : foldName(domain)];
  return (account) => {
    if (account.upn !== undefined && foldName(account.upn) === whole) return true;
    const domains = [account.realm, account.domain, account.dnsDomain ?? ""].map(foldName);
    return matchesText(pieces, foldName(account.name)) &&
      (foldedDomain === undefined || domains.includes(foldedDomain));
  };
}

function parseSidCondition(text: string): Test {
  const parts = parseSid(text);
  if (parts === undefined) throw new TypeError(`${JSON.stringify(text)} is no SID; "S-1-5-21-…" is one`);
  const sid = formatSid(parts);
  return (account) => account.sid === sid || account.groups.includes(sid);
}

/**
 * Parses a group: its SID, or the name of a well-known one. A group that each domain has is named with the domain,
 * `Domain Users@corp.example`; in deny rules, its name alone is that of every domain.
 *
 * @throws {TypeError} The text is neither.
 */
function parseGroup(action: AccountRule["action"], text: string): Test {
  const parts = parseSid(text);
  const at = text.lastIndexOf("@");
  const [name, domain] = at < 0 ? [text, undefined] : [text.slice(0, at), foldName(text.slice(at + 1))];
  const known = parts === undefined ? wellKnownGroup(name) : { sid: formatSid(parts) };
  if (known === undefined || "sid" in known && domain !== undefined) {
    throw new TypeError(
      `${JSON.stringify(text)} is no group: a ticket has groups by SID, so write the group's objectSid, ` +
        `"S-1-5-21-…", or a well-known name such as "Domain Users@corp.example"`,
    );
  }
  if ("sid" in known) return (account) => account.groups.includes(known.sid);
  const { rid } = known;
  if (action === "deny") return (account) => account.groups.some((group) => isDenied(group, rid, domain, account));
  if (domain === undefined) {
    throw new TypeError(
      `each domain has a group ${JSON.stringify(text)}: a rule that allows names the domain, as in ` +
        JSON.stringify(`${text}@corp.example`),
    );
  }
  return (account) => foldName(account.realm) === domain && account.groups.includes(`${domainOf(account.sid)}-${rid}`);
}

/** Whether a group of an account is one with this last part, and of the domain: a group of another domain may be that domain's. */
function isDenied(group: string, rid: number, domain: string | undefined, account: GssAccount): boolean {
  if (!/^S-1-5-21-/.test(group) || !group.endsWith(`-${rid}`)) return false;
  if (domain === undefined || domainOf(group) !== domainOf(account.sid)) return true;
  return [account.realm, account.domain, account.dnsDomain ?? ""].some((name) => foldName(name) === domain);
}

/** SID of the domain of an account or a group. */
function domainOf(sid: string): string {
  return sid.slice(0, sid.lastIndexOf("-"));
}
