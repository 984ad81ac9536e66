/**
 * Steps of the Kerberos client as lines for people.
 *
 * @module
 */
import { printable } from "../../base/printable.ts";
import { enctypeName } from "../../kerberos/crypto/enctypes.ts";
import type { KerberosTraceEvent, TracedRefusal, TracedReply, TracedRequest } from "../../kerberos/reach/trace.ts";
import { ErrorCode, errorName } from "../../kerberos/registry/errors.ts";

/** Names of padata types (RFC 4120 section 7.5.2, RFC 6113 section 6.4). */
const PADATA: ReadonlyMap<number, string> = new Map([
  [1, "PA-TGS-REQ"],
  [2, "PA-ENC-TIMESTAMP"],
  [3, "PA-PW-SALT"],
  [11, "PA-ETYPE-INFO"],
  [19, "PA-ETYPE-INFO2"],
  [133, "PA-FX-COOKIE"],
  [136, "PA-FX-FAST"],
  [149, "PA-REQ-ENC-PA-REP"],
]);

/** A step as one line, without its end. Names that a KDC chose cannot drive a terminal. */
export function traceLine(event: KerberosTraceEvent): string {
  return printable(text(event));
}

function text(event: KerberosTraceEvent): string {
  switch (event.type) {
    case "located":
      return `${event.primary ? "Primary KDCs" : "KDCs"} of ${event.realm}: ${listed(event.kdcs)}`;
    case "request":
      return requestText(event.realm, event.request);
    case "asked":
      return `Sending ${event.bytes} bytes to ${event.kdc}`;
    case "failed":
      return `No answer from ${event.kdc}: ${event.reason}`;
    case "answered":
      return `${event.kdc} answers with ${event.bytes} bytes: ${answerText(event.answer)}`;
    case "keytab":
      return `Keytab ${event.keytab} is used for ${event.client}; it has keys of ${enctypes(event.enctypes)}`;
    case "cache":
      return event.client === undefined
        ? `Cache ${event.cache} is empty`
        : `Cache ${event.cache} of ${event.client}: ${listed(event.services)}${clock(event.clockOffset)}`;
    case "ticket": {
      const where = event.from === "cache" ? `found in ${event.cache}` : `issued, and kept in ${event.cache}`;
      const key = `session key ${enctypeName(event.enctype)}, good until ${new Date(event.endtime).toISOString()}`;
      return `Ticket for ${event.service} ${where}; ${key}${clock(event.clockOffset)}`;
    }
  }
}

function requestText(realm: string, { kind, client, service, enctypes: offered, padata }: TracedRequest): string {
  const who = client === undefined ? "" : ` for ${client}`;
  return `${kind} to ${realm}${who}, service ${service}; enctypes ${enctypes(offered)}; padata ${types(padata)}`;
}

function answerText(answer: TracedReply | TracedRefusal): string {
  if (answer.kind !== "KRB-ERROR") {
    const { kind, client, service, ticketEnctype, kvno, enctype, padata } = answer;
    const version = kvno === undefined ? "" : ` kvno ${kvno}`;
    return `${kind}, ticket of ${client} for ${service} (${enctypeName(ticketEnctype)}${version}), ` +
      `reply in ${enctypeName(enctype)}; padata ${types(padata)}`;
  }
  const { errorCode, text: own, realm, padata, enctypes: keys, clockOffset } = answer;
  return `KRB-ERROR ${errorName(errorCode) ?? "unknown"} (${errorCode})` +
    (own === undefined ? "" : `, "${own}"`) +
    (realm === undefined || errorCode !== ErrorCode.KDC_ERR_WRONG_REALM ? "" : `, refers to realm ${realm}`) +
    (padata.length === 0 ? "" : `; offers ${types(padata)}`) +
    (keys.length === 0 ? "" : `; keys of ${enctypes(keys)}`) +
    clock(clockOffset);
}

/** What is less than a second apart is the time that an answer takes. */
function clock(offset: number): string {
  const seconds = Math.round(Math.abs(offset) / 1000);
  return seconds < 2 ? "" : `; the KDC's clock is ${seconds} s ${offset > 0 ? "ahead of" : "behind"} ours`;
}

function enctypes(numbers: readonly number[]): string {
  return listed(numbers.map(enctypeName));
}

function types(numbers: readonly number[]): string {
  return listed(numbers.map((number) => `${PADATA.get(number) ?? "type"} (${number})`));
}

/** A list has an end, however long an answer is. */
const MAX_LISTED = 40;

function listed(texts: readonly string[]): string {
  if (texts.length === 0) return "none";
  return texts.slice(0, MAX_LISTED).join(", ") + (texts.length > MAX_LISTED ? " and others" : "");
}
