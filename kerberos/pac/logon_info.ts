/**
 * KERB_VALIDATION_INFO, the account and its groups (MS-PAC section 2.5).
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { KerberosError } from "../errors.ts";
import { NdrReader, NdrWriter, type StringHeader } from "./ndr.ts";

/** The parts of KERB_VALIDATION_INFO that say who somebody is. */
export interface LogonInfo {
  /** sAMAccountName, as it is stored. */
  readonly account: string;
  /** NetBIOS name of its domain. */
  readonly domain: string;
  /** SID of its domain. */
  readonly domainSid: string;
  /** SID of the account. */
  readonly sid: string;
  /** SID of its primary group. */
  readonly primaryGroup: string;
  /** SIDs of its enabled groups: of its domain, others, and of the service's domain. */
  readonly groups: readonly string[];
}

/** SIDs of groups at most; an access token of Windows holds 1,024. */
export const MAX_GROUPS = 2048;
/** SE_GROUP_ENABLED, bit C of section 2.2.1: "the group is enabled for use". */
const ENABLED = 4;
/** SE_GROUP_MANDATORY and SE_GROUP_ENABLED_BY_DEFAULT, with which groups are written. */
const USUAL = 7;
/** Bits D and H of UserFlags: extra SIDs, groups of the resource's domain. */
const EXTRA_SIDS = 0x20;
const NEVER = [0xffffffff, 0x7fffffff] as const;

/** A member of a list: a RID or a SID, and its attributes. */
interface Member<T> {
  readonly id: T;
  readonly attributes: number;
}

/**
 * Reads a LOGON_INFO buffer.
 *
 * @throws {KerberosError} `BAD_MESSAGE` when it cannot be read, or has too many groups.
 * @throws {RangeError} When it is cut off.
 */
export function readLogonInfo(data: Bytes): LogonInfo {
  const ndr = new NdrReader(data);
  // Six times.
  ndr.skip32(12);
  const strings = [ndr.string(), ndr.string(), ndr.string(), ndr.string(), ndr.string(), ndr.string()];
  ndr.u16();
  ndr.u16();
  const [userId, primaryGroupId] = [ndr.u32(), ndr.u32()];
  const groupIds = list(ndr);
  // UserFlags and UserSessionKey.
  ndr.skip32(5);
  const [server, domainName] = [ndr.string(), ndr.string()];
  const hasDomain = ndr.pointer();
  // Two reserved numbers, UserAccountControl, SubAuthStatus, two times, FailedILogonCount, and a reserved number.
  ndr.skip32(10);
  const extra = list(ndr);
  const hasResourceDomain = ndr.pointer();
  const resource = list(ndr);
  if (groupIds.count + extra.count + resource.count > MAX_GROUPS) {
    throw new KerberosError("BAD_MESSAGE", `it has more than ${MAX_GROUPS} groups`);
  }

  const [account] = strings.map((header) => ndr.text(header)) as [string];
  const rids = members(ndr, groupIds);
  const [, domain] = [server, domainName].map((header: StringHeader) => ndr.text(header)) as [string, string];
  if (!hasDomain) throw new KerberosError("BAD_MESSAGE", "the SID of its domain is missing");
  const domainSid = ndr.sid();
  const extraSids = sidMembers(ndr, extra);
  const resourceDomain = hasResourceDomain ? ndr.sid() : undefined;
  const resourceRids = members(ndr, resource);
  if (resourceRids.length > 0 && resourceDomain === undefined) {
    throw new KerberosError("BAD_MESSAGE", "the SID of the resource's domain is missing");
  }
  if (account === "") throw new KerberosError("BAD_MESSAGE", "the name of its account is missing");
  const primaryGroup = `${domainSid}-${primaryGroupId}`;
  return {
    account,
    domain,
    domainSid,
    sid: accountSid(userId, domainSid, extraSids),
    primaryGroup,
    groups: [
      ...new Set([
        primaryGroup,
        ...enabled(rids).map((rid) => `${domainSid}-${rid}`),
        ...enabled(extraSids.slice(userId === 0 ? 1 : 0)),
        ...enabled(resourceRids).map((rid) => `${resourceDomain}-${rid}`),
      ]),
    ],
  };
}

