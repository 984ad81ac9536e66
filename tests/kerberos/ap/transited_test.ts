/** The transited field and the way that it stands for (RFC 4120 sections 2.7 and 3.3.3.2). */
import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../../base/bytes.ts";
import { ApError } from "../../../kerberos/ap/error.ts";
import { parseKrb5Conf } from "../../../kerberos/config/parse.ts";
import { type Capaths, checkTransited, expandTransited } from "../../../kerberos/ap/transited.ts";
import { vectors } from "../../support/vectors.ts";

const ENDS = { client: "X", service: "X" };

function expand(text: string, ends = ENDS): string[] {
  return expandTransited(utf8(text), ends);
}

/** Code of the refusal, `undefined` where the way is accepted. */
function judged(client: string, text: string | Uint8Array, service: string, capaths?: Capaths): string | undefined {
  const contents = typeof text === "string" ? utf8(text) : new Uint8Array(text);
  try {
    checkTransited({ trType: 1, contents }, { client, service }, capaths);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof ApError, `${error}`);
    return error.code;
  }
}

const REFUSED = "KRB_AP_PATH_NOT_ACCEPTED";

Deno.test("expandTransited(): agrees with the samples of MIT", () => {
  type Case = {
    client_realm: string;
    server_realm: string;
    transited: string;
    expected_realms_unordered: string[];
    error: boolean;
  };
  for (const v of vectors<Case>("transited_expand")) {
    assert.equal(v.error, false);
    const realms = expand(v.transited, { client: v.client_realm, service: v.server_realm });
    assert.deepEqual(realms.toSorted(), v.expected_realms_unordered.toSorted(), v.id);
  }
});

Deno.test("expandTransited(): follows the rules of RFC 4120 section 3.3.3.2", () => {
  const ends = { client: "A.B.EDU", service: "/COM/DEC/LAB" };
  const cases: [string, string[]][] = [
    ["EDU", ["EDU"]],
    // Its own examples.
    ["EDU,MIT.,ATHENA.,WASHINGTON.EDU,CS.", [
      "EDU",
      "MIT.EDU",
      "ATHENA.MIT.EDU",
      "WASHINGTON.EDU",
      "CS.WASHINGTON.EDU",
    ]],
    ["EDU,MIT.,WASHINGTON.EDU", ["EDU", "MIT.EDU", "WASHINGTON.EDU"]],
    ["/COM,/HP,/APOLLO, /COM/DEC", ["/COM", "/COM/HP", "/COM/HP/APOLLO", "/COM/DEC"]],
    ["/COM,/HP", ["/COM", "/COM/HP"]],
    [",EDU, /COM,", ["B.EDU", "EDU", "/COM", "/COM/DEC"]],
    // The realm before the first one listed is the null realm, also behind a null subfield.
    [",/COM", ["B.EDU", "EDU", "/COM"]],
    // Null subfields: to the service, between two, several in a row.
    ["/COM,", ["/COM", "/COM/DEC"]],
    ["EDU,,X.A.EDU", ["EDU", "A.EDU", "X.A.EDU"]],
    ["EDU,,,X.A.EDU", ["EDU", "A.EDU", "X.A.EDU"]],
    ["X.A.EDU,,EDU", ["X.A.EDU", "A.EDU", "EDU"]],
    // The realm before a null subfield is still the one that a short form is put together with.
    ["EDU,,MIT.", ["EDU", "MIT.EDU"]],
    // Quotes.
    ["A\\,B", ["A,B"]],
    ["A\\\\B,C", ["A\\B", "C"]],
    ["EDU,MIT\\.", ["EDU", "MIT."]],
    ["EDU,MIT\\\\.", ["EDU", "MIT\\.EDU"]],
    ["EDU,\\ X", ["EDU", " X"]],
    ["/COM,\\/HP", ["/COM", "/HP"]],
    ["\\E\\D\\U", ["EDU"]],
    // A blank in front makes a name stand by itself; blanks within it are its own.
    ["/COM,  /HP", ["/COM", "/HP"]],
    ["EDU, MIT.", ["EDU", "MIT."]],
    ["A B", ["A B"]],
    ["", []],
  ];
  for (const [text, realms] of cases) {
    assert.deepEqual(expand(text, ends), realms, text);
  }
});

