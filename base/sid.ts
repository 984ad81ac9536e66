/**
 * Security identifiers as text (MS-DTYP section 2.4.2.1).
 *
 * @module
 */

const SID = /^S-1-(?:0x([0-9a-f]{12})|(\d{1,10}))((?:-\d{1,10}){1,15})$/i;
const MAX_U32 = 2 ** 32 - 1;

/** A SID by its numbers. */
export interface SidParts {
  /** Identifier authority, less than 2^48. */
  readonly authority: number;
  /** Subauthorities, each less than 2^32. */
  readonly subAuthorities: readonly number[];
}

/** Reads a SID in any spelling of its numbers; `undefined` if the text is none. */
export function parseSid(text: string): SidParts | undefined {
  const [, hex, decimal, rest] = SID.exec(text) ?? [];
  if (rest === undefined) return undefined;
  const authority = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
  const subAuthorities = rest.slice(1).split("-").map(Number);
  if (hex === undefined && authority > MAX_U32 || subAuthorities.some((part) => part > MAX_U32)) return undefined;
  return { authority, subAuthorities };
}

/** Returns the text of a SID; equal SIDs have equal texts. */
export function formatSid({ authority, subAuthorities }: SidParts): string {
  const first = authority > MAX_U32 ? `0x${authority.toString(16).toUpperCase().padStart(12, "0")}` : authority;
  return ["S-1", first, ...subAuthorities].join("-");
}
