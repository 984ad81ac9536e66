/** Context establishment: everything that an acceptor and an initiator must refuse. */
import assert from "node:assert/strict";
import { encode, oidBytes } from "../../../asn1/codec.ts";
import { utf8 } from "../../../base/bytes.ts";
import { hostbasedService } from "../../../gss/names.ts";
import { GssError } from "../../../gss/status.ts";
import { KerberosKey } from "../../../kerberos/crypto/key.ts";
import { KerberosAcceptorCredential, KerberosInitiatorCredential } from "../../../kerberos/mech/credentials.ts";
import { decodeContextToken, encodeContextToken } from "../../../kerberos/mech/tokens/context.ts";
import { readMessage } from "../../../kerberos/messages/read.ts";
import { ApReq } from "../../../kerberos/messages/ap.ts";
import { KrbError } from "../../../kerberos/messages/error.ts";
import { principal } from "../../../kerberos/principal.ts";
import { Keytab } from "../../../kerberos/credentials/formats/keytab.ts";
import { TestRuntime } from "../../support/test_runtime.ts";
import { credentialPair, establish, memoryRealm, memoryTickets } from "../../support/gss_pair.ts";
import { hex } from "../../support/vectors.ts";

const TARGET = hostbasedService("rcmd", "localhost");

async function failure(promise: Promise<unknown>): Promise<GssError> {
  const error = await promise.then(() => undefined, (reason) => reason);
  assert.ok(error instanceof GssError, `GssError wanted, ${error} came`);
  return error;
}

/** Code that the error token tells the peer. */
function toldCode(error: GssError): number {
  const { id, message } = decodeContextToken(error.token!);
  assert.equal(id, "KRB-ERROR");
  return readMessage(KrbError, message).errorCode;
}

Deno.test("KerberosAcceptor: refuses every changed byte of a request", async () => {
  const runtime = new TestRuntime();
  const realm = await memoryRealm({ runtime });
  const { initiator, acceptor } = credentialPair(realm, { runtime });
  const { token } = await (await initiator.initiate(TARGET)).step();
  const { ticket } = readMessage(ApReq, decodeContextToken(token!).message);
  const sealed = hex(token!).indexOf(hex(ticket.encPart.cipher)) / 2;
  assert.ok(sealed > 0);
  for (let i = 0; i < token!.length; i++) {
    const changed = token!.slice();
    changed[i]! ^= 0x01;
    const result = await acceptor.accept().step(changed).then((step) => step, (error) => error);
    // AP-OPTIONS and the service's name, realm and key version are in clear and covered by nothing (RFC 4120 section
    // 5.5.1); who the client is never changes by them.
    if (result instanceof GssError) continue;
    assert.ok(i < sealed, `byte ${i}`);
    assert.ok(result.done && result.context.peer.text === "alice@GSSOCKS.TEST", `byte ${i}`);
  }
  for (let i = 0; i < token!.length; i += 7) {
    assert.equal((await failure(acceptor.accept().step(token!.subarray(0, i)))).major, "DEFECTIVE_TOKEN");
  }
  assert.equal((await failure(acceptor.accept().step(new Uint8Array([...token!, 0])))).major, "DEFECTIVE_TOKEN");
});

Deno.test("KerberosInitiator: refuses every changed byte of an answer", async () => {
  const realm = await memoryRealm();
  const pair = credentialPair(realm);
  const { token: sample } = await answer(pair);
  for (let i = 0; i < sample.length; i++) {
    const { negotiation, token } = await answer(pair);
    // A small sequence number makes an answer a byte shorter than the sample.
    if (i >= token.length) continue;
    token[i]! ^= 0x01;
    await failure(negotiation.step(token));
    await failure(negotiation.step(token)); // It stays failed.
  }
});

async function answer(pair: ReturnType<typeof credentialPair>) {
  const negotiation = await pair.initiator.initiate(TARGET);
  const accepted = await pair.acceptor.accept().step((await negotiation.step()).token);
  return { negotiation, token: accepted.token! };
}

Deno.test("KerberosAcceptor: refuses a replay, even a concurrent one", async () => {
  const realm = await memoryRealm();
  const { initiator, acceptor } = credentialPair(realm);
  const { token } = await (await initiator.initiate(TARGET)).step();
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => acceptor.accept().step(token)));
  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
  const error = await failure(acceptor.accept().step(token));
  assert.deepEqual([error.code, error.minor, toldCode(error)], ["KRB_AP_ERR_REPEAT", 34, 34]);
});

Deno.test("KerberosAcceptor: refuses skewed clocks and says by how much", async () => {
  const client = new TestRuntime();
  const service = new TestRuntime(client.time);
  const realm = await memoryRealm({ runtime: client });
  const { initiator } = credentialPair(realm, { runtime: client });
  const acceptor = new KerberosAcceptorCredential({ keys: realm.keytab("rcmd/localhost"), runtime: service });
  const { token } = await (await initiator.initiate(TARGET)).step();
  service.time += 299_000;
  assert.ok((await acceptor.accept().step(token)).done);
  service.time += 2_000;
  const late = await failure(acceptor.accept().step(token));
  assert.deepEqual([late.code, late.details.clockDeltaSeconds, toldCode(late)], ["KRB_AP_ERR_SKEW", -301, 37]);
  service.time -= 700_000;
  assert.equal((await failure(acceptor.accept().step(token))).code, "KRB_AP_ERR_TKT_NYV");
  service.time += 12 * 3_600_000;
  const expired = await failure(acceptor.accept().step(token));
  assert.deepEqual([expired.code, expired.major], ["KRB_AP_ERR_TKT_EXPIRED", "CREDENTIALS_EXPIRED"]);
});

