/**
 * What bytes may be given in, and what is none: for every function that takes bytes from a caller.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { runInNewContext } from "node:vm";

/** A buffer of these bytes, with others around them, and where they begin. */
function surrounded(bytes: Uint8Array, Kind: typeof ArrayBuffer | typeof SharedArrayBuffer, maximum?: number) {
  const buffer = new (Kind as typeof ArrayBuffer)(
    bytes.length + 24,
    maximum === undefined ? undefined : { maxByteLength: maximum },
  );
  new Uint8Array(buffer).fill(0xee).set(bytes, 8);
  return buffer;
}

/** Bytes in everything that they may be given in, by its name; in words only where their number is even. */
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
    "Uint8Array as long as its resizable buffer": new Uint8Array(resizable),
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

/** What is no bytes, by its name. */
export function noBytes(): Record<string, unknown> {
  return {
    "text": "abcd",
    "text that looks like one": Object("abcd"),
    "number": 4,
    "null": null,
    "true": true,
    "list of numbers": [1, 2, 3, 4],
    "object with a length": { length: 4, byteLength: 4, byteOffset: 0, buffer: new ArrayBuffer(4) },
    "Blob": new Blob(["abcd"]),
    "function": () => {},
    "symbol": Symbol("bytes"),
    "heir of an ArrayBuffer": Object.create(ArrayBuffer.prototype),
    "heir of a SharedArrayBuffer": Object.create(SharedArrayBuffer.prototype),
    "heir of a Uint8Array": Object.create(Uint8Array.prototype),
    "stand-in of a Uint8Array": new Proxy(new Uint8Array(4), {}),
    "without a constructor": Object.create(null),
    ...lostBytes(),
  };
}

/** Views and buffers whose memory is gone, by their names. */
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
    "Uint8Array to the end of its buffer, which is before it": shrunk((buffer) => new Uint8Array(buffer, 8)),
    "Uint32Array beyond its buffer": shrunk((buffer) => new Uint32Array(buffer, 8, 2)),
    "DataView beyond its buffer": shrunk((buffer) => new DataView(buffer, 8, 8)),
  };
}
