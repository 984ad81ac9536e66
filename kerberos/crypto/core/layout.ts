/**
 * Where things lie in the memory of the core, and the parts of its interface that are numbers: shared by its source and by its host.
 *
 * @module
 */

/** Pages of 64 KiB: constants and scratch memory, and a message of RFC 1961 with all that sealing adds. */
export const PAGES = 2;

/** The first byte after the constants: what lies from here on is secret, and wiped after each call. */
export const SCRATCH = 3072;

/** An expanded key: the AES schedule, and both states of HMAC that have absorbed the key. */
export const CONTEXT: number = SCRATCH;
/** Bytes of an expanded key. */
export const CONTEXT_LENGTH = 384;
/** Where the states of HMAC lie in an expanded key. */
export const INNER = 256;
export const OUTER = 320;

/** Derivation: two constants of 16 bytes (that of the integrity or checksum key, that of the encryption key), then the protocol key. */
export const CONSTANTS: number = CONTEXT + CONTEXT_LENGTH;
export const PROTOCOL_KEY: number = CONSTANTS + 32;
/** Derived keys: for encryption, and for integrity with zeros up to a block of the longest hash. */
export const ENCRYPTION_KEY: number = PROTOCOL_KEY + 128;
export const INTEGRITY_KEY: number = ENCRYPTION_KEY + 32;

/** A hash in progress: its state, the padded end of what is hashed, its result, the message schedule of SHA-1. */
export const STATE: number = INTEGRITY_KEY + 128;
export const TAIL: number = STATE + 64;
export const DIGEST: number = TAIL + 256;
export const SCHEDULE: number = DIGEST + 64;

/** Messages, in place: header, confounder or message. */
export const DATA: number = SCHEDULE + 320;
/** Bytes that are written behind a message: the longest tag as whole vectors. */
export const SLACK = 48;
/** Longest message that the core takes, with header, confounder and tag. */
export const LONGEST: number = PAGES * 65_536 - DATA - SLACK;

/** What a key is expanded for. */
export const Use = { Seal: 0, Open: 1, Sign: 2 } as const;
