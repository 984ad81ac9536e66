/**
 * Numbers that Kerberos assigns, by registry, each with the RFC it stands in.
 *
 * @module
 */

/** Encryption types (RFC 3961 section 8, RFC 8009 section 8) that this library implements. */
export const Enctype = {
  AES128_CTS_HMAC_SHA1_96: 17,
  AES256_CTS_HMAC_SHA1_96: 18,
  AES128_CTS_HMAC_SHA256_128: 19,
  AES256_CTS_HMAC_SHA384_192: 20,
} as const;

/** Key usages (RFC 4120 section 7.5.1, RFC 4121 section 2). */
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
  ApReqAuthenticatorChecksum: 10,
  ApReqAuthenticator: 11,
  ApRepEncPart: 12,
  KrbCredEncPart: 14,
  GssAcceptorSeal: 22,
  GssAcceptorSign: 23,
  GssInitiatorSeal: 24,
  GssInitiatorSign: 25,
  /** RFC 6806 section 11. */
  AsReq: 56,
} as const;

/** Principal name types (RFC 4120 section 6.2, RFC 6806 section 5). */
export const NameType = {
  Unknown: 0,
  Principal: 1,
  SrvInst: 2,
  SrvHst: 3,
  Enterprise: 10,
} as const;

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

/** Authorization data types (RFC 4120 section 7.5.4). */
export const AdType = { IfRelevant: 1, KdcIssued: 4, AndOr: 5, MandatoryForKdc: 8 } as const;

/** Ticket flags (RFC 4120 section 5.3) as masks of the 32-bit string, first bit highest. */
export const TicketFlag = {
  Forwardable: 0x40000000,
  Forwarded: 0x20000000,
  Proxiable: 0x10000000,
  Proxy: 0x08000000,
  MayPostdate: 0x04000000,
  Postdated: 0x02000000,
  Invalid: 0x01000000,
  Renewable: 0x00800000,
  Initial: 0x00400000,
  PreAuthent: 0x00200000,
  HwAuthent: 0x00100000,
  TransitedPolicyChecked: 0x00080000,
  OkAsDelegate: 0x00040000,
  EncPaRep: 0x00010000,
  Anonymous: 0x00008000,
} as const;

/** KDC options (RFC 4120 section 5.4.1) as masks of the 32-bit string. */
export const KdcOption = {
  Forwardable: 0x40000000,
  Forwarded: 0x20000000,
  Proxiable: 0x10000000,
  Proxy: 0x08000000,
  AllowPostdate: 0x04000000,
  Postdated: 0x02000000,
  Renewable: 0x00800000,
  /** MS-SFU section 2.2.3. */
  CnameInAddlTkt: 0x00020000,
  Canonicalize: 0x00010000,
  DisableTransitedCheck: 0x00000020,
  RenewableOk: 0x00000010,
  EncTktInSkey: 0x00000008,
  Renew: 0x00000002,
  Validate: 0x00000001,
} as const;

/** AP options (RFC 4120 section 5.5.1) as masks of the 32-bit string. */
export const ApOption = { UseSessionKey: 0x40000000, MutualRequired: 0x20000000 } as const;

/** Error codes (RFC 4120 section 7.5.9) by name. */
export const ErrorCode = {
  KDC_ERR_NONE: 0,
  KDC_ERR_NAME_EXP: 1,
  KDC_ERR_SERVICE_EXP: 2,
  KDC_ERR_BAD_PVNO: 3,
  KDC_ERR_C_OLD_MAST_KVNO: 4,
  KDC_ERR_S_OLD_MAST_KVNO: 5,
  KDC_ERR_C_PRINCIPAL_UNKNOWN: 6,
  KDC_ERR_S_PRINCIPAL_UNKNOWN: 7,
  KDC_ERR_PRINCIPAL_NOT_UNIQUE: 8,
  KDC_ERR_NULL_KEY: 9,
  KDC_ERR_CANNOT_POSTDATE: 10,
  KDC_ERR_NEVER_VALID: 11,
  KDC_ERR_POLICY: 12,
  KDC_ERR_BADOPTION: 13,
  KDC_ERR_ETYPE_NOSUPP: 14,
  KDC_ERR_SUMTYPE_NOSUPP: 15,
  KDC_ERR_PADATA_TYPE_NOSUPP: 16,
  KDC_ERR_TRTYPE_NOSUPP: 17,
  KDC_ERR_CLIENT_REVOKED: 18,
  KDC_ERR_SERVICE_REVOKED: 19,
  KDC_ERR_TGT_REVOKED: 20,
  KDC_ERR_CLIENT_NOTYET: 21,
  KDC_ERR_SERVICE_NOTYET: 22,
  KDC_ERR_KEY_EXPIRED: 23,
  KDC_ERR_PREAUTH_FAILED: 24,
  KDC_ERR_PREAUTH_REQUIRED: 25,
  KDC_ERR_SERVER_NOMATCH: 26,
  KDC_ERR_MUST_USE_USER2USER: 27,
  KDC_ERR_PATH_NOT_ACCEPTED: 28,
  KDC_ERR_SVC_UNAVAILABLE: 29,
  KRB_AP_ERR_BAD_INTEGRITY: 31,
  KRB_AP_ERR_TKT_EXPIRED: 32,
  KRB_AP_ERR_TKT_NYV: 33,
  KRB_AP_ERR_REPEAT: 34,
  KRB_AP_ERR_NOT_US: 35,
  KRB_AP_ERR_BADMATCH: 36,
  KRB_AP_ERR_SKEW: 37,
  KRB_AP_ERR_BADADDR: 38,
  KRB_AP_ERR_BADVERSION: 39,
  KRB_AP_ERR_MSG_TYPE: 40,
  KRB_AP_ERR_MODIFIED: 41,
  KRB_AP_ERR_BADORDER: 42,
  KRB_AP_ERR_BADKEYVER: 44,
  KRB_AP_ERR_NOKEY: 45,
  KRB_AP_ERR_MUT_FAIL: 46,
  KRB_AP_ERR_BADDIRECTION: 47,
  KRB_AP_ERR_METHOD: 48,
  KRB_AP_ERR_BADSEQ: 49,
  KRB_AP_ERR_INAPP_CKSUM: 50,
  KRB_AP_PATH_NOT_ACCEPTED: 51,
  KRB_ERR_RESPONSE_TOO_BIG: 52,
  KRB_ERR_GENERIC: 60,
  KRB_ERR_FIELD_TOOLONG: 61,
  KDC_ERR_WRONG_REALM: 68,
} as const;

/** Name of a Kerberos error, for example `KRB_AP_ERR_SKEW`. */
export type KerberosErrorName = keyof typeof ErrorCode;

const ERROR_NAMES = new Map<number, KerberosErrorName>(
  Object.entries(ErrorCode).map(([name, code]) => [code, name as KerberosErrorName]),
);

/** Name of an error code; `undefined` for one that RFC 4120 does not have. */
export function errorName(code: number): KerberosErrorName | undefined {
  return ERROR_NAMES.get(code);
}
