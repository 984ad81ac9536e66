/** A service gets new keys while its server runs: clients with fresh tickets get in, without a signal to anybody. */
import assert from "node:assert/strict";
import { FileCredentialCache, writeKeytab } from "../../kerberos/credentials/shell/stores.ts";
import { KerberosAcceptorCredential, KerberosInitiatorCredential } from "../../kerberos/mech/credentials.ts";
import { type KeySource, Keytab } from "../../kerberos/credentials/formats/keytab.ts";
import { systemTickets } from "../../kerberos/system.ts";
import { hostbasedService } from "../../gss/names.ts";
import { connect, type KeytabNews, serve } from "../../mod.ts";
import { memoryRealm, memoryTickets } from "../support/gss_pair.ts";
import { gssocks } from "../support/run_cli.ts";
import { type RealmFolder, startRealmFolder } from "../support/realm_folder.ts";
import { echoServer } from "../support/servers.ts";

/** The service's keys are others in the KDC; says what the new keytab is, with the old keys and without. */
async function rotate(realm: RealmFolder) {
  const old = realm.kdc.keytab("rcmd/localhost");
  await realm.kdc.realm.addPrincipal("rcmd/localhost", { kvno: 2 });
  const fresh = realm.kdc.keytab("rcmd/localhost");
  assert.ok(fresh.entries.every(({ kvno }) => kvno === 2));
  return { fresh, both: new Keytab([...old.entries, ...fresh.entries]) };
}

const alice = (realm: RealmFolder) =>
  systemTickets({ config: realm.kdc.config, principal: "alice", password: "alicepw" });

Deno.test("serve(): uses a key that was just added to its keytab; old tickets stay valid", async () => {
  await using realm = await startRealmFolder();
  await using echo = echoServer();
  const news: KeytabNews[] = [];
  await using server = serve({
    port: 0,
    keytab: realm.keytab,
    rules: ["allow localhost"],
    gssapi: { onKeytab: (one) => news.push(one) },
  });
  const proxy = { hostname: "localhost", port: server.addr.port };
  const target = { hostname: "127.0.0.1", port: echo.port };
  const login = async (credentials: ReturnType<typeof alice>) => {
    await using connection = await connect({ proxy, credentials, ...target });
    await connection.write(Uint8Array.of(1));
    assert.equal(await connection.read(new Uint8Array(1)), 1);
  };
  await login(realm.tickets);
  const { both, fresh } = await rotate(realm);
  await writeKeytab(realm.keytab, both);
  await login(alice(realm));
  await login(realm.tickets);
  assert.deepEqual(news, [{ path: realm.keytab, error: undefined }]);
  // Keys that the file has no more are not good any more, once it was looked at.
  await writeKeytab(realm.keytab, fresh);
  server.update({ keytab: realm.keytab, rules: ["allow localhost"] });
  await assert.rejects(login(realm.tickets), { code: "GSSAPI_FAILED" });
});

Deno.test("serve: logs that it has read its keytab again", async () => {
  await using realm = await startRealmFolder();
  await using echo = echoServer();
  const stop = new AbortController();
  const port = Promise.withResolvers<number>();
  const serving = gssocks(
    ["serve", "-l", "127.0.0.1:0", "-k", realm.keytab, "--allow", "localhost", "--drain-timeout", "0"],
    {
      signal: stop.signal,
      onErr(text): void {
        const found = /Listening on 127\.0\.0\.1:(\d+)/.exec(text)?.[1];
        if (found !== undefined) port.resolve(Number(found));
      },
    },
  );
  const proxy = { hostname: "localhost", port: await port.promise };
  const { both } = await rotate(realm);
  await writeKeytab(realm.keytab, both);
  await using _connection = await connect({
    proxy,
    credentials: alice(realm),
    hostname: "127.0.0.1",
    port: echo.port,
  });
  stop.abort();
  const { err } = await serving;
  assert.match(err, new RegExp(`^Keytab ${realm.keytab} has changed, and was read again$`, "m"));
});

Deno.test("acceptor: asks for other keys once if none opens the ticket", async () => {
  const realm = await memoryRealm();
  const right = realm.keytab("rcmd/localhost");
  const others = new Keytab([]);
  const accept = async (renew: boolean) => {
    let keys = others;
    let asked = 0;
    const source: KeySource = {
      candidates: (wanted) => keys.candidates(wanted),
      describe: () => keys.describe(),
      renewed(): Promise<boolean> {
        asked++;
        if (renew) keys = right;
        return Promise.resolve(renew);
      },
    };
    const credential = new KerberosInitiatorCredential(memoryTickets([realm]));
    const { token } = await (await credential.initiate(hostbasedService("rcmd", "localhost"))).step();
    const step = await new KerberosAcceptorCredential({ keys: source }).accept().step(token).catch((error) => error);
    return { step, asked };
  };
  const accepted = await accept(true);
  assert.ok(accepted.step.done);
  const refused = await accept(false);
  assert.equal(refused.step.code, "KRB_AP_ERR_NOKEY");
  assert.deepEqual([accepted.asked, refused.asked], [1, 1]);
});

Deno.test("serve(): does not reload a keytab given as an object", async () => {
  await using realm = await startRealmFolder();
  const cache = new FileCredentialCache(realm.ccache);
  await using server = serve({ port: 0, keytab: realm.kdc.keytab("rcmd/localhost"), rules: ["allow localhost"] });
  await rotate(realm);
  const proxy = { hostname: "localhost", port: server.addr.port };
  await assert.rejects(
    connect({ proxy, credentials: alice(realm), hostname: "127.0.0.1", port: 1 }),
    { code: "GSSAPI_FAILED" },
  );
  await cache.destroy();
});
