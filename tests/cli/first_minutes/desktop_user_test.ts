/** The first ten minutes of somebody at a desktop: a ticket, what is in the cache, a bridge, curl. */
import assert from "node:assert/strict";
import { serve } from "../../../mod.ts";
import { peerTest } from "../../support/peers.ts";
import { startRealmFolder } from "../../support/realm_folder.ts";
import { origin } from "../../support/servers.ts";
import { ShellSession } from "../../support/shell_session.ts";

peerTest(
  "first minutes: a desktop user gets a ticket and uses curl through a bridge",
  ["bash", "script", "curl"],
  async () => {
    await using realm = await startRealmFolder();
    await using site = origin("the page");
    await using proxy = serve({ port: 0, keytab: realm.keytab, rules: ["allow localhost"] });
    await using shell = await ShellSession.open(() => ({ KRB5_CONFIG: realm.krb5Conf }));
    assert.match(await shell.runs("gssocks --help"), /Commands:[^]*kinit +Get an initial ticket/);
    assert.match(await shell.runs("gssocks klist", 3), /cc/);
    const password = (keys: string) => [[/Password for alice@GSSOCKS\.TEST: /, keys]] as const;
    assert.match(await shell.runs("gssocks kinit alice", 3, password("wrong\r")), /wrong password/);
    assert.match(await shell.runs("gssocks kinit alice", 1, password("\x03")), /Password read interrupted/);
    const got = await shell.runs("gssocks kinit alice", 0, password("alicepw\r"));
    assert.doesNotMatch(got, /alicepw/);
    assert.match(await shell.runs("gssocks klist"), /alice@GSSOCKS\.TEST[^]*krbtgt\/GSSOCKS\.TEST@GSSOCKS\.TEST/);
    await shell.runs("gssocks klist | head -n 1");
    const bridge = `gssocks bridge --proxy localhost:${proxy.addr.port} --listen 127.0.0.1:0`;
    const [, port] = await shell.starts(bridge, /Listening on 127\.0\.0\.1:(\d+)/);
    const curl = `curl -sS --noproxy '' --proxy socks5h://127.0.0.1:${port} http://localhost:${site.addr.port}/`;
    assert.match(await shell.runs(curl), /the page/);
    assert.match(await shell.runs(`KRB5_TRACE=/dev/stderr gssocks kvno rcmd/localhost`), /kvno = 1/);
    await shell.runs("gssocks kdestroy");
    assert.match(await shell.runs("gssocks klist", 3), /cc/);
  },
);