Deno.test("KerberosAcceptor: says which key a ticket needs and which the keytab has", async () => {
  const realm = await memoryRealm({ enctypes: [18, 17] });
  const { initiator } = credentialPair(realm);
  const attempt = async (keys: Keytab) => {
    const { token } = await (await initiator.initiate(TARGET)).step();
    return await failure(new KerberosAcceptorCredential({ keys }).accept().step(token));
  };
  const own = realm.keytab("rcmd/localhost").entries[0]!;
  const wrongVersion = await attempt(new Keytab([{ ...own, kvno: 7, key: KerberosKey.generate(18) }]));
  assert.equal(wrongVersion.code, "KRB_AP_ERR_BADKEYVER");
  assert.match(
    wrongVersion.message,
    /wants rcmd\/localhost@GSSOCKS\.TEST kvno 1 aes256-cts-hmac-sha1-96; the keytab has .* kvno 7/,
  );
  assert.equal(
    (await attempt(new Keytab([{ ...own, key: KerberosKey.generate(18) }]))).code,
    "KRB_AP_ERR_BAD_INTEGRITY",
  );
  assert.equal((await attempt(realm.keytab("socks/localhost"))).code, "KRB_AP_ERR_NOT_US");
  assert.equal((await attempt(new Keytab([]))).code, "KRB_AP_ERR_NOKEY");
  // Another name for the same key is the same service.
  const alias = new Keytab([{ ...own, principal: principal("GSSOCKS.TEST", ["alias", "localhost"]) }]);
  const { token } = await (await initiator.initiate(TARGET)).step();
  assert.ok((await new KerberosAcceptorCredential({ keys: alias }).accept().step(token)).done);
});

Deno.test("KerberosAcceptor: accepts for every service of its keytab, or those configured", async () => {
  const realm = await memoryRealm();
  const { initiator, acceptor } = credentialPair(realm);
  for (const name of ["rcmd", "socks"]) {
    const { token } = await (await initiator.initiate(hostbasedService(name, "localhost"))).step();
    assert.ok((await acceptor.accept().step(token)).done);
  }
  const strict = credentialPair(realm, { acceptor: { services: ["rcmd"] } });
  const { token } = await (await strict.initiator.initiate(hostbasedService("socks", "localhost"))).step();
  assert.equal((await failure(strict.acceptor.accept().step(token))).code, "KRB_AP_ERR_NOT_US");
});

Deno.test("KerberosAcceptor: the service is that of the key, not the name in clear", async () => {
  const realm = await memoryRealm();
  const strict = credentialPair(realm, { acceptor: { services: ["rcmd"] } });
  const { token } = await (await strict.initiator.initiate(hostbasedService("socks", "localhost"))).step();
  // A ticket for another service of the keytab, with the name of the one that is accepted written over its own.
  const request = readMessage(ApReq, decodeContextToken(token!).message);
  const sname = { ...request.ticket.sname, nameString: ["rcmd", "localhost"] };
  const forged = encodeContextToken("AP-REQ", encode(ApReq, { ...request, ticket: { ...request.ticket, sname } }));
  assert.equal((await failure(strict.acceptor.accept().step(forged))).code, "KRB_AP_ERR_NOT_US");
  const open = credentialPair(realm);
  const accepted = await open.acceptor.accept().step(forged);
  assert.ok(accepted.done);
  assert.equal(accepted.context.self.text, "socks/localhost@GSSOCKS.TEST");
  assert.equal(accepted.context.attributes.service, "socks/localhost@GSSOCKS.TEST");
});

Deno.test("KerberosAcceptor: opens tickets with older keys of its keytab", async () => {
  const realm = await memoryRealm();
  const { initiator } = credentialPair(realm);
  const { token } = await (await initiator.initiate(TARGET)).step();
  const old = realm.keytab("rcmd/localhost").entries;
  await realm.addPrincipal("rcmd/localhost", { kvno: 2 });
  const keys = new Keytab([...realm.keytab("rcmd/localhost").entries, ...old]);
  assert.ok((await new KerberosAcceptorCredential({ keys }).accept().step(token)).done);
});

Deno.test("KerberosAcceptor: refuses enctypes that are not permitted, and other key versions", async () => {
  const realm = await memoryRealm();
  const { initiator, acceptor } = credentialPair(realm, { acceptor: { enctypes: [20] } });
  const { token } = await (await initiator.initiate(TARGET)).step();
  assert.equal((await failure(acceptor.accept().step(token))).code, "KDC_ERR_ETYPE_NOSUPP");
  realm.faults.kvnoOffset = 5;
  const other = credentialPair(realm);
  const { token: changed } = await (await other.initiator.initiate(TARGET)).step();
  assert.equal((await failure(other.acceptor.accept().step(changed))).code, "KRB_AP_ERR_BADKEYVER");
});

