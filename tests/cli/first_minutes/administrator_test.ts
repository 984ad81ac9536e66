/** The first ten minutes of an administrator: keys, a user with a password, a check, a server, a reload. */
import assert from "node:assert/strict";
import { peerTest } from "../../support/peers.ts";
import { ShellSession } from "../../support/shell_session.ts";

const CONFIG = `{
  "listen": ["127.0.0.1:0"],
  "keytab": "proxy.keytab",
  "methods": ["gssapi", "password"],
  "passwordFile": "users",
  "rules": ["allow localhost"]
}`;

peerTest("first minutes: an administrator checks, starts and reloads a server", ["bash", "script"], async () => {
  await using shell = await ShellSession.open((folder) => ({ KRB5_CONFIG: `${folder}/krb5.conf` }));
  await shell.starts(
    "gssocks kdc --user alice --service rcmd/localhost --keytab proxy.keytab --krb5-conf krb5.conf",
    /Password of alice: [0-9a-f]+\r?\n[^]*KDC of GSSOCKS\.TEST listens on 127\.0\.0\.1:\d+/,
  );
  assert.match(await shell.runs("gssocks klist -k proxy.keytab"), /rcmd\/localhost@GSSOCKS\.TEST/);
  assert.match(await shell.runs("gssocks klsit", 2), /did you mean "klist"\?/);
  const twice = (again: string) => [[/Password for bob: /, "s3cret\r"], [/again: /, `${again}\r`]] as const;
  assert.match(await shell.runs("gssocks passwd users bob", 1, twice("s3cert")), /not the same; nothing is changed/);
  const set = await shell.runs("gssocks passwd users bob", 0, twice("s3cret"));
  assert.doesNotMatch(set, /s3cret/);
  await Deno.writeTextFile(`${shell.folder}/proxy.json`, CONFIG.replace('"rules"', '"ruels"'));
  assert.match(await shell.runs("gssocks serve -f proxy.json --check", 2), /ruels/);
  await Deno.writeTextFile(`${shell.folder}/proxy.json`, CONFIG);
  assert.match(await shell.runs("gssocks serve -f proxy.json --check"), /The configuration is good/);
  await shell.starts("gssocks serve -f proxy.json", /Listening on 127\.0\.0\.1:(\d+)/);
  await Deno.writeTextFile(`${shell.folder}/proxy.json`, CONFIG.replace("localhost", "localhost:8080"));
  await shell.types("kill -HUP %2\r");
  await shell.sees(/Configuration read again/);
  await shell.runs("kill %2; wait %2");
});
