/** Requests in encodings that other clients write: the checksum is over the bytes that came (RFC 4120 section 5.2.7.1). */
import assert from "node:assert/strict";
import { decode, encode } from "../../../asn1/codec.ts";
import { anyElement, application, explicit, integer, sequence } from "../../../asn1/types.ts";
import type { Bytes } from "../../../base/bytes.ts";
import { MethodData, type PaData } from "../../../kerberos/messages/basic.ts";
import { KdcReqBody, TgsReq } from "../../../kerberos/messages/kdc.ts";
import { TestRuntime } from "../../support/test_runtime.ts";
import { errorCodeOf, forgeTgsReq } from "../../support/forge_kdc.ts";
import { memoryRealm, memoryTickets } from "../../support/gss_pair.ts";

interface Raw {
  readonly pvno: number;
  readonly msgType: number;
  readonly padata: readonly PaData[];
  readonly reqBody: Bytes;
}
const RawTgsReq = application(
  12,
  "TGS-REQ",
  sequence<Raw>("TGS-REQ", {
    pvno: explicit(1, integer("pvno", 5, 5)),
    msgType: explicit(2, integer("msg-type", 12, 12)),
    padata: explicit(3, MethodData),
    reqBody: explicit(4, anyElement),
  }),
);

/** A body whose kdc-options are the BIT STRING given. */
function bodyWith(body: KdcReqBody, options: readonly number[]): Bytes {
  const usual = encode(KdcReqBody, body);
  // SEQUENCE, [0], BIT STRING of four bytes with their count of unused bits.
  const head = usual[1]! < 0x80 ? 2 : usual[1] === 0x81 ? 3 : 4;
  assert.deepEqual([...usual.subarray(head, head + 4)], [0xa0, 7, 3, 5]);
  const rest = usual.subarray(head + 9);
  const inside = new Uint8Array([0xa0, options.length + 2, 3, options.length, ...options, ...rest]);
  assert.ok(inside.length < 256);
  return new Uint8Array(
    inside.length < 128 ? [0x30, inside.length, ...inside] : [0x30, 0x81, inside.length, ...inside],
  );
}

Deno.test("handleTgsReq(): accepts kdc-options of any length, with a checksum over their bytes", async () => {
  const runtime = new TestRuntime();
  const realm = await memoryRealm({ runtime, enctypes: [18] });
  const { credential: tgt } = await memoryTickets([realm], { runtime }).initialTicket();
  const shapes: Record<string, readonly number[]> = {
    "32 bits": [0, 0, 1, 0, 0],
    "16 bits": [0, 0, 1],
    "40 bits": [0, 0, 1, 0, 0, 0],
    "16 bits, one of them unused": [1, 0x40, 0x80],
    "none": [0],
  };
  for (const [shape, options] of Object.entries(shapes)) {
    for (const genuine of [true, false]) {
      const { message } = await forgeTgsReq({ tgt, service: "rcmd/localhost", now: runtime.time }, {
        authenticator: async (plain) => {
          const body = bodyWith(plainBody(tgt.endtime), options);
          const covered = genuine ? body : encode(KdcReqBody, plainBody(tgt.endtime));
          return { ...plain, cksum: { cksumtype: tgt.key.checksumType, checksum: await tgt.key.checksum(6, covered) } };
        },
      });
      const { padata } = decode(TgsReq, message);
      const raw = encode(RawTgsReq, {
        pvno: 5,
        msgType: 12,
        padata: padata!,
        reqBody: bodyWith(plainBody(tgt.endtime), options),
      });
      assert.equal(await errorCodeOf(realm, raw), genuine ? 0 : 41, `${shape}, checksum over it: ${genuine}`);
    }
  }
});

function plainBody(till: number): KdcReqBody {
  return {
    kdcOptions: 0,
    realm: "GSSOCKS.TEST",
    sname: { nameType: 2, nameString: ["rcmd", "localhost"] },
    till,
    nonce: 4711,
    etype: [18],
  };
}
