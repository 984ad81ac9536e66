/**
 * Principal name types (RFC 4120 section 6.2, RFC 6806 section 5).
 *
 * @module
 */

/** Principal name types that this library knows. */
export const NameType = {
  Unknown: 0,
  Principal: 1,
  SrvInst: 2,
  SrvHst: 3,
  /** RFC 6806 section 5. */
  Enterprise: 10,
} as const;
