/**
 * What an initiator sends, and refuses in an answer.
 *
 * @module
 */
import { type Mutant, rules } from "../mutant.ts";

const INITIATOR = "tests/kerberos/mech/initiator_test.ts";
const TIMES = "tests/kerberos/ap/authenticator_time_test.ts";

/** The rules. */
export const INITIATOR_MUTANTS: readonly Mutant[] = [
  ...rules("kerberos/ap/reply.ts", [INITIATOR], [
    ["the answer repeats our time", "RFC 4120 section 3.2.5", "part.ctime !== sent.ctime || ", ""],
    ["the answer repeats our microseconds", "RFC 4120 section 3.2.5", " || part.cusec !== sent.cusec", ""],
    [
      "the answer has the session key's enctype",
      "RFC 4120 section 3.2.5",
      "if (encPart.etype !== sessionKey.enctype) {",
      "if (false) {",
    ],
    [
      "the acceptor's subkey has an enctype that is supported",
      "RFC 4121 section 2",
      "if (subkey !== undefined && !isSupported(subkey.keytype)) {",
      "if (false) {",
    ],
  ]),
  ...rules("kerberos/mech/errors.ts", [INITIATOR], [
    [
      "a peer's refusal of our message's type is no defect of a token here",
      "RFC 2743 section 1.2.1",
      '  KRB_AP_ERR_MODIFIED: "BAD_SIG",\n',
      '  KRB_AP_ERR_MODIFIED: "BAD_SIG",\n  KRB_AP_ERR_MSG_TYPE: "DEFECTIVE_TOKEN",\n',
    ],
  ]),
  ...rules("kerberos/mech/errors.ts", ["tests/kerberos/mech/acceptor_test.ts"], [
    [
      "a token with another message is defective",
      "RFC 4121 section 4.1",
      'if (error.code === "KRB_AP_ERR_MSG_TYPE") return unexpectedMessage(error.message);',
      "",
    ],
  ]),
  ...rules("kerberos/mech/initiator.ts", [INITIATOR], [
    [
      "an answer is an AP-REP",
      "RFC 4121 section 4.1",
      '    if (id !== "AP-REP") throw defective(`Cannot finish context: ${id} came, AP-REP is wanted`);\n',
      "",
    ],
    [
      "messages rest on the acceptor's subkey (initiator)",
      "RFC 4121 section 2",
      "this.#context(subkey, true, sequence)",
      "this.#context(this.#subkey, true, sequence)",
    ],
    [
      "after a failure every step fails",
      "RFC 2743 section 2.2.1, CVE-2017-11462",
      '    this.#state = { phase: "failed" };\n',
      "",
    ],
    [
      "a refusal names our service, not the one that it names",
      "CVE-2017-11103",
      "const service = formatPrincipal(ticket.credential.server);",
      'const service = error.sname.nameString.join("/");',
    ],
    ["text of a refusal cannot drive a terminal", "rule 5 of CONTRIBUTING.md", "peerText(error.eText)", "error.eText"],
    ["the flags sent are those that are active", "RFC 4121 section 4.1.1.1", "      confidentiality: true,\n", ""],
    ["the flags sent are those that are active, integrity", "RFC 4121 section 4.1.1.1", "      integrity: true,\n", ""],
    [
      "MUTUAL-REQUIRED is set for mutual authentication",
      "RFC 4120 section 3.2.4",
      "flags.mutual ? ApOption.MutualRequired : 0",
      "0",
    ],
  ]),
  ...rules("kerberos/ap/make.ts", [INITIATOR], [
    [
      "the request has a number",
      "RFC 4121 section 4.1.1",
      "...(sequence === undefined ? {} : { seqNumber: sequence }),",
      "",
    ],
  ]),
  ...rules("kerberos/ap/authenticator_time.ts", [TIMES], [
    [
      "times in authenticators are never the same twice",
      "RFC 4120 section 3.2.3",
      "Math.max(present, last + 1)",
      "present",
    ],
    [
      "a clock that is set back is followed",
      "RFC 4120 section 3.2.3, skew",
      "last === undefined || present < last - SET_BACK",
      "last === undefined",
    ],
    [
      "an offset keeps times apart",
      "RFC 4120 section 3.1.5",
      "now + Math.round(offset * 1_000), LATEST",
      "now, LATEST",
    ],
    ["a time beyond what messages carry is cut", "RFC 4120 section 5.2.3", ", LATEST_TIME * 1_000);", ");"],
  ]),
  ...rules("kerberos/mech/credentials.ts", [INITIATOR], [
    [
      "tickets are handed over only where that is asked for",
      "CVE-2011-2192",
      "flags.delegation ? await",
      "true ? await",
    ],
    [
      "a context comes without delegation where there is nothing to hand over",
      "RFC 2743 section 2.2.1",
      "      if (error instanceof KerberosError || error instanceof KdcError) return undefined;\n",
      "",
    ],
    ["whoever gives up gets no context", "documentation of signal", "      signal?.throwIfAborted();\n", ""],
  ]),
];
