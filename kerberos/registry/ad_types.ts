/**
 * Authorization data types (RFC 4120 section 7.5.4).
 *
 * @module
 */

/** Authorization data types that this library knows. */
export const AdType = { IfRelevant: 1, KdcIssued: 4, MandatoryForKdc: 8 } as const;
