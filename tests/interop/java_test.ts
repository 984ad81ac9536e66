/** Java's own Kerberos and GSS-API with this KDC, this initiator and this acceptor. One JVM runs all cases. */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../base/bytes.ts";
import type { GssAcceptorCredential, GssInitiatorCredential } from "../../gss/credential.ts";
import type { ChannelBindings } from "../../gss/channel_bindings.ts";
import { hostbasedService } from "../../gss/names.ts";
import { spnegoAcceptor } from "../../gss/spnego/acceptor.ts";
import { spnegoInitiator } from "../../gss/spnego/initiator.ts";
import { GssError } from "../../gss/status.ts";
import { FileCredentialCache, writeKeytab } from "../../kerberos/credentials/shell/stores.ts";
import { KerberosTickets } from "../../kerberos/credentials/tickets/tickets.ts";
import { enctypeName } from "../../kerberos/crypto/enctypes.ts";
import { passwordKey } from "../../kerberos/exchange/client_key.ts";
import { startTestKdc, type TestKdc } from "../../kerberos/kdc/mod.ts";
import type { KerberosContext } from "../../kerberos/mech/context.ts";
import { KerberosAcceptorCredential, KerberosInitiatorCredential } from "../../kerberos/mech/credentials.ts";
import { parsePrincipal } from "../../kerberos/principal.ts";
import { KdcClient } from "../../kerberos/reach/kdc_client.ts";
import { systemTransport } from "../../kerberos/reach/shell/transport.ts";
import { commandsIn } from "../support/cli_process.ts";
import { ALL_FLAGS } from "../support/flags.ts";
import { acceptFrom, exchangeWith, GssPeer, initiateTo } from "../support/gss_peer.ts";
import { peer, peerTest } from "../support/peers.ts";

const PEERS = ["java", "GssPeer.class"];
const SERVICES = [[18, "one0"], [17, "one1"], [20, "one2"], [19, "one3"]] as const;
const [ALL, MUTUAL, DELEG, BY_DELEGATION] = [2 | 4 | 8 | 16 | 32, 2, 1, 1024];

/** A KDC of ours, Java's peer, and the files of both. */
interface Setup {
  readonly kdc: TestKdc;
  readonly java: GssPeer;
  readonly directory: string;
  readonly initiator: KerberosInitiatorCredential;
  readonly acceptor: KerberosAcceptorCredential;
}

/** This side's tickets, from a cache alone or by password. */
function ourTickets({ config }: TestKdc, cache?: FileCredentialCache): KerberosTickets {
  const initial = cache ? undefined : { client: parsePrincipal("bob@OURS.TEST"), key: passwordKey("bobpw") };
  const forwardable = { ...config, forwardable: true };
  const kdc = new KdcClient({ config: forwardable, transport: systemTransport });
  return new KerberosTickets({ config: forwardable, kdc, initial, cache });
}

