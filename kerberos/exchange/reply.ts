/**
 * The checks that both exchanges make before they use a reply (RFC 4120 sections 3.1.5 and 3.3.4), and the ticket in it.
 *
 * @module
 */
import { encode } from "../../asn1/codec.ts";
import { lenientText, sameBytes } from "../../base/bytes.ts";
import { timeContents } from "../../asn1/contents.ts";
import { FieldPath } from "../../asn1/path.ts";
import { TicketFlag } from "../registry/flags.ts";
import { KerberosKey } from "../crypto/key.ts";
import { Ticket } from "../messages/ap.ts";
import type { HostAddress } from "../messages/basic.ts";
import type { EncKdcRepPart, KdcRep } from "../messages/kdc.ts";
import { LATEST_TIME, wholeSeconds } from "../messages/time.ts";
import { formatPrincipal, fromPrincipalName, type Principal, samePrincipal } from "../principal.ts";
import { Credential } from "../credential.ts";
import { KerberosError, peerText } from "../errors.ts";

/** Terms that a reply must meet. Times are in milliseconds since the epoch, by the KDC's clock. */
interface ReplyTerms {
  readonly nonce: number;
  /** Enctypes that the session key may have. */
  readonly enctypes: readonly number[];
  /** The KDC's time. */
  readonly now: number;
  /** How far clocks may be apart, in milliseconds. */
  readonly clockskew: number;
  /** How much later than now the ticket may begin; it may then be one that must be validated. @default {0} */
  readonly startDelay?: number;
  /** Latest end of the ticket. */
  readonly latestEnd: number;
  /** Latest end of its renewals. */
  readonly latestRenewal: number;
  /** Addresses that the ticket may be limited to. */
  readonly addresses: readonly HostAddress[];
}

/** Throws `REPLY_MISMATCH` unless the sealed part of a reply fits the request, and the clear part agrees with it. */
export function checkReply(reply: KdcRep, part: EncKdcRepPart, asked: ReplyTerms): void {
  if (part.nonce !== asked.nonce) mismatch("the nonce", asked.nonce, part.nonce);
  if (!asked.enctypes.includes(part.key.keytype)) {
    mismatch("the session key's enctype", asked.enctypes.join(), part.key.keytype);
  }
  const sealed = fromPrincipalName(part.sname, part.srealm);
  const clear = fromPrincipalName(reply.ticket.sname, reply.ticket.realm);
  // Only the sealed names are used (CVE-2017-11103); different ones in clear are another ticket's.
  if (!samePrincipal(clear, sealed)) mismatch("the ticket's service", formatPrincipal(sealed), formatPrincipal(clear));
  checkTimes(part, asked);
  // A ticket that must be validated first (section 2.2) is an answer to a request for a postdated one only.
  const postdated = asked.startDelay !== undefined && asked.startDelay > 0;
  if (!postdated && (part.flags & TicketFlag.Invalid) !== 0) mismatch("the ticket", "a valid one", "an invalid one");
  for (const { addrType, address } of part.caddr ?? []) {
    const fits = asked.addresses.some((held) => held.addrType === addrType && sameBytes(held.address, address));
    if (!fits) {
      mismatch("the ticket's address", asked.addresses.length > 0 ? "one of ours" : "none", `of type ${addrType}`);
    }
  }
}

/** The ticket is valid now, and no longer than requested. */
function checkTimes(part: EncKdcRepPart, asked: ReplyTerms): void {
  const starttime = part.starttime ?? part.authtime;
  const latestStart = asked.now + (asked.startDelay ?? 0);
  if (starttime > latestStart + asked.clockskew) {
    mismatch("the ticket's start", `none after ${timeText(latestStart)}`, timeText(starttime));
  }
  if (part.endtime > asked.latestEnd) {
    mismatch("the ticket's end", `none after ${timeText(asked.latestEnd)}`, timeText(part.endtime));
  }
  const earliestEnd = Math.max(starttime, asked.now - asked.clockskew);
  if (part.endtime <= earliestEnd) {
    mismatch("the ticket's end", `one after ${timeText(earliestEnd)}`, timeText(part.endtime));
  }
  const { renewTill = 0 } = part;
  if ((part.flags & TicketFlag.Renewable) !== 0 && renewTill > asked.latestRenewal) {
    mismatch("the end of renewals", `none after ${timeText(asked.latestRenewal)}`, timeText(renewTill));
  }
}

/** Returns a time for error messages, also one with milliseconds or beyond what a GeneralizedTime can express. */
function timeText(milliseconds: number): string {
  if (!Number.isFinite(milliseconds)) return "any";
  const shown = wholeSeconds(Math.min(Math.max(milliseconds, 0), LATEST_TIME));
  return lenientText(timeContents(shown, new FieldPath("time")));
}

/** Returns the ticket of a reply with the facts in its sealed part. */
export function toCredential(
  client: Principal,
  part: EncKdcRepPart,
  { reply, addresses }: { readonly reply: KdcRep; readonly addresses: readonly HostAddress[] },
): Credential {
  return new Credential({
    client,
    server: fromPrincipalName(part.sname, part.srealm),
    key: new KerberosKey(part.key.keytype, part.key.keyvalue),
    authtime: part.authtime,
    starttime: part.starttime,
    endtime: part.endtime,
    renewTill: part.renewTill,
    flags: part.flags,
    ticket: encode(Ticket, reply.ticket),
    addresses,
  });
}

/** Throws `REPLY_MISMATCH`: the reply does not fit the request. */
export function mismatch(what: string, wanted: string | number, there: string | number, hint = ""): never {
  const [found, asked] = [there, wanted].map((value) => peerText(String(value)));
  throw new KerberosError("REPLY_MISMATCH", `Cannot use KDC reply: ${what} is ${found}, ${asked} was asked for${hint}`);
}