/** "If the UserId member equals 0x00000000, the first group SID in this member is the SID for this account." */
function accountSid(userId: number, domainSid: string, extraSids: readonly Member<string>[]): string {
  if (userId !== 0) return `${domainSid}-${userId}`;
  const [first] = extraSids;
  if (first === undefined) throw new KerberosError("BAD_MESSAGE", "the SID of the account is missing");
  return first.id;
}

function enabled<T>(list: readonly Member<T>[]): T[] {
  return list.filter(({ attributes }) => (attributes & ENABLED) !== 0).map(({ id }) => id);
}

interface ListHeader {
  readonly count: number;
  readonly present: boolean;
}

function list(ndr: NdrReader): ListHeader {
  return { count: ndr.u32(), present: ndr.pointer() };
}

/** Reads an array of GROUP_MEMBERSHIP (section 2.2.2). */
function members(ndr: NdrReader, header: ListHeader): Member<number>[] {
  return array(ndr, header, () => ({ id: ndr.u32(), attributes: ndr.u32() }));
}

/** Reads an array of KERB_SID_AND_ATTRIBUTES (section 2.2.1); the SIDs follow it. */
function sidMembers(ndr: NdrReader, header: ListHeader): Member<string>[] {
  const heads = array(ndr, header, () => ({ present: ndr.pointer(), attributes: ndr.u32() }));
  return heads.map(({ present, attributes }) => {
    if (!present) throw new KerberosError("BAD_MESSAGE", "the SID of a group is missing");
    return { id: ndr.sid(), attributes };
  });
}

function array<T>(ndr: NdrReader, { count, present }: ListHeader, read: () => T): T[] {
  if (!present) {
    if (count !== 0) throw new KerberosError("BAD_MESSAGE", `a list of ${count} groups is missing`);
    return [];
  }
  ndr.arraySize(count);
  return Array.from({ length: count }, read);
}

/** What is written of an account: its SIDs, some of them in the domain of the account. */
export interface WrittenLogon {
  readonly account: string;
  readonly domain: string;
  /** SID of the account: its domain's, and a RID. */
  readonly sid: string;
  /** RID of the primary group in the domain of the account. */
  readonly primaryGroupId: number;
  /** SIDs of groups; those of the account's domain are written as RIDs. */
  readonly groups: readonly string[];
  /** NetBIOS name of the KDC. */
  readonly server: string;
}

/** Writes a LOGON_INFO buffer. */
export function writeLogonInfo({ account, domain, sid, primaryGroupId, groups, server }: WrittenLogon): Bytes {
  const [domainSid, userId] = splitSid(sid);
  const [own, other] = [true, false].map((ours) =>
    groups.filter((group) => (splitSid(group)[0] === domainSid) === ours)
  );
  const rids = [...new Set([primaryGroupId, ...own!.map((group) => splitSid(group)[1])])];
  const ndr = new NdrWriter();
  // LogonTime; LogoffTime and KickOffTime are never; PasswordLastSet and PasswordCanChange; PasswordMustChange is never.
  for (const half of [0, 0, ...NEVER, ...NEVER, 0, 0, 0, 0, ...NEVER]) ndr.u32(half);
  ndr.string(account);
  for (let i = 0; i < 5; i++) ndr.string("");
  ndr.u16(0).u16(0).u32(userId).u32(primaryGroupId).u32(rids.length).pointer(() => {
    ndr.u32(rids.length);
    for (const rid of rids) ndr.u32(rid).u32(USUAL);
  });
  ndr.u32(other!.length > 0 ? EXTRA_SIDS : 0).u32(0).u32(0).u32(0).u32(0).string(server).string(domain);
  ndr.pointer(() => ndr.sid(domainSid));
  for (let i = 0; i < 10; i++) ndr.u32(0);
  ndr.u32(other!.length).pointer(
    other!.length === 0 ? undefined : () => {
      ndr.u32(other!.length);
      for (const _ of other!) ndr.pointer(() => {}).u32(USUAL);
      for (const group of other!) ndr.sid(group);
    },
  );
  ndr.pointer(undefined).u32(0).pointer(undefined);
  return ndr.finish();
}

/** Splits a SID before its last part. */
export function splitSid(sid: string): readonly [domain: string, rid: number] {
  const at = sid.lastIndexOf("-");
  return [sid.slice(0, at), Number(sid.slice(at + 1))];
}