/** Starts the KDC and the JVM, and calls `body` with them. */
async function withJava(body: (setup: Setup) => Promise<void>): Promise<void> {
  const services = Object.fromEntries(
    SERVICES.map(([enctype, name]) => [`${name}/localhost`, { enctypes: [enctype] }]),
  );
  const users = { alice: "alicepw", bob: "bobpw", open: { password: "openpw", requiresPreauth: false } };
  await using kdc = await startTestKdc({ realm: "OURS.TEST", principals: { ...services, ...users } });
  const directory = await Deno.makeTempDir({ prefix: "gssocks-java-" });
  try {
    const conf = `${directory}/krb5.conf`;
    await Deno.writeTextFile(conf, kdc.krb5Conf.replace("[libdefaults]", "[libdefaults]\n    forwardable = true"));
    const keys = kdc.keytab(...SERVICES.map(([, name]) => `${name}/localhost`));
    await writeKeytab(`${directory}/kt`, keys);
    const classes = peer("GssPeer.class").replace(/\/[^/]*$/, "");
    const settings = [`-Djava.security.krb5.conf=${conf}`, "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-cp", classes];
    await using java = new GssPeer({}, peer("java"), [...settings, "GssPeer"]);
    await told(java, `keytab ${directory}/kt`);
    const initiator = new KerberosInitiatorCredential(ourTickets(kdc));
    await body({ kdc, java, directory, initiator, acceptor: new KerberosAcceptorCredential({ keys }) });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Sends a command that must succeed. */
async function told(java: GssPeer, command: string): Promise<string> {
  const [kind, ...rest] = await java.command(command);
  assert.equal(kind, "ok", `${command}: ${rest.join(" ")}`);
  return rest.join(" ");
}

async function logins({ java }: Setup): Promise<void> {
  assert.equal(await told(java, "password open openpw"), "open@OURS.TEST");
  const [kind, , , ...text] = await java.command("password alice wrong");
  assert.equal(kind, "fail");
  assert.match(text.join(" "), /\(24\)/);
  assert.equal(await told(java, "password alice alicepw"), "alice@OURS.TEST");
}

/** What SPNEGO adds on this side. */
const WRAPPED = [
  ["krb5", (one: GssInitiatorCredential) => one, (one: GssAcceptorCredential) => one],
  ["spnego", spnegoInitiator, spnegoAcceptor],
] as const;

async function initiates({ java, acceptor }: Setup): Promise<void> {
  for (const [mechanism, , accepting] of WRAPPED) {
    await told(java, `mechanism ${mechanism}`);
    for (const [enctype, name] of SERVICES) {
      await told(java, `init ${name}@localhost ${ALL}`);
      const context = await acceptFrom(java, accepting(acceptor).accept());
      assert.equal(context.attributes.enctype, enctypeName(enctype));
      assert.equal(context.peer.text, "alice@OURS.TEST");
      await exchangeWith(context, java, false);
    }
  }
}

async function accepts({ java, initiator }: Setup): Promise<void> {
  for (const [mechanism, initiating] of WRAPPED) {
    await told(java, `mechanism ${mechanism}`);
    for (const [enctype, name] of SERVICES) {
      await told(java, "accept");
      const context = await initiateTo(java, await initiating(initiator).initiate(hostbasedService(name, "localhost")));
      assert.equal(context.attributes.enctype, enctypeName(enctype));
      assert.deepEqual(await java.command("names"), ["names", "bob@OURS.TEST", `${name}/localhost@OURS.TEST`]);
      await exchangeWith(context, java, false);
    }
  }
}

async function withoutMutual({ java, initiator, acceptor }: Setup): Promise<void> {
  await told(java, "mechanism krb5");
  await told(java, `init one0@localhost ${ALL & ~MUTUAL}`);
  await exchangeWith(await acceptFrom(java, acceptor.accept()), java, false);
  await told(java, "accept");
  const flags = { ...ALL_FLAGS, mutual: false };
  const negotiation = await initiator.initiate(hostbasedService("one0", "localhost"), { flags });
  await exchangeWith(await initiateTo(java, negotiation), java, false);
}

async function delegates({ kdc, java, directory, initiator, acceptor }: Setup): Promise<void> {
  for (const [mechanism, initiating, accepting] of WRAPPED) {
    await told(java, `mechanism ${mechanism}`);
    await told(java, `init one0@localhost ${ALL | DELEG}`);
    const context = await acceptFrom(java, accepting(acceptor).accept()) as KerberosContext;
    const cache = new FileCredentialCache(`${directory}/delegated-${mechanism}`);
    await cache.initialize(context.delegatedCredentials!);
    const got = await ourTickets(kdc, cache).serviceTicket(parsePrincipal("one1/localhost@OURS.TEST"));
    assert.equal(String(got.credential), "alice@OURS.TEST -> one1/localhost@OURS.TEST");

    await told(java, "accept");
    const options = { flags: { ...ALL_FLAGS, delegation: true } };
    await initiateTo(java, await initiating(initiator).initiate(hostbasedService("one0", "localhost"), options));
    assert.deepEqual(await java.command("delegated"), ["delegated", "1"]);
    await told(java, "mechanism krb5");
    await told(java, `init one1@localhost ${ALL | BY_DELEGATION}`);
    assert.equal((await acceptFrom(java, acceptor.accept())).peer.text, "bob@OURS.TEST");
  }
}

/** Java's bindings name no addresses, with a type of its own for them (RFC 2744 appendix A has GSS_C_AF_NULLADDR = 255). */
function bound(applicationData: Bytes): ChannelBindings {
  return { initiatorAddressType: 255, acceptorAddressType: 255, applicationData };
}

async function binds({ java, initiator, acceptor }: Setup): Promise<void> {
  await told(java, "mechanism krb5");
  for (const [theirs, agrees] of [["channel", true], ["another", false]] as const) {
    const options = { channelBindings: bound(utf8("channel")) };
    await told(java, `bind ${utf8(theirs).toHex()}`);
    await told(java, `init one0@localhost ${ALL}`);
    const accepted = acceptFrom(java, acceptor.accept(options)).then(
      ({ channelBound }) => channelBound,
      (error) => error,
    );
    const outcome = await accepted;
    if (agrees) assert.equal(outcome, true);
    else assert.ok(outcome instanceof GssError && outcome.major === "BAD_BINDINGS", String(outcome));

    await told(java, "accept");
    const negotiation = await initiator.initiate(hostbasedService("one0", "localhost"), options);
    assert.equal((await java.step((await negotiation.step()).token)).ok, agrees);
  }
  await told(java, "bind -");
}

async function replays({ java, initiator, acceptor }: Setup): Promise<void> {
  await told(java, "mechanism krb5");
  await told(java, `init one0@localhost ${ALL}`);
  const { token } = await java.step();
  assert.ok((await acceptor.accept().step(token)).done);
  await assert.rejects(acceptor.accept().step(token), { code: "KRB_AP_ERR_REPEAT" });

  const negotiation = await initiator.initiate(hostbasedService("one0", "localhost"));
  const ours = (await negotiation.step()).token;
  await told(java, "accept");
  assert.ok((await java.step(ours)).ok);
  await told(java, "accept");
  const again = await java.step(ours);
  assert.equal(again.ok, false);
  assert.match(again.rest, /replay/i);
}

async function duplicates({ java, acceptor }: Setup): Promise<void> {
  await told(java, `init one0@localhost ${ALL}`);
  using context = await acceptFrom(java, acceptor.accept());
  const [first, second] = [await java.wrap(true, utf8("one")), await java.wrap(true, utf8("two"))];
  const seen = [];
  for (const token of [first, first, second]) seen.push((await context.unwrap(token)).status);
  assert.deepEqual(seen, ["complete", "duplicate", "complete"]);
  const ours = await context.wrap(utf8("three"), { confidential: true });
  assert.equal((await java.unwrap(ours))!.major, 0);
  assert.equal((await java.unwrap(ours))!.major & 2, 2);
}

async function cacheOfKinit({ java, directory, acceptor }: Setup): Promise<void> {
  const env = { KRB5_CONFIG: `${directory}/krb5.conf` };
  const command = ["kinit", "-c", `FILE:${directory}/cc`, "alice"];
  const [kinit] = await commandsIn([command], { permissions: ["-A"], env });
  assert.equal(kinit!.code, 0, kinit!.err);
  assert.equal(await told(java, `cache ${directory}/cc`), "alice@OURS.TEST");
  await told(java, `init one2@localhost ${ALL}`);
  await exchangeWith(await acceptFrom(java, acceptor.accept()), java, false);
}

/** What one JVM does, in this order: the first logs in. */
const CASES: readonly (readonly [name: string, run: (setup: Setup) => Promise<void>])[] = [
  ["Krb5LoginModule logs in at our KDC", logins],
  ["its initiator and our acceptor: four enctypes, bare and in SPNEGO", initiates],
  ["our initiator and its acceptor: four enctypes, bare and in SPNEGO", accepts],
  ["both ways without mutual authentication", withoutMutual],
  ["both ways, what is delegated gets tickets", delegates],
  ["both sides refuse different channel bindings", binds],
  ["both sides refuse a replayed AP-REQ", replays],
  ["both sides see duplicates", duplicates],
  ["it uses a cache that our kinit wrote", cacheOfKinit],
];

peerTest("Java: logs in at our KDC, and both roles of a context", PEERS, async (t) => {
  await withJava(async (setup) => {
    for (const [name, run] of CASES) await t.step(name, () => run(setup));
  });
});
