/** `gssocks kinit` with the options that people know from MIT's. */
import assert from "node:assert/strict";
import { writeKeytab } from "../../../kerberos/credentials/shell/stores.ts";
import { Keytab } from "../../../kerberos/credentials/formats/keytab.ts";
import { Environment } from "../../support/environment.ts";
import { type CliInput, type CliResult, gssocks } from "../../support/run_cli.ts";
import { type RealmFolder, startRealmFolder } from "../../support/realm_folder.ts";

const PRINCIPALS = { bob: "bobpw", "aduser@ad.test": {}, "kadmin/changepw": {} };

/** Runs a test with a realm, whose files the environment names. */
function realmTest(name: string, run: (realm: RealmFolder) => Promise<void>): void {
  Deno.test(name, async () => {
    await using realm = await startRealmFolder({ principals: PRINCIPALS });
    const variables = { KRB5_CONFIG: realm.krb5Conf, KRB5CCNAME: realm.ccache, KRB5_KTNAME: realm.keytab };
    using _environment = new Environment(variables);
    await run(realm);
  });
}

/** The first ticket in the cache. */
async function held(): Promise<{ principal: string; service: string; flags: string[] }> {
  const { principal, tickets } = JSON.parse((await gssocks(["klist", "--json"])).out);
  return { principal, service: tickets[0].service, flags: tickets[0].flags };
}

async function good(args: readonly string[], input: CliInput = { password: "alicepw" }): Promise<CliResult> {
  const got = await gssocks(["kinit", ...args], input);
  assert.equal(got.code, 0, `${args.join(" ")}: ${got.err}`);
  assert.equal(got.out, "");
  return got;
}

realmTest("kinit: -f -F -p -P decide over what krb5.conf says, -A changes nothing", async (realm) => {
  await good(["-f", "-p", "-A", "alice"]);
  const { flags } = await held();
  assert.ok(flags.includes("Forwardable") && flags.includes("Proxiable"));
  const text = await Deno.readTextFile(realm.krb5Conf);
  const more = text.replace("[libdefaults]", "[libdefaults]\nforwardable = true\nproxiable = true");
  await Deno.writeTextFile(realm.krb5Conf, more);
  await good(["alice"]);
  assert.ok((await held()).flags.includes("Proxiable"));
  await good(["-F", "-P", "alice"]);
  const none = (await held()).flags;
  assert.ok(!none.includes("Forwardable") && !none.includes("Proxiable"));
});

realmTest("kinit: -V says which cache, principal and keytab are used", async (realm) => {
  const { err } = await good(["-V", "alice"]);
  const done = "Authenticated to Kerberos v5\n";
  assert.equal(err, `Using default cache: ${realm.ccache}\nUsing principal: alice@GSSOCKS.TEST\n${done}`);
  const keytab = await good(["-V", "-k", "-c", realm.ccache]);
  const named = `Using principal: rcmd/localhost@GSSOCKS.TEST\nUsing keytab: ${realm.keytab}\n`;
  assert.equal(keytab.err, `Using specified cache: ${realm.ccache}\n${named}${done}`);
  await good(["-r", "2d", "alice"]);
  assert.match((await good(["-V", "-R"])).err, /^Using default.*\nUsing principal: alice.*\nAuthenticated.*\n$/);
});

realmTest("kinit: -R renews as often as asked", async () => {
  await good(["-l", "1h", "-r", "2d", "alice"]);
  for (let times = 0; times < 3; times++) {
    await good(["-R"]);
    assert.ok((await held()).flags.includes("Renewable"), `${times}`);
  }
  await good(["-l", "1h", "alice"]);
  const got = await gssocks(["kinit", "-R"]);
  assert.deepEqual([got.code, /KDC_ERR_BADOPTION.*not renewable/.test(got.err)], [3, true], got.err);
});

realmTest("kinit: -E takes an enterprise name with its realm or without", async () => {
  for (const name of ["aduser@ad.test", "aduser@ad.test@GSSOCKS.TEST", "aduser\\@ad.test@GSSOCKS.TEST"]) {
    const { err } = await gssocks(["kinit", "-V", "-E", name], { password: "wrong" });
    assert.match(err, /Using principal: aduser\\@ad\.test@GSSOCKS\.TEST/, name);
  }
  assert.equal((await gssocks(["kinit", "-E"])).code, 2);
  assert.equal((await gssocks(["kinit", "-E", "a@b@C@D"])).code, 2);
});

