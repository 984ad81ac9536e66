/**
 * What an unauthenticated peer can make reading cost: every decoder of its messages stops after a few hundred elements, and
 * none uses asn1js.
 */
import assert from "node:assert/strict";
import { Asn1Error, type Codec, decode, encode } from "../../../asn1/codec.ts";
import { asn1jsEngine } from "../../../asn1/asn1js.ts";
import { concat } from "../../../base/bytes.ts";
import { STRANGER_ELEMENTS, VOUCHED_ELEMENTS } from "../../../asn1/element.ts";
import { encodeInitialToken } from "../../../gss/initial_token.ts";
import { spnegoAcceptor } from "../../../gss/spnego/acceptor.ts";
import { spnegoInitiator } from "../../../gss/spnego/initiator.ts";
import { decodeNegTokenInit, decodeNegTokenResp } from "../../../gss/spnego/tokens.ts";
import { SPNEGO_OID } from "../../../gss/oids.ts";
import { readReply } from "../../../kerberos/exchange/kdc_reply.ts";
import { readMessage } from "../../../kerberos/messages/read.ts";
import { encodeContextToken } from "../../../kerberos/mech/tokens/context.ts";
import * as ap from "../../../kerberos/messages/ap.ts";
import * as basic from "../../../kerberos/messages/basic.ts";
import * as cred from "../../../kerberos/messages/cred.ts";
import { KrbError } from "../../../kerberos/messages/error.ts";
import * as kdc from "../../../kerberos/messages/kdc.ts";
import { kerberosSides, tlv } from "../../support/forge_spnego.ts";
import { hex, unhex, vectors } from "../../support/vectors.ts";

/** 64 KiB of the smallest elements, of several kinds. */
const CROWDS: readonly Uint8Array[] = ["0500", "3000", "040100", "a0020500"].map((element) => {
  const count = Math.floor(65_000 / (element.length / 2));
  return unhex(element.repeat(count));
});

/** Messages to a server or a KDC that are not authenticated, and replies of a service that has not authenticated itself. */
const STRANGERS: Record<string, Codec<unknown>> = {
  "AP-REQ": ap.ApReq,
  "AP-REP": ap.ApRep,
  "AS-REQ": kdc.AsReq,
  "TGS-REQ": kdc.TgsReq,
  "KRB-ERROR": KrbError,
  "Ticket": ap.Ticket,
  "PA-ENC-TIMESTAMP": basic.EncryptedData,
  "PA-REQ-ENC-PA-REP": basic.Checksum,
} as Record<string, Codec<unknown>>;

/** What a KDC answers, what is opened with a key, and lists in either. */
const VOUCHED: Record<string, Codec<unknown>> = {
  "AS-REP": kdc.AsRep,
  "TGS-REP": kdc.TgsRep,
  "METHOD-DATA": basic.MethodData,
  "ETYPE-INFO2": basic.EtypeInfo2,
  "AuthorizationData": basic.AuthorizationData,
  "EncTicketPart": ap.EncTicketPart,
  "Authenticator": ap.Authenticator,
  "EncASRepPart": kdc.EncAsRepPart,
  "EncTGSRepPart": kdc.EncTgsRepPart,
  "KRB-CRED": cred.KrbCred,
  "EncKrbCredPart": cred.EncKrbCredPart,
} as Record<string, Codec<unknown>>;

/** Runs with an asn1js that must not be asked to read anything. */
async function withoutAsn1js(run: () => Promise<void> | void): Promise<void> {
  const { check } = asn1jsEngine;
  asn1jsEngine.check = () => {
    throw new Error("asn1js was asked to read");
  };
  try {
    await run();
  } finally {
    asn1jsEngine.check = check;
  }
}

Deno.test("readMessage(): stops after 400 elements from strangers, after 4,000 from KDCs and keys", async () => {
  assert.ok(STRANGER_ELEMENTS <= 500 && VOUCHED_ELEMENTS <= 5_000);
  await withoutAsn1js(() => {
    for (const [codecs, most] of [[STRANGERS, STRANGER_ELEMENTS], [VOUCHED, VOUCHED_ELEMENTS]] as const) {
      for (const [name, codec] of Object.entries(codecs)) {
        for (const crowd of CROWDS) {
          const outer = codec.identifier!;
          for (const bytes of [tlv(outer, crowd), tlv(outer, tlv(0x30, crowd))]) {
            assert.throws(() => decode(codec, bytes), (error) => {
              assert.ok(error instanceof Asn1Error, String(error));
              assert.match(error.message, new RegExp(`more than ${most} elements`), name);
              return true;
            });
          }
        }
      }
    }
  });
});

