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

Deno.test("openCredentialCache(): names the supported kinds when it refuses another one", () => {
  for (const name of ["DIR:/tmp/cc", "KCM:", "KEYRING:persistent:0", "toString:x"]) {
    assert.throws(() => openCredentialCache(name), {
      code: "BAD_FILE",
      message: `Cannot open credential cache ${name}: only FILE: and MEMORY: are supported`,
    });
  }
  assert.throws(() => openCredentialCache("FILE:"), { code: "BAD_FILE", message: /names no file/ });
});

Deno.test("openCache(): a kind is a row of the table", () => {
  const opened: string[] = [];
  const cache = openCache("TOY:rest", { TOY: (name) => (opened.push(name), new MemoryCredentialCache()) });
  assert.ok(cache instanceof MemoryCredentialCache);
  assert.deepEqual(opened, ["TOY:rest"]);
});