realmTest("kinit: -S gets the ticket for a service of the client's realm", async () => {
  await good(["-S", "kadmin/changepw", "alice"]);
  assert.equal((await held()).service, "kadmin/changepw@GSSOCKS.TEST");
  await good(["-S", "rcmd/localhost@GSSOCKS.TEST", "alice"]);
  assert.equal((await held()).service, "rcmd/localhost@GSSOCKS.TEST");
  // No ticket-granting ticket is left, and that is said.
  const none = await gssocks(["kvno", "kadmin/changepw"]);
  assert.match(
    none.err,
    /has no ticket-granting ticket of GSSOCKS\.TEST, only a ticket for rcmd\/localhost@.*; run kinit/,
  );
  const abroad = await gssocks(["kinit", "-S", "rcmd/x@OTHER.TEST", "alice"]);
  assert.deepEqual([abroad.code, /client's own realm, GSSOCKS\.TEST/.test(abroad.err)], [2, true]);
});

realmTest("kinit: -i uses the client keytab, and a keytab without the client is named", async (realm) => {
  const path = `${realm.directory}/client.keytab`;
  await writeKeytab(path, new Keytab(realm.kdc.keytab("bob").entries));
  {
    using _environment = new Environment({ KRB5_CLIENT_KTNAME: path });
    assert.match((await good(["-V", "-i"])).err, /bob@GSSOCKS\.TEST\nUsing keytab: .*client\.keytab/);
    await good(["-k", "-i", "bob"]);
  }
  assert.equal((await held()).principal, "bob@GSSOCKS.TEST");
  const other = await gssocks(["kinit", "-k", "-t", path, "alice"]);
  assert.equal(other.code, 3);
  assert.match(other.err, /authenticate alice@GSSOCKS\.TEST: .*; keytab .*client\.keytab has bob@GSSOCKS\.TEST kvno 1/);
});

realmTest("kinit: --password-file reads the first line of a file, or of standard input", async (realm) => {
  const path = `${realm.directory}/password`;
  for (const text of ["alicepw", "alicepw\n", "alicepw\nmore\n", "alicepw\r\n"]) {
    await Deno.writeTextFile(path, text);
    await good([`--password-file=${path}`, "alice"], { password: "not asked for" });
  }
  await good(["--password-file=STDIN", "alice"]);
  await Deno.writeTextFile(path, "");
  for (const [file, text] of [[path, /the file is empty/], [`${path}s`, /passwords: No such file/]] as const) {
    const got = await gssocks(["kinit", "--password-file", file, "alice"]);
    assert.deepEqual([got.code, text.test(got.err)], [1, true], got.err);
  }
});

realmTest(
  "kinit: refuses wrong values and what it cannot do with exit code 2, before anything happens",
  async (realm) => {
    const before = await Deno.readFile(realm.ccache.slice("FILE:".length));
    const wrong: (readonly string[])[] = [
      ["-l", "bogus", "alice"],
      ["-r", "soon", "alice"],
      ["-s", "-1h", "alice"],
      ["-f", "-F", "alice"],
      ["-p", "-P", "alice"],
      ["-i", "-t", "x"],
      ["-k", "--password-file=x"],
      ["-R", "-v"],
      ["-R", "-S", "x"],
      ["-v", "-k"],
      ["a@B@C"],
      ["-n", "alice"],
      ["-a", "alice"],
      ["-T", "x", "alice"],
      ["-X", "X509_user_identity=FILE:x", "-X", "y", "alice"],
      ["-I", "x", "alice"],
    ];
    for (const args of wrong) {
      const got = await gssocks(["kinit", ...args], { password: "alicepw" });
      assert.equal(got.code, 2, `${args.join(" ")}: ${got.err}`);
      assert.match(got.err, /See gssocks kinit --help/);
    }
    assert.match((await gssocks(["kinit", "-n"])).err, /--anonymous \(-n\) cannot be used: .*PKINIT.*not supported/);
    assert.deepEqual(await Deno.readFile(realm.ccache.slice("FILE:".length)), before);
  },
);

realmTest("kinit: -s asks for a postdated ticket, which this KDC does not issue, and -v validates", async () => {
  const got = await gssocks(["kinit", "-s", "1h", "alice"], { password: "alicepw" });
  assert.deepEqual([got.code, /KDC_ERR_CANNOT_POSTDATE.*begin later/.test(got.err)], [3, true], got.err);
  const needless = await gssocks(["kinit", "-v"]);
  assert.deepEqual([needless.code, /KDC_ERR_BADOPTION/.test(needless.err)], [3, true], needless.err);
});
