/**
 * The core of cryptography, and what chooses it.
 *
 * @module
 */
import { type Mutant, rules } from "./mutant.ts";

const BUILD = "tests/kerberos/crypto/core/build_test.ts";
const CHOICE = "tests/kerberos/crypto/core/choice_test.ts";
const CORE = "tests/kerberos/crypto/core/core_test.ts";
const KEPT = "tests/kerberos/crypto/core/kept_test.ts";
const VECTORS = "tests/kerberos/crypto/vectors_test.ts";
const SECRETS = "secrets are kept no longer than needed";

/** The rules. */
export const CORE_MUTANTS: readonly Mutant[] = [
  ...rules("kerberos/crypto/core/core.ts", [CORE], [
    [
      "the core's memory is wiped after sealing",
      SECRETS,
      "      this.#exports.wipe(16 + whole);\n",
      "",
      "wipes its memory",
    ],
    [
      "the core's memory is wiped to the end of the message",
      SECRETS,
      "      this.#exports.wipe(16 + whole);\n",
      "      this.#exports.wipe(whole >> 1);\n",
      "wipes its memory",
    ],
    [
      "the core's memory is wiped after opening, genuine or not",
      SECRETS,
      "      this.#exports.wipe(16 + length);\n",
      "",
      "refuses every flipped bit",
    ],
    [
      "the core's memory is wiped after signing",
      SECRETS,
      "      this.#exports.wipe(16 + length + key.tagLength);\n",
      "",
      "where secrets are",
    ],
    [
      "what the core finds not genuine is not opened",
      "RFC 3961 section 3, decrypt; CVE-2025-57736",
      "      if (this.#exports.open(key.enctype, MESSAGE, end) !== 0) return undefined;\n",
      "      this.#exports.open(key.enctype, MESSAGE, end);\n",
      "refuses every flipped bit of a ciphertext and of a checksum (18)",
    ],
    [
      "a checksum that the core computes is compared",
      "RFC 3961 section 4, verify_mic",
      "MESSAGE + length) === 0;",
      "MESSAGE + length) >= 0;",
      "refuses every flipped bit of a ciphertext and of a checksum (18)",
    ],
  ]),
  ...rules("kerberos/crypto/core/core.ts", [KEPT], [
    [
      "keys that are used once are not kept",
      SECRETS,
      "if (place.wanted) place.keep",
      "place.keep",
      "kept from the second use",
    ],
  ]),
  ...rules("kerberos/crypto/core/confounders.ts", [KEPT], [
    [
      "a confounder is taken once",
      "RFC 3961 section 5.3, confounder",
      "  taken += LENGTH;\n",
      "  taken += 1;\n",
      "gives each once",
    ],
    [
      "a runtime that was injected is asked",
      "rule 3 of CONTRIBUTING.md",
      "  if (runtime !== systemRuntime) return to.set(randomBytes(LENGTH, runtime), at);\n",
      "",
      "asks another runtime",
    ],
    [
      "a confounder is random",
      "RFC 3961 section 5.3, confounder",
      "    systemRuntime.fillRandom(POOL);\n",
      "",
      "gives each once",
    ],
  ]),
  ...rules("kerberos/crypto/core/kept.ts", [KEPT], [
    ["an expanded key is wiped when it goes", SECRETS, "    bytes?.fill(0);\n", "", "disposed"],
    [
      "only so many expanded keys are kept",
      "memory that grows with the keys of a process",
      "    this.#bytes = before?.forget() ?? new",
      "    this.#bytes = new",
      "keeps a copy",
    ],
  ]),
  ...rules("kerberos/crypto/core/choice.ts", [CHOICE], [
    [
      "without WebAssembly there is cryptography",
      "runtimes that compile nothing",
      "    } catch {\n",
      "    } catch (error) {\n      throw error;\n",
    ],
    [
      "where the relaxed instruction is missing the plain one serves",
      "relaxed SIMD is younger than SIMD",
      "of [() => bytes, () => plainVariant(bytes)]",
      "of [() => bytes]",
      "plain variant serves",
    ],
    [
      "who chooses WebCrypto gets nothing else",
      "docs of chooseCrypto()",
      '  if (choice === "webcrypto") return undefined;\n',
      "",
      "chooseCrypto()",
    ],
    [
      "a module that was handed in serves",
      "runtimes that import modules and compile none",
      "  core = new Core(instantiate(module));\n",
      "  void new Core(instantiate(module));\n",
      "useCryptoModule()",
    ],
  ]),
  ...rules("kerberos/crypto/primitives/system.ts", [CHOICE], [
    [
      "who chooses WebCrypto gets no node:crypto either",
      "docs of chooseCrypto()",
      'chosenCrypto() === "webcrypto" ? webCrypto : fastest',
      "fastest",
      "chooseCrypto()",
    ],
  ]),
  ...rules("cli/server/server_run.ts", ["tests/cli/server/crypto_test.ts"], [
    ["a server's configuration chooses its cryptography", "docs of the setting", "    chooseCrypto(crypto);\n", ""],
  ]),
  ...rules("kerberos/crypto/core/source/aes.ts", [BUILD], [
    [
      "the shipped core is what its source builds",
      "CONTRIBUTING.md",
      "const WAYS = 4;",
      "const WAYS = 3;",
      "byte for byte",
    ],
  ]),
  ...rules("kerberos/crypto/aes_cts.ts", [VECTORS], [
    [
      "memory of a long message is given up at once",
      "docs/performance.md",
      "    giveUp(cbc);\n",
      "",
      "gives up what the cipher returned",
    ],
  ]),
  ...rules("kerberos/crypto/usage_key.ts", [VECTORS], [
    [
      "what the core does not find genuine throws",
      "RFC 3961 section 3, decrypt",
      "      if (message === undefined) throw integrityError();\n",
      "",
      "refuse every changed",
    ],
  ]),
];
