import assert from "node:assert/strict";
import { Asn1Error, type Codec, decode, encode } from "../../asn1/codec.ts";
import { explicit, integer, octetString, sequence, sequenceOf } from "../../asn1/types.ts";
import { hex, unhex } from "../support/vectors.ts";

interface Item {
  readonly itemNumber: number;
  readonly data: Uint8Array<ArrayBuffer>;
}
const Items: Codec<readonly Item[]> = sequenceOf(
  "Items",
  sequence<Item>("Item", { itemNumber: explicit(0, integer("INTEGER", 0, 9)), data: explicit(1, octetString) }),
);

Deno.test("encode(): a message is its own memory, whatever is written next", () => {
  const first = encode(octetString, unhex("aabb"));
  encode(octetString, unhex("ccddee"));
  assert.equal(hex(first), "0402aabb");
  assert.equal(first.buffer.byteLength, 4);
});

Deno.test("encode(): messages of any size are read back, also after one that failed", () => {
  for (const size of [0, 127, 128, 4_000, 4_096, 5_000, 70_000]) {
    const items = [1, 2, 3].map((itemNumber) => ({ itemNumber, data: new Uint8Array(size).fill(itemNumber) }));
    assert.throws(() => encode(Items, [{ itemNumber: 10, data: new Uint8Array(size) }, ...items]), Asn1Error);
    assert.deepEqual(decode(Items, encode(Items, items)), items);
  }
});

Deno.test("Asn1Error: names the field, in elements of lists too", () => {
  const good = { itemNumber: 1, data: unhex("aa") };
  const path = (run: () => unknown) => {
    try {
      run();
    } catch (error) {
      if (error instanceof Asn1Error) return error.path;
      throw error;
    }
  };
  assert.equal(path(() => encode(Items, [good, { ...good, itemNumber: 10 }])), "Items[1].item-number");
  assert.equal(path(() => encode(Items, [good, { data: unhex("aa") } as Item])), "Items[1].item-number");
  const der = encode(Items, [good, good, good]);
  der[der.length - 6] = 10; // the number of the last item
  assert.equal(path(() => decode(Items, der)), "Items[2].item-number");
});
