/** Heimdal: its libgssapi as initiator and acceptor, its KDC with this client, and its clients with this KDC. */
import assert from "node:assert/strict";
import { utf8 } from "../../base/bytes.ts";
import type { GssAcceptorCredential, GssInitiatorCredential } from "../../gss/credential.ts";
import type { GssNegotiation } from "../../gss/negotiation.ts";
import { hostbasedService } from "../../gss/names.ts";
import { spnegoAcceptor } from "../../gss/spnego/acceptor.ts";
import { spnegoInitiator } from "../../gss/spnego/initiator.ts";
import { FileCredentialCache, readKeytab, writeKeytab } from "../../kerberos/credentials/shell/stores.ts";
import { KerberosTickets } from "../../kerberos/credentials/tickets/tickets.ts";
import { enctypeName } from "../../kerberos/crypto/enctypes.ts";
import { KdcError } from "../../kerberos/errors.ts";
import { type ClientKey, keytabKey, passwordKey } from "../../kerberos/exchange/client_key.ts";
import { startTestKdc } from "../../kerberos/kdc/mod.ts";
import type { KerberosContext } from "../../kerberos/mech/context.ts";
import { KerberosAcceptorCredential, KerberosInitiatorCredential } from "../../kerberos/mech/credentials.ts";
import { formatPrincipal, parsePrincipal } from "../../kerberos/principal.ts";
import { systemTransport } from "../../kerberos/reach/shell/transport.ts";
import { KdcClient } from "../../kerberos/reach/kdc_client.ts";
import { TicketFlag } from "../../kerberos/registry/flags.ts";
import { ALL_FLAGS } from "../support/flags.ts";
import { acceptFrom, exchangeWith, GssPeer, initiateTo } from "../support/gss_peer.ts";
import { heimdalConf, type HeimdalKdc, startHeimdalKdc } from "../support/heimdal_kdc.ts";
import { heimdal, peerTest } from "../support/peers.ts";
import { run } from "../support/process.ts";

const SERVICES = [[18, "one0"], [17, "one1"], [20, "one2"], [19, "one3"]] as const;
const [ALL, DELEG] = [2 | 4 | 8 | 16 | 32, 1];
/** GSS_S_GAP_TOKEN (RFC 2744 section 3.9.1). */
const GAP = 16;

/** This side's tickets from Heimdal's KDC. */
function ourTickets(
  kdc: HeimdalKdc,
  { user = "sally", key = passwordKey("sallypw"), enctype = 18, cache }: {
    user?: string;
    key?: ClientKey;
    enctype?: number;
    cache?: FileCredentialCache;
  } = {},
): KerberosTickets {
  const config = { ...kdc.config, defaultTgsEnctypes: [enctype], defaultTktEnctypes: [enctype] };
  const initial = { client: parsePrincipal(`${user}@HEIMDAL.TEST`), key };
  return new KerberosTickets({ config, kdc: new KdcClient({ config, transport: systemTransport }), initial, cache });
}

/** Logs in with Heimdal's kinit. */
async function heimdalLogin(env: Record<string, string>, user: string, ...options: string[]): Promise<void> {
  const args = ["--password-file=STDIN", ...options, user];
  const { code, stderr } = await run(heimdal("kinit"), args, { env, stdin: `${user}pw\n` });
  assert.equal(code, 0, stderr);
}

function heimdalPeer(env: Record<string, string>, spnego: boolean): GssPeer {
  return new GssPeer({ ...env, ...(spnego ? { GSS_PEER_SPNEGO: "1" } : {}) }, heimdal("gss_peer"));
}

