/** `gssocks kinit` and `kvno` beside MIT's, with MIT's KDC: the same options give the same tickets. */
import assert from "node:assert/strict";
import type { Credential } from "../../kerberos/credential.ts";
import { FileCredentialCache } from "../../kerberos/credentials/shell/stores.ts";
import { formatPrincipal } from "../../kerberos/principal.ts";
import { TicketFlag } from "../../kerberos/registry/flags.ts";
import { commandsIn } from "../support/cli_process.ts";
import { type MitKdc, startMitKdc } from "../support/mit_kdc.ts";
import { peer, peerTest } from "../support/peers.ts";
import { run } from "../support/process.ts";
import { until } from "../support/until.ts";

const MIT = ["krb5kdc", "kdb5_util", "kadmin.local", "kinit", "kvno"];

/** Runs our commands one after another. */
async function ours(kdc: MitKdc, ...commands: readonly (readonly string[])[]) {
  const env = { KRB5_CONFIG: kdc.env.KRB5_CONFIG!, KRB5CCNAME: kdc.env.KRB5CCNAME! };
  return await commandsIn(commands, { permissions: ["-A"], env });
}

/** The first ticket of a cache. */
async function ticketIn(cache: string): Promise<Credential> {
  return (await new FileCredentialCache(cache).load())!.credentials.find(({ isConfiguration }) => !isConfiguration)!;
}

/** What options decide about a ticket. */
function facts({ client, server, flags, authtime, starttime, endtime, renewTill }: Credential) {
  const span = (time: number) => time === 0 ? 0 : Math.round((time - authtime) / 60_000);
  return {
    client: formatPrincipal(client),
    server: formatPrincipal(server),
    flags: (flags & ~TicketFlag.EncPaRep) >>> 0,
    minutes: [starttime, endtime, renewTill].map(span),
  };
}

/** Each with a lifetime below the KDC's limit, at which a second more or less would make a ticket renewable (RENEWABLE-OK). */
const OPTIONS: readonly (readonly string[])[] = [
  [],
  ["-f"],
  ["-F"],
  ["-p"],
  ["-P", "-A"],
  ["-l", "1h"],
  ["-l", "90m", "-r", "2d"],
  ["-r", "30d"],
  ["-C"],
  ["-V"],
  ["-S", "kadmin/changepw"],
  ["-s", "1h", "-l", "2h"],
].map((options) => options.includes("-l") ? options : ["-l", "10h", ...options]);

peerTest("kinit: the options of MIT's kinit give the tickets that it gets", MIT, async () => {
  await using kdc = await startMitKdc();
  const caches = OPTIONS.map((_, i) => `FILE:${kdc.directory}/ours${i}`);
  const got = await ours(kdc, ...OPTIONS.map((options, i) => ["kinit", "-c", caches[i]!, ...options, "alice"]));
  for (const [i, options] of OPTIONS.entries()) {
    assert.equal(got[i]!.code, 0, `${options.join(" ")}: ${got[i]!.err}`);
    const theirs = `FILE:${kdc.directory}/theirs`;
    const made = await run(peer("kinit"), ["-c", theirs, ...options, "alice"], { env: kdc.env, stdin: "alicepw\n" });
    assert.equal(made.code, 0, made.stderr);
    assert.deepEqual(facts(await ticketIn(caches[i]!)), facts(await ticketIn(theirs)), options.join(" "));
  }
});

peerTest("kinit -R: a ticket stays renewable, for MIT's kinit too", MIT, async () => {
  await using kdc = await startMitKdc();
  const cache = kdc.env.KRB5CCNAME!;
  const renew = ["kinit", "-R"];
  const got = await ours(kdc, ["kinit", "-l", "1h", "-r", "2d", "alice"], renew, renew, renew);
  assert.deepEqual(got.map(({ code, err }) => [code, err]), got.map(() => [0, ""]));
  const theirs = await run(peer("kinit"), ["-R"], { env: kdc.env });
  assert.equal(theirs.code, 0, theirs.stderr);
  assert.notEqual((await ticketIn(cache)).flags & TicketFlag.Renewable, 0);
});

peerTest("kinit -v: validates a postdated ticket once its time has come", MIT, async () => {
  await using kdc = await startMitKdc();
  const [made, early] = await ours(kdc, ["kinit", "-s", "1h", "alice"], ["kinit", "-v"]);
  assert.equal(made!.code, 0, made!.err);
  assert.deepEqual([early!.code, /KRB_AP_ERR_TKT_NYV/.test(early!.err)], [3, true], early!.err);
  const [unusable] = await ours(kdc, ["kvno", "host/localhost"]);
  assert.match(unusable!.err, /it is postdated, and must be validated first \(kinit -v\)/);
  const [soon] = await ours(kdc, ["kinit", "-s", "1s", "alice"]);
  assert.equal(soon!.code, 0, soon!.err);
  await until("it is validated", async () => (await ours(kdc, ["kinit", "-v"]))[0]!.code === 0);
  assert.equal((await ticketIn(kdc.env.KRB5CCNAME!)).flags & TicketFlag.Invalid, 0);
  const used = await run(peer("kvno"), ["host/localhost"], { env: kdc.env });
  assert.equal(used.code, 0, used.stderr);
});

peerTest("kvno: the options of MIT's kvno get the tickets that it gets", MIT, async () => {
  await using kdc = await startMitKdc();
  const keytab = `${kdc.directory}/kt`;
  await kdc.ktadd(keytab, "host/localhost");
  const options = [
    ["host/localhost"],
    ["-q", "host/localhost"],
    ["-S", "host", "localhost"],
    ["-u", "rcmd/localhost"],
    ["-e", "aes128-cts-hmac-sha1-96", "socks/localhost"],
    ["-k", keytab, "host/localhost"],
    ["host/none", "host/localhost"],
  ];
  const mine = await ours(kdc, ["kinit", "alice"], ...options.map((args) => ["kvno", ...args]));
  const kvnos = (text: string) => [...text.matchAll(/(\S+?)@.*kvno = (\d+)/g)].map(([, name, kvno]) => [name, kvno]);
  for (const [i, args] of options.entries()) {
    const theirs = await run(peer("kvno"), args, { env: kdc.env });
    const { code, out, err } = mine[i + 1]!;
    assert.equal(code === 0, theirs.code === 0, `${args.join(" ")}: ${err} ${theirs.stderr}`);
    assert.deepEqual(kvnos(out), kvnos(theirs.stdout), args.join(" "));
  }
});
