/** MIT libgssapi at token level, as initiator and as acceptor. */
import assert from "node:assert/strict";
import { utf8 } from "../../base/bytes.ts";
import { hostbasedService } from "../../gss/names.ts";
import { systemRuntime } from "../../base/runtime.ts";
import { spnegoAcceptor } from "../../gss/spnego/acceptor.ts";
import { spnegoInitiator } from "../../gss/spnego/initiator.ts";
import { GssError } from "../../gss/status.ts";
import { passwordKey } from "../../kerberos/exchange/client_key.ts";
import { KdcClient } from "../../kerberos/reach/kdc_client.ts";
import { KerberosTickets } from "../../kerberos/credentials/tickets/tickets.ts";
import { systemTransport } from "../../kerberos/reach/shell/transport.ts";
import { enctypeName } from "../../kerberos/crypto/enctypes.ts";
import type { KerberosContext } from "../../kerberos/mech/context.ts";
import { KerberosAcceptorCredential, KerberosInitiatorCredential } from "../../kerberos/mech/credentials.ts";
import { parsePrincipal } from "../../kerberos/principal.ts";
import { readKeytab } from "../../kerberos/credentials/shell/stores.ts";
import { exchangeWith, GssPeer } from "../support/gss_peer.ts";
import { type MitKdc, startMitKdc } from "../support/mit_kdc.ts";
import { peer, peerTest } from "../support/peers.ts";
import { run } from "../support/process.ts";

const PEERS = ["krb5kdc", "kdb5_util", "kadmin.local", "kinit", "gss_peer"];
const SERVICES = [[18, "one0"], [17, "one1"], [20, "one2"], [19, "one3"]] as const;
const [MUTUAL, REPLAY, SEQUENCE, CONF, INTEG, DELEG] = [2, 4, 8, 16, 32, 1];
const ALL = MUTUAL | REPLAY | SEQUENCE | CONF | INTEG;

function ourTickets(kdc: MitKdc, enctype: number, forwardable = false): KerberosTickets {
  const config = { ...kdc.config, defaultTgsEnctypes: [enctype], defaultTktEnctypes: [enctype], forwardable };
  const initial = { client: parsePrincipal("alice@MIT.TEST"), key: passwordKey("alicepw") };
  return new KerberosTickets({ config, kdc: new KdcClient({ config, transport: systemTransport }), initial });
}

/** Returns an MIT client with one enctype, since MIT acceptors choose the subkey's enctype from the client's list. */
async function mitClient(kdc: MitKdc, enctype: number): Promise<Record<string, string>> {
  const conf = `${kdc.directory}/only-${enctype}.conf`;
  await Deno.writeTextFile(
    conf,
    kdc.krb5Conf.replace(/permitted_enctypes = .*/, `permitted_enctypes = ${enctypeName(enctype)}`),
  );
  const env = { ...kdc.env, KRB5_CONFIG: conf, KRB5CCNAME: `FILE:${kdc.directory}/cc-${enctype}` };
  const got = await run(peer("kinit"), ["-f", "alice"], { env, stdin: "alicepw\n" });
  assert.equal(got.code, 0, got.stderr);
  return env;
}

peerTest("MIT acceptor: establishes and exchanges messages with all four enctypes", PEERS, async () => {
  await using kdc = await startMitKdc();
  await kdc.ktadd(`${kdc.directory}/kt`, ...SERVICES.map(([, name]) => `${name}/localhost`));
  for (const [enctype, name] of SERVICES) {
    await using mit = new GssPeer({ ...kdc.env, KRB5_KTNAME: `${kdc.directory}/kt` });
    await mit.command("accept");
    const initiator = await new KerberosInitiatorCredential(ourTickets(kdc, enctype)).initiate(
      hostbasedService(name, "localhost"),
    );
    const request = await initiator.step();
    const accepted = await mit.step(request.token);
    assert.ok(accepted.ok, accepted.rest);
    const established = await initiator.step(accepted.token);
    assert.ok(established.done);
    assert.equal(established.context.attributes.enctype, enctypeName(enctype));
    assert.deepEqual(await mit.command("names"), ["names", "alice@MIT.TEST", `${name}/localhost@MIT.TEST`]);
    await exchangeWith(established.context, mit);
  }
});

