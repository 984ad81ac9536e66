/** This client with MIT's KDC, MIT's programs with this KDC, and the files of each with the other. */
import assert from "node:assert/strict";
import { decode, encode } from "../../asn1/codec.ts";
import { ByteWriter } from "../../base/bytes.ts";
import { KdcClient } from "../../kerberos/reach/kdc_client.ts";
import type { KdcTransport } from "../../kerberos/reach/transport.ts";
import { passwordKey } from "../../kerberos/exchange/client_key.ts";
import { KerberosTickets } from "../../kerberos/credentials/tickets/tickets.ts";
import { FrameReader } from "../../kerberos/reach/framing.ts";
import { systemTransport } from "../../kerberos/reach/shell/transport.ts";
import type { KerberosConfig } from "../../kerberos/config/krb5_conf.ts";
import { KdcError, KerberosError } from "../../kerberos/errors.ts";
import { handleKdcMessage, startTestKdc } from "../../kerberos/kdc/mod.ts";
import { AsReq, type KdcReq } from "../../kerberos/messages/kdc.ts";
import { formatPrincipal, parsePrincipal } from "../../kerberos/principal.ts";
import { FileCredentialCache, readKeytab, writeKeytab } from "../../kerberos/credentials/shell/stores.ts";
import { startMitKdc } from "../support/mit_kdc.ts";
import { peer, peerTest } from "../support/peers.ts";
import { run } from "../support/process.ts";
import { TcpServer } from "../support/servers.ts";

const MIT = ["krb5kdc", "kdb5_util", "kadmin.local", "kinit", "klist", "kvno", "ktutil"];

function ticketsOf(
  config: KerberosConfig,
  name: string,
  password: string,
  cache?: FileCredentialCache,
): KerberosTickets {
  const client = parsePrincipal(name, { defaultRealm: config.defaultRealm! });
  const kdc = new KdcClient({ config, transport: systemTransport });
  return new KerberosTickets({
    config,
    kdc,
    initial: { client, key: passwordKey(password) },
    ...(cache ? { cache } : {}),
  });
}

peerTest("MIT KDC: issues initial and service tickets of all four enctypes", MIT, async () => {
  await using kdc = await startMitKdc();
  for (const enctype of [17, 18, 19, 20]) {
    const config = { ...kdc.config, defaultTktEnctypes: [enctype], defaultTgsEnctypes: [enctype] };
    for (const [user, password] of [["alice", "alicepw"], ["carol", "carolpw"]] as const) {
      const tickets = ticketsOf(config, user, password);
      const { credential } = await tickets.initialTicket();
      assert.equal(credential.key.enctype, enctype);
      assert.equal(formatPrincipal(credential.server), "krbtgt/MIT.TEST@MIT.TEST");
      const service = await tickets.serviceTicket(parsePrincipal("rcmd/localhost@MIT.TEST"));
      assert.equal(formatPrincipal(service.credential.client), `${user}@MIT.TEST`);
      assert.equal(service.credential.key.enctype, enctype);
    }
  }
});

peerTest("MIT KDC: answers over UDP, and over TCP where the reply is too big", MIT, async () => {
  await using kdc = await startMitKdc();
  for (const udpPreferenceLimit of [1465, 0]) {
    const seen: string[] = [];
    const config = { ...kdc.config, udpPreferenceLimit };
    const client = new KdcClient({
      config,
      transport: {
        send(address, message, options) {
          seen.push(address.protocol);
          return systemTransport.send(address, message, options);
        },
      },
    });
    const initial = { client: parsePrincipal("carol@MIT.TEST"), key: passwordKey("carolpw") };
    await new KerberosTickets({ config, kdc: client, initial }).initialTicket();
    assert.deepEqual([...new Set(seen)], [udpPreferenceLimit === 0 ? "tcp" : "udp"]);
  }
});

peerTest("MIT KDC: signs the request, and the client refuses a changed one", MIT, async () => {
  await using kdc = await startMitKdc();
  const strip = (request: KdcReq): KdcReq => ({
    ...request,
    padata: request.padata!.filter(({ padataType }) => padataType !== 149),
  });
  const weaken = (request: KdcReq): KdcReq => ({ ...request, reqBody: { ...request.reqBody, etype: [17] } });
  for (const user of ["alice", "carol"]) {
    for (const change of [strip, weaken, (request: KdcReq) => weaken(strip(request))]) {
      const transport: KdcTransport = {
        send: (address, message, options) =>
          systemTransport.send(address, encode(AsReq, change(decode(AsReq, message))), options),
      };
      const client = new KdcClient({ config: kdc.config, transport });
      const initial = { client: parsePrincipal(`${user}@MIT.TEST`), key: passwordKey(`${user}pw`) };
      await assert.rejects(
        new KerberosTickets({ config: kdc.config, kdc: client, initial }).initialTicket(),
        (error) =>
          error instanceof KerberosError && error.code === "INTEGRITY" && /changed on its way/.test(error.message),
      );
    }
  }
});

