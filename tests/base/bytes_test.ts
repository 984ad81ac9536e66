/** What octets are taken out of, whoever gives them. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { asBytes, copyOctets, isDetached, octetsOf } from "../../base/bytes.ts";
import { lostOctets, noOctets, octetKinds } from "../support/octet_kinds.ts";

const OCTETS = Uint8Array.of(0x41, 0x42, 0, 0xff, 0x80, 1);

Deno.test("octetsOf() takes every view and buffer whole, as a plain Uint8Array over the same memory", () => {
  for (const [name, source] of Object.entries(octetKinds(OCTETS))) {
    const octets = octetsOf(source);
    assert.deepEqual([...octets], [...OCTETS], name);
    assert.equal(Object.getPrototypeOf(octets), Uint8Array.prototype, name);
    const memory = ArrayBuffer.isView(source) ? source.buffer : source;
    assert.equal(octets.buffer, memory, name);
    const copy = copyOctets(source);
    assert.deepEqual([...copy], [...OCTETS], name);
    assert.ok(copy.buffer instanceof ArrayBuffer && copy.buffer !== memory, name);
    assert.equal(isDetached(source as Uint8Array), false, name);
  }
  const buffer = Buffer.from(OCTETS);
  const copy = octetsOf(buffer).slice();
  buffer[0] = 0;
  assert.equal(copy[0], 0x41, "slice() is a copy");
  const plain = OCTETS.slice();
  assert.equal(octetsOf(plain), plain);
  assert.equal(asBytes(octetsOf(plain)), plain);
});

Deno.test("octetsOf() takes no octets where there are none", () => {
  const resizable = new ArrayBuffer(8, { maxByteLength: 16 });
  const upToTheEnd = new Uint8Array(resizable, 4);
  resizable.resize(4);
  const empty: Record<string, unknown> = {
    Uint8Array: new Uint8Array(0),
    Uint16Array: new Uint16Array(0),
    DataView: new DataView(new ArrayBuffer(8), 8),
    ArrayBuffer: new ArrayBuffer(0),
    SharedArrayBuffer: new SharedArrayBuffer(0),
    Buffer: Buffer.alloc(0),
    "Uint8Array that begins where its buffer ends by now": upToTheEnd,
  };
  for (const [name, source] of Object.entries(empty)) {
    assert.equal(octetsOf(source).length, 0, name);
    assert.equal(isDetached(source as Uint8Array), false, name);
  }
});

Deno.test("octetsOf() refuses what is no octets, and what has none any more, by a TypeError that says what it is", () => {
  for (const [name, source] of Object.entries(noOctets())) {
    assert.throws(() => octetsOf(source), TypeError, name);
    assert.throws(() => copyOctets(source), TypeError, name);
  }
  for (const [name, source] of Object.entries(lostOctets())) {
    assert.ok(isDetached(source as Uint8Array), name);
    assert.throws(() => octetsOf(source, "wrap"), /^TypeError: Cannot wrap: the buffer was transferred or made/, name);
  }
  for (const [source, what] of [["secret", "string"], [null, "null"], [new Blob(["secret"]), "Blob"], [[1], "Array"]]) {
    assert.throws(() => octetsOf(source), {
      message: `Cannot send ${what}: a buffer, or a view of one such as a Uint8Array, is wanted`,
    });
  }
});
