/**
 * Pre-authentication data types (RFC 4120 section 7.5.2, RFC 6113 section 6.4, RFC 6806 section 11).
 *
 * @module
 */

/** Pre-authentication data types that this library knows. */
export const PaType = {
  TgsReq: 1,
  EncTimestamp: 2,
  PwSalt: 3,
  EtypeInfo2: 19,
  /** RFC 6113 section 5.2. */
  FxCookie: 133,
  /** RFC 6806 section 11. */
  ReqEncPaRep: 149,
} as const;

/** Names of mechanisms by padata type, in the words of their documents. Types that only carry facts are not in it. */
const MECHANISMS: ReadonlyMap<number, string> = new Map([
  [PaType.EncTimestamp, "encrypted timestamp"],
  [5, "encrypted UNIX time"],
  [6, "SecurID"],
  [12, "SAM"],
  [13, "SAM"],
  [14, "PKINIT"],
  [15, "PKINIT"],
  [16, "PKINIT"],
  [17, "PKINIT"],
  [30, "SAM"],
  [31, "SAM"],
  [136, "FAST"],
  [138, "encrypted challenge"],
  [141, "OTP"],
  [142, "OTP"],
  [144, "OTP"],
  [147, "anonymous PKINIT"],
  [151, "SPAKE"],
]);

/** Padata types that carry facts about keys and conversations, and are no mechanisms. */
const FACTS: ReadonlySet<number> = new Set([3, 10, 11, 19, 20, 128, 133, 137, 149, 150, 165, 167]);

/** Returns the name of a mechanism, or `type N`; `undefined` for a type that only carries facts. */
export function mechanismName(padataType: number): string | undefined {
  return MECHANISMS.get(padataType) ?? (FACTS.has(padataType) ? undefined : `type ${padataType}`);
}
