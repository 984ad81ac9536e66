/**
 * Protection levels of RFC 1961 section 4.2: their bytes, their order, and which messages they encrypt.
 *
 * @module
 */

/**
 * How messages are protected: `integrity` signs them, `confidentiality` encrypts them too, `selective` decides for each message
 * (RFC 1961 section 4.2). `none`, without any protection, is not in the RFC; some programs use it.
 */
export type ProtectionLevel = "none" | "integrity" | "confidentiality" | "selective";

/** Decides at level "selective" whether a message of `length` bytes is encrypted. */
export type SealPolicy = (message: { readonly length: number }) => boolean;

/** Bytes of the levels. RFC 1961 section 4.2 has 1 to 3; curl and OpenConnect use 0 for no protection. */
const BYTES: Readonly<Record<ProtectionLevel, number>> = { none: 0, integrity: 1, confidentiality: 2, selective: 3 };

/** All levels, weakest first. At "selective" any message may be signed only. */
export const PROTECTION_LEVELS: readonly ProtectionLevel[] = ["none", "integrity", "selective", "confidentiality"];

/** Returns the byte of a level. */
export function protectionByte(level: ProtectionLevel): number {
  return BYTES[level];
}

/** Returns the level of a byte; `undefined` for a byte without one. */
export function protectionLevel(byte: number | undefined): ProtectionLevel | undefined {
  return PROTECTION_LEVELS.find((level) => BYTES[level] === byte);
}

/** Whether `level` protects at least as much as `floor`. */
export function isAtLeast(level: ProtectionLevel, floor: ProtectionLevel): boolean {
  return PROTECTION_LEVELS.indexOf(level) >= PROTECTION_LEVELS.indexOf(floor);
}

/** Returns the strongest of some levels; `undefined` for an empty list. */
export function strongest(levels: readonly ProtectionLevel[]): ProtectionLevel | undefined {
  return PROTECTION_LEVELS.findLast((level) => levels.includes(level));
}

/** Whether a message of `length` bytes is encrypted at a level (RFC 1961 section 5). */
export function isSealed(level: ProtectionLevel, seal: SealPolicy, length: number): boolean {
  return level === "confidentiality" || (level === "selective" && seal({ length }));
}