Deno.test("checkTransited(): accepts realms of the hierarchy, and no others", () => {
  const cases: [string, string, string, string?][] = [
    // A forest of Windows: the root lies between its domains.
    ["WEST.CORP.TEST", "CORP.TEST", "EAST.CORP.TEST"],
    ["WEST.CORP.TEST", ",", "EAST.CORP.TEST"],
    ["A.WEST.CORP.TEST", "WEST.CORP.TEST,CORP.TEST", "EAST.CORP.TEST"],
    ["A.WEST.CORP.TEST", "CORP.TEST,WEST.", "EAST.CORP.TEST"],
    ["A.WEST.CORP.TEST", "WEST.CORP.TEST,CORP.TEST,EAST.CORP.TEST", "B.EAST.CORP.TEST"],
    ["CORP.TEST", "WEST.CORP.TEST", "A.WEST.CORP.TEST"],
    ["A.WEST.CORP.TEST", "WEST.CORP.TEST", "CORP.TEST"],
    ["/COM/HP/APOLLO", "/COM,/HP", "/COM/DEC"],
    ["/COM/HP/APOLLO", ",", "/COM/DEC"],
    // The ends took part anyway.
    ["WEST.CORP.TEST", "WEST.CORP.TEST,CORP.TEST,EAST.CORP.TEST", "EAST.CORP.TEST"],
    ["B.TEST", "", "A.TEST"],
    // Two hierarchies: over the tops.
    ["A.EDU", "EDU,COM", "B.COM"],
    ["WEST.CORP.TEST", "EVIL.TEST", "EAST.CORP.TEST", REFUSED],
    ["WEST.CORP.TEST", "CORP.TEST,EVIL.TEST", "EAST.CORP.TEST", REFUSED],
    // Above what both have in common, beside it, below it, or alike but for case or a letter.
    ["WEST.CORP.TEST", "TEST", "EAST.CORP.TEST", REFUSED],
    ["WEST.CORP.TEST", "NORTH.CORP.TEST", "EAST.CORP.TEST", REFUSED],
    ["WEST.CORP.TEST", "A.WEST.CORP.TEST", "EAST.CORP.TEST", REFUSED],
    ["WEST.CORP.TEST", "corp.test", "EAST.CORP.TEST", REFUSED],
    ["WEST.CORP.TEST", "ORP.TEST", "EAST.CORP.TEST", REFUSED],
    ["WEST.CORP.TEST", "XCORP.TEST", "EAST.CORP.TEST", REFUSED],
    ["WEST.CORP.TEST", "CORP.TEST.", "EAST.CORP.TEST", REFUSED],
    ["/COM/HP", "/CO", "/COM/DEC", REFUSED],
    // A suffix that is not at a dot is nothing in common.
    ["A.XCORP.TEST", "CORP.TEST", "B.XCORP.TEST", REFUSED],
    // Short forms and null subfields hide nothing.
    ["WEST.CORP.TEST", "CORP.TEST,EVIL.", "EAST.CORP.TEST", REFUSED],
    ["WEST.CORP.TEST", "CORP.TEST,,EVIL.CORP.TEST", "EAST.CORP.TEST", REFUSED],
    ["WEST.CORP.TEST", ",EVIL.TEST,", "EAST.CORP.TEST", REFUSED],
    ["WEST.CORP.TEST", "CORP.TEST\\,EAST.CORP.TEST", "EAST.CORP.TEST", REFUSED],
    // Between a realm and itself nothing lies.
    ["A.TEST", "TEST", "A.TEST", REFUSED],
    ["A.TEST", "B.TEST", "A.TEST", REFUSED],
    ["A.TEST", ",", "A.TEST"],
    // What cannot be read.
    ["A.TEST", "TEST\\", "B.TEST", REFUSED],
    ["A.TEST", " ", "B.TEST", REFUSED],
    ["A.TEST", "TEST, ", "B.TEST", REFUSED],
  ];
  for (const [client, text, service, code] of cases) {
    assert.equal(judged(client, text, service), code, `${client} through ${text} to ${service}`);
  }
  assert.equal(judged("A.TEST", Uint8Array.of(0x54, 0xff), "B.TEST"), REFUSED);
});

Deno.test("checkTransited(): uses [capaths] if it has an entry, otherwise the hierarchy", () => {
  const { capaths } = parseKrb5Conf({
    name: "krb5.conf",
    text: `
[capaths]
  TEST.ANL.GOV = {
    NERSC.GOV = ES.NET
    NERSC.GOV = ANL.GOV
    HEIMDAL.GOV = ES.NET  ANL.GOV
  }
  PNL.GOV = {
    NERSC.GOV = .
  }
  NERSC.GOV = {
    NERSC.GOV = ES.NET
  }
`,
  });
  const cases: [string, string, string, string?][] = [
    ["TEST.ANL.GOV", "ANL.GOV,ES.NET", "NERSC.GOV"],
    ["TEST.ANL.GOV", "ES.NET", "NERSC.GOV"],
    ["TEST.ANL.GOV", "ES.NET,ANL.GOV", "HEIMDAL.GOV"],
    ["TEST.ANL.GOV", "ES.NET,EVIL.NET", "NERSC.GOV", REFUSED],
    // In place of the hierarchy, not beside it.
    ["TEST.ANL.GOV", "GOV", "NERSC.GOV", REFUSED],
    ["PNL.GOV", "GOV", "NERSC.GOV", REFUSED],
    ["PNL.GOV", ".", "NERSC.GOV", REFUSED],
    ["PNL.GOV", "", "NERSC.GOV"],
    ["NERSC.GOV", "ES.NET", "NERSC.GOV"],
    // One way only, and of these two only.
    ["NERSC.GOV", "ES.NET", "TEST.ANL.GOV", REFUSED],
    ["PNL.GOV", "GOV", "OTHER.GOV"],
    ["OTHER.GOV", "GOV", "NERSC.GOV"],
  ];
  for (const [client, text, service, code] of cases) {
    assert.equal(judged(client, text, service, capaths), code, `${client} through ${text} to ${service}`);
  }
});

