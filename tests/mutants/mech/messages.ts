/**
 * Layout of tokens, and per-message tokens.
 *
 * @module
 */
import { type Mutant, rules } from "../mutant.ts";

const ACCEPTED = "tests/kerberos/mech/acceptor_context_test.ts";
const ACCEPTOR = "tests/kerberos/mech/acceptor_test.ts";
const CONTEXT = "tests/kerberos/mech/context_test.ts";
const INITIATOR = "tests/kerberos/mech/initiator_test.ts";
const MESSAGES = "tests/kerberos/mech/message_tokens_test.ts";
const SEQUENCE = "tests/kerberos/mech/sequence_test.ts";

/** The rules. */
export const MESSAGES_MUTANTS: readonly Mutant[] = [
  ...rules("kerberos/mech/tokens/context.ts", [ACCEPTOR], [
    [
      "an identifier that is not known is told as such",
      "RFC 4121 section 4.1, KRB_AP_ERR_MSG_TYPE",
      "throw unexpectedMessage(`Cannot use token: identifier",
      "throw defective(`Cannot use token: identifier",
    ],
  ]),
  ...rules("kerberos/mech/tokens/checksum.ts", [ACCEPTOR], [
    [
      "bindings of the checksum have 16 bytes",
      "RFC 4121 section 4.1.1",
      "if (length !== 16) throw",
      "if (false) throw",
    ],
  ]),
  ...rules("kerberos/mech/tokens/checksum.ts", [ACCEPTOR, ACCEPTED], [
    ["the delegation option is 1", "RFC 4121 section 4.1.1", "if (option !== 1) throw", "if (false) throw"],
    [
      "extensions are passed over",
      "RFC 4121 section 4.1.1",
      "    if (!flags.delegation) return { flags, bindings };",
      '    if (!flags.delegation && reader.remaining > 0) throw defective("more");\n    if (!flags.delegation) return { flags, bindings };',
    ],
  ]),
  ...rules("kerberos/mech/sequence.ts", [INITIATOR], [
    [
      "numbers begin within 30 bits",
      "RFC 4120 section 5.5.1; peers that read them as signed",
      "randomUint32(runtime) >>> 2",
      "randomUint32(runtime)",
    ],
  ]),
  ...rules("kerberos/mech/token_order.ts", [MESSAGES], [
    [
      "a forged token does not count",
      "RFC 2743 section 1.2.3",
      "return { data, confidential, status: this.#window.check(high, low) };",
      "return { data, confidential, status: this.#window.check(high, low + 1) };",
    ],
  ]),
  ...rules("kerberos/mech/context.ts", [MESSAGES], [
    [
      "the header sealed is the one in front",
      "RFC 4121 section 4.2.4, CVE-2024-37370",
      " || !endsWithHeader(plain, outer)",
      "",
    ],
    [
      "there is room for header and filler after opening",
      "CVE-2024-37371",
      "if (length < 0 || !endsWithHeader",
      "if (!endsWithHeader",
    ],
    [
      "the signature of a Wrap token is compared",
      "CVE-2025-57736",
      "      if (!genuine) throw notGenuine();\n      return { high, low, data, confidential: false };",
      "      void genuine;\n      return { high, low, data, confidential: false };",
    ],
    [
      "the signature covers the header as it came",
      "RFC 4121 section 4.2.4",
      "{ flags, ec: 0, rrc: 0, high, low }",
      "{ flags: this.#expectedFlags, ec: 0, rrc: 0, high, low }",
    ],
    [
      "it covers the header with EC and RRC zero",
      "RFC 4121 section 4.2.4",
      "{ flags, ec: 0, rrc: 0, high, low }",
      "{ flags, ec, rrc: 0, high, low }",
    ],
    [
      "a seal that does not fit is a token that is not genuine",
      "RFC 2743 section 2.3.4, GSS_S_BAD_SIG",
      "      throw asNotGenuine(error);\n",
      "      throw error;\n",
    ],
    [
      "a MIC is compared",
      "CVE-2025-57736",
      "      if (!genuine) throw notGenuine();\n      return { high: header.high",
      "      void genuine;\n      return { high: header.high",
    ],
    [
      "a token is by the other side",
      "RFC 4121 section 4.2.2, SentByAcceptor",
      "(Flag.SentByAcceptor | Flag.AcceptorSubkey)) !== this.#expectedFlags",
      "Flag.AcceptorSubkey) !== (this.#expectedFlags & Flag.AcceptorSubkey)",
    ],
    [
      "a token is under the key agreed upon",
      "RFC 4121 section 4.2.2, AcceptorSubkey",
      "(Flag.SentByAcceptor | Flag.AcceptorSubkey)) !== this.#expectedFlags",
      "Flag.SentByAcceptor) !== (this.#expectedFlags & Flag.SentByAcceptor)",
    ],
  ]),
  ...rules("kerberos/crypto/usage_key.ts", [MESSAGES], [
    [
      "EC of a signed token is the checksum's length",
      "RFC 4121 section 4.2.3",
      "    if (checksum.length - at !== this.tagLength) return false;\n",
      "",
    ],
  ]),
  ...rules("kerberos/mech/tokens/cfx.ts", [MESSAGES], [
    [
      "every byte of it",
      "RFC 4121 section 4.2.4, CVE-2024-37370",
      "for (let i = 0; i < HEADER_LENGTH; i++) {",
      "for (let i = 6; i < HEADER_LENGTH; i++) {",
    ],
    [
      "the rotation sealed is zero",
      "RFC 4121 section 4.2.4",
      "(i === 6 || i === 7 ? 0 : token[i])",
      "(i === 6 || i === 7 ? sealed[i] : token[i])",
    ],
    [
      "a MIC token is not sealed",
      "RFC 4121 section 4.2.2, Sealed",
      '  if ((flags & Flag.Sealed) !== 0) throw defective("Cannot read MIC token: it is marked as sealed");\n',
      "",
    ],
    [
      "flags that are not known are passed over",
      "RFC 4121 section 4.2.2",
      "  const counts = wordOf(token, 4);\n",
      '  const counts = wordOf(token, 4);\n  if (token[2]! > 7) throw defective("unknown");\n',
    ],
    [
      "the filler of a Wrap header is 0xff",
      "RFC 4121 section 4.2.6.2",
      "if (token[3] !== 0xff) throw",
      "if (false) throw",
    ],
    [
      "the filler of a MIC header is 0xff",
      "RFC 4121 section 4.2.6.1",
      "    if (token[i] !== 0xff) throw",
      "    if (false) throw",
    ],
    ["a token is of its kind", "RFC 4121 section 4.2.6", "token[0] !== kind || ", ""],
  ]),
  ...rules("kerberos/mech/tokens/cfx.ts", [MESSAGES, CONTEXT], [
    [
      "a rotation may be longer than the token",
      "RFC 4121 section 4.2.5",
      "count % length",
      "Math.min(count, length)",
    ],
  ]),
  ...rules("kerberos/mech/context.ts", [MESSAGES, CONTEXT], [
    [
      "sealing has its own use of the key",
      "RFC 4121 section 2",
      "this.#key.usage(this.initiator ? KeyUsage.GssAcceptorSeal : KeyUsage.GssInitiatorSeal)",
      "this.#key.usage(this.initiator ? KeyUsage.GssAcceptorSign : KeyUsage.GssInitiatorSign)",
    ],
  ]),
  ...rules("kerberos/mech/sequence.ts", [MESSAGES, SEQUENCE], [
    [
      "a replayed message is reported",
      "RFC 2743 section 1.2.3",
      '    if (this.#replay && this.#seen[slot] === 1) return "duplicate";\n',
      "",
    ],
    [
      "a missing message is reported",
      "RFC 2743 section 1.2.3",
      'return ahead > 0 && this.#sequence ? "gap" : "complete";',
      'return "complete";',
    ],
    [
      "a number has 64 bits",
      "RFC 4121 section 4.2.1",
      "(low < this.#initialLow ? 1 : 0)) >>> 0;",
      "(low < this.#initialLow ? 1 : 0));",
    ],
    ["the words of a number borrow", "RFC 4121 section 4.2.1", "(low < this.#initialLow ? 1 : 0)", "0"],
    [
      "a message that was skipped is no replay",
      "RFC 2743 section 1.2.3",
      "this.#seen[(relativeLow - i) & (WINDOW - 1)] = 0;",
      "",
    ],
  ]),
  ...rules("kerberos/mech/sequence.ts", [SEQUENCE], [
    [
      "a late message is reported",
      "RFC 2743 section 1.2.3",
      '    return this.#sequence ? "unsequenced" : "complete";',
      '    return "complete";',
    ],
    [
      "what is too old to be told is not complete",
      "RFC 2743 section 1.2.3",
      '    if (age > WINDOW) return this.#sequence ? "unsequenced" : "old";\n',
      "",
    ],
  ]),
  ...rules("kerberos/mech/sequence.ts", [MESSAGES], [
    [
      "the numbers do not begin anew after the last one",
      "RFC 4121 section 4.2.1",
      "this.#high = relativeHigh + (this.#low === 0 ? 1 : 0);",
      "this.#high = (relativeHigh + (this.#low === 0 ? 1 : 0)) >>> 0;",
    ],
  ]),
  ...rules("kerberos/mech/context.ts", [CONTEXT], [
    [
      "a context that is closed opens nothing",
      "RFC 2743 section 2.2.3",
      "    if (this.#disposed) {",
      "    if (false) {",
    ],
  ]),
];
