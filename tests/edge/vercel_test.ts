/** Vercel's edge runtime, really run: client, server, mechanism and tickets, with the KDC behind HTTP. */
import assert from "node:assert/strict";
import { asScript, bundle } from "../support/bundle.ts";
import { kdcBehindHttp } from "../support/kdc_behind_http.ts";
import { peer, peerTest } from "../support/peers.ts";
import { run } from "../support/process.ts";

const PEERS: readonly string[] = ["runtimes", "node 22", "node 24"];

peerTest("edge-runtime: password login over fetch, and a sealed CONNECT in memory", PEERS, async () => {
  await using kdc = await kdcBehindHttp();
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/bundle.js`, await asScript(await bundle("tests/edge/vercel_entry.ts")));
    const body = {
      given: { config: kdc.krb5Conf, proxyPort: 1080, echoPort: 7 },
      kdcUrl: kdc.url,
      keytab: [...kdc.keytab("rcmd/localhost").encode()],
    };
    await Deno.writeTextFile(
      `${folder}/run.mjs`,
      `import { readFileSync } from "node:fs";
      import { createRequire } from "node:module";
      const { EdgeRuntime } = createRequire(${JSON.stringify(`${peer("runtimes")}/x.js`)})("edge-runtime");
      const runtime = new EdgeRuntime({ initialCode: readFileSync(${JSON.stringify(`${folder}/bundle.js`)}, "utf8") });
      const body = ${JSON.stringify(JSON.stringify(body))};
      const response = await runtime.dispatchFetch("http://edge.test/", { method: "POST", body });
      console.log(await response.text());`,
    );
    for (const node of ["node 22", "node 24"]) {
      const { stdout, stderr } = await run(peer(node), [`${folder}/run.mjs`]);
      assert.equal(stdout.trim(), "confidentiality 300000 as sent", `${node}: ${stderr}`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