Deno.test("checkTransited(): accepts the hierarchical paths of MIT's clients", () => {
  type Case = { client_realm: string; server_realm: string; tgt_path: string[] };
  let seen = 0;
  for (const v of vectors<Case>("realm_walk")) {
    // This one is by the [capaths] of MIT's tests.
    if (v.client_realm === "LCS.MIT.EDU") continue;
    // Each ticket-granting ticket on the way is by the realm behind the @; the first is the client's own.
    const between = v.tgt_path.slice(2).map((name) => name.split("@")[1]!);
    assert.equal(judged(v.client_realm, between.join(","), v.server_realm), undefined, v.id);
    assert.equal(judged(v.client_realm, [...between, "EVIL.COM"].join(","), v.server_realm), REFUSED, v.id);
    seen++;
  }
  assert.ok(seen > 10);
});

Deno.test("checkTransited(): knows one encoding, and the empty field of Windows", () => {
  const ends = { client: "A.TEST", service: "B.TEST" };
  const judge = (trType: number, text: string) => () => checkTransited({ trType, contents: utf8(text) }, ends);
  for (const [trType, text] of [[2, "TEST"], [2, ""], [0, "TEST"], [-1, ""]] as const) {
    assert.throws(judge(trType, text), { code: "KDC_ERR_TRTYPE_NOSUPP" });
  }
  judge(0, "")();
  judge(1, "TEST")();
});

Deno.test("checkTransited(): its errors are printable and one line long", () => {
  const evil = `\x1b]0;owned\x07\u202e${"X".repeat(300)}`;
  const ends = { client: `${evil}.TEST`, service: "A.TEST" };
  assert.throws(() => checkTransited({ trType: 1, contents: utf8(evil) }, ends), (error: unknown) => {
    assert.ok(error instanceof ApError && error.message.includes("owned"));
    assert.doesNotMatch(`${error.message} ${error.details.clientRealm}`, /[\p{Cc}\p{Cf}]/u);
    assert.ok(error.message.length < 1000);
    return true;
  });
});

Deno.test("expandTransited(): limits the realms of a short field, and takes linear time", () => {
  const ends = { client: "A.TEST", service: "B.TEST" };
  const deep = Array.from({ length: 200 }, () => "X").join(".");
  for (
    const text of [
      "TEST,".repeat(12_000) + "TEST",
      "A.,".repeat(20_000),
      `TEST,${"A.,".repeat(20_000)}`,
      `/A,${"/A,".repeat(20_000)}`,
      ",".repeat(60_000),
      `${deep},,`.repeat(150),
      `${"X".repeat(60_000)},,`,
      "\\".repeat(60_000),
      `${deep}.TEST,,TEST`,
    ]
  ) {
    const started = performance.now();
    const got = judged("A.TEST", text, "B.TEST");
    assert.ok(performance.now() - started < 2_000, text.slice(0, 20));
    if (!/^,+$/.test(text)) assert.equal(got, REFUSED, text.slice(0, 20));
  }
  assert.deepEqual(expand(",".repeat(60_000), ends), ["TEST"]);
  // Ends that are long themselves.
  // A null subfield stands for as many as may be listed, and no more.
  for (const [labels, refusal] of [[64, undefined], [65, REFUSED]] as const) {
    assert.equal(judged(`${"A.".repeat(labels)}TEST`, ",", "B.TEST"), refusal, String(labels));
  }
  assert.equal(judged("A.".repeat(30_000), ",", "B.TEST"), undefined);
  assert.equal(judged("A.".repeat(30_000), "TEST", "B.TEST"), REFUSED);
});

Deno.test("property: checkTransited() accepts or refuses any bytes", () => {
  const character = fc.constantFrom(..."AB.,/\\ ", "TEST", "\u00e9");
  fc.assert(fc.property(fc.array(character, { maxLength: 40 }).map((parts) => parts.join("")), (text) => {
    const ends = { client: "A.B.TEST", service: "B.TEST" };
    let realms: string[];
    try {
      realms = expand(text, ends);
    } catch (error) {
      assert.equal((error as ApError).code, REFUSED);
      return;
    }
    assert.ok(realms.length <= 64 && realms.every((realm) => realm !== ""));
    const verdict = judged(ends.client, text, ends.service);
    const strange = realms.some((realm) => !["A.B.TEST", "B.TEST"].includes(realm));
    assert.equal(verdict, strange ? REFUSED : undefined);
  }));
});
