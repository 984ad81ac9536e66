/**
 * PA-REQ-ENC-PA-REP (RFC 6806 section 11): the KDC's checksum over the request as it came, inside the sealed reply.
 *
 * @module
 */
import { encode } from "../../asn1/codec.ts";
import type { KerberosKey } from "../crypto/key.ts";
import { Checksum, type PaData } from "../messages/basic.ts";
import { KeyUsage } from "../registry/key_usages.ts";
import { PaType } from "../registry/pa_types.ts";
import type { KdcCall } from "./call.ts";

/** Returns the checksum under the key of the reply, or `undefined` for a client that does not ask for it. */
export async function requestProof(
  { request, message }: KdcCall,
  key: KerberosKey,
): Promise<readonly PaData[] | undefined> {
  if (!request.padata?.some(({ padataType }) => padataType === PaType.ReqEncPaRep)) return undefined;
  const checksum = await key.checksum(KeyUsage.AsReq, message);
  return [{
    padataType: PaType.ReqEncPaRep,
    padataValue: encode(Checksum, { cksumtype: key.checksumType, checksum }),
  }];
}
