/** Users of other realms at a server: by the hierarchy of the realms' names, by `[capaths]`, from the library and krb5.conf. */
import assert from "node:assert/strict";
import { loadConfig } from "../../kerberos/system.ts";
import { connect, serve, type ServeOptions } from "../../mod.ts";
import { TestRuntime } from "../support/test_runtime.ts";
import { Forge } from "../support/forge_ap.ts";
import { run } from "../support/process.ts";
import { echoServer } from "../support/servers.ts";
import { utf8 } from "../../base/bytes.ts";

const CLIENT = "WEST.CORP.TEST";
const SERVICE = "EAST.CORP.TEST";

/** Whether a user whose ticket came through `realm` gets to a target. */
async function getsIn(realm: string, options: Partial<ServeOptions> = {}): Promise<boolean> {
  const forge = new Forge({ realm: SERVICE, client: `alice@${CLIENT}`, runtime: new TestRuntime(Date.now()) });
  await using echo = echoServer();
  await using server = serve({
    hostname: "127.0.0.1",
    port: 0,
    keytab: forge.keys,
    rules: [`allow 127.0.0.1,user=alice@${CLIENT}`],
    ...options,
  });
  const credentials = forge.tickets({ ticket: { transited: { trType: 1, contents: utf8(realm) } } });
  try {
    await using _connection = await connect({
      proxy: { hostname: "127.0.0.1", port: server.addr.port },
      hostname: "127.0.0.1",
      port: echo.port,
      credentials,
    });
    return true;
  } catch (error) {
    assert.match(String((error as Error).cause ?? error), /KRB_AP_PATH_NOT_ACCEPTED/);
    return false;
  }
}

Deno.test("serve(): accepts users of a sibling domain, and none by way of a foreign realm", async () => {
  assert.equal(await getsIn("CORP.TEST"), true);
  assert.equal(await getsIn("EVIL.TEST"), false);
});

Deno.test("serve(): applies gssapi.capaths", async () => {
  const capaths = new Map([[CLIENT, new Map([[SERVICE, ["HUB.TEST"]]])]]);
  assert.equal(await getsIn("HUB.TEST", { gssapi: { capaths } }), true);
  assert.equal(await getsIn("CORP.TEST", { gssapi: { capaths } }), false);
});

Deno.test("serve: applies [capaths] of krb5.conf", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const path = `${directory}/krb5.conf`;
    await Deno.writeTextFile(path, `[capaths]\n ${CLIENT} = {\n  ${SERVICE} = HUB.TEST\n }\n`);
    // In a process of its own: the environment is everybody's.
    const code = `
      const { serveOptions } = await import(${
      JSON.stringify(new URL("../../cli/config/serve_options.ts", import.meta.url).href)
    });
      const capaths = (methods) => serveOptions({ methods, keytab: "k" }).gssapi.capaths;
      console.log(JSON.stringify([...capaths(["gssapi"])].map(([client, ways]) => [client, ...ways])));
      console.log(capaths(["none"]));`;
    const args = ["eval", "--no-lock", "--config", new URL("../../deno.json", import.meta.url).pathname, code];
    const { stdout } = await run(Deno.execPath(), args, { env: { KRB5_CONFIG: path, NO_COLOR: "1" } });
    assert.equal(stdout, `[["${CLIENT}",["${SERVICE}",["HUB.TEST"]]]]\nundefined\n`);
    assert.equal(loadConfig({ paths: [path] }).capaths.get(CLIENT)!.get(SERVICE)![0], "HUB.TEST");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
