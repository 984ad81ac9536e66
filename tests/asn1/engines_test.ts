import assert from "node:assert/strict";
import fc from "fast-check";
import { asn1jsEngine } from "../../asn1/asn1js.ts";
import { Asn1Error, decode, encode } from "../../asn1/codec.ts";
import { derEngine } from "../../asn1/der.ts";
import type { DerEngine } from "../../asn1/element.ts";
import { lengthBytes } from "../../asn1/length.ts";
import { octetString, rarelyWritten } from "../../asn1/types.ts";
import { concat } from "../../base/bytes.ts";
import { type DerTree, readTree, writeTree } from "../support/der_tree.ts";
import { hex, unhex } from "../support/vectors.ts";

/** An element as JSON, for comparison. */
function json({ identifier, children, contents }: DerTree): unknown {
  return [identifier, (identifier & 0x20) === 0 ? hex(contents) : children.map(json)];
}

/** What is read after an engine has checked it, or "refused". */
function outcome(engine: DerEngine, bytes: Uint8Array<ArrayBuffer>): string {
  try {
    return JSON.stringify(json(readTree(bytes, engine)));
  } catch (error) {
    assert.ok(error instanceof Asn1Error, String(error));
    return "refused";
  }
}

/** Elements of all classes except the universal one, whose types asn1js checks itself. */
const { element: ELEMENTS } = fc.letrec<{ element: Uint8Array<ArrayBuffer> }>((tie) => ({
  element: fc.tuple(
    fc.integer({ min: 0, max: 30 }),
    fc.constantFrom(0x40, 0x80, 0xc0),
    fc.oneof(
      { maxDepth: 3 },
      fc.uint8Array({ maxLength: 200 }).map((contents) => ({ contents, constructed: 0 })),
      fc.array(tie("element"), { maxLength: 3 }).map((parts) => ({ contents: concat(...parts), constructed: 0x20 })),
    ),
  ).map(([number, tagClass, { contents, constructed }]) =>
    concat(Uint8Array.of(tagClass | constructed | number), lengthBytes(contents.length), contents)
  ),
}));

Deno.test("property: both engines accept the same encodings and write them alike", () => {
  fc.assert(fc.property(ELEMENTS, fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, at, change) => {
    const read = readTree(bytes);
    assert.equal(JSON.stringify(json(read)), outcome(asn1jsEngine, bytes));
    for (const engine of [derEngine, asn1jsEngine]) {
      assert.equal(engine.check(concat(bytes, unhex("a0")), "x"), bytes.length);
      assert.equal(hex(writeTree((read.identifier & 0x20) === 0 ? { whole: bytes } : read, engine)), hex(bytes));
      assert.equal(hex(writeTree({ whole: bytes }, engine)), hex(bytes));
    }
    const changed = bytes.slice();
    changed[at % bytes.length]! ^= change;
    outcome(derEngine, changed);
    for (let cut = 0; cut < bytes.length; cut++) assert.equal(outcome(derEngine, bytes.subarray(0, cut)), "refused");
  }));
});

Deno.test("encode(): uses asn1js for types that are rarely written, and decode() never", () => {
  const { check, writer } = asn1jsEngine;
  const calls: string[] = [];
  asn1jsEngine.writer = (path) => (calls.push("write"), writer(path));
  asn1jsEngine.check = (...args) => (calls.push("read"), check(...args));
  try {
    for (const codec of [octetString, rarelyWritten(octetString)]) {
      assert.equal(hex(encode(codec, unhex("aa"))), "0401aa");
      assert.equal(hex(decode(codec, unhex("0401aa"))), "aa");
    }
  } finally {
    Object.assign(asn1jsEngine, { check, writer });
  }
  assert.deepEqual(calls, ["write"]);
});
