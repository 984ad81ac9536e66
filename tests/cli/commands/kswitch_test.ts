/** Commands on a collection of caches: kinit, kswitch, kdestroy. */
import assert from "node:assert/strict";
import { openCredentialCache } from "../../../kerberos/credentials/shell/stores.ts";
import { Environment } from "../../support/environment.ts";
import { startRealmFolder } from "../../support/realm_folder.ts";
import { gssocks } from "../../support/run_cli.ts";

Deno.test("kinit, kswitch, kdestroy: each client has a cache in the collection, and one is the primary", async () => {
  await using realm = await startRealmFolder({ principals: { bob: "bobpw" } });
  const name = `DIR:${realm.directory}/dir`;
  using _environment = new Environment({ KRB5_CONFIG: realm.krb5Conf, KRB5CCNAME: name });
  const owners = async () =>
    (await gssocks(["klist", "-l"])).out.split("\n").slice(2, -1).map((line) => line.split("@")[0]);
  const kinit = async (user: string) => (await gssocks(["kinit", user], { password: `${user}pw` })).code;
  const kswitch = (...args: string[]) => gssocks(["kswitch", ...args]);
  assert.deepEqual([await kinit("alice"), await kinit("bob"), await owners()], [0, 0, ["bob", "alice"]]);
  assert.deepEqual([await kinit("alice"), await owners()], [0, ["alice", "bob"]]);
  assert.equal((await gssocks(["kvno", "rcmd/localhost"])).code, 0);
  assert.deepEqual(await kswitch("-p", "bob"), { code: 0, out: "", err: "", stdout: "" });
  assert.deepEqual(await owners(), ["bob", "alice"]);
  const second = (await openCredentialCache(name).collection!.caches())[1]!.name;
  assert.equal((await kswitch("-c", second)).code, 0);
  assert.deepEqual(await owners(), ["alice", "bob"]);
  const nobody = await kswitch("-p", "nobody");
  assert.deepEqual([nobody.code, /Matching credential not found: DIR:.* has no cache of nobody@/.test(nobody.err)], [
    3,
    true,
  ]);
  assert.match((await kswitch("-c", name)).err, /it names a collection; gssocks klist -l/);

  const kdestroy = (...args: string[]) => gssocks(["kdestroy", ...args]);
  assert.equal((await kdestroy("-p", "nobody")).code, 3);
  const first = await kdestroy("-p", "bob");
  assert.deepEqual([first.code, await owners()], [0, ["alice"]]);
  assert.match(first.err, /Other credential caches present, use -A to destroy all/);
  await kinit("bob");
  assert.deepEqual([(await kdestroy()).code, await owners()], [0, ["alice"]]);
  const none = await kdestroy();
  assert.deepEqual([none.code, /No credentials cache found: there is no DIR::/.test(none.err)], [1, true]);
  assert.deepEqual(await kdestroy("-q"), { code: 1, out: "", err: "", stdout: "" });
  await kinit("bob");
  // What cannot be destroyed is told, and keeps none of the others.
  const garbage = `${realm.directory}/dir/tkt0`;
  await Deno.writeTextFile(garbage, "no credential cache");
  assert.equal(
    (await gssocks(["kinit", "-c", `DIR::${realm.directory}/dir/tktz`, "alice"], { password: "alicepw" })).code,
    0,
  );
  const kept = await kdestroy("-A", name);
  assert.deepEqual([kept.code, await owners()], [1, []]);
  assert.match(kept.err, /^gssocks kdestroy: Cannot destroy .*\/tkt0: it is no credential cache/m);
  await Deno.remove(garbage);
  assert.equal((await kdestroy("-A")).code, 0);
});

Deno.test("kinit -V, -R and -v: in a collection, the cache of the principal named, otherwise the primary", async () => {
  await using realm = await startRealmFolder({ principals: { bob: "bobpw" } });
  const name = `DIR:${realm.directory}/dir`;
  using _environment = new Environment({ KRB5_CONFIG: realm.krb5Conf, KRB5CCNAME: name });
  const kinit = (...args: string[]) => gssocks(["kinit", "-V", ...args], { password: `${args.at(-1)}pw` });
  const said = (cache: string, user: string) =>
    `Using default cache: DIR::${realm.directory}/dir/${cache}\nUsing principal: ${user}@GSSOCKS.TEST\n` +
    "Authenticated to Kerberos v5\n";
  assert.equal((await kinit("-r", "2d", "alice")).err, said("tkt", "alice"));
  const second = await kinit("-r", "2d", "bob");
  const file = /dir\/(tkt[0-9a-f]+)$/m.exec(second.err)![1]!;
  assert.equal(second.err, said(file, "bob"));
  assert.equal((await kinit("-R")).err, said(file, "bob"));
  assert.equal((await kinit("-R", "alice")).err, said("tkt", "alice"));
  assert.match((await gssocks(["klist"])).out, /Default principal: bob@/);
  for (const [option, verb] of [["-R", "renew"], ["-v", "validate"]] as const) {
    const nobody = await kinit(option, "nobody");
    const told = new RegExp(`Cannot ${verb}: DIR:.* has the tickets of bob@GSSOCKS.TEST, not of nobody`);
    assert.deepEqual([nobody.code, told.test(nobody.err)], [3, true], nobody.err);
  }
});