peerTest("MIT kinit: refuses a request that was changed on its way to the KDC", MIT, async () => {
  await using kdc = await startTestKdc({ principals: { alice: { password: "secret", requiresPreauth: false } } });
  const directory = await Deno.makeTempDir();
  // On the way, the element that requests the proof is removed.
  await using between = new TcpServer(async (connection) => {
    const frames = new FrameReader(65_536);
    const buffer = new Uint8Array(8_192);
    for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) {
      frames.receive(buffer.subarray(0, count));
      const message = frames.next();
      if (message === undefined) continue;
      const { padata = [], ...rest } = decode(AsReq, message);
      const stripped = encode(AsReq, { ...rest, padata: padata.filter(({ padataType }) => padataType !== 149) });
      const reply = (await handleKdcMessage(kdc.realm, stripped))!;
      await connection.write(new ByteWriter().u32(reply.length).bytes(reply).finish());
    }
  });
  try {
    const conf = kdc.krb5Conf.replace(`127.0.0.1:${kdc.port}`, `127.0.0.1:${between.port}`)
      .replace("[libdefaults]", "[libdefaults]\n    udp_preference_limit = 1");
    await Deno.writeTextFile(`${directory}/krb5.conf`, conf);
    const env = { KRB5_CONFIG: `${directory}/krb5.conf`, KRB5CCNAME: `FILE:${directory}/cc`, LC_ALL: "C" };
    const got = await run(peer("kinit"), ["alice"], { env, stdin: "secret\n" });
    assert.match(got.stderr, /KDC reply did not match expectations/);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

peerTest("MIT KDC: its errors become KdcError with their names", MIT, async () => {
  await using kdc = await startMitKdc();
  const cases = [
    ["carol", "not-it", "KDC_ERR_PREAUTH_FAILED"],
    ["locked", "lockedpw", "KDC_ERR_CLIENT_REVOKED"],
    ["nobody", "x", "KDC_ERR_C_PRINCIPAL_UNKNOWN"],
  ] as const;
  for (const [user, password, code] of cases) {
    await assert.rejects(
      ticketsOf(kdc.config, user, password).initialTicket(),
      (error) => error instanceof KdcError && error.code === code && !error.message.includes(password),
    );
  }
  await assert.rejects(
    ticketsOf(kdc.config, "alice", "alicepw").serviceTicket(parsePrincipal("none/localhost@MIT.TEST")),
    (error) => error instanceof KdcError && error.code === "KDC_ERR_S_PRINCIPAL_UNKNOWN",
  );
  // Without pre-authentication a wrong password appears only when the reply cannot be decrypted.
  await assert.rejects(
    ticketsOf(kdc.config, "alice", "wrong").initialTicket(),
    (error) => error instanceof KerberosError && error.code === "INTEGRITY",
  );
});

peerTest("MIT klist, kvno, kinit: credential caches work both ways", MIT, async () => {
  await using kdc = await startMitKdc();
  const ours = new FileCredentialCache(`FILE:${kdc.directory}/ours`);
  const tickets = ticketsOf({ ...kdc.config, forwardable: true }, "carol", "carolpw", ours);
  await tickets.serviceTicket(parsePrincipal("rcmd/localhost@MIT.TEST"));
  const env = { ...kdc.env, KRB5CCNAME: ours.name };
  const listed = await run(peer("klist"), ["-ef"], { env });
  assert.equal(listed.code, 0, listed.stderr);
  assert.match(listed.stdout, /Default principal: carol@MIT\.TEST/);
  assert.match(listed.stdout, /rcmd\/localhost@MIT\.TEST/);
  assert.match(listed.stdout, /Flags: F[A-Z]*I/);
  const used = await run(peer("kvno"), ["host/localhost"], { env });
  assert.match(used.stdout, /host\/localhost@MIT\.TEST: kvno = 1/);
  assert.equal((await ours.load())!.credentials.some((c) => c.server.components[0] === "host"), true);

  const made = await run(peer("kinit"), ["-f", "alice"], { env: kdc.env, stdin: "alicepw\n" });
  assert.equal(made.code, 0, made.stderr);
  const cache = new FileCredentialCache(kdc.env.KRB5CCNAME!);
  assert.equal(formatPrincipal((await cache.load())!.principal), "alice@MIT.TEST");
  const theirs = new KerberosTickets({
    config: kdc.config,
    kdc: new KdcClient({ config: kdc.config, transport: systemTransport }),
    cache,
  });
  const { credential } = await theirs.serviceTicket(parsePrincipal("rcmd/localhost@MIT.TEST"));
  assert.equal(formatPrincipal(credential.client), "alice@MIT.TEST");
  const again = await run(peer("klist"), [], { env: kdc.env });
  assert.match(again.stdout, /rcmd\/localhost@MIT\.TEST/);
});

peerTest(
  "MIT ktutil: keytabs work both ways",
  MIT,
  async () => {
    await using kdc = await startMitKdc();
    await kdc.ktadd(`${kdc.directory}/kt`, "carol", "rcmd/localhost");
    const keytab = readKeytab(`${kdc.directory}/kt`);
    assert.equal(keytab.entries.length, 8);
    await writeKeytab(`${kdc.directory}/ours`, keytab);
    const read = await run(peer("ktutil"), [], {
      env: kdc.env,
      stdin: `read_kt ${kdc.directory}/ours\nlist -e\nquit\n`,
    });
    assert.equal(read.stdout.match(/carol@MIT\.TEST/g)?.length, 4, read.stdout);
    assert.match(read.stdout, /aes256-cts-hmac-sha384-192/);
    const in1 = await run(peer("kinit"), ["-k", "-t", `${kdc.directory}/ours`, "carol"], { env: kdc.env });
    assert.equal(in1.code, 0, in1.stderr);
  },
);

peerTest("MIT kinit, kvno, klist: work with the KDC over UDP and TCP", MIT, async () => {
  const directory = await Deno.makeTempDir();
  try {
    await using kdc = await startTestKdc({
      principals: { alice: "secret", bob: { requiresPreauth: false, password: "open" }, "rcmd/localhost": {} },
    });
    await writeKeytab(`${directory}/kt`, kdc.keytab("rcmd/localhost"));
    for (const [name, limit] of [["udp", "1465"], ["tcp", "1"]] as const) {
      const conf = kdc.krb5Conf.replace("[libdefaults]", `[libdefaults]\n    udp_preference_limit = ${limit}`);
      await Deno.writeTextFile(`${directory}/${name}.conf`, conf);
      const env = {
        KRB5_CONFIG: `${directory}/${name}.conf`,
        KRB5CCNAME: `FILE:${directory}/cc`,
        KRB5_TRACE: `${directory}/${name}.trace`,
      };
      for (const [user, password] of [["alice", "secret"], ["bob", "open"]] as const) {
        const got = await run(peer("kinit"), ["-f", "-r", "7d", user], { env, stdin: `${password}\n` });
        assert.equal(got.code, 0, got.stderr);
        const kvno = await run(peer("kvno"), ["-k", `${directory}/kt`, "rcmd/localhost"], { env });
        assert.match(kvno.stdout, /kvno = 1, keytab entry valid/, kvno.stderr);
        const renewed = await run(peer("kinit"), ["-R"], { env });
        assert.equal(renewed.code, 0, renewed.stderr);
      }
      const trace = await Deno.readTextFile(`${directory}/${name}.trace`);
      assert.match(trace, name === "udp" ? /Sending initial UDP request/ : /Sending TCP request/);
      assert.doesNotMatch(trace, name === "udp" ? /Sending TCP request/ : /Sending initial UDP request/);
    }
    const env = { KRB5_CONFIG: `${directory}/tcp.conf`, KRB5CCNAME: `FILE:${directory}/cc` };
    const wrong = await run(peer("kinit"), ["alice"], { env, stdin: "wrong\n" });
    assert.match(wrong.stderr, /Password incorrect/);
    const unknown = await run(peer("kinit"), ["nobody"], { env, stdin: "x\n" });
    assert.match(unknown.stderr, /not found in Kerberos database/);
    // A reply that is too big for UDP makes MIT's client use TCP.
    kdc.faults.maxUdpReply = 300;
    const big = await run(peer("kinit"), ["alice"], {
      env: { ...env, KRB5_CONFIG: `${directory}/udp.conf` },
      stdin: "secret\n",
    });
    assert.equal(big.code, 0, big.stderr);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

peerTest("MIT kvno: crosses from one realm to another", MIT, async () => {
  const directory = await Deno.makeTempDir();
  try {
    await using here = await startTestKdc({ realm: "HERE.TEST", principals: { alice: "secret" } });
    await using there = await startTestKdc({ realm: "THERE.TEST", principals: { "rcmd/far.there.test": {} } });
    await here.realm.trust(there.realm);
    here.realm.referrals.set(".there.test", "THERE.TEST");
    const conf = here.krb5Conf.replace(
      "[realms]",
      `[realms]\n    THERE.TEST = {\n        kdc = 127.0.0.1:${there.port}\n    }`,
    );
    await Deno.writeTextFile(`${directory}/krb5.conf`, conf);
    const env = { KRB5_CONFIG: `${directory}/krb5.conf`, KRB5CCNAME: `FILE:${directory}/cc` };
    assert.equal((await run(peer("kinit"), ["alice"], { env, stdin: "secret\n" })).code, 0);
    const named = await run(peer("kvno"), ["rcmd/far.there.test@THERE.TEST"], { env });
    assert.equal(named.code, 0, named.stderr);
    const referred = await run(peer("kvno"), ["-S", "rcmd", "far.there.test"], { env });
    assert.equal(referred.code, 0, referred.stderr);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