async function initiator(kdc: HeimdalKdc): Promise<void> {
  await heimdalLogin(kdc.env, "harry", "--forwardable");
  const kerberos = new KerberosAcceptorCredential({ keys: readKeytab(`${kdc.directory}/kt`) });
  for (const spnego of [false, true]) {
    const credential: GssAcceptorCredential = spnego ? spnegoAcceptor(kerberos) : kerberos;
    for (const [enctype, name] of SERVICES) {
      for (const delegation of [false, true]) {
        await using peer = heimdalPeer(kdc.env, spnego);
        await peer.command(`init ${name}@localhost ${ALL | (delegation ? DELEG : 0)}`);
        const context = await acceptFrom(peer, credential.accept()) as KerberosContext;
        assert.equal(context.attributes.enctype, enctypeName(enctype));
        assert.equal(context.peer.text, "harry@HEIMDAL.TEST");
        const held = context.delegatedCredentials?.credentials.map(String);
        const tgt = ["harry@HEIMDAL.TEST -> krbtgt/HEIMDAL.TEST@HEIMDAL.TEST"];
        assert.deepEqual(held, delegation ? tgt : undefined);
        await exchangeWith(context, peer);
      }
    }
  }
}

async function handedOver(kdc: HeimdalKdc): Promise<void> {
  await heimdalLogin(kdc.env, "harry", "--forwardable");
  await using peer = heimdalPeer(kdc.env, false);
  await peer.command(`init rcmd@localhost ${ALL | DELEG}`);
  const credential = new KerberosAcceptorCredential({ keys: readKeytab(`${kdc.directory}/kt`) });
  using context = await acceptFrom(peer, credential.accept()) as KerberosContext;
  const cache = new FileCredentialCache(`${kdc.directory}/delegated`);
  await cache.initialize(context.delegatedCredentials!);
  const tickets = ourTickets(kdc, { user: "harry", key: passwordKey("wrong"), cache });
  const got = await tickets.serviceTicket(parsePrincipal("one0/localhost@HEIMDAL.TEST"));
  assert.equal(String(got.credential), "harry@HEIMDAL.TEST -> one0/localhost@HEIMDAL.TEST");
}

async function acceptor(kdc: HeimdalKdc): Promise<void> {
  for (const [enctype, name] of SERVICES) {
    const kerberos = new KerberosInitiatorCredential(ourTickets(kdc, { enctype }));
    for (const [spnego, delegation] of [[false, true], [true, false], [false, false], [true, true]] as const) {
      const credential: GssInitiatorCredential = spnego ? spnegoInitiator(kerberos) : kerberos;
      await using peer = heimdalPeer(kdc.env, spnego);
      await peer.command("accept");
      const flags = { mutual: true, replay: true, sequence: true, confidentiality: true, integrity: true, delegation };
      const context = await initiateTo(peer, await credential.initiate(hostbasedService(name, "localhost"), { flags }));
      assert.deepEqual(await peer.command("names"), [
        "names",
        "sally@HEIMDAL.TEST",
        `${name}/localhost@HEIMDAL.TEST`,
      ]);
      assert.deepEqual(await peer.command("delegated"), ["delegated", delegation ? "1" : "0"]);
      await exchangeWith(context, peer);
    }
  }
}

async function issuer(kdc: HeimdalKdc): Promise<void> {
  const keytab = keytabKey(readKeytab(`${kdc.directory}/kt.harry`), parsePrincipal("harry@HEIMDAL.TEST"));
  for (const [enctype, name] of SERVICES) {
    for (const how of [{}, { user: "harry", key: keytab }]) {
      const tickets = ourTickets(kdc, { enctype, ...how });
      const { credential } = await tickets.serviceTicket(parsePrincipal(`${name}/localhost@HEIMDAL.TEST`));
      assert.equal(credential.key.enctype, enctype);
    }
  }
  for (const udpPreferenceLimit of [0, 1465]) {
    const config = { ...kdc.config, udpPreferenceLimit };
    const initial = { client: parsePrincipal("sally@HEIMDAL.TEST"), key: passwordKey("sallypw") };
    const client = new KdcClient({ config, transport: systemTransport });
    await new KerberosTickets({ config, kdc: client, initial }).initialTicket();
  }
  for (
    const [user, password, code] of [
      ["sally", "wrong", "KDC_ERR_PREAUTH_FAILED"],
      ["nobody", "x", "KDC_ERR_C_PRINCIPAL_UNKNOWN"],
      ["gone", "gonepw", "KDC_ERR_POLICY"],
    ] as const
  ) {
    const refused = ourTickets(kdc, { user, key: passwordKey(password) }).initialTicket();
    const error = await refused.then(() => undefined, (reason) => reason);
    assert.ok(error instanceof KdcError && error.code === code, `${user}: ${error}`);
  }
}

