/**
 * Expanded keys that are kept between messages. A key is a few dozen bytes, and expanded 384; a process has many, of which few are in use
 * at a time, so only the last ones are kept, each is wiped when it goes, and others are derived again in a microsecond.
 *
 * @module
 */
import type { Bytes } from "../../../base/bytes.ts";
import { CONTEXT_LENGTH } from "./layout.ts";

/** Expanded keys kept in a process, 96 KiB. */
const MOST_KEPT = 256;

/** Where the expanded key of one use of one usage is kept. */
export class Place {
  #bytes: Bytes | undefined;
  /** Whether it was wanted before: most keys are used once. */
  wanted = false;

  /** The expanded key, if it is kept. */
  get bytes(): Bytes | undefined {
    return this.#bytes;
  }

  /** Keeps a copy of an expanded key. */
  keep(expanded: Uint8Array): void {
    const before = PLACES[next];
    // Memory passes from the key that goes to the one that comes.
    this.#bytes = before?.forget() ?? new Uint8Array(CONTEXT_LENGTH);
    this.#bytes.set(expanded);
    PLACES[next] = this;
    next = (next + 1) % MOST_KEPT;
  }

  /** Wipes the expanded key; returns its memory. */
  forget(): Bytes | undefined {
    const bytes = this.#bytes;
    bytes?.fill(0);
    this.#bytes = undefined;
    return bytes;
  }
}

const PLACES: (Place | undefined)[] = [];
let next = 0;
