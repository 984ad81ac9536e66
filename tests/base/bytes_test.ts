import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { asBytes, ByteReader, bytesOf, ByteWriter, copyBytes, isDetached } from "../../base/bytes.ts";
import { byteKinds, lostBytes, notBytes } from "../support/byte_kinds.ts";
import { unhex } from "../support/vectors.ts";

const BYTES = Uint8Array.of(0x41, 0x42, 0, 0xff, 0x80, 1);

Deno.test("bytesOf(): returns a plain Uint8Array over the memory of every view and buffer", () => {
  for (const [name, source] of Object.entries(byteKinds(BYTES))) {
    const bytes = bytesOf(source);
    assert.deepEqual([...bytes], [...BYTES], name);
    assert.equal(Object.getPrototypeOf(bytes), Uint8Array.prototype, name);
    const memory = ArrayBuffer.isView(source) ? source.buffer : source;
    assert.equal(bytes.buffer, memory, name);
    const copy = copyBytes(source);
    assert.deepEqual([...copy], [...BYTES], name);
    assert.ok(copy.buffer instanceof ArrayBuffer && copy.buffer !== memory, name);
    assert.equal(isDetached(source as Uint8Array), false, name);
  }
  const buffer = Buffer.from(BYTES);
  const copy = bytesOf(buffer).slice();
  buffer[0] = 0;
  assert.equal(copy[0], 0x41, "slice() is a copy");
  const plain = BYTES.slice();
  assert.equal(bytesOf(plain), plain);
  assert.equal(asBytes(bytesOf(plain)), plain);
});

Deno.test("bytesOf(): returns no bytes of an empty source", () => {
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

Deno.test("bytesOf(): throws a TypeError that names a source without bytes", () => {
  for (const [name, source] of Object.entries(notBytes())) {
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

Deno.test("ByteReader: never reads past the end", () => {
  const reader = new ByteReader(unhex("0001020304"));
  assert.equal(reader.u16(), 1);
  assert.throws(() => reader.u32(), RangeError);
  assert.throws(() => reader.take(4), RangeError);
  assert.throws(() => reader.end(), RangeError);
  assert.deepEqual(reader.rest(), unhex("020304"));
  reader.end();
  assert.deepEqual(
    new ByteWriter().u8(1).u16(2).u32(3).u64(4n).bytes(unhex("ff")).finish(),
    unhex("010002000000030000000000000004ff"),
  );
});
