/**
 * The encrypted timestamp (RFC 4120 section 5.2.7.2), as the KDC offers and checks it.
 *
 * @module
 */
import { type Bytes, EMPTY } from "../../base/bytes.ts";
import { KerberosError } from "../errors.ts";
import { EncryptedData, type PaData, PaEncTsEnc } from "../messages/basic.ts";
import { readMessage } from "../messages/read.ts";
import { TicketFlag } from "../registry/flags.ts";
import { KeyUsage } from "../registry/key_usages.ts";
import { PaType } from "../registry/pa_types.ts";
import { KDC_SKEW } from "./clock_skew.ts";
import type { KdcPreauthMechanism, PreauthCall, ProvenClient } from "./preauth_mechanism.ts";
import { Refusal } from "./refusal.ts";

/** PA-ENC-TIMESTAMP. */
export const encryptedTimestamp: KdcPreauthMechanism = {
  padataType: PaType.EncTimestamp,
  offer: () => ({ padataType: PaType.EncTimestamp, padataValue: EMPTY }),
  async verify({ realm, client }: PreauthCall, { padataValue }: PaData): Promise<ProvenClient> {
    const sealed = readMessage(EncryptedData, padataValue);
    const key = client.keys.find(({ enctype }) => enctype === sealed.etype && realm.has(enctype));
    if (key === undefined) throw new Refusal("KDC_ERR_ETYPE_NOSUPP");
    let plain: Bytes;
    try {
      plain = await key.decrypt(KeyUsage.AsReqPaEncTimestamp, sealed.cipher);
    } catch (error) {
      if (error instanceof KerberosError) throw new Refusal("KDC_ERR_PREAUTH_FAILED");
      throw error;
    }
    const { patimestamp } = readMessage(PaEncTsEnc, plain);
    if (Math.abs(patimestamp - realm.now()) > KDC_SKEW) throw new Refusal("KRB_AP_ERR_SKEW");
    return { flags: TicketFlag.PreAuthent };
  },
};
