/**
 * Protection levels (RFC 1961 section 4): their bytes and their order.
 *
 * @module
 */

/** Bytes of the levels. RFC 1961 has 1 to 3; 0, without protection, is what curl and OpenConnect use. */
const OCTETS: Readonly<Record<ProtectionLevel, number>> = { none: 0, integrity: 1, confidentiality: 2, selective: 3 };

/** All levels, weakest first. At "selective" any message may be signed only. */
export const PROTECTION_LEVELS: readonly ProtectionLevel[] = ["none", "integrity", "selective", "confidentiality"];

/** Byte of a level. */
export function protectionByte(level: ProtectionLevel): number {
  return OCTETS[level];
}

/** Level of a byte; `undefined` for one that has none. */
export function protectionLevel(byte: number | undefined): ProtectionLevel | undefined {
  return PROTECTION_LEVELS.find((level) => OCTETS[level] === byte);
}

/** Whether `level` protects at least as much as `floor`. */
export function isAtLeast(level: ProtectionLevel, floor: ProtectionLevel): boolean {
  return PROTECTION_LEVELS.indexOf(level) >= PROTECTION_LEVELS.indexOf(floor);
}

/** The strongest of some levels; `undefined` for none. */
export function strongest(levels: readonly ProtectionLevel[]): ProtectionLevel | undefined {
  return PROTECTION_LEVELS.findLast((level) => levels.includes(level));
}

/** Levels of RFC 1961 section 4, and the one without protection that some programs use. */
export type ProtectionLevel = "none" | "integrity" | "confidentiality" | "selective";

/** Whether a message of so many bytes is to be sealed, where each may be chosen for itself. */
export type SealPolicy = (message: { readonly length: number }) => boolean;
