/** What bytes are taken out of, whoever gives them. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { asBytes, bytesOf, copyBytes, isDetached } from "../../base/bytes.ts";
import { byteKinds, lostBytes, noBytes } from "../support/byte_kinds.ts";

const OCTETS = Uint8Array.of(0x41, 0x42, 0, 0xff, 0x80, 1);

Deno.test("bytesOf() takes every view and buffer whole, as a plain Uint8Array over the same memory", () => {
  for (const [name, source] of Object.entries(byteKinds(OCTETS))) {
    const bytes = bytesOf(source);
    assert.deepEqual([...bytes], [...OCTETS], name);
    assert.equal(Object.getPrototypeOf(bytes), Uint8Array.prototype, name);
    const memory = ArrayBuffer.isView(source) ? source.buffer : source;
    assert.equal(bytes.buffer, memory, name);
    const copy = copyBytes(source);
    assert.deepEqual([...copy], [...OCTETS], name);
    assert.ok(copy.buffer instanceof ArrayBuffer && copy.buffer !== memory, name);
    assert.equal(isDetached(source as Uint8Array), false, name);
  }
  const buffer = Buffer.from(OCTETS);
  const copy = bytesOf(buffer).slice();
  buffer[0] = 0;
  assert.equal(copy[0], 0x41, "slice() is a copy");
  const plain = OCTETS.slice();
  assert.equal(bytesOf(plain), plain);
  assert.equal(asBytes(bytesOf(plain)), plain);
});

Deno.test("bytesOf() takes no bytes where there are none", () => {
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
    assert.equal(bytesOf(source).length, 0, name);
    assert.equal(isDetached(source as Uint8Array), false, name);
  }
});

Deno.test("bytesOf() refuses what is no bytes, and what has none any more, by a TypeError that says what it is", () => {
  for (const [name, source] of Object.entries(noBytes())) {
    assert.throws(() => bytesOf(source), TypeError, name);
    assert.throws(() => copyBytes(source), TypeError, name);
  }
  for (const [name, source] of Object.entries(lostBytes())) {
    assert.ok(isDetached(source as Uint8Array), name);
    assert.throws(() => bytesOf(source, "wrap"), /^TypeError: Cannot wrap: the buffer was transferred or made/, name);
  }
  for (const [source, what] of [["secret", "string"], [null, "null"], [new Blob(["secret"]), "Blob"], [[1], "Array"]]) {
    assert.throws(() => bytesOf(source), {
      message: `Cannot send ${what}: a buffer, or a view of one such as a Uint8Array, is wanted`,
    });
  }
});
