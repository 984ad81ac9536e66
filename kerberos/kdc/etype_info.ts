/**
 * ETYPE-INFO2 (RFC 4120 section 5.2.7.5): how a client makes its key from its password.
 *
 * @module
 */
import { encode } from "../../asn1/codec.ts";
import { ByteWriter } from "../../base/bytes.ts";
import { profileOf } from "../crypto/enctypes.ts";
import type { KerberosKey } from "../crypto/key.ts";
import { EtypeInfo2, type PaData } from "../messages/basic.ts";
import { PaType } from "../registry/pa_types.ts";
import type { KdcPrincipal } from "./principals.ts";

/** Returns PA-ETYPE-INFO2 for some of a client's keys, with salt and iteration count of each. */
export function etypeInfo2(client: KdcPrincipal, keys: readonly KerberosKey[]): PaData {
  const entries = keys.map(({ enctype }) => {
    const s2kparams = new ByteWriter().u32(profileOf(enctype).defaultIterations).finish();
    return { etype: enctype, salt: client.salt, s2kparams };
  });
  return { padataType: PaType.EtypeInfo2, padataValue: encode(EtypeInfo2, entries) };
}
