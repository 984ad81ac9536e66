/**
 * The interface between the AS exchange and its pre-authentication mechanisms (RFC 4120 section 5.2.7, RFC 6113 section 3).
 * A mechanism proves the client's identity to the KDC, and knows the key that the reply is sealed with. The exchange knows its
 * mechanisms by {@linkcode PreauthMechanism} and {@linkcode PreauthRound} only, and a mechanism knows the exchange by
 * {@linkcode PreauthClient} and {@linkcode PreauthRequest} only.
 *
 * A conversation with one realm's KDC, with the calls in their order:
 *
 * ```text
 * offer()         first request, for a mechanism that does not wait until the KDC asks for it; most leave it out
 *   KDC: KDC_ERR_PREAUTH_REQUIRED, METHOD-DATA
 * start()         the first mechanism in METHOD-DATA that returns a round is used
 * padata()        next request; once more with another time if the KDC refuses the client's clock
 *   KDC: KDC_ERR_MORE_PREAUTH_DATA_REQUIRED, METHOD-DATA
 * openRefusal(), answer(), padata()      as often as the KDC demands more
 *   KDC: AS-REP
 * openReply(), replyKey()
 * ```
 *
 * @module
 */
import type { Runtime } from "../../../base/runtime.ts";
import type { KerberosKey } from "../../crypto/key.ts";
import type { PaData } from "../../messages/basic.ts";
import type { KrbError } from "../../messages/error.ts";
import type { KdcRep, KdcReqBody } from "../../messages/kdc.ts";
import type { Principal } from "../../principal.ts";

/** A pre-authentication mechanism. Its own credentials, such as a certificate or an armor ticket, are its constructor's. */
export interface PreauthMechanism {
  /** Name for messages, such as `encrypted timestamp`. */
  readonly name: string;
  /** Padata type by which a KDC offers the mechanism (RFC 4120 section 7.5.2). */
  readonly padataType: number;
  /**
   * Starts the mechanism in the first request, before the KDC has offered it (FAST, RFC 6113 section 5.4).
   *
   * @default {the mechanism waits for the KDC's offer}
   */
  offer?(client: PreauthClient): Promise<PreauthRound>;
  /**
   * Starts the mechanism when a KDC offers it.
   *
   * @param methods The METHOD-DATA of the KDC's error.
   * @returns The first round, or `undefined` if this client cannot perform the mechanism.
   */
  start(client: PreauthClient, methods: readonly PaData[]): Promise<PreauthRound | undefined>;
}

/** One round of a mechanism. It is immutable: what the mechanism keeps for the next round is in the next round. */
export interface PreauthRound {
  /** Returns the padata of a request. Called for each request; a request is repeated if the KDC refuses the client's clock. */
  padata(request: PreauthRequest): Promise<readonly PaData[]>;
  /**
   * Returns the next round, when the KDC demands more (RFC 6113 section 5.2).
   *
   * @default {this round is the last}
   */
  answer?(methods: readonly PaData[]): Promise<PreauthRound>;
  /**
   * Opens a KRB-ERROR that the mechanism protects (RFC 6113 section 5.4.4).
   *
   * @default {the error as it came}
   */
  openRefusal?(refusal: KrbError): Promise<KrbError>;
  /**
   * Opens the clear part of a reply that the mechanism protects (RFC 6113 section 5.4.3).
   *
   * @default {the reply as it came}
   */
  openReply?(reply: KdcRep): Promise<KdcRep>;
  /**
   * Returns the key that a reply is sealed with (RFC 6113 sections 3.2 and 3.3).
   *
   * @throws {KerberosError} The KDC does not prove its own identity, and the mechanism requires that (RFC 6113 section 3.4).
   */
  replyKey(reply: KdcRep): Promise<KerberosKey>;
}

/** The client, as mechanisms see it. */
export interface PreauthClient {
  /** Name of the client, in the realm that is asked. */
  readonly client: Principal;
  /** Enctypes of the request, which are those that the client has keys for. */
  readonly enctypes: readonly number[];
  /** Clock and randomness. */
  readonly runtime: Runtime;
  /**
   * Returns the client's long-term key that METHOD-DATA names (ETYPE-INFO2, RFC 4120 section 5.2.7.5).
   *
   * @throws {KerberosError} `UNSUPPORTED_ENCTYPE` when the client has none of the keys that are named.
   */
  longTermKey(methods: readonly PaData[]): Promise<LongTermKey>;
}

/** A long-term key of the client. */
export interface LongTermKey {
  /** The key. */
  readonly key: KerberosKey;
  /** Returns the key of a reply to a client that has shown this key; the reply may name another salt or enctype. */
  replyKey(reply: KdcRep): Promise<KerberosKey>;
}

/** The request that padata is for. */
export interface PreauthRequest {
  /** Time by the KDC's clock, as far as the client knows it, in milliseconds since the epoch. */
  readonly now: number;
  /** Body of the request. */
  readonly body: KdcReqBody;
}
