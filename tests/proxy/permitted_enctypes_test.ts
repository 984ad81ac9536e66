/** `permitted_enctypes` at a server: what it permits of tickets, from the library and from krb5.conf. */
import assert from "node:assert/strict";
import { connect, serve } from "../../mod.ts";
import { Forge } from "../support/forge_ap.ts";
import { run } from "../support/process.ts";
import { echoServer } from "../support/servers.ts";
import { TestRuntime } from "../support/test_runtime.ts";

/** Whether a user with a ticket of AES-256 gets to a target. */
async function getsIn(enctypes: readonly number[]): Promise<boolean> {
  const forge = new Forge({ runtime: new TestRuntime(Date.now()) });
  await using echo = echoServer();
  const place = { hostname: "127.0.0.1", port: 0 };
  await using server = serve({ ...place, keytab: forge.keys, rules: ["allow 127.0.0.1"], gssapi: { enctypes } });
  const proxy = { hostname: "127.0.0.1", port: server.addr.port };
  try {
    await using _connection = await connect({
      proxy,
      hostname: "127.0.0.1",
      port: echo.port,
      credentials: forge.tickets({}),
    });
    return true;
  } catch (error) {
    assert.match(String((error as Error).cause ?? error), /KDC_ERR_ETYPE_NOSUPP/);
    return false;
  }
}

Deno.test("serve(): gssapi.enctypes permits tickets of these enctypes and of no others", async () => {
  assert.equal(await getsIn([17, 18]), true);
  assert.equal(await getsIn([17, 20]), false);
});

Deno.test("serve: takes permitted_enctypes from krb5.conf, and does not start if none of them is supported", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const file = new URL("../../cli/config/serve_options.ts", import.meta.url).href;
    const code = `const { serveOptions } = await import(${JSON.stringify(file)});
      try { console.log(serveOptions({ keytab: "k" }).gssapi.enctypes.join()); } catch (error) { console.log(error.message); }`;
    const args = ["eval", "--no-lock", "--config", new URL("../../deno.json", import.meta.url).pathname, code];
    const enctypes = async (text: string) => {
      await Deno.writeTextFile(`${directory}/krb5.conf`, `[libdefaults]\n${text}\n`);
      const env = { KRB5_CONFIG: `${directory}/krb5.conf`, NO_COLOR: "1" };
      return (await run(Deno.execPath(), args, { env })).stdout.trim();
    };
    assert.equal(await enctypes("permitted_enctypes = aes256-sha2 rc4 aes128-cts"), "20,17");
    assert.equal(await enctypes(""), "18,20,17,19");
    assert.match(await enctypes("permitted_enctypes = rc4"), /permitted_enctypes in .*krb5\.conf, line 2: none/);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
