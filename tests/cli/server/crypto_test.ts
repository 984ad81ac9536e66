/** The setting `crypto` of a server. */
import assert from "node:assert/strict";
import { chooseCrypto, chosenCrypto } from "../../../kerberos/crypto/core/choice.ts";
import { gssocks } from "../../support/run_cli.ts";

Deno.test("serve: `crypto` in its file chooses what seals and signs; without it the fastest does", async () => {
  const file = await Deno.makeTempFile({ suffix: ".jsonc" });
  try {
    for (const crypto of ["webcrypto", undefined] as const) {
      chooseCrypto(crypto === undefined ? "webcrypto" : "fastest");
      await Deno.writeTextFile(file, JSON.stringify({ listen: ["127.0.0.1:0"], methods: ["none"], crypto }));
      const stopping = new AbortController();
      let during: string | undefined;
      const { code, err } = await gssocks(["serve", "--config", file], {
        signal: stopping.signal,
        onErr: (text) => {
          if (!text.includes("Listening on")) return;
          during = chosenCrypto();
          stopping.abort();
        },
      });
      assert.equal(code, 0, err);
      assert.equal(during, crypto ?? "fastest");
    }
  } finally {
    chooseCrypto("fastest");
    await Deno.remove(file);
  }
});
