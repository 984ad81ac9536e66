/**
 * Key usages (RFC 4120 section 7.5.1, RFC 4121 section 2, RFC 6806 section 11).
 *
 * @module
 */

/** Key usages that this library knows. */
export const KeyUsage = {
  AsReqPaEncTimestamp: 1,
  KdcRepTicket: 2,
  AsRepEncPart: 3,
  TgsReqAuthDataSessionKey: 4,
  TgsReqAuthDataSubkey: 5,
  TgsReqAuthenticatorChecksum: 6,
  TgsReqAuthenticator: 7,
  TgsRepEncPartSessionKey: 8,
  TgsRepEncPartSubkey: 9,
  ApReqAuthenticator: 11,
  ApRepEncPart: 12,
  KrbCredEncPart: 14,
  /** KERB_NON_KERB_CKSUM_SALT (MS-PAC section 2.8.4). */
  PacSignature: 17,
  /** RFC 4121 section 2, here and below. */
  GssAcceptorSeal: 22,
  GssAcceptorSign: 23,
  GssInitiatorSeal: 24,
  GssInitiatorSign: 25,
  /** RFC 6806 section 11. */
  AsReq: 56,
} as const;
