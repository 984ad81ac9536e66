/** Names in keytabs and credential caches. */
import assert from "node:assert/strict";
import { lenientText } from "../../../../base/bytes.ts";
import { KerberosKey } from "../../../../kerberos/crypto/key.ts";
import { KerberosError } from "../../../../kerberos/errors.ts";
import { principal } from "../../../../kerberos/principal.ts";
import { decodeCcache, encodeCcache } from "../../../../kerberos/credentials/formats/ccache.ts";
import { Credential } from "../../../../kerberos/credential.ts";
import { Keytab } from "../../../../kerberos/credentials/formats/keytab.ts";

Deno.test("names in keytabs and caches: differ by a byte, and are refused if not UTF-8", () => {
  const names = ["alice", "\ufeffalice"].map((text) => principal("R.TEST", [text]));
  const key = KerberosKey.generate(18);
  const keytab = new Keytab(names.map((owner) => ({ principal: owner, kvno: 1, key }))).encode();
  assert.deepEqual(Keytab.decode(keytab).entries.map((entry) => entry.principal.components[0]), [
    "alice",
    "\ufeffalice",
  ]);
  const ticket = { key, authtime: 0, endtime: 1000, flags: 0, ticket: new Uint8Array(1) };
  const credentials = names.map((client) => new Credential({ client, server: client, ...ticket }));
  const cache = encodeCcache({ principal: names[0]!, credentials });
  assert.deepEqual(decodeCcache(cache).credentials.map(({ client }) => client.components[0]), ["alice", "\ufeffalice"]);
  // The bytes of "R.TEST" and "alice", one of them such as no UTF-8 has.
  for (const name of ["R.TEST", "alice"]) {
    for (const [file, read] of [[keytab, Keytab.decode], [cache, decodeCcache]] as const) {
      const changed = file.slice();
      changed[lenientText(file.map((byte) => byte & 0x7f)).indexOf(name) + 1] = 0xff;
      assert.throws(() => read(changed), (error) => error instanceof KerberosError && error.code === "BAD_FILE", name);
    }
  }
});
