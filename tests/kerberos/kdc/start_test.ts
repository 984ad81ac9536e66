/** The test KDC as users of other programs see it: accounts, its clock, its files. */
import assert from "node:assert/strict";
import { connect, serve, systemTickets } from "../../../mod.ts";
import { readKeytab } from "../../../kerberos/credentials/shell/stores.ts";
import { parsePrincipal } from "../../../kerberos/principal.ts";
import { KdcError } from "../../../kerberos/errors.ts";
import { startTestKdc, type TestKdc, type TestKdcOptions } from "../../../kerberos/kdc/mod.ts";
import { echoServer } from "../../support/servers.ts";
import { peer, peerTest } from "../../support/peers.ts";
import { run } from "../../support/process.ts";

/** Returns the name of the error that alice's login is refused with; "" if it is not. */
async function login(kdc: TestKdc, password = "secret"): Promise<string> {
  try {
    const { config, clock: runtime } = kdc;
    await systemTickets({ config, runtime, principal: "alice", password }).initialTicket();
    return "";
  } catch (error) {
    assert.ok(error instanceof KdcError, String(error));
    return error.code;
  }
}

const HOUR = 3_600_000;

Deno.test("startTestKdc(): refuses expired, locked and disabled accounts", async () => {
  const now = Date.now();
  await using kdc = await startTestKdc();
  const cases: [object, string][] = [
    [{}, ""],
    [{ disabled: true }, "KDC_ERR_CLIENT_REVOKED"],
    [{ expires: now - HOUR }, "KDC_ERR_NAME_EXP"],
    [{ expires: now + HOUR }, ""],
    [{ passwordExpires: 0 }, "KDC_ERR_KEY_EXPIRED"],
    [{ passwordExpires: now + HOUR }, ""],
  ];
  for (const [options, code] of cases) {
    await kdc.realm.addPrincipal("alice", { password: "secret", ...options });
    assert.equal(await login(kdc), code, JSON.stringify(options));
  }
  kdc.clock.advance(2 * HOUR);
  assert.equal(await login(kdc), "KDC_ERR_KEY_EXPIRED", "the clock moved past the end");
});

Deno.test("startTestKdc(): locks an account after wrong passwords in a row", async () => {
  const alice = { password: "secret", lockAfter: 2 };
  await using kdc = await startTestKdc({ principals: { alice } });
  assert.equal(await login(kdc, "wrong"), "KDC_ERR_PREAUTH_FAILED");
  assert.equal(await login(kdc), "", "a right one in between starts the count again");
  assert.equal(await login(kdc, "wrong"), "KDC_ERR_PREAUTH_FAILED");
  assert.equal(await login(kdc, "wrong"), "KDC_ERR_PREAUTH_FAILED");
  assert.equal(await login(kdc), "KDC_ERR_CLIENT_REVOKED");
  await kdc.realm.addPrincipal("alice", alice);
  assert.equal(await login(kdc), "");
});

Deno.test("startTestKdc(): an expired service gets no tickets", async () => {
  await using kdc = await startTestKdc({ principals: { alice: "secret", "rcmd/localhost": { expires: 1 } } });
  const tickets = systemTickets({ config: kdc.config, principal: "alice", password: "secret" });
  await assert.rejects(
    tickets.serviceTicket(parsePrincipal("rcmd/localhost@GSSOCKS.TEST")),
    /KDC_ERR_SERVICE_EXP/,
  );
});

/** A proxy and a client on the KDC's clock. */
async function startProxy(options: TestKdcOptions = {}) {
  const kdc = await startTestKdc({ principals: { alice: "secret", "rcmd/localhost": {} }, ...options });
  const target = echoServer();
  const server = serve({
    port: 0,
    keytab: kdc.keytab("rcmd/localhost"),
    rules: ["allow localhost"],
    gssapi: { runtime: kdc.clock },
  });
  const credentials = systemTickets({ config: kdc.config, runtime: kdc.clock, principal: "alice", password: "secret" });
  const proxy = `localhost:${server.addr.port}`;
  return {
    kdc,
    credentials,
    connect: async () => {
      using connection = await connect({ proxy, credentials, hostname: "127.0.0.1", port: target.port });
      return connection.protection;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      for (const part of [server, target, kdc]) await part[Symbol.asyncDispose]();
    },
  };
}

Deno.test("TestClock: moves a KDC, a client and a server together, so that tickets expire", async () => {
  await using all = await startProxy({ maxLifetime: HOUR });
  assert.equal(await all.connect(), "confidentiality");
  const { credential: { endtime } } = await all.credentials.initialTicket();
  all.kdc.clock.advance(2 * HOUR);
  assert.equal(await all.connect(), "confidentiality", "the client got new tickets, which the server takes");
  assert.ok((await all.credentials.initialTicket()).credential.endtime > endtime);
  assert.throws(() => all.kdc.clock.advance(NaN), TypeError);
});

Deno.test("KdcFaults: kvnoOffset stands for a key that was changed at the KDC", async () => {
  await using all = await startProxy();
  all.kdc.faults.kvnoOffset = 1;
  await assert.rejects(all.connect(), /Service rcmd.localhost@GSSOCKS.TEST refused: KRB_AP_ERR_BADKEYVER/);
});

Deno.test("startTestKdc(): files() writes what is asked for, and removes only its own folder", async () => {
  await using kdc = await startTestKdc({ principals: { alice: "secret", "rcmd/localhost": {} } });
  const directory = await Deno.makeTempDir();
  try {
    await using kept = await kdc.files({ directory });
    assert.deepEqual([...Deno.readDirSync(directory)].map(({ name }) => name), ["krb5.conf"]);
    assert.equal(await Deno.readTextFile(kept.krb5Conf), kdc.krb5Conf);
    await kept[Symbol.asyncDispose]();
    assert.ok(Deno.statSync(kept.krb5Conf).isFile);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
  const files = await kdc.files({ keytab: ["rcmd/localhost"], client: "alice" });
  assert.equal(readKeytab(files.keytab).entries.length, 4);
  assert.equal(Deno.statSync(files.keytab).mode! & 0o777, 0o600);
  await files[Symbol.asyncDispose]();
  assert.throws(() => Deno.statSync(files.directory), Deno.errors.NotFound);
  await assert.rejects(kdc.files({ keytab: ["nobody"] }), TypeError);
});

peerTest("startTestKdc(): files() serves MIT's tools", ["klist", "kvno"], async () => {
  await using kdc = await startTestKdc({ principals: { alice: "secret" } });
  await kdc.realm.addPrincipal("HTTP/localhost");
  await using files = await kdc.files({ keytab: ["HTTP/localhost"], client: "alice" });
  const { code, stdout, stderr } = await run(peer("kvno"), ["-k", files.keytab, "HTTP/localhost"], { env: files.env });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /HTTP\/localhost@GSSOCKS\.TEST: kvno = 1, keytab entry valid/);
  assert.match((await run(peer("klist"), [], { env: files.env })).stdout, /Default principal: alice@GSSOCKS\.TEST/);
});
