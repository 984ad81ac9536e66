/**
 * How a client checks an AS-REP (RFC 4120 section 3.1.5, RFC 6806 sections 6, 7 and 11).
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { TicketFlag } from "../registry/flags.ts";
import { KeyUsage } from "../registry/key_usages.ts";
import { PaType } from "../registry/pa_types.ts";
import type { KerberosKey } from "../crypto/key.ts";
import { KerberosError, peerText } from "../errors.ts";
import { Checksum } from "../messages/basic.ts";
import { EncAsRepPart, type EncKdcRepPart, EncTgsRepPart, type KdcRep, type KdcReq } from "../messages/kdc.ts";
import { readEither, readMessage } from "../messages/read.ts";
import { formatPrincipal, fromPrincipalName, isWhole, krbtgt, type Principal, samePrincipal } from "../principal.ts";
import { type AsExchangeInput, type AsExchangeResult, canonicalizes } from "./as_input.ts";
import type { AsPhase } from "./as_phase.ts";
import { significantOffset } from "./clock_offset.ts";
import { checkReply, mismatch, toCredential } from "./reply.ts";

/** The request that a reply answers. */
interface AsRequest {
  readonly input: AsExchangeInput;
  /** The phase in which it was sent. */
  readonly phase: AsPhase;
  readonly request: KdcReq;
  /** Its bytes as they were sent. */
  readonly message: Bytes;
  readonly service: Principal;
}

/** Section 3.1.5: everything that is used is in the sealed part, and must be what was asked for. */
export async function acceptAsReply(asked: AsRequest, received: KdcRep): Promise<AsExchangeResult> {
  const { input, phase, message } = asked;
  const reply = await openReply(phase, received);
  const client = fromPrincipalName(reply.cname, reply.crealm);
  if (!isWhole(client) || (!canonicalizes(input) && !samePrincipal(client, phase.client))) {
    const hint = "; to allow another name, canonicalize (kinit -C)";
    mismatch("the client", formatPrincipal(phase.client), formatPrincipal(client), canonicalizes(input) ? "" : hint);
  }
  const key = await replyKey(asked, reply);
  const plain = await key.decrypt(KeyUsage.AsRepEncPart, reply.encPart.cipher).catch((error) => {
    throw wrongKey(phase, error);
  });
  const part = readEither(EncAsRepPart, EncTgsRepPart, plain);
  checkTerms(asked, reply, part);
  await checkProof(part, key, message);
  const server = fromPrincipalName(part.sname, part.srealm);
  // RFC 6806 section 6: if the client's realm has another name, its ticket-granting service has it too.
  const renamed = samePrincipal(asked.service, krbtgt(phase.client.realm)) &&
    samePrincipal(server, krbtgt(client.realm));
  if (!renamed && !samePrincipal(server, asked.service)) {
    mismatch("the service", formatPrincipal(asked.service), formatPrincipal(server));
  }
  const kdcOffset = input.timesync ? significantOffset(part.authtime - input.runtime.now()) : 0;
  return { credential: toCredential(client, part, { reply, addresses: [] }), kdcOffset };
}

/** Where the KDC wants no pre-authentication, its reply is the first thing that a wrong password does not fit. */
function wrongKey({ phase, client }: AsPhase, error: unknown): unknown {
  if (phase !== "asking" || !(error instanceof KerberosError) || error.code !== "INTEGRITY") return error;
  return new KerberosError(
    "INTEGRITY",
    `Cannot authenticate ${
      peerText(formatPrincipal(client))
    }: wrong password or key, which does not open the KDC's reply`,
    { cause: error },
  );
}

async function openReply(phase: AsPhase, reply: KdcRep): Promise<KdcRep> {
  return phase.phase === "asking" ? reply : await phase.round.openReply?.(reply) ?? reply;
}

/** RFC 6806 section 11: the KDC signs the request as it came, so that a change on its way is noticed. */
async function checkProof(part: EncKdcRepPart, key: KerberosKey, message: Bytes): Promise<void> {
  if ((part.flags & TicketFlag.EncPaRep) === 0) return;
  const changed = (found: string) =>
    new KerberosError("INTEGRITY", `Cannot use KDC reply: the request was changed on its way to the KDC, ${found}`);
  const proofs = part.encryptedPaData?.filter(({ padataType }) => padataType === PaType.ReqEncPaRep) ?? [];
  if (proofs.length === 0) throw changed("or its proof was removed (PA-REQ-ENC-PA-REP is missing)");
  for (const { padataValue } of proofs) {
    const { cksumtype, checksum } = readMessage(Checksum, padataValue);
    if (cksumtype !== key.checksumType) {
      throw changed(`or its checksum is of type ${cksumtype}, ${key.checksumType} is the key's`);
    }
    if (!await key.verifyChecksum(KeyUsage.AsReq, message, checksum)) throw changed("its checksum is another one");
  }
}

/**
 * Checks times against the request, and against the requested lifetimes by the clock in the sealed part: the clock that the
 * request was made by may come from an error that nothing authenticates.
 */
function checkTerms({ input, request }: AsRequest, reply: KdcRep, part: EncKdcRepPart): void {
  const { clockskew = 300_000, timesync, lifetime, renewLifetime, startDelay = 0 } = input;
  const ahead = part.authtime - input.runtime.now();
  if (!timesync && Math.abs(ahead) > clockskew) {
    mismatch("the difference of the clocks", `at most ${clockskew / 1000} s`, `${Math.round(ahead / 1000)} s`);
  }
  const starts = part.authtime + startDelay;
  const sealedEnd = starts + lifetime + clockskew;
  const wishedEnd = Math.min(request.reqBody.till, sealedEnd);
  checkReply(reply, part, {
    nonce: request.reqBody.nonce,
    enctypes: request.reqBody.etype,
    now: part.authtime,
    clockskew,
    startDelay,
    // The KDC decides the lifetime (RFC 4120 section 3.1.3), unless an error has shifted the end that was requested.
    latestEnd: request.reqBody.till > sealedEnd ? sealedEnd : Infinity,
    // RENEWABLE-OK: a ticket that ends earlier than requested may be renewable until then (RFC 4120 section 2.9.1).
    latestRenewal: request.reqBody.rtime === undefined
      ? wishedEnd
      : Math.min(request.reqBody.rtime, starts + renewLifetime + clockskew),
    addresses: [],
  });
}

/** The key of the reply, as the mechanism in use says, or the client's long-term key where none was in use. */
async function replyKey({ phase, request }: AsRequest, reply: KdcRep): Promise<KerberosKey> {
  const { etype } = reply.encPart;
  // CVE-2022-33679: a key of an enctype that was not asked for is not used, even to find out that the reply is forged.
  if (!request.reqBody.etype.includes(etype)) mismatch("the enctype", request.reqBody.etype.join(), etype);
  return await (phase.phase === "asking" ? phase.keys : phase.round).replyKey(reply);
}