async function caches(kdc: HeimdalKdc): Promise<void> {
  const cache = new FileCredentialCache(`${kdc.directory}/ours`);
  await ourTickets(kdc, { cache }).initialTicket();
  const env = { ...kdc.env, KRB5CCNAME: `FILE:${kdc.directory}/ours` };
  const got = await run(heimdal("kgetcred"), ["rcmd/localhost"], { env });
  assert.equal(got.code, 0, got.stderr);
  const { credentials } = (await cache.load())!;
  const names = credentials.filter(({ isConfiguration }) => !isConfiguration).map(({ server }) =>
    formatPrincipal(server)
  );
  assert.deepEqual(names, ["krbtgt/HEIMDAL.TEST@HEIMDAL.TEST", "rcmd/localhost@HEIMDAL.TEST"]);
  const listed = await run(heimdal("klist"), ["-v"], { env });
  assert.match(listed.stdout, /Principal: sally@HEIMDAL\.TEST/);
  assert.match(listed.stdout, /Server: rcmd\/localhost@HEIMDAL\.TEST/);

  await heimdalLogin(kdc.env, "harry");
  const theirs = new FileCredentialCache(`${kdc.directory}/cc`);
  const config = kdc.config;
  const tickets = new KerberosTickets({
    config,
    kdc: new KdcClient({ config, transport: systemTransport }),
    cache: theirs,
  });
  const { credential } = await tickets.serviceTicket(parsePrincipal("rcmd/localhost@HEIMDAL.TEST"));
  assert.equal(String(credential), "harry@HEIMDAL.TEST -> rcmd/localhost@HEIMDAL.TEST");
}

/** Whether an acceptor takes a token, and its channel with it. */
async function boundBy(acceptor: GssNegotiation, token: Uint8Array): Promise<boolean | undefined> {
  const step = await acceptor.step(token);
  return step.done ? step.context.channelBound : undefined;
}

async function binds(kdc: HeimdalKdc): Promise<void> {
  await heimdalLogin(kdc.env, "harry");
  const channelBindings = { applicationData: utf8("tls-server-end-point:abc") };
  const keys = readKeytab(`${kdc.directory}/kt`);
  for (const [theirs, agrees] of [["tls-server-end-point:abc", true], ["another", false]] as const) {
    await using initiating = heimdalPeer(kdc.env, false);
    await initiating.command(`bind ${utf8(theirs).toHex()}`);
    await initiating.command(`init rcmd@localhost ${ALL}`);
    const { token } = await initiating.step();
    const ours = new KerberosAcceptorCredential({ keys }).accept({ channelBindings });
    if (agrees) assert.equal(await boundBy(ours, token), true);
    else await assert.rejects(ours.step(token), { code: "BAD_BINDINGS" });

    await using accepting = heimdalPeer(kdc.env, false);
    await accepting.command(`bind ${utf8(theirs).toHex()}`);
    await accepting.command("accept");
    const credential = new KerberosInitiatorCredential(ourTickets(kdc));
    const negotiation = await credential.initiate(hostbasedService("rcmd", "localhost"), { channelBindings });
    assert.equal((await accepting.step((await negotiation.step()).token)).ok, agrees);
  }
}

