/** What klist shows of caches and keytabs. */
import assert from "node:assert/strict";
import { Credential, type CredentialInit } from "../../../kerberos/credential.ts";
import { KerberosKey } from "../../../kerberos/crypto/key.ts";
import { encodeCcache } from "../../../kerberos/credentials/formats/ccache.ts";
import { Keytab } from "../../../kerberos/credentials/formats/keytab.ts";
import { openCredentialCache } from "../../../kerberos/credentials/shell/stores.ts";
import { parsePrincipal } from "../../../kerberos/principal.ts";
import { contents } from "../../support/cache_contents.ts";
import { gssocks } from "../../support/run_cli.ts";
import { Environment } from "../../support/environment.ts";

const NOON = new Date(2040, 0, 2, 12, 0, 0).getTime();
const HOUR = 3_600_000;

/** A ticket of alice from noon on, for an hour. */
function ticket(service: string, init: Partial<CredentialInit> = {}): Credential {
  return new Credential({
    client: parsePrincipal("alice@A.TEST"),
    server: parsePrincipal(service),
    key: new KerberosKey(18, new Uint8Array(32).fill(7)),
    authtime: NOON,
    endtime: NOON + HOUR,
    flags: 0,
    ticket: new Uint8Array(3),
    ...init,
  });
}

