/**
 * The table of the embedded KDC's pre-authentication mechanisms. A new mechanism is a file beside this one and an entry here.
 *
 * @module
 */
import { encode } from "../../asn1/codec.ts";
import { MethodData } from "../messages/basic.ts";
import { encryptedTimestamp } from "./encrypted_timestamp.ts";
import { etypeInfo2 } from "./etype_info.ts";
import type { KdcPreauthMechanism, PreauthCall, ProvenClient } from "./preauth_mechanism.ts";
import { Refusal } from "./refusal.ts";

/** The mechanisms, in the order in which they are offered. */
export const KDC_PREAUTH_MECHANISMS: readonly KdcPreauthMechanism[] = [encryptedTimestamp];

/**
 * Checks the pre-authentication of a request: the first mechanism in the table that has padata in the request decides.
 *
 * @throws {Refusal} The proof is wrong, or the client does not pre-authenticate although it must (`KDC_ERR_PREAUTH_REQUIRED`).
 */
export async function checkPreauth(
  mechanisms: readonly KdcPreauthMechanism[],
  call: PreauthCall,
): Promise<ProvenClient> {
  for (const mechanism of mechanisms) {
    const proof = call.request.padata?.find(({ padataType }) => padataType === mechanism.padataType);
    if (proof !== undefined) return await mechanism.verify(call, proof);
  }
  if (call.client.requiresPreauth) throw new Refusal("KDC_ERR_PREAUTH_REQUIRED", offers(mechanisms, call));
  return { flags: 0 };
}

/** RFC 6113 section 2.2: the keys' parameters, and the mechanisms that this client can use. */
function offers(mechanisms: readonly KdcPreauthMechanism[], call: PreauthCall): Uint8Array<ArrayBuffer> {
  const offered = mechanisms.map((mechanism) => mechanism.offer(call)).filter((padata) => padata !== undefined);
  return encode(MethodData, [etypeInfo2(call.client, call.keys), ...offered]);
}
