/**
 * Ticket flags, KDC options and AP options (RFC 4120 sections 5.3, 5.4.1 and 5.5.1).
 *
 * @module
 */

/** Ticket flags that this library knows (RFC 4120 section 5.3), as masks of the 32-bit string, first bit highest. */
export const TicketFlag = {
  Forwardable: 0x40000000,
  Forwarded: 0x20000000,
  Proxiable: 0x10000000,
  Invalid: 0x01000000,
  Renewable: 0x00800000,
  Initial: 0x00400000,
  PreAuthent: 0x00200000,
  HwAuthent: 0x00100000,
  TransitedPolicyChecked: 0x00080000,
  OkAsDelegate: 0x00040000,
  /** RFC 6806 section 11. */
  EncPaRep: 0x00010000,
} as const;

/** KDC options that this library knows (RFC 4120 section 5.4.1), as masks of the 32-bit string. */
export const KdcOption = {
  Forwardable: 0x40000000,
  Forwarded: 0x20000000,
  Proxiable: 0x10000000,
  Proxy: 0x08000000,
  MayPostdate: 0x04000000,
  Postdated: 0x02000000,
  Renewable: 0x00800000,
  /** MS-SFU section 2.2.3. */
  CnameInAddlTkt: 0x00020000,
  /** RFC 6806 section 3. */
  Canonicalize: 0x00010000,
  DisableTransitedCheck: 0x00000020,
  RenewableOk: 0x00000010,
  EncTktInSkey: 0x00000008,
  Renew: 0x00000002,
  Validate: 0x00000001,
} as const;

/** AP options (RFC 4120 section 5.5.1) as masks of the 32-bit string. */
export const ApOption = { UseSessionKey: 0x40000000, MutualRequired: 0x20000000 } as const;
