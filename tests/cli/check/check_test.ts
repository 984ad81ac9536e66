/** `gssocks serve --check`: opens all that a start opens, and says what was found. */
import assert from "node:assert/strict";
import { checkKeytab } from "../../../cli/check/keytab.ts";
import { gssocks } from "../../support/run_cli.ts";
import { certificateFor } from "../../support/certificate.ts";
import { peerTest } from "../../support/peers.ts";
import { startRealmFolder } from "../../support/realm_folder.ts";

peerTest("serve --check: says what is in keytab and certificates, as lines and as JSON", ["openssl"], async () => {
  await using realm = await startRealmFolder();
  const { directory, keytab } = realm;
  const { cert, key } = await certificateFor();
  await Deno.writeTextFile(`${directory}/cert.pem`, cert);
  await Deno.writeTextFile(`${directory}/key.pem`, key);
  await Deno.writeTextFile(
    `${directory}/c.json`,
    `// by hand
    { "listen": ["tls://127.0.0.1:0", "unix:${directory}/socket"], "keytab": "${keytab}", "rules": ["allow *:https"],
      "tls": { "certificate": "${directory}/cert.pem", "key": "${directory}/key.pem" }, "admin": "127.0.0.1:0", }`,
  );
  const text = await gssocks(["serve", "--check", "-f", `${directory}/c.json`]);
  const all = `${text.out}${text.err}`;
  assert.match(text.out, /keytab: .*keytab has rcmd\/localhost@GSSOCKS\.TEST: kvno 1 aes256-cts-hmac-sha1-96/);
  assert.match(
    all,
    /tls\.certificate: .* expires on \d{4}-\d\d-\d\d, in \d+ days?; (?:the key belongs to it|renew it)\n/,
  );
  assert.match(text.out, /^listen\[1\]: .*socket can be created\nadmin: 127\.0\.0\.1:0 is free$/m);
  assert.equal(text.code, 0, text.err);
  assert.deepEqual([...Deno.readDirSync(directory)].filter(({ name }) => /socket|gssocks/.test(name)), []);
  const json = await gssocks(["serve", "--check", "--json", "-f", `${directory}/c.json`]);
  const { good, errors, findings } = JSON.parse(json.out);
  assert.deepEqual([good, errors, json.err], [true, 0, ""]);
  const found = findings.find(({ principal }: { principal?: string }) => principal !== undefined);
  assert.deepEqual([found.setting, found.principal, found.keys[0].kvno], ["keytab", "rcmd/localhost@GSSOCKS.TEST", 1]);
});

Deno.test("serve --check: goes on behind an error, and its code is that of the start", async () => {
  const given = ["-l", "127.0.0.1:0", "-k", "/nope/keytab", "--allow", "*"];
  const got = await gssocks(["serve", "--check", ...given]);
  assert.equal(got.code, 1);
  assert.match(got.out, /^listen\[0\]: 127\.0\.0\.1:0 is free\n/);
  assert.match(
    got.err,
    /^Error: keytab: Cannot read keytab \/nope\/keytab: No such file.*\nThe server cannot start: 1 error\n$/m,
  );
  assert.equal((await gssocks(["serve", ...given])).code, 1);
  assert.equal((await gssocks(["serve", "--strict", "-m", "none"])).code, 2);
});

Deno.test("serve --check: compares the keytab with the names that clients ask for", async () => {
  await using realm = await startRealmFolder({ principals: { "rcmd/proxy.corp.test": {} } });
  const { keytab } = realm;
  const look = (hosts: readonly string[], services?: readonly string[]) =>
    checkKeytab({ keytab, services, hosts }).slice(1).map(({ level, text }) => `${level}: ${text}`);
  assert.match(look(["localhost"])[0]!, /^good: clients that use the proxy as localhost ask for rcmd\/localhost/);
  assert.match(
    look(["proxy"])[0]!,
    /^warning: .* ask for rcmd\/proxy, which is not there; it has rcmd\/localhost: use/,
  );
  assert.match(
    look([], ["socks"])[0]!,
    /^warning: .* has no key of socks\/\.\.\., .*; it has rcmd\/localhost; add socks\/FQDN/,
  );
});

Deno.test("serve --check: warns of files of methods that are left out", async () => {
  await using realm = await startRealmFolder();
  const { directory, keytab } = realm;
  const users = `${directory}/users`;
  await gssocks(["passwd", users, "bob"], { password: "secret" });
  const check = async (settings: object) => {
    await Deno.writeTextFile(
      `${directory}/c.json`,
      JSON.stringify({ listen: ["127.0.0.1:0"], rules: ["allow *"], ...settings }),
    );
    const { code, err } = await gssocks(["serve", "--check", "-f", `${directory}/c.json`]);
    assert.equal(code, 0, err);
    return [...err.matchAll(/^Warning: (\w+): \S+ has no effect: methods leaves out "(\w+)"/gm)].map(([, ...found]) =>
      found.join(" ")
    );
  };
  assert.deepEqual(await check({ keytab, methods: ["none"] }), ["keytab gssapi"]);
  assert.deepEqual(await check({ keytab, passwordFile: users, methods: ["gssapi"] }), ["passwordFile password"]);
  assert.deepEqual(await check({ keytab, passwordFile: users, methods: ["gssapi", "password"] }), []);
  assert.deepEqual(await check({ keytab }), []);
});

Deno.test("serve --check: looks for the key of an upstream's principal", async () => {
  await using realm = await startRealmFolder();
  const { directory, keytab } = realm;
  const check = async (principal: string) => {
    const upstreams = { office: { proxy: "localhost:1", keytab, principal } };
    const settings = { listen: ["127.0.0.1:0"], methods: ["none"], rules: ["allow *,upstream=office"], upstreams };
    await Deno.writeTextFile(`${directory}/c.json`, JSON.stringify(settings));
    const { out, err } = await gssocks(["serve", "--check", "-f", `${directory}/c.json`]);
    return `${out}${err}`;
  };
  for (const principal of ["rcmd/localhost", "rcmd/localhost@GSSOCKS.TEST"]) {
    assert.match(await check(principal), /^upstreams\.office: rcmd\/localhost@GSSOCKS\.TEST by its key in \S+keytab$/m);
  }
  assert.match(
    await check("rcmd/local"),
    /^Warning: upstreams\.office: \S+keytab has no key of rcmd\/local: requests through it fail; it has rcmd\/localhost@/m,
  );
});
