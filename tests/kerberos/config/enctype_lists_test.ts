/** Lists of enctypes in krb5.conf, as MIT's library reads them. Enctypes that are not supported here are left out. */
import assert from "node:assert/strict";
import { parseKrb5Conf } from "../../../kerberos/config/parse.ts";
import { enctypeName, isSupported } from "../../../kerberos/crypto/enctypes.ts";
import { vectors } from "../../support/vectors.ts";

interface List {
  readonly text: string;
  readonly default_list: readonly number[];
  readonly expected_without_weak: readonly number[];
}

Deno.test("parseKrb5Conf(): reads lists of enctypes with families, DEFAULT and minus", () => {
  for (const v of vectors<List>("enctype_lists")) {
    const usual = v.default_list.filter(isSupported);
    // DEFAULT stands for the permitted ones.
    const permitted = usual.length === 0 ? "" : `permitted_enctypes = ${usual.map(enctypeName).join(" ")}`;
    const text = `[libdefaults]\n  ${permitted}\n  default_tkt_enctypes = ${v.text}\n`;
    // Where DEFAULT has none that is supported, it is this library's own list here.
    if (usual.length === 0 && /default/i.test(v.text)) continue;
    const { defaultTktEnctypes } = parseKrb5Conf({ name: "krb5.conf", text });
    assert.deepEqual(defaultTktEnctypes, v.expected_without_weak.filter(isSupported), v.text);
  }
});
