/**
 * Making and verifying an AP-REP (RFC 4120 sections 3.2.4 and 3.2.5).
 *
 * @module
 */
import { encode } from "../../asn1/codec.ts";
import type { Bytes } from "../../base/bytes.ts";
import type { Runtime } from "../../base/runtime.ts";
import { isSupported } from "../crypto/enctypes.ts";
import { KerberosKey } from "../crypto/key.ts";
import { KerberosError } from "../errors.ts";
import { ApRep, EncApRepPart } from "../messages/ap.ts";
import { readMessage } from "../messages/read.ts";
import { KeyUsage } from "../registry/key_usages.ts";
import { ApError } from "./error.ts";
import type { ClientTime } from "./make.ts";

/** Options of an AP-REP. */
export interface ApRepOptions {
  /** Session key of the ticket. */
  readonly sessionKey: KerberosKey;
  /** The client's time in its authenticator. */
  readonly sent: ClientTime;
  /** The server's subkey. */
  readonly subkey: KerberosKey;
  /** The server's sequence number. */
  readonly sequence: number;
  /** Randomness. */
  readonly runtime: Runtime;
}

/**
 * Makes an AP-REP: its time is "the client's timestamp and microsecond field (as provided in the authenticator)", and it is
 * "encrypted in the session key extracted from the ticket".
 */
export async function makeApRep({ sessionKey, sent, subkey, sequence, runtime }: ApRepOptions): Promise<Bytes> {
  const part = encode(EncApRepPart, {
    ctime: sent.ctime,
    cusec: sent.cusec,
    subkey: { keytype: subkey.enctype, keyvalue: subkey.exportBytes() },
    seqNumber: sequence,
  });
  const cipher = await sessionKey.encryptEventually(KeyUsage.ApRepEncPart, part, runtime);
  return encode(ApRep, { pvno: 5, msgType: 15, encPart: { etype: sessionKey.enctype, cipher } });
}

/** An AP-REP that is genuine. */
export interface VerifiedApRep {
  /** The server's subkey, if it sent one. */
  readonly subkey: KerberosKey | undefined;
  /** The server's sequence number, if it sent one. */
  readonly sequence: number | undefined;
}

/**
 * Verifies an AP-REP: the client "verifies that the timestamp and microsecond fields match those in the Authenticator it sent".
 *
 * @throws {ApError} `KRB_AP_ERR_MUT_FAIL` when the times differ, `KDC_ERR_ETYPE_NOSUPP` for a subkey that is not supported.
 * @throws {KerberosError} `BAD_MESSAGE` or `INTEGRITY` when it cannot be read or is not sealed with the session key.
 */
export async function verifyApRep(
  message: Uint8Array,
  sessionKey: KerberosKey,
  sent: ClientTime,
): Promise<VerifiedApRep> {
  const { encPart } = readMessage(ApRep, message);
  if (encPart.etype !== sessionKey.enctype) {
    throw new KerberosError(
      "BAD_MESSAGE",
      `Cannot accept AP-REP: its enctype is ${encPart.etype}, not ${sessionKey.enctype}`,
    );
  }
  const part = readMessage(EncApRepPart, await sessionKey.decryptEventually(KeyUsage.ApRepEncPart, encPart.cipher));
  if (part.ctime !== sent.ctime || part.cusec !== sent.cusec) {
    throw new ApError(
      "KRB_AP_ERR_MUT_FAIL",
      "Cannot accept AP-REP: the server did not prove its identity, the time is not the one sent",
    );
  }
  const { subkey, seqNumber } = part;
  if (subkey !== undefined && !isSupported(subkey.keytype)) {
    throw new ApError(
      "KDC_ERR_ETYPE_NOSUPP",
      `Cannot accept AP-REP: its subkey has enctype ${subkey.keytype}, which is not supported`,
    );
  }
  return {
    subkey: subkey && new KerberosKey(subkey.keytype, subkey.keyvalue),
    sequence: seqNumber === undefined ? undefined : seqNumber >>> 0,
  };
}
