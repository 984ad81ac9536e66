/**
 * The host of the WebAssembly core: puts keys and messages into its memory, calls it, takes the results and wipes the memory. Nothing
 * stays there between calls.
 *
 * @module
 */
import type { Bytes } from "../../../base/bytes.ts";
import type { Runtime } from "../../../base/runtime.ts";
import { takeConfounder } from "./confounders.ts";
import { Place } from "./kept.ts";
import { CONSTANTS, CONTEXT, CONTEXT_LENGTH, DATA, PROTOCOL_KEY, Use } from "./layout.ts";

/** What the module exports; see `source/tokens.ts`. */
export interface CoreExports {
  readonly memory: WebAssembly.Memory;
  prepare(enctype: number, use: number): void;
  seal(enctype: number, at: number, length: number): void;
  open(enctype: number, at: number, length: number): number;
  sign(enctype: number, at: number, length: number, to: number): void;
  verify(enctype: number, at: number, length: number, tag: number): number;
  wipe(length: number): void;
}

/** A protocol key in one usage. */
export interface CoreKey {
  readonly enctype: number;
  /** The protocol key. */
  readonly secret: Bytes;
  /** Bytes of a tag. */
  readonly tagLength: number;
  /** What the keys of the usage are derived from, 16 bytes each: for integrity and encryption, or for checksums. */
  constants(use: number): readonly Bytes[];
  /** Where expanded keys are kept, by use. */
  readonly places: (Place | undefined)[];
}

interface SealTo {
  readonly out: Bytes;
  readonly at: number;
  /** Randomness of the confounder. */
  readonly runtime: Runtime;
}

const CONFOUNDER = 16;
/** Messages lie behind a block that is used for the cipher state. */
const MESSAGE: number = DATA + 16;
/** Up to this many bytes are copied one by one: a view takes 40 ns. */
const SHORT_COPY = 64;

/** The core. Nothing in it waits, so that calls do not come between each other. */
export class Core {
  readonly #exports: CoreExports;
  readonly #memory: Bytes;

  constructor(exports: CoreExports) {
    for (const name of ["prepare", "seal", "open", "sign", "verify", "wipe"] as const) {
      if (typeof exports[name] !== "function") throw new TypeError("Cannot use module: it is not the core");
    }
    this.#exports = exports;
    this.#memory = new Uint8Array(exports.memory.buffer as ArrayBuffer);
  }

  /** Seals the concatenated parts, `length` bytes, into `to.out` from `to.at` on. */
  seal(key: CoreKey, parts: readonly Uint8Array[], length: number, to: SealTo): void {
    const { enctype, tagLength } = key;
    const whole = CONFOUNDER + length + tagLength;
    try {
      takeConfounder(this.#memory, MESSAGE, to.runtime);
      this.#expand(key, Use.Seal);
      this.#put(parts, MESSAGE + CONFOUNDER);
      this.#exports.seal(enctype, MESSAGE, CONFOUNDER + length);
      this.#take(MESSAGE, whole, to.out, to.at);
    } finally {
      this.#exports.wipe(16 + whole);
    }
  }

  /** Opens a ciphertext, which begins at `from`, up to 16; returns the message, `undefined` when it is not genuine. */
  open(key: CoreKey, sealed: Uint8Array, from = 0): Bytes | undefined {
    const length = sealed.length - from;
    const end = length - key.tagLength;
    try {
      this.#expand(key, Use.Open);
      // With what is in front, so that no view is made.
      this.#memory.set(sealed, MESSAGE - from);
      if (this.#exports.open(key.enctype, MESSAGE, end) !== 0) return undefined;
      return this.#memory.slice(MESSAGE + CONFOUNDER, MESSAGE + end);
    } finally {
      this.#exports.wipe(16 + length);
    }
  }

  /** Writes the checksum of the concatenated parts, `length` bytes, into `out` from `at` on. */
  sign(key: CoreKey, parts: readonly Uint8Array[], length: number, { out, at }: Omit<SealTo, "runtime">): void {
    const tag = MESSAGE + length;
    try {
      this.#expand(key, Use.Sign);
      this.#put(parts, MESSAGE);
      this.#exports.sign(key.enctype, MESSAGE, length, tag);
      this.#take(tag, key.tagLength, out, at);
    } finally {
      this.#exports.wipe(16 + length + key.tagLength);
    }
  }

  /**
   * Whether the bytes of `tag` from `at` on, of the right length, are that of the concatenated parts, `length` bytes, in a time that does
   * not depend on where it differs.
   */
  verify(key: CoreKey, parts: readonly Uint8Array[], length: number, tag: Uint8Array, at = 0): boolean {
    const { tagLength } = key;
    try {
      this.#expand(key, Use.Sign);
      this.#put(parts, MESSAGE);
      for (let i = 0; i < tagLength; i++) this.#memory[MESSAGE + length + i] = tag[at + i]!;
      return this.#exports.verify(key.enctype, MESSAGE, length, MESSAGE + length) === 0;
    } finally {
      this.#exports.wipe(16 + length + tagLength);
    }
  }

  #put(parts: readonly Uint8Array[], at: number): void {
    for (const part of parts) {
      this.#memory.set(part, at);
      at += part.length;
    }
  }

  #take(from: number, length: number, out: Bytes, at: number): void {
    if (length > SHORT_COPY) out.set(this.#memory.subarray(from, from + length), at);
    else for (let i = 0; i < length; i++) out[at + i] = this.#memory[from + i]!;
  }

  /** Puts the expanded key into memory: the one that is kept, or derived anew. */
  #expand(key: CoreKey, use: number): void {
    const place = key.places[use] ??= new Place();
    if (place.bytes !== undefined) return this.#memory.set(place.bytes, CONTEXT);
    key.constants(use).forEach((constant, i) => this.#memory.set(constant, CONSTANTS + 16 * i));
    this.#memory.set(key.secret, PROTOCOL_KEY);
    this.#exports.prepare(key.enctype, use);
    if (place.wanted) place.keep(this.#memory.subarray(CONTEXT, CONTEXT + CONTEXT_LENGTH));
    place.wanted = true;
  }
}