peerTest("MIT initiator: establishes and exchanges messages with all four enctypes", PEERS, async () => {
  await using kdc = await startMitKdc();
  await kdc.ktadd(`${kdc.directory}/kt`, ...SERVICES.map(([, name]) => `${name}/localhost`));
  const credential = new KerberosAcceptorCredential({ keys: readKeytab(`${kdc.directory}/kt`) });
  for (const [enctype, name] of SERVICES) {
    await using mit = new GssPeer(await mitClient(kdc, enctype));
    await mit.command(`init ${name}@localhost ${ALL}`);
    const request = await mit.step();
    const accepted = await credential.accept().step(request.token);
    assert.ok(accepted.done);
    const finished = await mit.step(accepted.token);
    assert.equal(finished.major, 0, finished.rest);
    assert.equal(accepted.context.attributes.enctype, enctypeName(enctype));
    assert.equal(accepted.context.peer.text, "alice@MIT.TEST");
    await exchangeWith(accepted.context, mit);
    // The same authenticator again is a replay, and the error token tells MIT so.
    await using other = new GssPeer(await mitClient(kdc, enctype));
    await other.command(`init ${name}@localhost ${ALL}`);
    await other.step();
    const replay = await credential.accept().step(request.token).catch((error) => error);
    assert.ok(replay instanceof GssError && replay.code === "KRB_AP_ERR_REPEAT");
    const told = await other.step(replay.token);
    assert.equal(told.ok, false);
    assert.match(told.rest, /replay/i);
  }
});

peerTest("MIT: numbers tokens the same way without mutual authentication", PEERS, async () => {
  await using kdc = await startMitKdc();
  await kdc.ktadd(`${kdc.directory}/kt`, "rcmd/localhost");
  const flags = REPLAY | SEQUENCE | CONF | INTEG;
  {
    await using mit = new GssPeer({ ...kdc.env, KRB5_KTNAME: `${kdc.directory}/kt` });
    await mit.command("accept");
    const credential = new KerberosInitiatorCredential(ourTickets(kdc, 18));
    const initiator = await credential.initiate(hostbasedService("rcmd", "localhost"), {
      flags: { replay: true, sequence: true, confidentiality: true, integrity: true },
    });
    const request = await initiator.step();
    assert.ok(request.done);
    assert.equal((await mit.step(request.token)).major, 0);
    await exchangeWith(request.context, mit);
  }
  await using mit = new GssPeer(await mitClient(kdc, 18));
  await mit.command(`init rcmd@localhost ${flags}`);
  const request = await mit.step();
  const acceptor = new KerberosAcceptorCredential({ keys: readKeytab(`${kdc.directory}/kt`) }).accept();
  const accepted = await acceptor.step(request.token);
  assert.ok(accepted.done && accepted.token === undefined);
  await exchangeWith(accepted.context, mit);
});

peerTest("MIT: both sides refuse different channel bindings and report equal ones", PEERS, async () => {
  await using kdc = await startMitKdc();
  await kdc.ktadd(`${kdc.directory}/kt`, "rcmd/localhost");
  const channelBindings = { applicationData: utf8("tls-server-end-point:abc") };
  const keys = readKeytab(`${kdc.directory}/kt`);
  for (const [theirs, agrees] of [["tls-server-end-point:abc", true], ["another", false]] as const) {
    await using mit = new GssPeer(await mitClient(kdc, 18));
    await mit.command(`bind ${utf8(theirs).toHex()}`);
    await mit.command(`init rcmd@localhost ${ALL}`);
    const { token } = await mit.step();
    const step = await new KerberosAcceptorCredential({ keys }).accept({ channelBindings }).step(token).catch((error) =>
      error
    );
    if (agrees) assert.ok(step.done && step.context.channelBound);
    else assert.ok(step instanceof GssError && step.major === "BAD_BINDINGS");

    await using acceptor = new GssPeer({ ...kdc.env, KRB5_KTNAME: `${kdc.directory}/kt` });
    await acceptor.command(`bind ${utf8(theirs).toHex()}`);
    await acceptor.command("accept");
    const credential = new KerberosInitiatorCredential(ourTickets(kdc, 18));
    const initiator = await credential.initiate(hostbasedService("rcmd", "localhost"), { channelBindings });
    assert.equal((await acceptor.step((await initiator.step()).token)).ok, agrees);
  }
});

