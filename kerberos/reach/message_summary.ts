/**
 * What a message to or from a KDC says in the clear, for a trace.
 *
 * @module
 */
import { applicationTag } from "../../asn1/codec.ts";
import type { Bytes } from "../../base/bytes.ts";
import { EtypeInfo2, MethodData, type PaData, type PrincipalName } from "../messages/basic.ts";
import { KrbError } from "../messages/error.ts";
import { AsRep, AsReq, TgsRep, TgsReq } from "../messages/kdc.ts";
import { readMessage } from "../messages/read.ts";
import { formatPrincipal, fromPrincipalName } from "../principal.ts";
import { PaType } from "../registry/pa_types.ts";
import type { TracedRefusal, TracedReply, TracedRequest } from "./trace.ts";

/** What a request asks for. */
export function requestSummary(message: Bytes): TracedRequest {
  const initial = applicationTag(message) === 10;
  const { padata = [], reqBody } = readMessage(initial ? AsReq : TgsReq, message);
  return {
    kind: initial ? "AS-REQ" : "TGS-REQ",
    client: reqBody.cname && named(reqBody.cname, reqBody.realm),
    service: reqBody.sname === undefined ? "" : named(reqBody.sname, reqBody.realm),
    enctypes: reqBody.etype,
    padata: types(padata),
  };
}

/**
 * What a KDC answers.
 *
 * @param now Our clock, in milliseconds since the epoch.
 */
export function answerSummary(message: Bytes, now: number): TracedReply | TracedRefusal {
  const tag = applicationTag(message);
  if (tag === 30) return refusalSummary(readMessage(KrbError, message), now);
  const reply = readMessage(tag === 11 ? AsRep : TgsRep, message);
  return {
    kind: tag === 11 ? "AS-REP" : "TGS-REP",
    client: named(reply.cname, reply.crealm),
    service: named(reply.ticket.sname, reply.ticket.realm),
    ticketEnctype: reply.ticket.encPart.etype,
    kvno: reply.ticket.encPart.kvno,
    enctype: reply.encPart.etype,
    padata: types(reply.padata ?? []),
  };
}

function refusalSummary({ errorCode, eText, crealm, eData, stime, susec }: KrbError, now: number): TracedRefusal {
  const methods = orNothing(() => eData && readMessage(MethodData, eData)) ?? [];
  const info = methods.find(({ padataType }) => padataType === PaType.EtypeInfo2);
  const keys = orNothing(() => info && readMessage(EtypeInfo2, info.padataValue)) ?? [];
  return {
    kind: "KRB-ERROR",
    errorCode,
    text: eText,
    realm: crealm,
    padata: types(methods),
    enctypes: keys.map(({ etype }) => etype),
    clockOffset: stime + susec / 1000 - now,
  };
}

/** The data of an error may be anything. */
function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function named(name: PrincipalName, realm: string): string {
  return formatPrincipal(fromPrincipalName(name, realm));
}

function types(padata: readonly PaData[]): readonly number[] {
  return padata.map(({ padataType }) => padataType);
}
