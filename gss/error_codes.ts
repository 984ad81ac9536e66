/**
 * Codes that a `GssError` may have, as data: a closed set, so that a misspelled code does not compile.
 *
 * @module
 */

/**
 * Codes of SPNEGO:
 *
 * - `SPNEGO_REJECT`: the peer rejected the negotiation, or offers no mechanism that this side has.
 * - `SPNEGO_MECH`: a mechanism is named that was not offered, or where none may be named.
 * - `SPNEGO_STATE`: a negotiation state that is not allowed here.
 * - `SPNEGO_TOKEN`: a token of the mechanism is missing, or one too many.
 * - `SPNEGO_MIC`: a MIC over the list of mechanisms is forged or misplaced.
 * - `SPNEGO_NO_MIC`: a required MIC over the list of mechanisms is missing.
 */
export type SpnegoErrorCode =
  | "SPNEGO_REJECT"
  | "SPNEGO_MECH"
  | "SPNEGO_STATE"
  | "SPNEGO_TOKEN"
  | "SPNEGO_MIC"
  | "SPNEGO_NO_MIC";

/**
 * Codes of the mechanisms in this package. The type checker and a test hold the list equal to what the mechanisms report: first
 * their own failures, then the names of RFC 4120 section 7.5.9.
 */
export type MechanismErrorCode =
  | "BAD_MESSAGE"
  | "BAD_FILE"
  | "BAD_CONFIG"
  | "INTEGRITY"
  | "UNSUPPORTED_ENCTYPE"
  | "BAD_KEY"
  | "BAD_S2K_PARAMS"
  | "PREAUTH_UNSUPPORTED"
  | "REPLY_MISMATCH"
  | "REFERRAL_LOOP"
  | "KDC_UNREACHABLE"
  | "NO_CREDENTIALS"
  | "TICKET_EXPIRED"
  | "KDC_ERR_NONE"
  | "KDC_ERR_NAME_EXP"
  | "KDC_ERR_SERVICE_EXP"
  | "KDC_ERR_BAD_PVNO"
  | "KDC_ERR_C_OLD_MAST_KVNO"
  | "KDC_ERR_S_OLD_MAST_KVNO"
  | "KDC_ERR_C_PRINCIPAL_UNKNOWN"
  | "KDC_ERR_S_PRINCIPAL_UNKNOWN"
  | "KDC_ERR_PRINCIPAL_NOT_UNIQUE"
  | "KDC_ERR_NULL_KEY"
  | "KDC_ERR_CANNOT_POSTDATE"
  | "KDC_ERR_NEVER_VALID"
  | "KDC_ERR_POLICY"
  | "KDC_ERR_BADOPTION"
  | "KDC_ERR_ETYPE_NOSUPP"
  | "KDC_ERR_SUMTYPE_NOSUPP"
  | "KDC_ERR_PADATA_TYPE_NOSUPP"
  | "KDC_ERR_TRTYPE_NOSUPP"
  | "KDC_ERR_CLIENT_REVOKED"
  | "KDC_ERR_SERVICE_REVOKED"
  | "KDC_ERR_TGT_REVOKED"
  | "KDC_ERR_CLIENT_NOTYET"
  | "KDC_ERR_SERVICE_NOTYET"
  | "KDC_ERR_KEY_EXPIRED"
  | "KDC_ERR_PREAUTH_FAILED"
  | "KDC_ERR_PREAUTH_REQUIRED"
  | "KDC_ERR_SERVER_NOMATCH"
  | "KDC_ERR_MUST_USE_USER2USER"
  | "KDC_ERR_PATH_NOT_ACCEPTED"
  | "KDC_ERR_SVC_UNAVAILABLE"
  | "KRB_AP_ERR_BAD_INTEGRITY"
  | "KRB_AP_ERR_TKT_EXPIRED"
  | "KRB_AP_ERR_TKT_NYV"
  | "KRB_AP_ERR_REPEAT"
  | "KRB_AP_ERR_NOT_US"
  | "KRB_AP_ERR_BADMATCH"
  | "KRB_AP_ERR_SKEW"
  | "KRB_AP_ERR_BADADDR"
  | "KRB_AP_ERR_BADVERSION"
  | "KRB_AP_ERR_MSG_TYPE"
  | "KRB_AP_ERR_MODIFIED"
  | "KRB_AP_ERR_BADORDER"
  | "KRB_AP_ERR_BADKEYVER"
  | "KRB_AP_ERR_NOKEY"
  | "KRB_AP_ERR_MUT_FAIL"
  | "KRB_AP_ERR_BADDIRECTION"
  | "KRB_AP_ERR_METHOD"
  | "KRB_AP_ERR_BADSEQ"
  | "KRB_AP_ERR_INAPP_CKSUM"
  | "KRB_AP_PATH_NOT_ACCEPTED"
  | "KRB_ERR_RESPONSE_TOO_BIG"
  | "KRB_ERR_GENERIC"
  | "KRB_ERR_FIELD_TOOLONG"
  | "KDC_ERR_WRONG_REALM"
  | "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED";
