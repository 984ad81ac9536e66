/**
 * The encrypted timestamp (RFC 4120 section 5.2.7.2): the client seals the time with its long-term key.
 *
 * @module
 */
import { encode } from "../../../asn1/codec.ts";
import { EncryptedData, type PaData, PaEncTsEnc } from "../../messages/basic.ts";
import { LATEST_TIME, splitTime } from "../../messages/time.ts";
import { KeyUsage } from "../../registry/key_usages.ts";
import { PaType } from "../../registry/pa_types.ts";
import type { PreauthClient, PreauthMechanism, PreauthRequest, PreauthRound } from "./mechanism.ts";

/** PA-ENC-TIMESTAMP: one round; the reply is sealed with the long-term key. */
export const encryptedTimestamp: PreauthMechanism = {
  name: "encrypted timestamp",
  padataType: PaType.EncTimestamp,
  async start({ runtime, longTermKey }: PreauthClient, methods: readonly PaData[]): Promise<PreauthRound> {
    const { key, replyKey } = await longTermKey(methods);
    return {
      async padata({ now }: PreauthRequest): Promise<readonly PaData[]> {
        const { time, usec } = splitTime(Math.min(now, LATEST_TIME));
        const timestamp = encode(PaEncTsEnc, { patimestamp: time, pausec: usec });
        const cipher = await key.encrypt(KeyUsage.AsReqPaEncTimestamp, timestamp, runtime);
        const padataValue = encode(EncryptedData, { etype: key.enctype, cipher });
        return [{ padataType: PaType.EncTimestamp, padataValue }];
      },
      replyKey,
    };
  },
};
