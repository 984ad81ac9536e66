/**
 * Verifying an AP-REQ (RFC 4120 section 3.2.3): the ticket is opened and checked, then the authenticator. Every use of the AP
 * exchange verifies here; what differs between them is in the {@linkcode ApPolicy}.
 *
 * Not checked are the addresses in a ticket (KRB_AP_ERR_BADADDR): they say nothing about clients behind address translation,
 * and most tickets have none.
 *
 * @module
 */
import { applicationTag } from "../../asn1/codec.ts";
import type { Bytes } from "../../base/bytes.ts";
import { KerberosKey } from "../crypto/key.ts";
import { KerberosError } from "../errors.ts";
import { ApReq, Authenticator, EncTicketPart } from "../messages/ap.ts";
import { readMessage } from "../messages/read.ts";
import { fromPrincipalName } from "../principal.ts";
import { ApOption } from "../registry/flags.ts";
import { KeyUsage } from "../registry/key_usages.ts";
import { AUTHENTICATOR_CHECKS, checkEnctype, TICKET_CHECKS } from "./checks.ts";
import { ApError } from "./error.ts";
import { noKeyError, type ServiceKey, serviceText } from "./keys.ts";
import type { ApPolicy, OpenTicket, VerifiedApReq } from "./policy.ts";

/** A ticket may be tried with this many keys. */
const MAX_KEYS = 64;

/** Application tag of AP-REQ (RFC 4120 section 5.10). */
const AP_REQ = 14;

/**
 * Reads an AP-REQ.
 *
 * @throws {ApError} `KRB_AP_ERR_MSG_TYPE` "If the message type is not KRB_AP_REQ".
 * @throws {KerberosError} `BAD_MESSAGE` when it cannot be read.
 */
export function readApReq(message: Uint8Array): ApReq {
  if (applicationTag(message) !== AP_REQ) {
    throw new ApError("KRB_AP_ERR_MSG_TYPE", "Cannot read AP-REQ: the message is of another type");
  }
  return readMessage(ApReq, message);
}

/**
 * Opens and checks an AP-REQ.
 *
 * @throws {ApError} When it is refused.
 * @throws {KerberosError} When what is sealed cannot be read.
 */
export async function verifyApReq(request: ApReq, policy: ApPolicy): Promise<VerifiedApReq> {
  checkUserToUser(request);
  const ticket = await openTicket(request, policy);
  for (const check of TICKET_CHECKS) check(ticket, policy);
  for (const check of policy.ticketChecks ?? []) check(ticket, policy);
  const { part, sessionKey, serviceKey } = ticket;
  const authenticator = await openAuthenticator(ticket, policy);
  const opened = { request, part, sessionKey, serviceKey, authenticator };
  for (const check of AUTHENTICATOR_CHECKS) {
    const checking = check(opened, policy);
    if (checking instanceof Promise) await checking;
  }
  const { subkey } = authenticator;
  return { ...opened, subkey: subkey && new KerberosKey(subkey.keytype, subkey.keyvalue) };
}

/** USE-SESSION-KEY says that "the ticket is encrypted in the session key from the server's TGT", which the server lacks. */
function checkUserToUser({ apOptions, ticket }: ApReq): void {
  if ((apOptions & ApOption.UseSessionKey) === 0) return;
  const service = serviceText(fromPrincipalName(ticket.sname, ticket.realm));
  throw new ApError(
    "KRB_AP_ERR_NOKEY",
    `Cannot open ticket: it is for ${service} as a user (USE-SESSION-KEY), not for the keys of a service`,
    { details: { service } },
  );
}

/** The server may be registered in several realms "with different keys in each": every key that may open the ticket is tried. */
async function openTicket(request: ApReq, policy: ApPolicy): Promise<OpenTicket> {
  const { ticket } = request;
  const { etype, kvno } = ticket.encPart;
  checkEnctype("ticket", etype, policy);
  const { keys } = policy;
  const service = fromPrincipalName(ticket.sname, ticket.realm);
  const wanted = { service, enctype: etype, kvno: kvno === undefined ? undefined : kvno >>> 0 };
  let candidates = keys.candidates(wanted);
  let opened = await tryKeys(request, candidates, policy);
  // A service gets new keys while it runs, and its clients have tickets for them at once.
  if (opened === undefined && await keys.renewed?.()) {
    candidates = keys.candidates(wanted);
    opened = await tryKeys(request, candidates, policy);
  }
  if (opened === undefined) throw noKeyError(wanted, candidates, keys);
  return opened;
}

async function tryKeys(
  request: ApReq,
  candidates: readonly ServiceKey[],
  policy: ApPolicy,
): Promise<OpenTicket | undefined> {
  for (const serviceKey of candidates.slice(0, MAX_KEYS)) {
    let plain: Bytes;
    try {
      const opening = serviceKey.key.decryptEventually(KeyUsage.KdcRepTicket, request.ticket.encPart.cipher);
      plain = opening instanceof Promise ? await opening : opening;
    } catch (error) {
      if (isIntegrity(error)) continue;
      throw error;
    }
    const part = readMessage(EncTicketPart, plain);
    checkEnctype("session key", part.key.keytype, policy);
    return { request, part, sessionKey: new KerberosKey(part.key.keytype, part.key.keyvalue), serviceKey };
  }
  return undefined;
}

/** "The authenticator is decrypted using the session key extracted from the decrypted ticket." */
async function openAuthenticator({ request, sessionKey }: OpenTicket, policy: ApPolicy): Promise<Authenticator> {
  const { etype, cipher } = request.authenticator;
  if (etype !== sessionKey.enctype) throw notIntact("its enctype is not the session key's");
  let plain: Bytes;
  try {
    plain = await sessionKey.decryptEventually(policy.authenticatorUsage, cipher);
  } catch (error) {
    throw isIntegrity(error) ? notIntact("the session key does not open it", error) : error;
  }
  return readMessage(Authenticator, plain);
}

function isIntegrity(error: unknown): boolean {
  return error instanceof KerberosError && error.code === "INTEGRITY";
}

function notIntact(problem: string, cause?: unknown): ApError {
  return new ApError("KRB_AP_ERR_BAD_INTEGRITY", `Cannot open authenticator: ${problem}`, { cause });
}
