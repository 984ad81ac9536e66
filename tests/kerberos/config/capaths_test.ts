/** `[capaths]` of krb5.conf. */
import assert from "node:assert/strict";
import { DEFAULT_CONFIG } from "../../../kerberos/config/krb5_conf.ts";
import { parseKrb5Conf } from "../../../kerberos/config/parse.ts";

const read = (text: string) => parseKrb5Conf({ name: "krb5.conf", text }).capaths;

Deno.test("parseKrb5Conf(): reads [capaths] by client, then by service, values as one list", () => {
  const capaths = read(`
[capaths]
  ANL.GOV = {
    TEST.ANL.GOV = .
    NERSC.GOV = ES.NET
    NERSC.GOV = ANL.GOV  X.NET # as Heimdal writes it
  }
  PNL.GOV = {
    ANL.GOV = ES.NET
  }
`);
  assert.deepEqual([...capaths.keys()], ["ANL.GOV", "PNL.GOV"]);
  assert.deepEqual([...capaths.get("ANL.GOV")!], [
    ["TEST.ANL.GOV", ["."]],
    ["NERSC.GOV", ["ES.NET", "ANL.GOV", "X.NET"]],
  ]);
  assert.deepEqual(capaths.get("PNL.GOV")!.get("ANL.GOV"), ["ES.NET"]);
  assert.equal(capaths.get("PNL.GOV")!.get("NERSC.GOV"), undefined);
});

Deno.test("parseKrb5Conf(): has no paths without [capaths]", () => {
  assert.equal(read("[libdefaults]\n default_realm = A.TEST\n").size, 0);
  assert.equal(read("[capaths]\n").size, 0);
  assert.equal(DEFAULT_CONFIG.capaths.size, 0);
});
