/**
 * How far clocks may be apart.
 *
 * @module
 */

/** How far a client's clock may differ from the KDC's, in milliseconds (RFC 4120 section 3.1.3). */
export const KDC_SKEW = 300_000;
