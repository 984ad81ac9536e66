/** Public samples of every message type: decoded and encoded again they come out byte for byte. */
import assert from "node:assert/strict";
import { Asn1Error, type Codec, decodeBy, encodeBy } from "../../../asn1/codec.ts";
import { asn1jsEngine } from "../../../asn1/asn1js.ts";
import { derEngine } from "../../../asn1/der.ts";
import * as ap from "../../../kerberos/messages/ap.ts";
import * as basic from "../../../kerberos/messages/basic.ts";
import * as cred from "../../../kerberos/messages/cred.ts";
import * as error from "../../../kerberos/messages/error.ts";
import * as kdc from "../../../kerberos/messages/kdc.ts";
import { mutateElement } from "../../fuzz/mutate.ts";
import { Random } from "../../fuzz/random.ts";
import { extendEach, extendEverywhere } from "../../support/extend.ts";
import { hex, unhex, vectors } from "../../support/vectors.ts";

const CODECS: Record<string, Codec<unknown>> = {
  "Authenticator": ap.Authenticator,
  "Ticket": ap.Ticket,
  "EncTicketPart": ap.EncTicketPart,
  "AP-REQ": ap.ApReq,
  "AP-REP": ap.ApRep,
  "EncAPRepPart": ap.EncApRepPart,
  "EncryptionKey": basic.EncryptionKey,
  "EncryptedData": basic.EncryptedData,
  "AuthorizationData": basic.AuthorizationData,
  "METHOD-DATA": basic.MethodData,
  "ETYPE-INFO2": basic.EtypeInfo2,
  "PA-ENC-TS-ENC": basic.PaEncTsEnc,
  "AS-REQ": kdc.AsReq,
  "TGS-REQ": kdc.TgsReq,
  "AS-REP": kdc.AsRep,
  "TGS-REP": kdc.TgsRep,
  "KDC-REQ-BODY": kdc.KdcReqBody,
  "EncTGSRepPart": kdc.EncTgsRepPart,
  "KRB-CRED": cred.KrbCred,
  "EncKrbCredPart": cred.EncKrbCredPart,
  "KRB-ERROR": error.KrbError,
} as Record<string, Codec<unknown>>;

/** Both engines. */
const WAYS = ([["through asn1js", asn1jsEngine], ["by hand", derEngine]] as const).map(([name, engine]) => ({
  name,
  decode: <T>(codec: Codec<T>, bytes: Uint8Array): T => decodeBy(engine, codec, bytes),
  encode: <T>(codec: Codec<T>, value: T): Uint8Array => encodeBy(engine, codec, value),
}));

/** The vectors' notation of a decoded value: ASN.1 names, hex bytes, bit strings with their unused bits. */
function notation(value: unknown, key = ""): unknown {
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return value.map((item) => notation(item, key));
  if (typeof value === "number" && /(time|^till|^from|timestamp|renewTill|keyExpiration|lrValue)$/i.test(key)) {
    return new Date(value).toISOString().replace(/[-:T]|\.\d+/g, "");
  }
  if (typeof value === "number" && /(flags|options)$/i.test(key)) {
    return { bits_hex: value.toString(16).padStart(8, "0"), unused: 0 };
  }
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, field]) => {
        const label = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
        return [label, notation(field, name)];
      }),
    );
  }
  return value;
}

for (const { decode, encode, name: way } of WAYS) {
  Deno.test(`decode() and encode(): keep every public sample (${way})`, () => {
    let seen = 0;
    for (const v of vectors<{ name: string; asn1_type: string; der_hex: string; decoded: unknown }>("asn1_encode")) {
      const codec = CODECS[v.asn1_type];
      if (codec === undefined) continue;
      const value = decode(codec, unhex(v.der_hex));
      assert.equal(hex(encode(codec, value)), v.der_hex, v.name);
      assert.deepEqual(notation(value), v.decoded, v.name);
      seen++;
    }
    assert.equal(seen, 23);
  });

  Deno.test(`decode() and encode(): keep every message of a real exchange (${way})`, () => {
    for (const v of vectors<{ name: string; type: string; der_hex: string }>("messages")) {
      const codec = CODECS[v.type];
      assert.ok(codec, v.type);
      assert.equal(hex(encode(codec, decode(codec, unhex(v.der_hex)))), v.der_hex, v.name);
    }
  });

  Deno.test(`decode(): accepts and refuses unusual samples as the RFC demands (${way})`, () => {
    type Case = { name: string; variant: string; asn1_type: string; input_hex: string; expect: string };
    for (const v of vectors<Case>("asn1_decode")) {
      const codec = CODECS[v.asn1_type];
      if (codec === undefined) continue;
      // MIT takes ff ff ff ff for -1, which is not DER.
      const expected = v.variant.startsWith("FFFFFFFF") ? "error" : v.expect;
      if (expected === "ok") decode(codec, unhex(v.input_hex));
      else assert.throws(() => decode(codec, unhex(v.input_hex)), Asn1Error, `${v.name} ${v.variant}`);
    }
  });

  Deno.test(`decode() and encode(): keep unknown fields of every sequence, and ignore them (${way})`, () => {
    let seen = 0;
    for (const v of vectors<{ name: string; type: string; der_hex: string }>("messages")) {
      const codec = CODECS[v.type]!;
      const plain = notation(decode(codec, unhex(v.der_hex)));
      for (const bytes of [...extendEach(unhex(v.der_hex)), extendEverywhere(unhex(v.der_hex))]) {
        const value = decode(codec, bytes);
        assert.deepEqual(notation(value), plain, v.name);
        assert.equal(hex(encode(codec, value)), hex(bytes), v.name);
        seen++;
      }
    }
    assert.ok(seen > 50, `${seen}`);
  });

  Deno.test(`decode(): refuses every truncated message, and every trailing byte (${way})`, () => {
    for (const v of vectors<{ type: string; der_hex: string }>("messages").slice(0, 2)) {
      const codec = CODECS[v.type]!;
      const der = unhex(v.der_hex);
      for (let i = 0; i < der.length; i++) assert.throws(() => decode(codec, der.subarray(0, i)), Asn1Error);
      assert.throws(() => decode(codec, new Uint8Array([...der, 0])), Asn1Error);
    }
  });
}

Deno.test("DER engines: both give the same value or an Asn1Error for changed messages", () => {
  const random = new Random(1);
  for (const v of vectors<{ name: string; type: string; der_hex: string }>("messages")) {
    const codec = CODECS[v.type]!;
    const der = unhex(v.der_hex);
    const outcome = (way: typeof WAYS[number], bytes: Uint8Array) => {
      try {
        return hex(way.encode(codec, way.decode(codec, bytes)));
      } catch (error) {
        assert.ok(error instanceof Asn1Error, String(error));
        return "refused";
      }
    };
    const [first, second] = WAYS;
    const same = (bytes: Uint8Array, what: string) =>
      assert.equal(outcome(first!, bytes), outcome(second!, bytes), `${v.name}, ${what}`);
    // Long byte strings have nothing that could be read in two ways.
    const step = Math.ceil(der.length / 200);
    for (let i = 0; i < der.length; i += step) {
      same(der.with(i, der[i]! ^ (i % 2 === 0 ? 0x20 : 1 << (i % 8))), `byte ${i}`);
    }
    for (let i = 0; i < 100; i++) {
      const changed = mutateElement(random, der);
      same(changed, `element changed to ${hex(changed)}`);
    }
  }
});
