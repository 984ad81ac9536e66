import assert from "node:assert/strict";
import fc from "fast-check";
import { type Codec, decode, encode } from "../../asn1/codec.ts";
import { generalizedTime, integer } from "../../asn1/types.ts";
import { hex } from "../support/vectors.ts";

const Wide: Codec<number> = integer("INTEGER", -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);

/** Two's complement in as few bytes as possible, by way of BigInt. */
function reference(value: number): string {
  let bytes = 1;
  while (BigInt.asIntN(8 * bytes, BigInt(value)) !== BigInt(value)) bytes++;
  return BigInt.asUintN(8 * bytes, BigInt(value)).toString(16).padStart(2 * bytes, "0");
}

Deno.test("property: integers are written as two's complement in as few bytes as possible", () => {
  const edges = [7, 8, 15, 16, 31, 32, 52].flatMap((bits) =>
    [-1, 0, 1].flatMap((by) => [2 ** bits + by, by - 2 ** bits])
  );
  const check = (value: number) => {
    const der = encode(Wide, value);
    assert.equal(hex(der.subarray(2)), reference(value));
    assert.equal(decode(Wide, der), value);
  };
  edges.forEach(check);
  fc.assert(fc.property(fc.maxSafeInteger(), check));
});

Deno.test("property: times are written as Date has them, and read back", () => {
  const [first, last] = [Date.parse("0000-01-01T00:00:00Z"), Date.parse("9999-12-31T23:59:59Z")];
  fc.assert(fc.property(fc.integer({ min: first / 1000, max: last / 1000 }), (seconds) => {
    const der = encode(generalizedTime, 1000 * seconds);
    const text = new Date(1000 * seconds).toISOString().replace(/[-:T]|\.000/g, "");
    assert.equal(new TextDecoder().decode(der.subarray(2)), text);
    assert.equal(decode(generalizedTime, der), 1000 * seconds);
  }));
});
