/** Credential caches beside MIT's programs: folders, KCM daemons, and what klist shows of files. */
import assert from "node:assert/strict";
import { encode } from "../../asn1/codec.ts";
import { Credential, type CredentialInit } from "../../kerberos/credential.ts";
import { KerberosKey } from "../../kerberos/crypto/key.ts";
import { encodeCcache } from "../../kerberos/credentials/formats/ccache.ts";
import { Keytab } from "../../kerberos/credentials/formats/keytab.ts";
import { openCredentialCache } from "../../kerberos/credentials/shell/stores.ts";
import { Ticket } from "../../kerberos/messages/ap.ts";
import { parsePrincipal } from "../../kerberos/principal.ts";
import { Environment } from "../support/environment.ts";
import { KCM_PEERS, startHeimdalKcm, startSssdKcm } from "../support/kcm_peers.ts";
import { type MitKdc, startMitKdc } from "../support/mit_kdc.ts";
import { peer, peerTest } from "../support/peers.ts";
import { run } from "../support/process.ts";
import { gssocks } from "../support/run_cli.ts";

const NOW = Math.floor(Date.now() / 1000) * 1000;

/** A ticket of alice. Its times are whole seconds. */
function ticket(service: string, init: Partial<CredentialInit> = {}, inside = service): Credential {
  const server = parsePrincipal(service);
  const { realm, components } = parsePrincipal(inside);
  return new Credential({
    client: parsePrincipal("alice@A.TEST"),
    server,
    key: KerberosKey.generate(18),
    authtime: NOW,
    endtime: NOW + 36e6,
    flags: 0x40e10000,
    ticket: encode(Ticket, {
      tktVno: 5,
      realm,
      sname: { nameType: 1, nameString: components },
      encPart: { etype: 18, kvno: 3, cipher: new Uint8Array(40) },
    }),
    ...init,
  });
}

/** What MIT's klist shows, with our names of enctypes, and years in four digits as where the locale is not C. */
async function mitKlist(args: readonly string[], env: Record<string, string>): Promise<string> {
  const { stdout, stderr } = await run(peer("klist"), args, { env: { ...env, LC_ALL: "C" } });
  assert.equal(stderr, "");
  return stdout.replace(/\b(\d\d\/\d\d\/)(\d\d \d\d:)/g, "$120$2").replaceAll("DEPRECATED:", "")
    .replace(/\betype (\d+)/g, "enctype $1")
    .replaceAll("Valid starting     Expires            ", "Valid starting       Expires              ")
    .replace(
      /^KVNO Timestamp {8} (.*)\n---- -+ -(-)-(-+)$/m,
      (_, title, _dash, rest) => `KVNO Timestamp           ${title}\n---- ${"-".repeat(19)} ${rest}-`,
    );
}

/** Tickets of every kind that the output of klist tells apart. */
function manyTickets(): readonly Credential[] {
  const bob = { client: parsePrincipal("bob@A.TEST") };
  const renewable = { renewTill: NOW + 864e5 };
  const setting = { authtime: 0, endtime: 0, flags: 0 };
  return [
    ticket("krbtgt/A.TEST@A.TEST", { ...renewable, flags: 0x50e10000 }),
    ticket("rcmd/p.a.test@A.TEST", { authtime: NOW - 36e6, endtime: NOW - 1000 }),
    ticket("rcmd/q.a.test@A.TEST", { ...bob, ...renewable }),
    ticket("rcmd/r.a.test@A.TEST", { ...bob, flags: 0 }),
    ticket("odd/x@A.TEST", { key: new KerberosKey(77, new Uint8Array(3)), isSkey: true, flags: 0 }, "other/y@A.TEST"),
    ticket("all/x@A.TEST", { flags: 0x7fff8000, starttime: NOW + 60_000 }),
    ticket("a b\\/c@A.TEST", {
      addresses: [{ addrType: 2, address: Uint8Array.of(192, 0, 2, 1) }, {
        addrType: 24,
        address: new Uint8Array(16).fill(1),
      }, { addrType: 99, address: new Uint8Array(3) }],
    }),
    ticket("gone/x@A.TEST", { authtime: 0xffffffff * 1000, endtime: 0 }),
    ticket("krb5_ccache_conf_data/pa_type/krbtgt\\/A.TEST\\@A.TEST@X-CACHECONF:", {
      ...setting,
      ticket: Uint8Array.of(50),
    }),
    ticket("krb5_ccache_conf_data/x@X-CACHECONF:", { ...setting, ticket: Uint8Array.of(0, 200, 65, 92) }),
  ];
}

