/**
 * Encryption types (RFC 3962 section 7, RFC 8009 section 7).
 *
 * @module
 */

/** Encryption types that this library implements (RFC 3962 section 7, RFC 8009 section 7). */
export const Enctype = {
  AES128_CTS_HMAC_SHA1_96: 17,
  AES256_CTS_HMAC_SHA1_96: 18,
  AES128_CTS_HMAC_SHA256_128: 19,
  AES256_CTS_HMAC_SHA384_192: 20,
} as const;
