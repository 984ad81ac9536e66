/**
 * Pre-authentication data types (RFC 4120 section 7.5.2).
 *
 * @module
 */

/** Pre-authentication data types (RFC 4120 section 7.5.2, RFC 6113, RFC 6806). */
export const PaType = {
  TgsReq: 1,
  EncTimestamp: 2,
  PwSalt: 3,
  EtypeInfo: 11,
  EtypeInfo2: 19,
  FxCookie: 133,
  ReqEncPaRep: 149,
} as const;