peerTest("MIT: delegated tickets arrive both ways, and only on request", PEERS, async () => {
  await using kdc = await startMitKdc();
  await kdc.ktadd(`${kdc.directory}/kt`, "rcmd/localhost");
  const keys = readKeytab(`${kdc.directory}/kt`);
  for (const delegation of [true, false]) {
    await using mit = new GssPeer({ ...kdc.env, KRB5_KTNAME: `${kdc.directory}/kt` });
    await mit.command("accept");
    const credential = new KerberosInitiatorCredential(ourTickets(kdc, 18, true));
    const initiator = await credential.initiate(hostbasedService("rcmd", "localhost"), {
      flags: { mutual: true, delegation },
    });
    const accepted = await mit.step((await initiator.step()).token);
    assert.ok(accepted.ok, accepted.rest);
    assert.ok((await initiator.step(accepted.token)).done);
    assert.deepEqual(await mit.command("delegated"), ["delegated", delegation ? "1" : "0"]);

    await using other = new GssPeer(await mitClient(kdc, 18));
    await other.command(`init rcmd@localhost ${ALL | (delegation ? DELEG : 0)}`);
    const step = await new KerberosAcceptorCredential({ keys }).accept().step((await other.step()).token);
    assert.ok(step.done);
    const delegated = (step.context as KerberosContext).delegatedCredentials;
    assert.equal(delegated?.credentials[0]?.server.components[0], delegation ? "krbtgt" : undefined);
    assert.equal(step.context.flags.delegation, delegation);
  }
});

peerTest("MIT: both sides report the other side's errors by name", PEERS, async () => {
  await using kdc = await startMitKdc();
  await kdc.ktadd(`${kdc.directory}/kt`, "rcmd/localhost");
  await using mit = new GssPeer({ ...kdc.env, KRB5_KTNAME: `${kdc.directory}/kt` });
  await mit.command("accept");
  // An initiator whose clock is an hour ahead.
  const late = { ...systemRuntime, now: () => Date.now() + 3_600_000 };
  const credential = new KerberosInitiatorCredential(ourTickets(kdc, 18), { runtime: late });
  const initiator = await credential.initiate(hostbasedService("rcmd", "localhost"));
  const refused = await mit.step((await initiator.step()).token);
  assert.equal(refused.ok, false);
  const error = await initiator.step(refused.token).catch((failure) => failure);
  assert.ok(error instanceof GssError && error.code === "KRB_AP_ERR_SKEW", String(error));

  await using other = new GssPeer(await mitClient(kdc, 18));
  await other.command(`init host@localhost ${ALL}`);
  const { token } = await other.step();
  const acceptor = new KerberosAcceptorCredential({ keys: readKeytab(`${kdc.directory}/kt`) }).accept();
  const noKey = await acceptor.step(token).catch((failure) => failure);
  assert.ok(noKey instanceof GssError && noKey.code === "KRB_AP_ERR_NOT_US", String(noKey));
  assert.match(noKey.message, /wants host\/localhost@MIT\.TEST kvno 1 aes256.*keytab has rcmd\/localhost@MIT\.TEST/);
  assert.equal((await other.step(noKey.token)).ok, false);
});

peerTest("MIT: SPNEGO carries Kerberos in both directions", PEERS, async () => {
  await using kdc = await startMitKdc();
  const [enctype, name] = SERVICES[0];
  await kdc.ktadd(`${kdc.directory}/kt`, `${name}/localhost`);
  {
    await using mit = new GssPeer({ ...kdc.env, KRB5_KTNAME: `${kdc.directory}/kt` });
    await mit.command("accept");
    const credential = spnegoInitiator(new KerberosInitiatorCredential(ourTickets(kdc, enctype)));
    const initiator = await credential.initiate(hostbasedService(name, "localhost"));
    let step = await initiator.step();
    while (!step.done) {
      const answer = await mit.step(step.token);
      assert.ok(answer.ok, answer.rest);
      step = await initiator.step(answer.token);
    }
    await exchangeWith(step.context, mit);
  }
  await using mit = new GssPeer({ ...await mitClient(kdc, enctype), GSS_PEER_SPNEGO: "1" });
  await mit.command(`init ${name}@localhost ${ALL}`);
  const keys = readKeytab(`${kdc.directory}/kt`);
  const acceptor = spnegoAcceptor(new KerberosAcceptorCredential({ keys })).accept();
  let theirs = await mit.step();
  for (;;) {
    const step = await acceptor.step(theirs.token);
    if (step.token !== undefined) theirs = await mit.step(step.token);
    if (!step.done) continue;
    assert.equal(theirs.major, 0, theirs.rest);
    assert.equal(step.context.peer.text, "alice@MIT.TEST");
    await exchangeWith(step.context, mit);
    break;
  }
});
