/**
 * The interface between the embedded KDC's authentication service and its pre-authentication mechanisms (RFC 4120 section
 * 5.2.7, RFC 6113 section 3).
 *
 * @module
 */
import type { KerberosKey } from "../crypto/key.ts";
import type { PaData } from "../messages/basic.ts";
import type { KdcCall } from "./call.ts";
import type { KdcPrincipal } from "./principals.ts";

/** An AS-REQ whose client is known. */
export interface PreauthCall extends KdcCall {
  /** The client. */
  readonly client: KdcPrincipal;
  /** The client's keys of the enctypes that it asks for, in its order; at least one. */
  readonly keys: readonly KerberosKey[];
}

/** A pre-authentication mechanism of the KDC. It has no state: what a later round needs is in a PA-FX-COOKIE. */
export interface KdcPreauthMechanism {
  /** Padata type of the client's proof, by which the mechanism is offered too (RFC 4120 section 7.5.2). */
  readonly padataType: number;
  /** Returns the padata that offers the mechanism, or `undefined` if this client cannot use it. */
  offer(call: PreauthCall): PaData | undefined;
  /**
   * Checks the padata of a client.
   *
   * @throws {Refusal} The proof is wrong, or the mechanism needs another round (`KDC_ERR_MORE_PREAUTH_DATA_REQUIRED`).
   */
  verify(call: PreauthCall, proof: PaData): Promise<ProvenClient>;
}

/** The result of a mechanism. */
export interface ProvenClient {
  /** Ticket flags that the proof earns, such as PRE-AUTHENT. */
  readonly flags: number;
  /** Key of the reply. @default {the first of the client's keys that it asks for} */
  readonly replyKey?: KerberosKey | undefined;
  /** Padata of the reply. @default {none} */
  readonly padata?: readonly PaData[] | undefined;
}
