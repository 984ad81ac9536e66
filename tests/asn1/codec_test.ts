import assert from "node:assert/strict";
import fc from "fast-check";
import { asn1jsEngine } from "../../asn1/asn1js.ts";
import { applicationTag, Asn1Error, type Codec, decode, decodeBy, encode } from "../../asn1/codec.ts";
import { derEngine } from "../../asn1/der.ts";
import {
  anyElement,
  bitString,
  explicit,
  generalizedTime,
  generalString,
  integer,
  octetString,
  optional,
  sequence,
} from "../../asn1/types.ts";
import { hex, unhex } from "../support/vectors.ts";

const Wide: Codec<number> = integer("INTEGER", -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);

interface Sample {
  readonly first: number;
  readonly second?: string;
  readonly third: Uint8Array<ArrayBuffer>;
}
const Sample: Codec<Sample> = sequence<Sample>("Sample", {
  first: explicit(0, integer("INTEGER", 0, 255)),
  second: optional(explicit(1, generalString)),
  third: explicit(2, octetString),
});

/** Asserts that both engines refuse an encoding. */
function refuses(codec: Codec<unknown>, text: string, message: RegExp): void {
  for (const engine of [derEngine, asn1jsEngine]) {
    assert.throws(() => decodeBy(engine, codec, unhex(text.replaceAll(" ", ""))), (error) => {
      assert.ok(error instanceof Asn1Error, String(error));
      assert.match(error.message, message);
      return true;
    }, text);
  }
}

Deno.test("sequence(): keeps unknown elements behind its fields through decode(), copies and encode()", () => {
  const given = unhex("3016a003020105a2030401aa" + "a303020101" + "020107" + "be020500");
  for (const engine of [derEngine, asn1jsEngine]) {
    const value = decodeBy(engine, Sample, given);
    assert.deepEqual(Object.keys(value), ["first", "third"]);
    assert.deepEqual([value.first, value.third], [5, unhex("aa")]);
    assert.equal(hex(encode(Sample, value)), hex(given));
    assert.equal(hex(encode(Sample, { ...value, first: 6 })), hex(given).replace("020105", "020106"));
  }
});

Deno.test("decode(): refuses what asn1js accepts", () => {
  const codec = Sample as Codec<unknown>;
  assert.deepEqual(decode(Sample, unhex("300aa003020105a2030401aa")), { first: 5, third: unhex("aa") });
  refuses(codec, "300aa003020105a2030401aa 00", /trailing/);
  refuses(codec, "3080a003020105a2030401aa0000", /Sample/);
  refuses(codec, "30810aa003020105a2030401aa", /DER form/);
  refuses(codec, "300aa2030401aaa003020105", /first/); // out of order
  refuses(codec, "3005a003020105", /third: field is missing/);
  refuses(codec, "300fa003020105a2030401aaa003020105", /Sample: element \[CONTEXT 0\] is repeated or out of order/);
  refuses(codec, "300ea003020105a2030401aaa1021b00", /Sample: element \[CONTEXT 1\] is repeated or out of order/);
  refuses(codec, "3014a003020105a2030401aaa303020101a003020105", /\[CONTEXT 0\] is repeated/);
  refuses(codec, "300ba00402020005a2030401aa", /first: INTEGER is not in DER form/);
  refuses(codec, "300ba00402020100a2030401aa", /first: 256 is outside/);
  refuses(codec, "3009a003020105a2030401aa", /bytes in 9|trailing|cut/);
  refuses(codec, "300aa002020105a2030401aa", /elements of 9 bytes in 10|longer than the element around it/);
  refuses(codec, "300aa003040105a2030401aa", /tag \[UNIVERSAL 2\] wanted, \[UNIVERSAL 4\] there/);
  refuses(codec, "3006a0000201aa", /Sample/);
  refuses(codec, "300da006020105020106a2030401aa", /explicit tag must hold one element/);
  refuses(codec, "", /Sample/);
});

Deno.test("decode(): accepts long lengths on request, indefinite ones never", () => {
  const long = { longLengths: true };
  for (const text of ["0484000000 01aa", "048101aa", "04820001aa"]) {
    const bytes = unhex(text.replace(" ", ""));
    assert.deepEqual(decode(octetString, bytes, long), unhex("aa"));
    assert.throws(() => decode(octetString, bytes), /not in DER form/);
  }
  for (const text of ["0480", "048500000000 01aa", "04840000", "048400000002aa"]) {
    assert.throws(() => decode(octetString, unhex(text.replace(" ", "")), long), Asn1Error, text);
  }
});

Deno.test("decode(): refuses elements above 16 MiB and tag numbers above 30", () => {
  const large = (length: number) => {
    const bytes = new Uint8Array(length);
    bytes.set([4, 0x83, 255, 255, length - 5 - 0xffff00]);
    return bytes;
  };
  assert.equal(decode(octetString, large(1 << 24)).length, (1 << 24) - 5);
  assert.throws(() => decode(octetString, large((1 << 24) + 1)), /too large/);
  assert.throws(() => decode(anyElement, unhex("bf1f020500")), /tag number above 30/);
});

Deno.test("decode(): refuses the tag of end-of-contents, outside and inside", () => {
  for (const given of ["0000", "2000", "000101", "30020000", "3005050000010a", "300520030a0101"]) {
    assert.throws(() => decode(anyElement, unhex(given)), /tag 0, which no type has/, given);
  }
  // asn1js takes it for an element without contents, in any place.
  for (const given of ["0000", "30020000", "300405000000", "a40930070000010431323300"]) {
    assert.throws(() => decodeBy(asn1jsEngine, anyElement, unhex(given)), Asn1Error, given);
  }
  assert.doesNotThrow(() => decode(anyElement, unhex("3002a000")));
});

Deno.test("applicationTag(): reads the first byte only", () => {
  assert.equal(applicationTag(unhex("6e00")), 14);
  assert.equal(applicationTag(unhex("3000")), undefined);
  assert.equal(applicationTag(unhex("7f00")), undefined);
  assert.equal(applicationTag(new Uint8Array(0)), undefined);
});

Deno.test("property: decode() is the inverse of encode()", () => {
  fc.assert(fc.property(
    fc.record({ first: fc.nat(255), third: fc.uint8Array({ maxLength: 300 }) }, { noNullPrototype: true }),
    fc.option(fc.string({ unit: "grapheme", maxLength: 50 }), { nil: undefined }),
    (value, second) => {
      const sample = { ...value, ...(second === undefined ? {} : { second }) } as unknown as Sample;
      const der = encode(Sample, sample);
      assert.deepEqual(decode(Sample, der), sample);
      assert.equal(hex(encode(Sample, decode(Sample, der))), hex(der));
    },
  ));
});

Deno.test("property: decode() of random bytes is re-encoded to them or throws Asn1Error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      for (const codec of [Sample, Wide, generalizedTime, bitString, anyElement] as Codec<unknown>[]) {
        try {
          assert.equal(hex(encode(codec, decode(codec, bytes))), hex(bytes));
        } catch (error) {
          assert.ok(error instanceof Asn1Error, String(error));
        }
      }
    }),
    { numRuns: 2000 },
  );
});
