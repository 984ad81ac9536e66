/**
 * Authorization data types (RFC 4120 section 7.5.4). AD-WIN2K-PAC holds a PAC (MS-PAC section 2.3).
 *
 * @module
 */

/** Authorization data types that this library knows. */
export const AdType = { IfRelevant: 1, KdcIssued: 4, MandatoryForKdc: 8, Win2kPac: 128 } as const;