/** Runs a test with a folder, and with its cache file as the default one. */
async function inFolder(credentials: readonly Credential[], run: (folder: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "gssocks-klist-" });
  await Deno.writeTextFile(`${directory}/krb5.conf`, "[libdefaults]\n default_realm = A.TEST\n");
  await Deno.writeFile(`${directory}/cc`, encodeCcache({ principal: parsePrincipal("alice@A.TEST"), credentials }));
  using _environment = new Environment({ KRB5_CONFIG: `${directory}/krb5.conf`, KRB5CCNAME: `FILE:${directory}/cc` });
  try {
    await run(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const shown = async (...args: string[]) => (await gssocks(["klist", ...args])).out;
/** The lines below the heading. */
const lines = async (...args: string[]) => (await shown(...args)).split("\n").slice(4, -1);

Deno.test("klist: shows owner, local times and services, and what letters ask for", async () => {
  const flagged = ticket("krbtgt/A.TEST@A.TEST", { flags: 0x7ffc8000, renewTill: NOON + 24 * HOUR });
  const other = ticket("host/x@A.TEST", {
    client: parsePrincipal("bob@A.TEST"),
    key: new KerberosKey(77, new Uint8Array(5)),
    addresses: [{ addrType: 2, address: Uint8Array.of(192, 0, 2, 1) }, { addrType: 24, address: new Uint8Array(16) }, {
      addrType: 20,
      address: new Uint8Array(16),
    }],
  });
  const setting = ticket("krb5_ccache_conf_data/pa_type/krbtgt@X-CACHECONF:", { ticket: Uint8Array.of(50, 0, 200) });
  await inFolder([flagged, other, setting], async (folder) => {
    const first = "01/02/2040 12:00:00  01/02/2040 13:00:00  krbtgt/A.TEST@A.TEST";
    const second = "01/02/2040 12:00:00  01/02/2040 13:00:00  host/x@A.TEST";
    const renew = "\trenew until 01/03/2040 12:00:00";
    assert.equal(
      await shown(),
      `Ticket cache: FILE:${folder}/cc\nDefault principal: alice@A.TEST\n\n` +
        "Valid starting       Expires              Service principal\n" +
        `${first}\n${renew}\n${second}\n\tfor client bob@A.TEST\n`,
    );
    assert.deepEqual(await lines("-f"), [first, `${renew}, Flags: FfPpDdiRIHATOa`, second, "\tfor client bob@A.TEST"]);
    const etypes = "Etype (skey, tkt): aes256-cts-hmac-sha1-96, unreadable ";
    assert.deepEqual((await lines("-fe")).slice(0, 3), [first, `${renew}, Flags: FfPpDdiRIHATOa`, `\t${etypes}`]);
    assert.deepEqual((await lines("-e")).slice(0, 2), [first, `${renew}, ${etypes}`]);
    assert.equal((await lines("-e"))[3], "\tfor client bob@A.TEST, Etype (skey, tkt): enctype 77, unreadable ");
    assert.equal((await lines("-an"))[2], "\tAddresses: (none)");
    assert.equal((await lines("-a"))[5], "\tAddresses: 192.0.2.1, ::, unknown addrtype 20");
    assert.deepEqual((await lines("-C")).slice(4), ["config: pa_type(krbtgt) = 2\\000\\310"]);
    assert.equal(await shown("-c", `FILE:${folder}/cc`), await shown());
    assert.match(await shown("-V"), /^gssocks \d.*Kerberos version 5\n$/);
    const record = JSON.parse(await shown("--json"));
    assert.deepEqual([record.tickets.length, record.tickets[0].starts], [
      2,
      new Date(NOON).toISOString().replace(".000", ""),
    ]);
  });
});

Deno.test("klist -s: a ticket-granting ticket that is good, or without one any ticket", async () => {
  const tgt = (endtime: number) => ticket("krbtgt/A.TEST@A.TEST", { endtime });
  const service = (endtime: number) => ticket("rcmd/h@A.TEST", { endtime });
  const foreign = ticket("krbtgt/B.TEST@A.TEST");
  for (
    const [credentials, code] of [
      [[tgt(NOON)], 0],
      [[tgt(1e9), service(NOON)], 3],
      [[service(NOON)], 0],
      [[service(1e9)], 3],
      [[tgt(1e9), foreign], 3],
      [[ticket("krb5_ccache_conf_data/x@X-CACHECONF:")], 3],
      [[], 3],
    ] as const
  ) {
    await inFolder(credentials, async () => {
      assert.deepEqual([await gssocks(["klist", "-s"]).then(({ code }) => code)], [code], credentials.join());
      assert.equal(await shown("-s"), "");
    });
  }
});

Deno.test("klist -l, -A: the caches of a collection, the primary first; one that is damaged hides no other", async () => {
  await inFolder([ticket("krbtgt/A.TEST@A.TEST")], async (folder) => {
    const heading = "Principal name                 Cache name\n--------------                 ----------\n";
    assert.equal(await shown("-l"), `${heading}${"alice@A.TEST".padEnd(30)} FILE:${folder}/cc\n`);
    const collection = `DIR:${folder}/dir`;
    const expired = { ...contents("bob@R.TEST"), credentials: [ticket("krbtgt/R.TEST@R.TEST", { endtime: 1e9 })] };
    await openCredentialCache(collection).initialize(contents("alice@R.TEST"));
    await openCredentialCache(`DIR::${folder}/dir/tktB`).initialize(expired);
    await openCredentialCache(`DIR::${folder}/dir/tktB`).makePrimary!();
    await Deno.writeTextFile(`${folder}/dir/tktC`, "garbage");
    const table = await gssocks(["klist", "-l", collection]);
    assert.equal(
      table.out,
      `${heading}${"bob@R.TEST".padEnd(30)} DIR::${folder}/dir/tktB (Expired)\n` +
        `${"alice@R.TEST".padEnd(30)} DIR::${folder}/dir/tkt\n`,
    );
    assert.match(table.err, /Cannot read credential cache .*tktC/);
    const all = await shown("-A", collection);
    assert.deepEqual(all.match(/^Ticket cache: .*$/gm), [
      `Ticket cache: DIR::${folder}/dir/tktB`,
      `Ticket cache: DIR::${folder}/dir/tkt`,
    ]);
    assert.match(all, /\n\nTicket cache/);
    assert.match(await shown(collection), /tktB\nDefault principal: bob@R.TEST\n/);
    const { caches } = JSON.parse(await shown("-l", "--json", collection));
    assert.deepEqual(caches.map(({ expired }: { expired: boolean }) => expired), [true, false]);
    assert.equal(JSON.parse(await shown("-A", "--json", collection)).caches[1].principal, "alice@R.TEST");
    const none = await gssocks(["klist", "-A", `DIR:${folder}/none`]);
    assert.deepEqual([none.code, none.out], [3, ""]);
    assert.match((await gssocks(["klist", `DIR:${folder}/none`])).err, /found \(filename: .*\/none\/tkt\); run kinit/);
  });
});

Deno.test("klist -k: versions and principals; times, enctypes and keys where they are asked for", async () => {
  await inFolder([], async (folder) => {
    const key = new KerberosKey(17, new Uint8Array(16).fill(0xab));
    const entry = { principal: parsePrincipal("rcmd/h@A.TEST"), kvno: 3, key, timestamp: NOON };
    await Deno.writeFile(`${folder}/kt`, new Keytab([entry, { ...entry, kvno: 12345 }]).encode());
    const name = `Keytab name: FILE:${folder}/kt\n`;
    const rule = (length: number) => "-".repeat(length);
    assert.equal(
      await shown("-k", `${folder}/kt`),
      `${name}KVNO Principal\n---- ${rule(74)}\n   3 rcmd/h@A.TEST\n12345 rcmd/h@A.TEST\n`,
    );
    const secret = "ab".repeat(16);
    assert.equal(
      await shown("-kte", `FILE:${folder}/kt`),
      `${name}KVNO Timestamp           Principal\n---- ------------------- ${rule(54)}\n` +
        `   3 01/02/2040 12:00:00 rcmd/h@A.TEST (aes128-cts-hmac-sha1-96) \n` +
        `12345 01/02/2040 12:00:00 rcmd/h@A.TEST (aes128-cts-hmac-sha1-96) \n`,
    );
    for (const args of [["-k"], ["-kte"], ["-k", "--json"]]) {
      assert.doesNotMatch(await shown(...args, `${folder}/kt`), new RegExp(secret, "i"));
    }
    assert.match(await shown("-kK", `${folder}/kt`), new RegExp(`3 rcmd/h@A.TEST \\(0x${secret}\\)\n`));
    assert.equal(JSON.parse(await shown("-kK", "--json", `${folder}/kt`)).entries[0].key, secret);
    using _client = new Environment({ KRB5_CLIENT_KTNAME: `${folder}/kt` });
    assert.ok((await shown("-ki")).startsWith(name));
  });
});
