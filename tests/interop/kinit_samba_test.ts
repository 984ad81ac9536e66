/** `gssocks kinit` and `kvno` at a domain controller of Active Directory. */
import assert from "node:assert/strict";
import { FileCredentialCache } from "../../kerberos/credentials/shell/stores.ts";
import { formatPrincipal } from "../../kerberos/principal.ts";
import { TicketFlag } from "../../kerberos/registry/flags.ts";
import { commandsIn } from "../support/cli_process.ts";
import { peerTest } from "../support/peers.ts";
import { SAMBA_PEERS, type SambaDomain, startSamba } from "../support/samba.ts";

/** Runs commands one after another; each `PW:USER` becomes the option with that user's password. */
async function commands(domain: SambaDomain, ...lines: readonly (readonly string[])[]) {
  const env = { KRB5_CONFIG: domain.env.KRB5_CONFIG!, KRB5CCNAME: domain.env.KRB5CCNAME! };
  const given = await Promise.all(lines.map((words) =>
    Promise.all(words.map(async (word) => {
      const [, user] = /^PW:(.*)$/.exec(word) ?? [];
      if (user === undefined) return word;
      const path = `${domain.directory}/${user}.password`;
      await Deno.writeTextFile(path, `${user}pw\n`);
      return `--password-file=${path}`;
    }))
  ));
  return await commandsIn(given, { permissions: ["-A"], env });
}

peerTest("kinit: finds an Active Directory user by every form of his name", SAMBA_PEERS, async () => {
  await using domain = await startSamba();
  const owner = async () => formatPrincipal((await new FileCredentialCache(domain.env.KRB5CCNAME!).load())!.principal);
  for (
    const [words, name] of [
      [["PW:aduser", "-C", "aduser@ad.test"], "aduser@AD.TEST"],
      [["PW:aduser", "-C", "ADUSER@Ad.Test"], "aduser@AD.TEST"],
      [["PW:upnuser", "-E", "first.last@corp.example"], "upnuser@AD.TEST"],
      [["PW:aduser", "-E", "aduser@ad.test@AD.TEST"], "aduser@AD.TEST"],
    ] as const
  ) {
    const [got] = await commands(domain, ["kinit", ...words]);
    assert.equal(got!.code, 0, got!.err);
    assert.equal(await owner(), name);
  }
  const [renamed] = await commands(domain, ["kinit", "PW:aduser", "aduser@ad.test"]);
  assert.match(renamed!.err, /the client is aduser@AD\.TEST, aduser@ad\.test was asked for; .*\(kinit -C\)/);
});

peerTest("kinit -R: a ticket of Active Directory stays renewable", SAMBA_PEERS, async () => {
  await using domain = await startSamba();
  const renew = ["kinit", "-R"];
  const first = ["kinit", "PW:aduser", "-l", "1h", "-r", "2d", "aduser"];
  const got = await commands(domain, first, renew, renew, ["kvno", "rcmd/localhost"]);
  assert.deepEqual(got.map(({ code, err }) => [code, err]), got.map(() => [0, ""]));
  const [tgt] = (await new FileCredentialCache(domain.env.KRB5CCNAME!).load())!.credentials;
  assert.notEqual(tgt!.flags & TicketFlag.Renewable, 0);
});

peerTest("kinit and kvno: say what Active Directory refuses, and what to do", SAMBA_PEERS, async () => {
  await using domain = await startSamba();
  const [, ...refused] = await commands(
    domain,
    ["kinit", "PW:aduser", "aduser"],
    ["kinit", "-c", "MEMORY:", "PW:addisabled", "addisabled"],
    ["kinit", "-c", "MEMORY:", "PW:admustchange", "admustchange"],
    ["kinit", "-c", "MEMORY:", "PW:aduser", "adbob"],
    ["kinit", "-c", "MEMORY:", "PW:aduser", "nobody"],
    ["kinit", "-c", "MEMORY:", "PW:aduser", "-s", "1h", "aduser"],
    ["kvno", "rcmd/127.0.0.1"],
  );
  const wanted = [
    /KDC_ERR_CLIENT_REVOKED.*disabled, or locked.*unlock/,
    /KDC_ERR_KEY_EXPIRED.*password has expired; change it/,
    /KDC_ERR_PREAUTH_FAILED.*wrong password or key/,
    /KDC_ERR_C_PRINCIPAL_UNKNOWN.*no such client.*check the name/,
    /KDC_ERR_POLICY.*policy forbids it/,
    /KDC_ERR_S_PRINCIPAL_UNKNOWN.*rcmd\/127\.0\.0\.1@AD\.TEST.*name in its keytab/,
  ];
  for (const [i, text] of wanted.entries()) {
    assert.equal(refused[i]!.code, 3);
    assert.match(refused[i]!.err, text);
  }
});
