/** The first ten minutes of somebody at a desktop: a ticket, what is in the cache, a bridge, curl, and what is said when something is gone. */
import assert from "node:assert/strict";
import { newcomer, startProxy } from "../../support/newcomer.ts";
import { peerTest } from "../../support/peers.ts";
import { origin } from "../../support/servers.ts";
import type { ShellSession } from "../../support/shell_session.ts";

const PROMPT = /Password for alice@GSSOCKS\.TEST: /;

/** Starts a bridge as the next job; returns its port. */
async function startBridge(shell: ShellSession, proxy: string): Promise<string> {
  const bridge = `gssocks bridge --proxy localhost:${proxy} --listen 127.0.0.1:0`;
  return (await shell.starts(bridge, /Listening on 127\.0\.0\.1:(\d+)/))[1]!;
}

peerTest("first minutes: a desktop user mistypes a password, and then has a ticket", ["bash", "script"], async () => {
  await using place = await newcomer();
  const { shell, password } = place;
  const answer = (keys: string) => [[PROMPT, keys]] as const;
  assert.match(await shell.runs("gssocks --help"), /Commands:[^]*kinit +Get an initial ticket/);
  assert.match(await shell.runs("gssocks klist", 3), /No credentials cache found \(filename: .*\/cc\); run kinit/);
  assert.match(await shell.runs("gssocks kinti", 2), /did you mean "kinit"\?/);
  const nobody = await shell.runs("gssocks kinit alcie", 3, [[/Password for alcie@GSSOCKS\.TEST: /, "x\r"]]);
  assert.match(nobody, /no such client in this realm; check the name/);
  assert.match(await shell.runs("gssocks kinit alice", 3, answer("wrong\r")), /KDC_ERR_PREAUTH_FAILED.*wrong password/);
  assert.match(await shell.runs("gssocks kinit alice", 1, answer("\x03")), /Password read interrupted/);
  const got = await shell.runs("gssocks kinit alice", 0, answer(`wrong\x15${password}\r`));
  assert.doesNotMatch(got, new RegExp(`wrong|${password}`));
  const listed = await shell.runs("gssocks klist");
  assert.match(listed, /Default principal: alice@GSSOCKS\.TEST[^]*krbtgt\/GSSOCKS\.TEST@GSSOCKS\.TEST/);
  assert.match(await shell.runs("gssocks klist | head -n 1"), /Ticket cache: FILE:/);
  assert.match(await shell.runs("KRB5_TRACE=/dev/stderr gssocks kvno rcmd/localhost"), /TGS-REP[^]*kvno = 1/);
  await shell.runs("gssocks kdestroy");
  await shell.runs("gssocks klist", 3);
});

peerTest("first minutes: a desktop user uses curl through a bridge", ["bash", "script", "curl"], async () => {
  await using place = await newcomer();
  const { shell, login } = place;
  await using site = origin("the page");
  const bridge = await startBridge(shell, await startProxy(shell));
  await shell.sees(/Warning: no ticket to use the proxy with: no credentials cache found \(FILE:.*\); run kinit first/);
  const url = `http://localhost:${site.addr.port}/`;
  const curl = {
    socks: `ALL_PROXY=socks5h://127.0.0.1:${bridge} curl -sSi`,
    http: `http_proxy=http://127.0.0.1:${bridge} curl -sSi`,
  };
  await shell.runs("gssocks kinit alice", 0, login);
  for (const program of Object.values(curl)) assert.match(await shell.runs(`${program} ${url}`), /200 OK[^]*the page/);
  assert.match(await shell.runs("gssocks klist"), /rcmd\/localhost@GSSOCKS\.TEST/);
  const denied = await shell.runs(`${curl.http} http://10.9.9.9/`);
  assert.match(denied, /^HTTP\/1\.1 403 [^]*its rules do not allow it; ask its administrator \(NOT_ALLOWED\)/m);
  await shell.runs("gssocks kdestroy");
  const gone = await shell.runs(`${curl.http} ${url}`);
  assert.match(
    gone,
    /^HTTP\/1\.1 502 [^]*\r\nCannot authenticate to proxy .*no credentials cache found \(FILE:.*\); run kinit first/m,
  );
  await shell.runs(`${curl.socks} ${url}`, 97);
  await shell.runs("gssocks kinit alice", 0, login);
  assert.match(await shell.runs(`${curl.socks} ${url}`), /200 OK[^]*the page/);
  await shell.runs("kill %2; wait %2");
  assert.match(
    await shell.runs(`${curl.http} ${url}`),
    /^HTTP\/1\.1 502 [^]*Cannot reach proxy localhost:\d+: .*refused/m,
  );
  assert.match(await shell.runs("kill %3; wait %3"), /Done +gssocks bridge/);
});

peerTest(
  "first minutes: a desktop user mixes MIT's tools with ours",
  ["bash", "script", "curl", "kinit", "klist", "kdestroy"],
  async () => {
    await using place = await newcomer();
    const { shell, login } = place;
    await using site = origin("the page");
    const bridge = await startBridge(shell, await startProxy(shell));
    await shell.runs("/usr/bin/kinit alice", 0, login);
    assert.match(await shell.runs("gssocks klist"), /Default principal: alice@GSSOCKS\.TEST/);
    const curl = `http_proxy=http://127.0.0.1:${bridge} curl -sS http://localhost:${site.addr.port}/`;
    assert.match(await shell.runs(curl), /the page/);
    assert.match(await shell.runs("/usr/bin/klist"), /rcmd\/localhost@GSSOCKS\.TEST/, "the bridge's ticket");
    await shell.runs("/usr/bin/kdestroy");
    assert.match(await shell.runs(curl), /run kinit first/);
  },
);
