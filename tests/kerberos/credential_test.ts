/** Credentials. */
import assert from "node:assert/strict";
import { decodeCcache } from "../../kerberos/credentials/formats/ccache.ts";
import type { CcacheCase } from "../support/ccache_vectors.ts";
import { unhex, vectors } from "../support/vectors.ts";

Deno.test("Credential: hides ticket and key from Deno.inspect", () => {
  const { credentials } = decodeCcache(unhex(vectors<CcacheCase>("ccache")[0]!.file_hex));
  const shown = Deno.inspect(credentials[0], { depth: 9, showHidden: true });
  assert.match(shown, /krbtgt/);
  assert.doesNotMatch(shown, /Uint8Array\(\d{2,}\)/);
});
