/** Credential cache files: those of other programs, and damage. */
import assert from "node:assert/strict";
import { Credential, type CredentialInit } from "../../../../kerberos/credential.ts";
import type { CredentialCacheData } from "../../../../kerberos/credentials/cache.ts";
import { KerberosKey } from "../../../../kerberos/crypto/key.ts";
import { KerberosError } from "../../../../kerberos/errors.ts";
import { formatPrincipal, parsePrincipal, principal } from "../../../../kerberos/principal.ts";
import { decodeCcache, encodeCcache } from "../../../../kerberos/credentials/formats/ccache.ts";
import { contents, ticket } from "../../../support/cache_contents.ts";
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
  const owner = encodeCcache({ ...decodeCcache(whole), credentials: [] }).length;
  for (let i = 0; i < whole.length; i++) {
    const cut = decodedOrRefused(() => decodeCcache(whole.subarray(0, i)))?.credentials;
    // Up to the end of its owner's name there is no cache; from there on, what is whole is there.
    assert.equal(cut === undefined, i < owner, `cut at ${i}`);
    assert.deepEqual(cut ?? [], all.slice(0, cut?.length ?? 0), `cut at ${i}`);
    const changed = whole.slice();
    changed[i]! ^= 0xff;
    decodedOrRefused(() => decodeCcache(changed));
  }
  for (const v of vectors<{ file_hex: string }>("ccache_malformed")) {
    assert.equal(decodedOrRefused(() => decodeCcache(unhex(v.file_hex)))?.credentials.length ?? 0, 0);
  }
});

/** A cache file with these credentials after a ticket-granting ticket, and one for a service after them. */
function between(...odd: readonly Partial<CredentialInit>[]): CredentialCacheData {
  const make = (init: Partial<CredentialInit>) =>
    new Credential({ ...ticket("alice@R.TEST", "odd@R.TEST"), ...TIMES, ...init });
  const last = make({ server: parsePrincipal("rcmd/h@R.TEST") });
  return decodeCcache(encodeCcache({ ...contents("alice@R.TEST"), credentials: [...odd.map(make), last] }));
}

const TIMES = { authtime: 1e9, starttime: 1e9, endtime: 2e12, ticket: new Uint8Array(300) };

Deno.test("decodeCcache(): what other programs have removed is gone, and is not copied on", () => {
  const removedByMit = { authtime: 0xffffffff * 1000, endtime: 0 };
  const removedSetting = { server: parsePrincipal("krb5_ccache_conf_data/x@X-RMED-CONF:"), authtime: 0, endtime: 0 };
  const setting = { server: parsePrincipal("krb5_ccache_conf_data/x@X-CACHECONF:"), authtime: 0, endtime: 0 };
  for (const gone of [removedByMit, { endtime: 0 }, removedSetting, { ...setting, authtime: 1e9 }]) {
    const data = between(gone);
    assert.deepEqual(data.credentials.map(({ server }) => server.components[0]), ["rcmd"], JSON.stringify(gone));
    assert.ok(encodeCcache(data).length < encodeCcache(between({})).length);
  }
  assert.equal(between(setting).credentials.length, 2);
});

Deno.test("decodeCcache(): a ticket without a start begins with the authentication", () => {
  assert.equal(between({ starttime: 0 }).credentials[0]!.starttime, 1e9);
  assert.equal(between({ starttime: 3e9 }).credentials[0]!.starttime, 3e9);
});

Deno.test("decodeCcache(): a key of a wrong length spoils its ticket alone; unknown enctypes are kept", () => {
  const file = encodeCcache(between({ key: new KerberosKey(77, new Uint8Array(5)) }));
  assert.deepEqual(decodeCcache(file).credentials.map(({ key }) => key.enctype), [77, 18]);
  assert.deepEqual(encodeCcache(decodeCcache(file)), file);
  const at = file.findIndex((_, i) => file[i] === 0 && file[i + 1] === 77 && file[i + 5] === 5);
  file[at + 1] = 18;
  assert.deepEqual(decodeCcache(file).credentials.map(({ server }) => server.components[0]), ["rcmd"]);
});
