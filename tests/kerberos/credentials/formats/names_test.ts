/** Names in keytabs and credential caches. */
import assert from "node:assert/strict";
import { concat, lenientText } from "../../../../base/bytes.ts";
import { KerberosKey } from "../../../../kerberos/crypto/key.ts";
import { principal } from "../../../../kerberos/principal.ts";
import { decodeCcache, encodeCcache } from "../../../../kerberos/credentials/formats/ccache.ts";
import { Credential } from "../../../../kerberos/credential.ts";
import { Keytab } from "../../../../kerberos/credentials/formats/keytab.ts";

Deno.test("names in keytabs and caches: differ by a byte, and are left out if not UTF-8", () => {
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
  // The bytes of "R.TEST" and "alice", one of them such as no UTF-8 has: an entry with such a name is left out.
  for (const name of ["R.TEST", "alice"]) {
    assert.deepEqual(Keytab.decode(damaged(keytab, name)).entries.map((entry) => entry.principal.components[0]), [
      "\ufeffalice",
    ]);
    assert.throws(() => decodeCcache(damaged(cache, name)), { name: "KerberosError", code: "BAD_FILE" }, name);
    const owner = encodeCcache({ principal: names[0]!, credentials: [] });
    const one = damaged(cache.subarray(owner.length), name);
    assert.equal(decodeCcache(concat(owner, one)).credentials.length, 1, name);
  }
});

/** The file with a byte in the first name that is not UTF-8. */
function damaged(file: Uint8Array, name: string): Uint8Array {
  const changed = file.slice();
  changed[lenientText(file.map((byte) => byte & 0x7f)).indexOf(name) + 1] = 0xff;
  return changed;
}
