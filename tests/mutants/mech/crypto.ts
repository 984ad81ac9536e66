/**
 * Keys and enctypes.
 *
 * @module
 */
import { type Mutant, rules } from "../mutant.ts";

const ACCEPTOR = "tests/kerberos/mech/acceptor_test.ts";
const CRYPTO = "tests/kerberos/crypto/vectors_test.ts";
const KEYS = "tests/kerberos/crypto/key_test.ts";

/** The rules. */
export const CRYPTO_MUTANTS: readonly Mutant[] = [
  ...rules("kerberos/crypto/primitives/node.ts", ["tests/kerberos/crypto/primitives_test.ts"], [
    [
      "a key of HMAC that is longer than a block is hashed first",
      "RFC 2104 section 2",
      "key.length > padded.length ?",
      "key.length > 999 ?",
    ],
  ]),
  ...rules("kerberos/crypto/aes_sha1.ts", [CRYPTO], [
    [
      "the tag of the SHA-1 enctypes is compared",
      "RFC 3961 section 5.3, CVE-2025-57736",
      "        if (!timingSafeEqual(code.subarray(0, MAC), tag)) throw integrityError();\n",
      "",
    ],
  ]),
  ...rules("kerberos/crypto/aes_sha2.ts", [CRYPTO], [
    [
      "the tag of the SHA-2 enctypes is compared",
      "RFC 8009 section 5, CVE-2025-57736",
      "    if (!timingSafeEqual(tag.subarray(0, macLength), checked.subarray(-macLength))) throw integrityError();\n",
      "",
    ],
    [
      "the tag of the SHA-2 enctypes covers the cipher state",
      "RFC 8009 section 5",
      "mac.sign(CIPHER_STATE, sealed)",
      "mac.sign(sealed)",
    ],
  ]),
  ...rules("kerberos/crypto/usage_key.ts", [KEYS, CRYPTO], [
    [
      "a ciphertext has confounder and tag",
      "RFC 3962 section 5, RFC 8009 section 5",
      "    if (length < confounderLength + checksumLength) throw integrityError();\n",
      "",
    ],
    [
      "a checksum that the primitives compute is compared",
      "RFC 3961 section 4, verify_mic",
      "timingSafeEqual(computed, given)",
      "computed.length === given.length",
    ],
  ]),
  ...rules("kerberos/crypto/key.ts", [CRYPTO], [
    [
      "a checksum is compared",
      "RFC 3961 section 4, verify_mic",
      "return await this.usage(usage).verify([signed!], given!);",
      "return given!.length === this.checksumLength && signed !== undefined;",
    ],
  ]),
  ...rules("kerberos/crypto/password.ts", [CRYPTO], [
    [
      "iterations have limits",
      "RFC 3962 section 4; a KDC that keeps its client busy",
      "if (iterations > maximumIterations || (named !== undefined && iterations < minimumIterations)) {",
      "if (false) {",
    ],
    ["iterations have an upper limit", "a KDC that keeps its client busy", "iterations > maximumIterations || ", ""],
    [
      "iterations have a lower limit",
      "RFC 3962 section 4",
      " || (named !== undefined && iterations < minimumIterations)",
      "",
    ],
    [
      "parameters have four bytes",
      "RFC 3962 section 4",
      "if (named === undefined && s2kparams.length > 0) {",
      "if (false) {",
    ],
  ]),
  ...rules("kerberos/crypto/key.ts", [CRYPTO], [
    [
      "keys are not shown by inspect",
      "rule 5 of CONTRIBUTING.md",
      "    this.#bytes = secret;\n",
      "    this.#bytes = secret;\n    Object.assign(this, { shown: this.#bytes });\n",
    ],
    [
      "a key is not used after dispose",
      "secrets are kept no longer than needed",
      "    if (this.#disposed) throw new TypeError",
      "    if (false) throw new TypeError",
    ],
  ]),
  ...rules("kerberos/crypto/password.ts", [KEYS], [
    ["zero iterations stand for 2^32", "RFC 3962 section 4", " || 2 ** 32", ""],
  ]),
  ...rules("kerberos/crypto/key.ts", [KEYS], [
    ["a key is wiped on dispose", "secrets are kept no longer than needed", "    this.#bytes.fill(0);\n", ""],
  ]),
  ...rules("kerberos/crypto/key.ts", [ACCEPTOR], [
    [
      "a key has its enctype's length",
      "RFC 3961 section 3",
      "if (isSupported(enctype) && secret.length !== profileOf(enctype).keyLength) {",
      "if (false) {",
    ],
  ]),
];
