/**
 * What a client of Kerberos does, step by step, for people who look for the reason of a failure. No event has a key, a password, a
 * ticket or a token.
 *
 * @module
 */

/** A request to a KDC, as a {@linkcode KerberosTraceEvent} shows it. Enctypes and pre-authentication types are numbers of RFC 4120. */
export interface TracedRequest {
  /** Kind of message. */
  readonly kind: "AS-REQ" | "TGS-REQ";
  /** Client, such as `alice@EXAMPLE.COM`; a request for a service ticket names it in its sealed part only. */
  readonly client: string | undefined;
  /** Service that a ticket is requested for. */
  readonly service: string;
  /** Enctypes that are offered, in order of preference. */
  readonly enctypes: readonly number[];
  /** Types of the padata that are sent (RFC 4120 section 7.5.2). */
  readonly padata: readonly number[];
}

/** A KDC's reply with a ticket. */
export interface TracedReply {
  /** Kind of message. */
  readonly kind: "AS-REP" | "TGS-REP";
  /** Client of the ticket, by the name that the KDC uses. */
  readonly client: string;
  /** Service of the ticket; another realm's ticket-granting service if the KDC refers to it. */
  readonly service: string;
  /** Enctype that the ticket is sealed with. */
  readonly ticketEnctype: number;
  /** Key version of the ticket. */
  readonly kvno: number | undefined;
  /** Enctype that the reply is sealed with, which the KDC chose. */
  readonly enctype: number;
  /** Types of the padata that came. */
  readonly padata: readonly number[];
}

/** A KDC's refusal. Nothing authenticates it. */
export interface TracedRefusal {
  /** Kind of message. */
  readonly kind: "KRB-ERROR";
  /** Number of the error (RFC 4120 section 7.5.9). */
  readonly errorCode: number;
  /** The KDC's own text. */
  readonly text: string | undefined;
  /** Realm that the client is referred to. */
  readonly realm: string | undefined;
  /** Types of pre-authentication that the KDC offers. */
  readonly padata: readonly number[];
  /** Enctypes of the client's keys (ETYPE-INFO2). */
  readonly enctypes: readonly number[];
  /** How far the KDC's clock is ahead of ours, in milliseconds. */
  readonly clockOffset: number;
}

/** A step of a client of Kerberos. Texts that a KDC chose are as they came: escape them before you show them. */
export type KerberosTraceEvent =
  | { readonly type: "located"; readonly realm: string; readonly kdcs: readonly string[]; readonly primary: boolean }
  | { readonly type: "request"; readonly realm: string; readonly request: TracedRequest }
  | { readonly type: "asked"; readonly realm: string; readonly kdc: string; readonly bytes: number }
  | { readonly type: "failed"; readonly realm: string; readonly kdc: string; readonly reason: string }
  | {
    readonly type: "answered";
    readonly realm: string;
    readonly kdc: string;
    readonly bytes: number;
    readonly answer: TracedReply | TracedRefusal;
  }
  | {
    readonly type: "keytab";
    readonly keytab: string;
    readonly client: string;
    readonly enctypes: readonly number[];
  }
  | {
    readonly type: "cache";
    readonly cache: string;
    readonly client: string | undefined;
    readonly services: readonly string[];
    readonly clockOffset: number;
  }
  | {
    readonly type: "ticket";
    readonly service: string;
    readonly from: "cache" | "kdc";
    readonly cache: string;
    readonly enctype: number;
    readonly endtime: number;
    readonly clockOffset: number;
  };

/** Called with each step. What it throws is ignored: an observer never changes what it observes. */
export type KerberosTracer = (event: KerberosTraceEvent) => void;

/**
 * Shows an observer a step.
 *
 * @param step Describes the step; called only if there is an observer. If it throws, there is nothing to show.
 */
export function trace(tracer: KerberosTracer | undefined, step: () => KerberosTraceEvent): void {
  if (tracer === undefined) return;
  try {
    // An asynchronous observer may reject.
    const result: unknown = tracer(step());
    if (result instanceof Promise) result.catch(() => {});
  } catch {
    // Its failure is its own.
  }
}
