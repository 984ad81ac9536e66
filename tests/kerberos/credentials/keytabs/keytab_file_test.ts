/** Keytabs in files. */
import assert from "node:assert/strict";
import { KerberosKey } from "../../../../kerberos/crypto/key.ts";
import { KerberosError } from "../../../../kerberos/errors.ts";
import { parsePrincipal } from "../../../../kerberos/principal.ts";
import { readKeytab, writeKeytab } from "../../../../kerberos/credentials/shell/stores.ts";
import { Keytab } from "../../../../kerberos/credentials/formats/keytab.ts";

Deno.test("writeKeytab(), readKeytab(): keep the entries", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const keytab = new Keytab([{ principal: parsePrincipal("a/b@C"), kvno: 300, key: KerberosKey.generate(20) }]);
    await writeKeytab(`${directory}/kt`, keytab);
    assert.deepEqual(readKeytab(`FILE:${directory}/kt`).describe(), ["a/b@C kvno 300 aes256-cts-hmac-sha384-192"]);
    assert.throws(() => readKeytab(`${directory}/none`), KerberosError);
    assert.throws(() => readKeytab("KCM:"), KerberosError);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
