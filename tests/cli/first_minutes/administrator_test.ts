/** The first ten minutes of an administrator: keys, a user with a password, mistakes, a server, what its log says, reloads. */
import assert from "node:assert/strict";
import { newcomer, startProxy } from "../../support/newcomer.ts";
import { peerTest } from "../../support/peers.ts";
import { origin } from "../../support/servers.ts";

const CONFIG = `{
  // Our first proxy.
  "listen": ["127.0.0.1:0"],
  "keytab": "proxy.keytab",
  "methods": ["gssapi", "password"],
  "passwordFile": "users",
  "rules": ["allow localhost"],
}`;

const CHECK = "gssocks serve --config proxy.json --check";

/** A change of the configuration, the exit code of its check, and what it says. */
const MISTAKES: [from: string, to: string, code: number, said: RegExp][] = [
  ['"proxy.keytab",', '"proxy.keytab"', 2, /proxy\.json: not JSON: a comma is wanted \(line 5, column 3\)/],
  ['"rules"', '"ruels"', 2, /ruels.*did you mean "rules"\?.*line 7/],
  [
    "allow localhost",
    "alow localhost",
    2,
    /rules\[0\]: .*"alow localhost": "allow \.\.\." or "deny \.\.\." wanted.*line 7/,
  ],
  ["proxy.keytab", "/etc/no/keytab", 1, /Error: keytab: Cannot read keytab \/etc\/no\/keytab: No such file/],
  [
    '"gssapi", ',
    "",
    0,
    /Warning: keytab: proxy\.keytab has no effect: methods leaves out "gssapi"; add it, or remove keytab/,
  ],
];

peerTest("first minutes: an administrator is told each mistake, and where it is", ["bash", "script"], async () => {
  await using place = await newcomer();
  const { shell } = place;
  assert.match(await shell.runs("gssocks klist -k proxy.keytab"), /rcmd\/localhost@GSSOCKS\.TEST/);
  assert.match(await shell.runs("gssocks klsit", 2), /did you mean "klist"\?/);
  await shell.writes("proxy.json", CONFIG);
  assert.match(await shell.runs(CHECK, 2), /passwordFile: Cannot read users: No such file or directory/);
  const twice = (again: string) => [[/Password for bob: /, "s3cret\r"], [/again: /, `${again}\r`]] as const;
  assert.match(await shell.runs("gssocks passwd users bob", 1, twice("s3cert")), /not the same; nothing is changed/);
  assert.doesNotMatch(await shell.runs("gssocks passwd users bob", 0, twice("s3cret")), /s3cret/);
  for (const [from, to, code, said] of MISTAKES) {
    await shell.writes("proxy.json", CONFIG.replace(from, to));
    assert.match((await shell.runs(CHECK, code)).replaceAll("\r\n", " "), said);
  }
  await shell.writes("proxy.json", CONFIG);
  const good = await shell.runs(CHECK);
  assert.match(good, /keytab: proxy\.keytab has rcmd\/localhost@GSSOCKS\.TEST: kvno 1 aes256/);
  assert.match(
    good,
    /SIGHUP has these files read again: proxy\.json, proxy\.keytab, users\r\nThe configuration is good\./,
  );
});

peerTest(
  "first minutes: an administrator sees in the log who came, and why not",
  ["bash", "script", "curl"],
  async () => {
    await using place = await newcomer();
    const { shell, login } = place;
    await using site = origin("the page");
    await shell.writes("proxy.json", CONFIG);
    await shell.runs("gssocks passwd users bob", 0, [[/Password for bob: /, "s3cret\r"], [/again: /, "s3cret\r"]]);
    const [, port] = await shell.starts("gssocks serve --config proxy.json", /Listening on 127\.0\.0\.1:(\d+)/);
    await shell.runs("gssocks kinit alice", 0, login);
    const request = `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | gssocks connect --proxy localhost:${port}`;
    assert.match(await shell.runs(`${request} localhost:${site.addr.port}`), /HTTP\/1\.0 200 OK[^]*the page/);
    await shell.finds(
      /\[\d+\] connected 127\.0\.0\.1:\d+ alice@GSSOCKS\.TEST to localhost:\d+ at \S+, rule 1 "allow localhost"/,
    );
    assert.match(await shell.runs(`${request} 10.9.9.9 80`, 5), /its rules do not allow it; ask its administrator/);
    await shell.finds(
      /refused \S+ alice@GSSOCKS\.TEST: 10\.9\.9\.9:80 is not allowed: .*private address, which no rule allows/,
    );
    const curl = (user: string) =>
      `curl -sS --noproxy '' --socks5-basic -x socks5h://${user}@127.0.0.1:${port} http://localhost:${site.addr.port}/`;
    assert.match(await shell.runs(curl("bob:s3cret")), /the page/);
    await shell.runs(curl("bob:wrong"), 97);
    await shell.finds(/refused \S+ \(unauthenticated\): Password of "?bob"? refused/);
    await shell.writes("proxy.json", CONFIG.replace("allow localhost", `deny localhost:${site.addr.port}`));
    await shell.types("kill -HUP %2\r");
    await shell.sees(/Configuration read again/);
    await shell.sees(/rules: \["allow localhost"\] -> \["deny localhost:\d+"\], taken/);
    assert.match(await shell.runs(`${request} localhost:${site.addr.port}`, 5), /NOT_ALLOWED/);
    await shell.finds(/refused \S+ alice@GSSOCKS\.TEST by rule 1: .*rule "deny localhost:\d+"/);
    await shell.writes("proxy.json", CONFIG.replace("allow localhost", "alow localhost"));
    await shell.types("kill -HUP %2\r");
    await shell.sees(/Configuration not read again, the old one stays: proxy\.json: rules\[0\]: .*alow localhost/);
    assert.match(await shell.runs("kill %2; wait %2"), /Done +gssocks serve --config proxy\.json/);
  },
);

peerTest(
  "first minutes: an administrator uses MIT's tools beside ours",
  ["bash", "script", "klist", "kinit"],
  async () => {
    await using place = await newcomer();
    const { shell, login } = place;
    const port = await startProxy(shell);
    assert.match(
      await shell.runs("/usr/bin/klist -ke proxy.keytab"),
      /1 rcmd\/localhost@GSSOCKS\.TEST \(aes256-cts-hmac-sha384-192\)/,
    );
    await shell.runs("/usr/bin/kinit alice", 0, login);
    assert.match(await shell.runs(`gssocks connect --proxy localhost:${port} localhost:1`, 4), /CONNECTION_REFUSED/);
    await shell.finds(/refused \S+ alice@GSSOCKS\.TEST: Cannot connect to 127\.0\.0\.1:1: Connection refused/);
  },
);
