/** Contents of credential caches. */
import assert from "node:assert/strict";
import { withCredential } from "../../../kerberos/credentials/cache.ts";
import { decodeCcache } from "../../../kerberos/credentials/formats/ccache.ts";
import type { CcacheCase } from "../../support/ccache_vectors.ts";
import { unhex, vectors } from "../../support/vectors.ts";

Deno.test("withCredential(): keeps tickets of other services", () => {
  const data = decodeCcache(unhex(vectors<CcacheCase>("ccache")[0]!.file_hex));
  assert.equal(withCredential(data, data.credentials[1]!).credentials.length, data.credentials.length);
});
