import assert from "node:assert/strict";
import { parseEnctypes, readEnctypeList } from "../../../kerberos/config/enctype_list.ts";
import { vectors } from "../../support/vectors.ts";

Deno.test("readEnctypeList(): agrees with MIT's samples", () => {
  type Case = {
    text: string;
    default_list: number[];
    expected_without_weak: number[];
    expected_with_weak: number[];
  };
  for (const v of vectors<Case>("enctype_lists")) {
    const list = (weak: boolean) => readEnctypeList(v.text, { defaults: v.default_list, weak }).enctypes;
    assert.deepEqual(list(false), v.expected_without_weak, v.text);
    assert.deepEqual(list(true), v.expected_with_weak, v.text);
  }
});

Deno.test("readEnctypeList(): knows MIT's names and families, and names what it does not know", () => {
  const cases: [string, number[], string[]][] = [
    ["AES256-CTS aes128-sha1,aes256-sha2\taes128-sha2", [18, 17, 20, 19], []],
    ["camellia rc4 des3", [26, 25, 23, 16], []],
    ["aes -aes128-cts-hmac-sha1-96 -AES", [], []],
    ["DEFAULT -aes256-sha2", [18, 17, 19], []],
    ["default camellia128-cts aes", [18, 20, 17, 19, 25], []],
    ["des-cbc-crc aes128-cts +nonsense -other", [17], ["des-cbc-crc", "+nonsense", "-other"]],
    ["aes128-cts aes256-cts aes128-cts", [17, 18], []],
    ["arcfour-hmac-exp aes128-cts", [17], []],
  ];
  for (const [text, enctypes, unknown] of cases) {
    assert.deepEqual(readEnctypeList(text), { enctypes, unknown }, text);
  }
  assert.deepEqual(readEnctypeList("rc4-hmac-exp", { weak: true }).enctypes, [24]);
});

Deno.test("parseEnctypes(): keeps what is supported, and fails if nothing is", () => {
  assert.deepEqual(parseEnctypes("x", "rc4 aes128-cts camellia"), [17]);
  for (const text of ["rc4", "", "nonsense", "aes -aes"]) {
    assert.throws(() => parseEnctypes("permitted_enctypes", text), {
      code: "BAD_CONFIG",
      message: `Cannot use permitted_enctypes: none of the enctypes ${JSON.stringify(text)} is supported`,
    });
  }
});
