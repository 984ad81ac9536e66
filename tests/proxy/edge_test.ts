/** `./edge`: client and server with nothing of a machine, and what they say where something is missing. */
import assert from "node:assert/strict";
import * as edge from "../../proxy/edge.ts";
import { main } from "../edge/in_memory.ts";
import { kdcBehindHttp } from "../support/kdc_behind_http.ts";

Deno.test("edge: logs in over fetch, and connects through a server in the same program", async () => {
  await using kdc = await kdcBehindHttp();
  const keytab = [...kdc.keytab("rcmd/localhost").encode()];
  const given = { config: kdc.krb5Conf, proxyPort: 1080, echoPort: 7 };
  assert.equal(await main(given, kdc.url, keytab), "confidentiality 300000 as sent");
});

Deno.test("edge: what JavaScript leaves out is named, with what to pass", async () => {
  // deno-lint-ignore no-explicit-any -- what the types exclude.
  const { connect, serve, dialThrough, resolve, bind }: any = edge;
  const dial = () => new Promise(() => {});
  const target = { hostname: "intranet", port: 80 };
  for (const call of [() => connect({ proxy: "p", dial, ...target }), () => bind({ proxy: "p", dial })]) {
    await assert.rejects(call, /^TypeError: Cannot read tickets: .*; pass `credentials`, such as ticketsFrom/);
  }
  const auth = [edge.noAuthentication()];
  const noDial = /Cannot connect over TCP: this runtime has no means for it; pass `dial`: dialWebSocket/;
  await assert.rejects(connect({ proxy: "p", auth, ...target }), noDial);
  await assert.rejects(resolve({ proxy: "p", auth, hostname: "intranet" }), noDial);
  await assert.rejects(dialThrough({ proxy: "p", auth })(target, {}), noDial);
  assert.throws(
    () => serve({ keytab: "/etc/krb5.keytab" }),
    /Cannot read a keytab file: .*; pass `keytab`: Keytab\.decode/,
  );
});

Deno.test("edge: a server listens nowhere", async () => {
  const dial = () => Promise.reject(new Error("unreachable"));
  const resolve = () => Promise.resolve([]);
  const server = edge.serve({ allowUnauthenticated: true, dial, resolve });
  assert.deepEqual(server.addr, { hostname: "0.0.0.0", port: 0 });
  await server.shutdown();
});
