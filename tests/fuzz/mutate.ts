/**
 * Nearly right bytes: changed in places, cut, joined, or with DER elements removed, doubled or renamed while the
 * lengths around them stay right.
 *
 * @module
 */
import { type Bytes, concat } from "../../base/bytes.ts";
import type { Random } from "./random.ts";

/** Bytes with a meaning: lengths, tags, versions, line ends. */
const TELLING = [
  0,
  1,
  2,
  4,
  5,
  0x0a,
  0x0d,
  0x20,
  0x30,
  0x3a,
  0x60,
  0x6e,
  0x7f,
  0x80,
  0x81,
  0x82,
  0x84,
  0xa0,
  0xa2,
  0xfe,
  0xff,
];
const WIDE = [0, 1, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff];
/** Maximum length of an input. */
const LARGEST = 100_000;

type Change = (random: Random, bytes: Bytes, at: number, other: Uint8Array) => Bytes;

const CHANGES: readonly Change[] = [
  (random, bytes, at) => bytes.length === 0 ? bytes : bytes.with(at, bytes[at]! ^ (1 << random.below(8))),
  (random, bytes, at) => bytes.length === 0 ? bytes : bytes.with(at, random.pick(TELLING)),
  (random, bytes, at) => bytes.length === 0 ? bytes : bytes.with(at, random.below(256)),
  (_, bytes, at) => bytes.slice(0, at),
  (random, bytes, at) => concat(bytes.subarray(0, at), bytes.subarray(at + random.below(9))),
  (random, bytes, at) => concat(bytes.subarray(0, at), random.bytes(random.below(20)), bytes.subarray(at)),
  (random, bytes, at, other) => {
    const from = random.below(other.length + 1);
    const part = other.subarray(from, from + random.below(64));
    return concat(bytes.subarray(0, at), part, bytes.subarray(at));
  },
  (random, bytes, at) => wide(bytes, at, random.pick(WIDE), random.pick([2, 4])),
  (random, bytes, at) => {
    const part = bytes.subarray(at, at + random.below(40));
    return concat(bytes.subarray(0, at), part, part, bytes.subarray(at));
  },
  (random, bytes) => mutateElement(random, bytes),
  (random, bytes) => mutateElement(random, bytes),
];

/** Changes bytes in one to three places, rarely in many; parts of `other` may be inserted. */
export function mutate(random: Random, bytes: Uint8Array, other: Uint8Array): Bytes {
  let out: Bytes = bytes.slice() as Bytes;
  for (let left = 1 + random.below(random.once(4) ? 12 : 3); left > 0; left--) {
    const at = out.length === 0 ? 0 : random.below(out.length);
    out = random.pick(CHANGES)(random, out, at, other);
  }
  return out.length > LARGEST ? out.slice(0, LARGEST) : out;
}

function wide(bytes: Bytes, at: number, value: number, size: number): Bytes {
  const out = bytes.slice();
  for (let i = 0; i < size && at + i < out.length; i++) out[at + i] = value >>> (8 * (size - 1 - i));
  return out;
}

interface Place {
  readonly start: number;
  readonly body: number;
  readonly end: number;
}

/** Returns the element at an offset, by its header; `undefined` if there is none. */
function elementAt(bytes: Uint8Array, start: number, limit: number): Place | undefined {
  if (start + 2 > limit) return undefined;
  let [length, body] = [bytes[start + 1]!, start + 2];
  if (length >= 0x80) {
    const count = length & 0x7f;
    if (count === 0 || count > 3) return undefined;
    length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + (bytes[body++] ?? 0);
  }
  return body + length > limit ? undefined : { start, body, end: body + length };
}

/** Changes one DER element, and updates the lengths around it. */
export function mutateElement(random: Random, bytes: Uint8Array): Bytes {
  const around: Place[] = [];
  let place = elementAt(bytes, 0, bytes.length);
  for (let steps = random.below(24); place !== undefined && steps > 0; steps--) {
    const inner = (bytes[place.start]! & 0x20) !== 0 ? elementAt(bytes, place.body, place.end) : undefined;
    const next = elementAt(bytes, place.end, around.at(-1)?.end ?? bytes.length);
    if (inner !== undefined && (next === undefined || random.below(3) > 0)) {
      around.push(place);
      place = inner;
    } else if (next !== undefined) place = next;
    else break;
  }
  if (place === undefined) return bytes.slice() as Bytes;
  const whole = bytes.slice(place.start, place.end) as Bytes;
  let out: Bytes = changedElement(random, whole, place.body - place.start);
  let [start, end] = [place.start, place.end];
  for (const outer of around.reverse()) {
    const contents = concat(bytes.subarray(outer.body, start), out, bytes.subarray(end, outer.end));
    out = concat(header(bytes[outer.start]!, contents.length), contents);
    [start, end] = [outer.start, outer.end];
  }
  return concat(bytes.subarray(0, start), out, bytes.subarray(end));
}

function changedElement(random: Random, whole: Bytes, body: number): Bytes {
  const [tag, contents] = [whole[0]!, whole.slice(body)];
  switch (random.below(8)) {
    case 0:
      return new Uint8Array(0);
    case 1:
      return concat(whole, whole);
    case 2:
      return concat(header((tag & 0xe0) | random.below(31), contents.length), contents);
    case 3:
      return concat(header(tag ^ 0x20, contents.length), contents);
    case 4:
      return header(tag, 0);
    case 5: {
      const more = random.bytes(1 + random.below(300));
      return concat(header(tag, more.length), more);
    }
    case 6:
      return concat(header(tag, contents.length + 1), contents, Uint8Array.of(random.pick(TELLING)));
    default: {
      const changed = contents.length === 0
        ? contents
        : contents.with(random.below(contents.length), random.pick(TELLING));
      return concat(header(tag, changed.length), changed);
    }
  }
}

function header(tag: number, length: number): Bytes {
  if (length < 0x80) return Uint8Array.of(tag, length);
  if (length < 0x100) return Uint8Array.of(tag, 0x81, length);
  if (length < 0x10000) return Uint8Array.of(tag, 0x82, length >> 8, length & 255);
  return Uint8Array.of(tag, 0x83, length >> 16, (length >> 8) & 255, length & 255);
}