async function withoutMutual(kdc: HeimdalKdc): Promise<void> {
  await heimdalLogin(kdc.env, "harry");
  const credential = new KerberosAcceptorCredential({ keys: readKeytab(`${kdc.directory}/kt`) });
  await using initiating = heimdalPeer(kdc.env, false);
  await initiating.command(`init rcmd@localhost ${ALL & ~2}`);
  const { token } = await initiating.step();
  const step = await credential.accept().step(token);
  assert.ok(step.done && step.token === undefined);
  // Heimdal's initiator expects number 0 then, also from Heimdal's acceptor, and loses the first message to the gap.
  const lost = await initiating.unwrap(await step.context.wrap(utf8("lost"), { confidential: true }));
  assert.equal(lost?.major, GAP);
  await exchangeWith(step.context, initiating);
  // The same request once more is a replay.
  await assert.rejects(credential.accept().step(token), { code: "KRB_AP_ERR_REPEAT" });

  await using accepting = heimdalPeer(kdc.env, false);
  await accepting.command("accept");
  const options = { flags: { ...ALL_FLAGS, mutual: false } };
  const initiator = new KerberosInitiatorCredential(ourTickets(kdc));
  const negotiation = await initiator.initiate(hostbasedService("rcmd", "localhost"), options);
  await exchangeWith(await initiateTo(accepting, negotiation), accepting);
}

/** What is tried with one KDC of Heimdal's. */
const CASES: readonly (readonly [name: string, run: (kdc: HeimdalKdc) => Promise<void>])[] = [
  ["its initiator: all four enctypes and delegation, bare and in SPNEGO", initiator],
  ["its initiator: what it delegates gets tickets from its KDC", handedOver],
  ["its acceptor: all four enctypes and delegation, bare and in SPNEGO", acceptor],
  ["both sides refuse different channel bindings", binds],
  ["both ways without mutual authentication, and a replay", withoutMutual],
  ["its KDC: our client by password and keytab, over UDP and TCP; refusals by name", issuer],
  ["its credential cache and ours: each side uses the other's", caches],
];

peerTest("Heimdal: both roles of a context, and its KDC with our client", ["heimdal"], async (t) => {
  await using kdc = await startHeimdalKdc();
  for (const [name, run] of CASES) await t.step(name, () => run(kdc));
});

peerTest("Heimdal's clients: log in at our KDC, get, renew and forward tickets", ["heimdal"], async () => {
  const principals = Object.fromEntries(
    SERVICES.map(([enctype, name]) => [`${name}/localhost`, { enctypes: [enctype] }]),
  );
  await using kdc = await startTestKdc({
    realm: "OURS.TEST",
    principals: { ...principals, alice: "alicepw", open: { password: "openpw", requiresPreauth: false } },
  });
  const directory = await Deno.makeTempDir();
  const env = { KRB5_CONFIG: `${directory}/krb5.conf`, KRB5CCNAME: `FILE:${directory}/cc` };
  try {
    for (const [enctype, name] of SERVICES) {
      const conf = heimdalConf("OURS.TEST", kdc.port, "", [enctypeName(enctype)]);
      await Deno.writeTextFile(env.KRB5_CONFIG, conf);
      await heimdalLogin(env, enctype === 18 ? "open" : "alice", "--renewable");
      for (const [program, args] of [["kgetcred", [`${name}/localhost`]], ["kinit", ["--renew"]]] as const) {
        const { code, stderr } = await run(heimdal(program), args, { env });
        assert.equal(code, 0, `${program}: ${stderr}`);
      }
      const { credentials } = (await new FileCredentialCache(`${directory}/cc`).load())!;
      const tgt = credentials.find(({ server }) => server.components[0] === "krbtgt")!;
      assert.notEqual(tgt.flags & TicketFlag.Renewable, 0);
      assert.equal(tgt.key.enctype, enctype);
    }
    await writeKeytab(`${directory}/kt`, kdc.keytab("alice"));
    const byKeytab = await run(heimdal("kinit"), ["-t", `${directory}/kt`, "alice"], { env });
    assert.equal(byKeytab.code, 0, byKeytab.stderr);
    const enterprise = ["--enterprise", "--password-file=STDIN", "alice@corp.example@OURS.TEST"];
    const upn = await run(heimdal("kinit"), enterprise, { env, stdin: "alicepw\n" });
    assert.equal(upn.code, 0, upn.stderr);
    const wrong = await run(heimdal("kinit"), ["--password-file=STDIN", "alice"], { env, stdin: "wrong\n" });
    assert.match(wrong.stderr, /Password incorrect|Preauthentication failed/i);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
