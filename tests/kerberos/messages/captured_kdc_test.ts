/** Exchanges between MIT's clients and KDC, with their keys: each message and each sealed part of it, both ways. */
import assert from "node:assert/strict";
import { type Codec, decode, encode } from "../../../asn1/codec.ts";
import { concat } from "../../../base/bytes.ts";
import { KerberosKey } from "../../../kerberos/crypto/key.ts";
import * as ap from "../../../kerberos/messages/ap.ts";
import * as basic from "../../../kerberos/messages/basic.ts";
import { KrbError } from "../../../kerberos/messages/error.ts";
import * as kdc from "../../../kerberos/messages/kdc.ts";
import { KeyUsage } from "../../../kerberos/registry/key_usages.ts";
import { PaType } from "../../../kerberos/registry/pa_types.ts";
import { requestFault } from "../../../kerberos/kdc/request_checksum.ts";
import { hex, unhex, vectors } from "../../support/vectors.ts";

const CODECS: Record<string, Codec<unknown>> = {
  "AS-REQ": kdc.AsReq,
  "AS-REP": kdc.AsRep,
  "TGS-REQ": kdc.TgsReq,
  "TGS-REP": kdc.TgsRep,
  "KRB-ERROR": KrbError,
  "PA-ENC-TS-ENC": basic.PaEncTsEnc,
  "EncTicketPart": ap.EncTicketPart,
  "Authenticator": ap.Authenticator,
  "EncASRepPart": kdc.EncAsRepPart,
  "EncTGSRepPart": kdc.EncTgsRepPart,
} as Record<string, Codec<unknown>>;

interface Derived {
  readonly what: string;
  readonly enctype: number;
  readonly key_hex: string;
  readonly key_usage: number;
  readonly confounder_hex: string;
  readonly plaintext_hex: string;
  readonly plaintext_type: string;
}

interface Captured {
  readonly exchange: string;
  readonly etype: number;
  readonly type: string;
  readonly der_hex: string;
  readonly derived: readonly Derived[];
}

const CAPTURED = vectors<Captured>("captured_kdc_messages");

Deno.test("KDC messages of MIT: decode and encode to the same bytes", () => {
  const seen = new Set<string>();
  for (const { id, type, der_hex } of CAPTURED) {
    const codec = CODECS[type]!;
    assert.equal(hex(encode(codec, decode(codec, unhex(der_hex)))), der_hex, id);
    seen.add(type);
  }
  assert.deepEqual([...seen].sort(), ["AS-REP", "AS-REQ", "KRB-ERROR", "TGS-REP", "TGS-REQ"]);
});

/** Ciphertext of a part, made again with the key and the confounder of the capture. */
async function sealed({ enctype, key_hex, key_usage, confounder_hex, plaintext_hex }: Derived): Promise<string> {
  const key = new KerberosKey(enctype, unhex(key_hex));
  const fillRandom = (target: Uint8Array<ArrayBuffer>) => target.set(unhex(confounder_hex));
  return hex(await key.encrypt(key_usage, unhex(plaintext_hex), { now: () => 0, fillRandom }));
}

Deno.test("KDC messages of MIT: sealed parts are sealed and opened to the same bytes", async () => {
  let [parts, read] = [0, 0];
  for (const { id, der_hex, derived } of CAPTURED) {
    for (const part of derived) {
      const cipher = await sealed(part);
      // The parts of FAST are inside other encryption; all others stand in the message.
      if (!part.plaintext_type.startsWith("KrbFast") && CODECS[part.plaintext_type] !== undefined) {
        if (!derived.some(({ plaintext_type }) => plaintext_type.startsWith("KrbFast"))) {
          assert.ok(der_hex.includes(cipher), `${id} ${part.what}`);
        }
      }
      const key = new KerberosKey(part.enctype, unhex(part.key_hex));
      assert.equal(hex(await key.decrypt(part.key_usage, unhex(cipher))), part.plaintext_hex, `${id} ${part.what}`);
      await assert.rejects(key.decrypt(part.key_usage + 1, unhex(cipher)), { code: "INTEGRITY" });
      const codec = CODECS[part.plaintext_type];
      parts++;
      if (codec === undefined) continue;
      assert.equal(hex(encode(codec, decode(codec, unhex(part.plaintext_hex)))), part.plaintext_hex, part.what);
      read++;
    }
  }
  assert.deepEqual([parts > 40, read > 30], [true, true], `${parts} ${read}`);
});

Deno.test("KDC messages of MIT: checksums of TGS-REQs are right, and of changed ones wrong", async () => {
  let seen = 0;
  for (const { id, type, der_hex, derived } of CAPTURED) {
    const plain = derived.find(({ plaintext_type }) => plaintext_type === "Authenticator");
    if (type !== "TGS-REQ" || plain === undefined) continue;
    const message = unhex(der_hex);
    const apReq = decode(kdc.TgsReq, message).padata!.find(({ padataType }) => padataType === PaType.TgsReq)!;
    const { authenticator: { cipher } } = decode(ap.ApReq, apReq.padataValue);
    const sessionKey = new KerberosKey(plain.enctype, unhex(plain.key_hex));
    const opened = await sessionKey.decrypt(KeyUsage.TgsReqAuthenticator, cipher);
    const authenticator = decode(ap.Authenticator, opened);
    assert.equal(await requestFault({ authenticator, sessionKey, message }), undefined, id);
    const changed = concat(message.subarray(0, -1), Uint8Array.of(message.at(-1)! ^ 1));
    assert.equal(await requestFault({ authenticator, sessionKey, message: changed }), "KRB_AP_ERR_MODIFIED", id);
    seen++;
  }
  assert.ok(seen >= 5, `${seen}`);
});
