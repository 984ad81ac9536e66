/**
 * Rules of the conformance kit, each with the change that switches it off. What the checks themselves look for is held another way:
 * tests/conform/proxy_faults.ts and client_faults.ts have a broken peer for each.
 *
 * @module
 */
import { type Mutant, rules } from "./mutant.ts";

const REPORT = ["tests/conform/report_test.ts"];
const RAW = ["tests/conform/raw_test.ts"];
const PROXY = ["tests/conform/proxy_checks_test.ts"];
const CLIENT = ["tests/conform/client_parts_test.ts"];
const COMMAND = ["tests/cli/commands/conform_test.ts"];
const NOTICES = "notices the fault";
const SECTION_5 = "RFC 1961 section 5";

/** The rules. */
export const CONFORM_MUTANTS: readonly Mutant[] = [
  ...rules("conform/run.ts", REPORT, [
    [
      "a check that could not be carried out is no failure of the peer",
      "the report",
      'outcome: "error", detail',
      'outcome: "fail", detail',
    ],
    ["a skipped check is no failure", "the report", 'return { outcome: "skip"', 'return { outcome: "fail"'],
    ["only rules that must hold decide", "the report", 'severity === "must"', "severity !== undefined"],
    [
      "an error leaves the verdict open",
      "the report",
      "return judged && !musts.some(",
      "return judged || !musts.some(",
    ],
    [
      "what was not judged is not passed",
      "the report",
      'const judged = musts.some(({ outcome }) => outcome === "pass")',
      "const judged = true",
    ],
    ["a run ends when it is told to", "the signal", "options.signal?.throwIfAborted();", ""],
  ]),
  ...rules("conform/report.ts", REPORT, [
    ["what need not hold does not fail TAP", "TAP 14", '!ok && severity !== "must"', "!ok && false"],
    ["a word of a title is no directive", "TAP 14", 'text.replaceAll(/[\\\\#]/g, "\\\\$&")', "text"],
  ]),
  ...rules("conform/raw.ts", RAW, [
    [
      "an error token may come before a refusal",
      "RFC 7546 section 3.5",
      "if (type !== FrameType.Authentication) throw",
      "if (true) throw",
    ],
    [
      "nothing but tokens may come before a refusal",
      "RFC 1961 section 3.8",
      "if (type !== FrameType.Authentication) throw",
      "if (false) throw",
    ],
    [
      "an end is no silence",
      "what must not come",
      'if (came !== "silence") throw new Failed(what',
      'if (came === "bytes") throw new Failed(what',
      "silence is no byte",
    ],
    [
      "bytes that came before are no silence",
      "what must not come",
      'const came = this.#held.length > 0 ? "bytes" :',
      "const came =",
      "silence is no byte",
    ],
  ]),
  ...rules("conform/gss_session.ts", PROXY, [
    [
      "at level 2 what is only signed is a finding",
      SECTION_5,
      "if (this.level === 2) expect(confidential,",
      "if (false) expect(confidential,",
      NOTICES,
    ],
    [
      "at level 1 what is encrypted is a finding",
      SECTION_5,
      "if (this.level === 1) expect(!confidential,",
      "if (false) expect(!confidential,",
      NOTICES,
    ],
  ]),
  ...rules("conform/messages.ts", PROXY, [
    [
      "only a proxy that says nothing lacks a command",
      "a wrong answer is a finding",
      "if (!(error instanceof EndedSilently)) throw error;",
      "",
      NOTICES,
    ],
    [
      "a refusal has a code other than 0",
      "RFC 1928 section 6",
      "head[0] === 5 && head[1] !== 0",
      "head[0] === 5",
      NOTICES,
    ],
    [
      "a grant has code 0",
      "RFC 1928 section 6",
      "reply.head[0] === 5 && reply.reply === 0",
      "reply.head[0] === 5",
      NOTICES,
    ],
  ]),
  ...rules("conform/client/stage.ts", CLIENT, [
    [
      "a client that gives up says no more than 01 FF",
      "RFC 1961 section 3.8",
      "bytes.length === 0 || sameBytes(bytes, encodeAbort())",
      "true",
      NOTICES,
    ],
    [
      "a client that ends badly has not got the page",
      "its exit code",
      "(code === undefined || code === 0) && output.includes(text)",
      "true",
      NOTICES,
    ],
    ["what is not genuine is not shown", SECTION_5, "expect(!output.includes(text)", "expect(true", NOTICES],
  ]),
  ...rules("cli/conform/output.ts", COMMAND, [
    ["the exit code says that a rule is broken", "scripts", "failed: 1,", "failed: 0,"],
    ["the exit code says that nothing was judged", "scripts", '"not run": 3', '"not run": 0'],
  ]),
  ...rules("cli/conform/own_kdc.ts", COMMAND, [
    [
      "a keytab that is there is not written over",
      "the keys of this machine",
      "for (const path of [files.keytab, files.krb5Conf]) checkNew(path);",
      "",
      "writes over no file",
    ],
  ]),
  ...rules("cli/conform/own_kdc.ts", COMMAND, [
    [
      "the files of the embedded KDC go with it",
      "they are good for nothing without it",
      "await Deno.remove(path).catch(() => {});",
      "",
      "gives the proxy a key",
    ],
  ]),
  ...rules("cli/conform/client_process.ts", COMMAND, [
    [
      "a place that is not known is an error",
      "a mistyped command",
      "if (!Object.hasOwn(PLACES, place!))",
      "if (false)",
      "wrong arguments",
    ],
    [
      "a client must be told the proxy",
      "it would be judged by nothing",
      "if (!/\\{proxy(?:_port)?\\}/.test(text))",
      "if (false)",
      "wrong arguments",
    ],
  ]),
];
