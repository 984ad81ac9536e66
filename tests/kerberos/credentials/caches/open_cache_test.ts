/** Which cache a name opens. */
import assert from "node:assert/strict";
import { MemoryCredentialCache } from "../../../../kerberos/credentials/caches/memory.ts";
import { openCache } from "../../../../kerberos/credentials/caches/open_cache.ts";
import { FileCredentialCache, openCredentialCache } from "../../../../kerberos/credentials/shell/stores.ts";

Deno.test("openCredentialCache(): opens files and memory by the kind in the name", () => {
  for (const name of ["/tmp/cc", "FILE:/tmp/cc", "file:/tmp/cc", "WRFILE:/tmp/cc"]) {
    const cache = openCredentialCache(name);
    assert.ok(cache instanceof FileCredentialCache, name);
    assert.equal(cache.name, "FILE:/tmp/cc");
  }
  // One letter is a drive of Windows.
  assert.equal(openCredentialCache("C:\\cc").name, "FILE:C:\\cc");
  const memory = openCredentialCache("MEMORY:a");
  assert.ok(memory instanceof MemoryCredentialCache);
  assert.equal(memory.name, "MEMORY:a");
});

Deno.test("openCredentialCache(): opens collections, and their caches, by name", () => {
  for (const [name, wanted] of [["DIR:/tmp/cc", "DIR:/tmp/cc"], ["dir:/tmp/cc//", "DIR:/tmp/cc"], ["KCM:", "KCM:"]]) {
    const cache = openCredentialCache(name!);
    assert.deepEqual([cache.name, cache.collection?.name, cache.makePrimary], [wanted, wanted, undefined], name);
  }
  for (const name of ["DIR::/tmp/cc/tktA", "DIR::tkt/tkt", "KCM:0:1"]) {
    const cache = openCredentialCache(name);
    assert.deepEqual([cache.name, cache.collection, typeof cache.makePrimary], [name, undefined, "function"]);
  }
  for (const name of ["DIR:", "DIR::", "DIR::/tmp/cc/other", "DIR::tkt", "DIR::/tmp/", "KCM:a\0b"]) {
    assert.throws(() => openCredentialCache(name), { code: "BAD_FILE" }, name);
  }
});

Deno.test("openCredentialCache(): says what to type where it cannot reach a kind", () => {
  const type = "use a file: export KRB5CCNAME=FILE:/tmp/krb5cc_$(id -u); kinit";
  for (const name of ["KEYRING:persistent:0", "API:1", "MSLSA:", "keyring:x"]) {
    const why = new RegExp(`^Cannot open credential cache ${name}: its tickets are in .*cannot read them; use a file`);
    assert.throws(() => openCredentialCache(name), { code: "BAD_FILE", message: why });
  }
  for (const name of ["toString:x", "FOO:x"]) {
    const kind = name.split(":")[0]!.toUpperCase();
    assert.throws(() => openCredentialCache(name), {
      code: "BAD_FILE",
      message: `Cannot open credential cache ${name}: there is no kind ${kind}: ` +
        `(those known are FILE:, DIR:, KCM:, MEMORY:); ${type}`,
    });
  }
  assert.throws(() => openCredentialCache("FILE:"), { code: "BAD_FILE", message: /names no file/ });
});

Deno.test("openCache(): a kind is a row of the table", () => {
  const opened: string[] = [];
  const cache = openCache("TOY:rest", { TOY: (name, rest) => (opened.push(name, rest), new MemoryCredentialCache()) });
  assert.ok(cache instanceof MemoryCredentialCache);
  assert.deepEqual(opened, ["TOY:rest", "rest"]);
});
