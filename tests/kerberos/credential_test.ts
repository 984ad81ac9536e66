/** Credentials. */
import assert from "node:assert/strict";
import { decodeCcache } from "../../kerberos/credentials/formats/ccache.ts";
import { unhex, vectors } from "../support/vectors.ts";

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

Deno.test("Credential: hides ticket and key from Deno.inspect", () => {
  const { credentials } = decodeCcache(unhex(vectors<CcacheCase>("ccache")[0]!.file_hex));
  const shown = Deno.inspect(credentials[0], { depth: 9, showHidden: true });
  assert.match(shown, /krbtgt/);
  assert.doesNotMatch(shown, /Uint8Array\(\d{2,}\)/);
});