Deno.test("SPNEGO tokens: reading stops after 400 elements, in acceptor and initiator", async () => {
  const { acceptor, initiator } = await kerberosSides(true);
  const tooMany = (error: unknown) => {
    assert.match(String(error), /more than 400 elements/);
    return true;
  };
  await withoutAsn1js(async () => {
    for (const crowd of CROWDS) {
      const init = encodeInitialToken(SPNEGO_OID, tlv(0xa0, tlv(0x30, crowd)));
      const listed = encodeInitialToken(SPNEGO_OID, tlv(0xa0, tlv(0x30, tlv(0xa0, tlv(0x30, crowd)))));
      const response = tlv(0xa1, tlv(0x30, crowd));
      for (const token of [init, listed]) {
        assert.throws(() => decodeNegTokenInit(token), tooMany);
        await assert.rejects(spnegoAcceptor(acceptor).accept().step(token), tooMany);
      }
      assert.throws(() => decodeNegTokenResp(response), tooMany);
      const ours = await spnegoInitiator(initiator).initiate({ type: "user", text: "x" });
      await ours.step();
      await assert.rejects(ours.step(response), tooMany);
      const message = tlv(0x6e, tlv(0x30, crowd));
      await assert.rejects(acceptor.accept().step(encodeContextToken("AP-REQ", message)), tooMany);
    }
  });
});

Deno.test("readMessage(): reads genuine messages of every kind without asn1js", async () => {
  const codecs = { ...STRANGERS, ...VOUCHED };
  let seen = 0;
  await withoutAsn1js(() => {
    for (const { type, der_hex } of vectors<{ type: string; der_hex: string }>("messages")) {
      const codec = codecs[type];
      if (codec === undefined) continue;
      readMessage(codec, unhex(der_hex));
      if (type.endsWith("-REP") || type === "KRB-ERROR") readReply(codec, unhex(der_hex));
      seen++;
    }
  });
  assert.ok(seen >= 10, `${seen}`);
});

Deno.test("encode(): writes a TGS-REQ through asn1js, and no other message", () => {
  const { writer } = asn1jsEngine;
  const written: string[] = [];
  const codecs = { ...STRANGERS, ...VOUCHED };
  let writing = "";
  asn1jsEngine.writer = (path) => (written.push(writing), writer(path));
  try {
    for (const { type, der_hex } of vectors<{ type: string; der_hex: string }>("messages")) {
      writing = type;
      const codec = codecs[type];
      if (codec !== undefined) assert.equal(hex(encode(codec, decode(codec, unhex(der_hex)))), der_hex);
    }
  } finally {
    asn1jsEngine.writer = writer;
  }
  assert.deepEqual(new Set(written), new Set(["TGS-REQ"]));
});

Deno.test("readMessage(): accepts the fullest messages within the limits", () => {
  const part: ap.EncTicketPart = {
    flags: 0,
    key: { keytype: 18, keyvalue: new Uint8Array(32) },
    crealm: "A.TEST",
    cname: { nameType: 1, nameString: ["alice"] },
    transited: { trType: 1, contents: new Uint8Array(0) },
    authtime: 0,
    endtime: 0,
    caddr: Array(256).fill({ addrType: 2, address: new Uint8Array(4) }),
    authorizationData: Array(256).fill({ adType: 1, adData: new Uint8Array(1) }),
  };
  const read = decode(ap.EncTicketPart, encode(ap.EncTicketPart, part));
  assert.deepEqual([read.caddr!.length, read.authorizationData!.length], [256, 256]);
  const more = { ...part, caddr: [...part.caddr!, part.caddr![0]!] };
  assert.throws(() => decode(ap.EncTicketPart, encode(ap.EncTicketPart, more)), /257 elements, at most 256/);
});

Deno.test("readMessage(): follows no nesting deeper than 32 elements (CVE-2020-28196)", () => {
  let nested: Uint8Array = new Uint8Array(0);
  for (let i = 0; i < 300; i++) nested = tlv(0x30, nested);
  assert.throws(() => decode(basic.MethodData, nested), /too deep/);
  assert.throws(() => decode(basic.MethodData, unhex("3080".repeat(30_000))), /not in DER form/);
});

Deno.test("readMessage(): refuses a version, type, microseconds or name out of bounds", () => {
  const krbError: KrbError = {
    pvno: 5,
    msgType: 30,
    stime: 0,
    susec: 999_999,
    errorCode: 60,
    realm: "A.TEST",
    sname: { nameType: 2, nameString: ["rcmd", "p"] },
  };
  const good = hex(encode(KrbError, krbError));
  assert.equal(decode(KrbError, unhex(good)).susec, 999_999);
  const changes = [
    ["a003020105", "a003020104", /pvno: 4 is outside 5..5/],
    ["a10302011e", "a10302011d", /msg-type: 29 is outside 30..30/],
    ["a50502030f423f", "a50502030f4240", /susec: 1000000 is outside/],
  ] as const;
  for (const [there, instead, message] of changes) {
    assert.equal(good.split(there).length, 2);
    assert.throws(() => decode(KrbError, unhex(good.replace(there, instead))), message);
  }
  const named = (count: number) =>
    tlv(0x30, concat(unhex("a003020101"), tlv(0xa1, tlv(0x30, unhex("1b0161".repeat(count))))));
  assert.equal(decode(basic.PrincipalName, named(64)).nameString.length, 64);
  assert.throws(() => decode(basic.PrincipalName, named(65)), /65 elements, at most 64/);
});