peerTest("MIT klist: ours shows the same of the same cache and keytab", ["klist"], async () => {
  const directory = await Deno.makeTempDir({ prefix: "gssocks-klist-" });
  try {
    const [cc, kt, conf] = ["cc", "kt", "krb5.conf"].map((name) => `${directory}/${name}`);
    await Deno.writeTextFile(conf!, "[libdefaults]\n default_realm = A.TEST\n");
    const env = { KRB5_CONFIG: conf!, KRB5CCNAME: `FILE:${cc}` };
    using _environment = new Environment(env);
    const file = encodeCcache({ principal: parsePrincipal("alice@A.TEST"), credentials: manyTickets() });
    const key = (kvno: number, enctype: number) => ({
      principal: parsePrincipal("rcmd/p.a.test@A.TEST"),
      kvno,
      key: new KerberosKey(enctype, new Uint8Array(16).fill(kvno)),
      timestamp: NOW,
    });
    await Deno.writeFile(kt!, new Keytab([key(3, 17), key(12345, 23), key(1, 77)]).encode());
    const cacheArgs = ["", "-f", "-e", "-fe", "-fean", "-C", "-l", "-A", "-c"].map((flag) => [flag]);
    const keytabArgs = ["-k", "-kt", "-ke", "-kK", "-ktKe"].map((flags) => [flags, kt!]);
    // The second file ends in the middle of a ticket.
    for (const bytes of [file, file.subarray(0, -20)]) {
      await Deno.writeFile(cc!, bytes);
      for (const given of [...cacheArgs, ...keytabArgs]) {
        const args = given.filter((one) => one !== "");
        assert.equal((await gssocks(["klist", ...args])).out, await mitKlist(args, env), args.join(" "));
      }
    }
    for (
      const [credentials, code] of [[manyTickets(), 0], [
        [ticket("krbtgt/A.TEST@A.TEST", { endtime: NOW })],
        1,
      ]] as const
    ) {
      await Deno.writeFile(cc!, encodeCcache({ principal: parsePrincipal("alice@A.TEST"), credentials }));
      assert.equal((await run(peer("klist"), ["-s"], { env })).code, code);
      assert.equal((await gssocks(["klist", "-s"])).code, code * 3);
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

/** MIT's programs and ours on one collection of caches, by turns. */
async function onOneCollection(kdc: MitKdc, name: string, conf: string): Promise<void> {
  const krb5Conf = `${kdc.directory}/both.conf`;
  await Deno.writeTextFile(krb5Conf, `${kdc.krb5Conf}${conf}`);
  const env = { ...kdc.env, KRB5_CONFIG: krb5Conf, KRB5CCNAME: name };
  using _environment = new Environment({ KRB5_CONFIG: krb5Conf, KRB5CCNAME: name });
  const mit = async (program: string, args: readonly string[], stdin?: string) => {
    const got = await run(peer(program), args, { env, ...(stdin === undefined ? {} : { stdin }) });
    assert.equal(got.code, 0, `${program} ${args}: ${got.stderr}`);
    return got.stdout;
  };
  const ours = async (args: readonly string[], password = "") => {
    const got = await gssocks(args, { password });
    assert.equal(got.code, 0, `${args}: ${got.err}`);
    return got.out;
  };
  /** Clients of the caches, the primary first; both programs say the same. */
  const clients = async () => {
    const table = await ours(["klist", "-l"]);
    assert.equal(table, await mit("klist", ["-l"]));
    return table.split("\n").slice(2, -1).map((line) => line.split("@")[0]);
  };
  await ours(["kinit", "alice"], "alicepw");
  assert.deepEqual(await clients(), ["alice"]);
  await mit("kinit", ["carol"], "carolpw\n");
  assert.deepEqual(await clients(), ["carol", "alice"]);
  await ours(["kvno", "rcmd/localhost"]);
  await mit("kvno", ["host/localhost"]);
  assert.equal(await ours(["klist", "-A", "-e"]), await mitKlist(["-A", "-e"], env));
  assert.match(await ours(["klist"]), /carol@[^]*rcmd\/localhost@[^]*host\/localhost@/);
  await mit("kswitch", ["-p", "alice"]);
  assert.deepEqual(await clients(), ["alice", "carol"]);
  await ours(["kswitch", "-p", "carol"]);
  assert.deepEqual(await clients(), ["carol", "alice"]);
  await ours(["kinit", "alice"], "alicepw");
  assert.deepEqual(await clients(), ["alice", "carol"]);
  // Each client has one cache, and the tickets of the other client are still there.
  assert.match(await mit("klist", ["-A"]), /rcmd\/localhost@/);
  await mit("kdestroy", ["-p", "carol"]);
  assert.equal((await openCredentialCache(name, kcmSocketOf(conf)).collection!.caches()).length, 1);
  await ours(["kdestroy", "-A"]);
  assert.equal((await run(peer("klist"), ["-s"], { env })).code, 1);
  assert.equal((await gssocks(["klist", "-s"])).code, 3);
}

function kcmSocketOf(conf: string): { readonly kcmSocket?: string | undefined } {
  return { kcmSocket: /kcm_socket = (.*)/.exec(conf)?.[1] };
}

peerTest("MIT kinit, klist, kswitch, kdestroy: one DIR collection with ours", ["krb5kdc", "kswitch"], async () => {
  await using kdc = await startMitKdc();
  await onOneCollection(kdc, `DIR:${kdc.directory}/dir`, "");
});

peerTest("Heimdal kcm: one KCM collection for MIT's programs and ours", ["krb5kdc", "kcm", ...KCM_PEERS], async () => {
  await using kdc = await startMitKdc();
  await using daemon = await startHeimdalKcm();
  await onOneCollection(kdc, "KCM:", `[libdefaults]\n  kcm_socket = ${daemon.socket}\n`);
});

peerTest(
  "SSSD KCM: one KCM collection for MIT's programs and ours",
  ["krb5kdc", "sssd_kcm", ...KCM_PEERS],
  async () => {
    await using kdc = await startMitKdc();
    await using daemon = await startSssdKcm();
    await onOneCollection(kdc, "KCM:", `[libdefaults]\n  kcm_socket = ${daemon.socket}\n`);
  },
);
