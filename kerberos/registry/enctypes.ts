/**
 * Encryption types (RFC 3961 section 8, RFC 8009 section 7).
 *
 * @module
 */

/** Encryption types (RFC 3961 section 8, RFC 8009 section 7) that this library implements. */
export const Enctype = {
  AES128_CTS_HMAC_SHA1_96: 17,
  AES256_CTS_HMAC_SHA1_96: 18,
  AES128_CTS_HMAC_SHA256_128: 19,
  AES256_CTS_HMAC_SHA384_192: 20,
} as const;