Deno.test("KerberosAcceptor: finds the key that opens a ticket whatever version it names", async () => {
  const realm = await memoryRealm();
  const { initiator } = credentialPair(realm);
  const { token } = await (await initiator.initiate(TARGET)).step();
  const keys = new Keytab(realm.keytab("rcmd/localhost").entries.map((entry) => ({ ...entry, kvno: 9 })));
  assert.ok((await new KerberosAcceptorCredential({ keys }).accept().step(token)).done);
});

Deno.test("KerberosAcceptor: refuses other mechanisms, other tokens, garbage and nothing", async () => {
  const realm = await memoryRealm();
  const { initiator, acceptor } = credentialPair(realm);
  const spnego = oidBytes("1.3.6.1.5.5.2");
  const framed = Uint8Array.of(0x60, spnego.length + 4, 0x06, spnego.length, ...spnego, 1, 0);
  assert.equal((await failure(acceptor.accept().step(framed))).major, "BAD_MECH");
  for (const token of [undefined, new Uint8Array(0), utf8("garbage"), new Uint8Array(70_000)]) {
    assert.equal((await failure(acceptor.accept().step(token))).major, "DEFECTIVE_TOKEN");
  }
  const { negotiation, token } = await answer({ initiator, acceptor });
  assert.equal((await failure(acceptor.accept().step(token))).major, "DEFECTIVE_TOKEN");
  assert.ok((await negotiation.step(token)).done);
  assert.equal((await failure(negotiation.step(token))).major, "NO_CONTEXT");
});

Deno.test("GssNegotiation: takes one step at a time and stays failed after an error", async () => {
  const realm = await memoryRealm();
  const { initiator, acceptor } = credentialPair(realm);
  const negotiation = await initiator.initiate(TARGET);
  await failure(negotiation.step(utf8("too early")));
  await failure(negotiation.step());
  const accepting = acceptor.accept();
  await failure(accepting.step(utf8("x")));
  const { token } = await (await initiator.initiate(TARGET)).step();
  assert.equal((await failure(accepting.step(token))).major, "NO_CONTEXT");
});

Deno.test("KerberosInitiator: reports an error token by its name", async () => {
  const realm = await memoryRealm();
  const { initiator, acceptor } = credentialPair(realm);
  const first = await initiator.initiate(TARGET);
  const { token } = await first.step();
  await acceptor.accept().step(token);
  const replayed = await failure(acceptor.accept().step(token));
  const told = await failure(first.step(replayed.token));
  assert.equal(told.code, "KRB_AP_ERR_REPEAT");
  assert.match(told.message, /rcmd\/localhost@GSSOCKS\.TEST refused/);
});

Deno.test("KerberosInitiatorCredential: reports missing tickets and unknown services as GssError", async () => {
  const realm = await memoryRealm();
  const unknown = new KerberosInitiatorCredential(memoryTickets([realm]));
  assert.equal(
    (await failure(unknown.initiate(hostbasedService("none", "localhost")))).code,
    "KDC_ERR_S_PRINCIPAL_UNKNOWN",
  );
  const wrong = new KerberosInitiatorCredential(memoryTickets([realm], { password: "not-hers" }));
  const error = await failure(wrong.initiate(TARGET));
  assert.equal(error.code, "KDC_ERR_PREAUTH_FAILED");
  assert.doesNotMatch(Deno.inspect(error, { depth: 9, showHidden: true }), /not-hers/);
});

Deno.test("GssNegotiation: no error shows a token, a ticket or a key", async () => {
  const realm = await memoryRealm();
  const { initiator } = credentialPair(realm);
  const { token } = await (await initiator.initiate(TARGET)).step();
  const keys = new Keytab([{
    principal: principal("R", ["rcmd", "localhost"]),
    kvno: 1,
    key: KerberosKey.generate(18),
  }]);
  const error = await failure(new KerberosAcceptorCredential({ keys }).accept().step(token));
  const shown = Deno.inspect(error, { depth: 9, showHidden: true });
  assert.doesNotMatch(shown, /Uint8Array\(\d\d+\)/);
  for (const { key } of keys.entries) assert.ok(!shown.includes(hex(key.exportBytes())));
});

Deno.test("GssNegotiation: works without mutual authentication, replay and sequence detection", async () => {
  const realm = await memoryRealm();
  const { ours, theirs } = await establish(credentialPair(realm), { integrity: true });
  assert.equal(ours.flags.mutual, false);
  assert.equal(theirs.flags.sequence, false);
  const token = await ours.wrap(utf8("x"), { confidential: true });
  assert.equal((await theirs.unwrap(token)).status, "complete");
  const back = await theirs.wrap(utf8("y"), { confidential: false });
  assert.equal(hex((await ours.unwrap(back)).data), hex(utf8("y")));
});
