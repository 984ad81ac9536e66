/** Credential cache files: those of other programs, and damage. */
import assert from "node:assert/strict";
import { KerberosError } from "../../../../kerberos/errors.ts";
import { formatPrincipal, principal } from "../../../../kerberos/principal.ts";
import { decodeCcache, encodeCcache } from "../../../../kerberos/credentials/formats/ccache.ts";
import type { CcacheCase } from "../../../support/ccache_vectors.ts";
import { hex, unhex, vectors } from "../../../support/vectors.ts";

/** What was decoded, or nothing where it was refused with an error of ours. */
function decodedOrRefused<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    assert.ok(error instanceof KerberosError, String(error));
    return undefined;
  }
}

Deno.test("decodeCcache(): reads the caches of other programs; encodeCcache() returns version 4 unchanged", () => {
  let version4 = 0;
  for (const v of [...vectors<CcacheCase>("ccache"), ...vectors<CcacheCase>("captured_ccache")]) {
    const bytes = unhex(v.file_hex);
    const data = decodeCcache(bytes);
    const text = (p: { realm: string; components: string[] }) => formatPrincipal(principal(p.realm, p.components));
    assert.equal(formatPrincipal(data.principal), text(v.decoded.default_principal), v.name);
    assert.deepEqual(
      data.credentials.map((
        c,
      ) => [formatPrincipal(c.server), c.key.enctype, hex(c.key.exportBytes()), c.endtime, hex(c.ticket)]),
      v.decoded.credentials.map((c) => [text(c.server), c.key.enctype, c.key.key_hex, c.endtime * 1000, c.ticket_hex]),
      v.name,
    );
    // MIT writes 8 for a true is_skey in user-to-user tickets; we write 1.
    if (v.decoded.version === 4 && v.name !== "cc_host") {
      assert.ok(hex(encodeCcache(data)) === v.file_hex, v.name);
      version4++;
    }
  }
  assert.ok(version4 >= 10);
});

Deno.test("decodeCcache(): returns a cache or a KerberosError for every cut and changed byte", () => {
  const whole = unhex(vectors<CcacheCase>("ccache")[0]!.file_hex);
  const all = decodeCcache(whole).credentials;
  let refused = 0;
  for (let i = 0; i < whole.length; i++) {
    const cut = decodedOrRefused(() => decodeCcache(whole.subarray(0, i)))?.credentials;
    assert.deepEqual(cut ?? [], all.slice(0, cut?.length ?? 0), `cut at ${i}`);
    if (cut === undefined) refused++;
    const changed = whole.slice();
    changed[i]! ^= 0xff;
    decodedOrRefused(() => decodeCcache(changed));
  }
  // All cuts but those between two tickets.
  assert.ok(refused >= whole.length - all.length - 1, `${refused} of ${whole.length}`);
  for (const v of vectors<{ file_hex: string }>("ccache_malformed")) {
    assert.equal(decodedOrRefused(() => decodeCcache(unhex(v.file_hex)))?.credentials.length ?? 0, 0);
  }
});
