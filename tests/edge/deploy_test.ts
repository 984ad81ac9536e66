/** Deno as Deploy restricts it: HTTP alone comes in, connections go out, and SIGINT leaves five seconds. */
import assert from "node:assert/strict";
import { startTestKdc } from "../../kerberos/kdc/mod.ts";
import { connect, dialWebSocket, systemTickets } from "../../mod.ts";
import { Daemon } from "../support/process.ts";
import { echoServer } from "../support/servers.ts";

const HERE = new URL(".", import.meta.url).pathname;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

Deno.test("edge: a proxy with Deploy's restrictions serves WebSockets, and ends a session at SIGINT", async () => {
  await using kdc = await startTestKdc({ principals: { alice: "secret", "rcmd/localhost": {} } });
  await using echo = echoServer();
  const keytab = JSON.stringify([...kdc.keytab("rcmd/localhost").encode()]);
  const how = ["run", "-q", "--no-prompt", "--allow-net", "-c", CONFIG];
  await using deploy = new Daemon(Deno.execPath(), [...how, `${HERE}/deploy.ts`, keytab]);
  const [, port] = await deploy.waitFor(/port (\d+)/);
  const credentials = systemTickets({ config: kdc.config, principal: "alice", password: "secret" });
  const dial = dialWebSocket(`ws://127.0.0.1:${port}/`);
  await using connection = await connect({
    ...{ proxy: "localhost", dial, credentials },
    ...{ hostname: "127.0.0.1", port: echo.port },
  });
  assert.equal(connection.protection, "confidentiality");
  await connection.write(new TextEncoder().encode("hello"));
  assert.equal(await connection.read(new Uint8Array(5)), 5);
  // The session is still open, and would go on.
  const asked = performance.now();
  Deno.kill(deploy.pid, "SIGINT");
  await assert.rejects(connection.read(new Uint8Array(1)).then((count) => assert.notEqual(count, null)));
  assert.equal((await deploy.ended).code, 0);
  assert.ok(performance.now() - asked < 5_000);
  await deploy.waitFor(/closed\nended\n$/);
});
