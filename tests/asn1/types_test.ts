import assert from "node:assert/strict";
import { Asn1Error, type Codec, decode, encode } from "../../asn1/codec.ts";
import {
  anyElement,
  bitString,
  boolean,
  enumerated,
  generalizedTime,
  generalString,
  integer,
  objectIdentifier,
  sequenceOf,
} from "../../asn1/types.ts";
import { hex, unhex, vectors } from "../support/vectors.ts";

const Wide: Codec<number> = integer("INTEGER", -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);

Deno.test("types: encode the published values to the published contents", () => {
  const codecs: Record<string, Codec<never>> = {
    INTEGER: Wide as Codec<never>,
    "OBJECT IDENTIFIER": objectIdentifier as Codec<never>,
    BOOLEAN: boolean as Codec<never>,
  };
  let seen = 0;
  for (const v of vectors<{ type: string; value: unknown; content_hex: string }>("der_primitives")) {
    const codec = codecs[v.type];
    if (codec === undefined) continue;
    if (typeof v.value === "string" && v.type === "INTEGER") continue; // beyond 2^53: no field of Kerberos is
    const der = encode(codec, v.value as never);
    assert.equal(hex(der.subarray(2)), v.content_hex, v.id);
    assert.deepEqual(decode(codec, der), v.value);
    seen++;
  }
  assert.ok(seen >= 10, `${seen}`);
});

Deno.test("integer(): reads four bytes and more, where asn1js reads 0", () => {
  for (const value of [2 ** 23, 2 ** 31 - 1, 2 ** 32 - 1, -(2 ** 31), 2 ** 40]) {
    assert.equal(decode(Wide, encode(Wide, value)), value);
  }
  assert.throws(() => encode(integer("UInt8", 0, 255), 256), Asn1Error);
  assert.throws(() => encode(integer("UInt8", 0, 255), 0.5), Asn1Error);
  assert.throws(() => decode(Wide, unhex("020a00ffffffffffffffffff")), /INTEGER of 10 bytes/);
  assert.equal(decode(enumerated("E", 0, 3), unhex("0a0102")), 2);
});

Deno.test("generalizedTime: accepts whole UTC seconds on the calendar only", () => {
  const time = (text: string) => Uint8Array.of(24, text.length, ...new TextEncoder().encode(text));
  assert.equal(decode(generalizedTime, time("19700101000000Z")), 0);
  assert.equal(decode(generalizedTime, time("20260228235959Z")), Date.UTC(2026, 1, 28, 23, 59, 59));
  assert.equal(decode(generalizedTime, time("00010101000000Z")), Date.parse("0001-01-01T00:00:00Z"));
  for (
    const text of [
      "20260229000000Z",
      "20261301000000Z",
      "20260101240000Z",
      "20260101000060Z",
      "20260101000000",
      "20260101000000.5Z",
      "20260101000000+0100",
      "2026010100Z",
      "junkjunkjunkjuZ",
      "",
    ]
  ) assert.throws(() => decode(generalizedTime, time(text)), Asn1Error, text);
  assert.throws(() => encode(generalizedTime, 1), Asn1Error);
  assert.throws(() => encode(generalizedTime, NaN), Asn1Error);
});

Deno.test("generalString: keeps UTF-8 and refuses other bytes", () => {
  assert.equal(decode(generalString, encode(generalString, "grüße €\u{1d11e}")), "grüße €\u{1d11e}");
  assert.throws(() => decode(generalString, unhex("1b02c328")), Asn1Error);
});

Deno.test("bitString and boolean: accept DER forms only", () => {
  assert.deepEqual(decode(bitString, unhex("03020780")), { bytes: unhex("80"), unused: 7 });
  for (const text of ["0300", "03010 1".replace(" ", ""), "03020980"]) {
    assert.throws(() => decode(bitString, unhex(text)), Asn1Error);
  }
  assert.equal(decode(boolean, unhex("0101ff")), true);
  assert.throws(() => decode(boolean, unhex("010101")), Asn1Error);
});

Deno.test("objectIdentifier: refuses malformed identifiers", () => {
  for (const text of ["0600", "060180", "06022a80", "0603 2a8001".replace(" ", "")]) {
    assert.throws(() => decode(objectIdentifier, unhex(text)), Asn1Error, text);
  }
  for (const text of ["", "1", "3.1", "1.40", "1.2.x", "1.2.03"]) {
    assert.throws(() => encode(objectIdentifier, text), Asn1Error, text);
  }
  assert.equal(hex(encode(objectIdentifier, "2.999.3")), "0603883703");
  assert.throws(() => decode(objectIdentifier, unhex("060b2a" + "ff".repeat(9) + "7f")), /arc is too large/);
  assert.equal(decode(objectIdentifier, unhex("0640" + "2a".repeat(64))).split(".").length, 65);
  assert.throws(() => decode(objectIdentifier, unhex("0641" + "2a".repeat(65))), /malformed/);
});

Deno.test("anyElement: keeps the exact bytes", () => {
  for (const text of ["30060201010201ff", "a1030201 05".replace(" ", ""), "0400"]) {
    assert.equal(hex(encode(anyElement, decode(anyElement, unhex(text)))), text);
  }
  assert.throws(() => encode(anyElement, unhex("020105ff")), Asn1Error);
});

Deno.test("sequenceOf(): limits the number of elements and the depth", () => {
  const list = sequenceOf("List", integer("INTEGER", 0, 9), 3);
  assert.deepEqual(decode(list, encode(list, [1, 2, 3])), [1, 2, 3]);
  assert.throws(() => decode(list, encode(sequenceOf("List", integer("INTEGER", 0, 9)), [1, 2, 3, 4])), Asn1Error);
  const deep = unhex("3080".repeat(5000));
  assert.throws(() => decode(list, deep), Asn1Error);
  let nested = new Uint8Array(0);
  for (let i = 0; i < 60; i++) nested = new Uint8Array([0x30, nested.length, ...nested]);
  assert.throws(() => decode(list, nested), Asn1Error);
});

Deno.test("objectIdentifier: reads and writes the published identifiers, and refuses other text", () => {
  for (const { dotted, der_content_hex } of vectors<{ dotted: string; der_content_hex: string }>("oids")) {
    const der = encode(objectIdentifier, dotted);
    assert.equal(hex(der.subarray(2)), der_content_hex, dotted);
    assert.equal(decode(objectIdentifier, der), dotted);
  }
  for (const { text } of vectors<{ text: string }>("oids_invalid_text")) {
    assert.throws(() => encode(objectIdentifier, text), Asn1Error, text);
  }
});
