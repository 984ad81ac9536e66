/** Contents of credential caches. */
import assert from "node:assert/strict";
import { withCredential } from "../../../kerberos/credentials/cache.ts";
import { decodeCcache } from "../../../kerberos/credentials/formats/ccache.ts";
import { unhex, vectors } from "../../support/vectors.ts";

type CcacheCase = {
  name: string;
  file_hex: string;
  decoded: {
    version: number;
    default_principal: { realm: string; components: string[] };
    credentials: {
      server: { realm: string; components: string[] };
      key: { enctype: number; key_hex: string };
      endtime: number;
      ticket_flags_hex: string;
      ticket_hex: string;
    }[];
  };
};

Deno.test("withCredential(): keeps tickets of other services", () => {
  const data = decodeCcache(unhex(vectors<CcacheCase>("ccache")[0]!.file_hex));
  assert.equal(withCredential(data, data.credentials[1]!).credentials.length, data.credentials.length);
});
