/**
 * Values that functions accept as bytes, and values that they refuse.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { runInNewContext } from "node:vm";

/** Returns a buffer with these bytes at offset 8, and other bytes around them. */
function surrounded(bytes: Uint8Array, Kind: typeof ArrayBuffer | typeof SharedArrayBuffer, maximum?: number) {
  const buffer = new (Kind as typeof ArrayBuffer)(
    bytes.length + 24,
    maximum === undefined ? undefined : { maxByteLength: maximum },
  );
  new Uint8Array(buffer).fill(0xee).set(bytes, 8);
  return buffer;
}

/** Returns the bytes in every accepted type, by name; in 16-bit arrays only where the length is even. */
export function byteKinds(bytes: Uint8Array): Record<string, unknown> {
  const { length } = bytes;
  const own = () => bytes.slice().buffer;
  const resizable = new ArrayBuffer(length, { maxByteLength: length + 8 });
  new Uint8Array(resizable).set(bytes);
  const shared = new SharedArrayBuffer(length);
  new Uint8Array(shared).set(bytes);
  return {
    "Uint8Array": bytes.slice(),
    "Uint8Array in the middle": new Uint8Array(surrounded(bytes, ArrayBuffer), 8, length),
    "Uint8ClampedArray": new Uint8ClampedArray(own()),
    "DataView": new DataView(own()),
    "DataView in the middle": new DataView(surrounded(bytes, ArrayBuffer), 8, length),
    "ArrayBuffer": own(),
    "SharedArrayBuffer": shared,
    "Uint8Array over shared memory": new Uint8Array(surrounded(bytes, SharedArrayBuffer), 8, length),
    "resizable ArrayBuffer": resizable,
    "Uint8Array over a resizable buffer": new Uint8Array(surrounded(bytes, ArrayBuffer, 1 << 20), 8, length),
    "Uint8Array that tracks its resizable buffer": new Uint8Array(resizable),
    "Buffer": Buffer.from(bytes),
    "Buffer out of the pool": Buffer.from(Buffer.from(bytes).toString("base64"), "base64"),
    "Uint8Array of another realm": runInNewContext("new Uint8Array(bytes)", { bytes: [...bytes] }),
    "ArrayBuffer of another realm": runInNewContext("new Uint8Array(bytes).buffer", { bytes: [...bytes] }),
    ...(length % 2 === 0
      ? {
        "Uint16Array": new Uint16Array(own()),
        "Int16Array in the middle": new Int16Array(surrounded(bytes, ArrayBuffer, 1 << 20), 8, length / 2),
      }
      : {}),
  };
}

/** Returns values that are not bytes, by name. */
export function notBytes(): Record<string, unknown> {
  return {
    "text": "abcd",
    "String object": Object("abcd"),
    "number": 4,
    "null": null,
    "true": true,
    "list of numbers": [1, 2, 3, 4],
    "object with a length": { length: 4, byteLength: 4, byteOffset: 0, buffer: new ArrayBuffer(4) },
    "Blob": new Blob(["abcd"]),
    "function": () => {},
    "symbol": Symbol("bytes"),
    "object that inherits from ArrayBuffer": Object.create(ArrayBuffer.prototype),
    "object that inherits from SharedArrayBuffer": Object.create(SharedArrayBuffer.prototype),
    "object that inherits from Uint8Array": Object.create(Uint8Array.prototype),
    "proxy of a Uint8Array": new Proxy(new Uint8Array(4), {}),
    "object without a prototype": Object.create(null),
    ...lostBytes(),
  };
}

/** Returns views and buffers whose memory is gone, by name. */
export function lostBytes(): Record<string, unknown> {
  const detached = <T extends ArrayBuffer | ArrayBufferView>(value: T): T => {
    const buffer = value instanceof ArrayBuffer ? value : (value as ArrayBufferView<ArrayBuffer>).buffer;
    structuredClone(buffer, { transfer: [buffer] });
    return value;
  };
  const shrunk = <T>(view: (buffer: ArrayBuffer) => T): T => {
    const buffer = new ArrayBuffer(64, { maxByteLength: 128 });
    const made = view(buffer);
    buffer.resize(4);
    return made;
  };
  return {
    "detached Uint8Array": detached(new Uint8Array(4)),
    "detached Uint8Array of no bytes": detached(new Uint8Array(0)),
    "detached Uint16Array": detached(new Uint16Array(4)),
    "detached DataView": detached(new DataView(new ArrayBuffer(4))),
    "detached ArrayBuffer": detached(new ArrayBuffer(4)),
    "detached Buffer": detached(Buffer.from(new Uint8Array(4).buffer)),
    "Uint8Array beyond its buffer": shrunk((buffer) => new Uint8Array(buffer, 8, 8)),
    "Uint8Array that ends beyond its buffer": shrunk((buffer) => new Uint8Array(buffer, 0, 8)),
    "Uint8Array whose start is beyond its buffer": shrunk((buffer) => new Uint8Array(buffer, 8)),
    "Uint32Array beyond its buffer": shrunk((buffer) => new Uint32Array(buffer, 8, 2)),
    "DataView beyond its buffer": shrunk((buffer) => new DataView(buffer, 8, 8)),
  };
}
