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
