/** Credential caches in files. */
import assert from "node:assert/strict";
import { decodeCcache } from "../../../../kerberos/credentials/formats/ccache.ts";
import { FileCredentialCache } from "../../../../kerberos/credentials/shell/stores.ts";
import type { CcacheCase } from "../../../support/ccache_vectors.ts";
import { unhex, vectors } from "../../../support/vectors.ts";

Deno.test("FileCredentialCache: keeps tickets in a file of mode 0600, replaces, and destroys", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const data = decodeCcache(unhex(vectors<CcacheCase>("ccache")[0]!.file_hex));
    const cache = new FileCredentialCache(`FILE:${directory}/cc`);
    assert.equal(await cache.load(), undefined);
    await cache.initialize({ principal: data.principal, credentials: [] });
    await Promise.all(data.credentials.map((credential) => cache.store(credential)));
    assert.equal((await cache.load())!.credentials.length, data.credentials.length);
    assert.equal((await Deno.stat(`${directory}/cc`)).mode! & 0o777, 0o600);
    await cache.store(data.credentials[0]!);
    assert.equal((await cache.load())!.credentials.length, data.credentials.length);
    await cache.destroy();
    await cache.destroy();
    assert.deepEqual([...Deno.readDirSync(directory)], []);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
