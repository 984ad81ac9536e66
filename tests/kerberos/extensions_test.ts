/**
 * Fields that this version does not know (RFC 4120 section 1.5.1): no message is refused for them, and tickets keep them on the
 * way from a KDC through cache and requests to the service, and to a host that credentials are delegated to.
 */
import assert from "node:assert/strict";
import { applicationTag, decode, encode } from "../../asn1/codec.ts";
import type { Bytes } from "../../base/bytes.ts";
import { hostbasedService } from "../../gss/names.ts";
import { KerberosTickets } from "../../kerberos/credentials/tickets/tickets.ts";
import { decodeCcache, encodeCcache } from "../../kerberos/credentials/formats/ccache.ts";
import { asExchange } from "../../kerberos/exchange/as.ts";
import { passwordKey } from "../../kerberos/exchange/client_key.ts";
import { handleKdcMessage, inProcessTransport } from "../../kerberos/kdc/mod.ts";
import { KerberosAcceptorCredential, KerberosInitiatorCredential } from "../../kerberos/mech/credentials.ts";
import type { KerberosContext } from "../../kerberos/mech/context.ts";
import { ApReq, Ticket } from "../../kerberos/messages/ap.ts";
import { KdcReqBody, TgsReq } from "../../kerberos/messages/kdc.ts";
import { readApReq } from "../../kerberos/ap/verify.ts";
import { formatPrincipal, parsePrincipal } from "../../kerberos/principal.ts";
import { KdcClient } from "../../kerberos/reach/kdc_client.ts";
import { PaType } from "../../kerberos/registry/pa_types.ts";
import { decodeContextToken } from "../../kerberos/mech/tokens/context.ts";
import { extend, extendEverywhere, extendingTransport } from "../support/extend.ts";
import { Forge } from "../support/forge_ap.ts";
import { forgeTgsReq, runForged } from "../support/forge_kdc.ts";
import { asInput, memoryConfig, memoryRealm, memoryTickets } from "../support/gss_pair.ts";
import { TestRuntime } from "../support/test_runtime.ts";
import { hex } from "../support/vectors.ts";

Deno.test("KDC: answers requests with unknown fields behind the body, in it and in every part of it", async () => {
  const runtime = new TestRuntime();
  const realm = await memoryRealm({ runtime, principals: { open: { password: "pw", requiresPreauth: false } } });
  const exchange = asExchange(
    asInput(runtime, { client: parsePrincipal("open@GSSOCKS.TEST"), key: passwordKey("pw") }),
  );
  const first = await exchange.next();
  assert.ok(!first.done);
  for (const message of [extend(first.value.message), extendEverywhere(first.value.message)]) {
    const reply = await handleKdcMessage(realm, message);
    assert.equal(applicationTag(reply!), 11);
  }
  const { credential: tgt } = await memoryTickets([realm], { runtime }).initialTicket();
  const asked = { tgt, service: "rcmd/localhost", now: runtime.time };
  const { message } = await forgeTgsReq(asked);
  assert.equal(applicationTag((await handleKdcMessage(realm, extend(message)))!), 13);
  // The body is under the checksum as it is sent.
  const body = decode(KdcReqBody, extendEverywhere(encode(KdcReqBody, decode(TgsReq, message).reqBody)));
  const extended = await forgeTgsReq(asked, { body });
  assert.equal(applicationTag((await handleKdcMessage(realm, extended.message))!), 13);
});

Deno.test("acceptor: takes an AP-REQ, ticket and authenticator with unknown fields", async () => {
  const forge = new Forge();
  const { token } = await forge.apReq({ rewriteTicket: extendEverywhere, rewriteAuthenticator: extendEverywhere });
  assert.ok((await forge.acceptor().accept().step(token)).done);
  const { message } = decodeContextToken((await forge.apReq({ authenticator: { cusec: 4711 } })).token);
  const request = readApReq(extendEverywhere(message));
  assert.deepEqual(request.apOptions, decode(ApReq, message).apOptions);
});

Deno.test("asExchange(): takes a reply with unknown fields, sealed and in clear", async () => {
  const runtime = new TestRuntime();
  const realm = await memoryRealm({ runtime });
  const change = (reply: Bytes) => applicationTag(reply) === 11 ? extendEverywhere(reply) : extend(reply);
  const { credential } = await runForged(asExchange(asInput(runtime)), realm, change);
  assert.equal(formatPrincipal(credential.client), "alice@GSSOCKS.TEST");
});

Deno.test("tickets: keep unknown fields in caches, TGS-REQ, AP-REQ and KRB-CRED", async () => {
  const realm = await memoryRealm();
  const { transport, tickets: made, sent } = extendingTransport(inProcessTransport(realm));
  const config = { ...memoryConfig(realm), forwardable: true };
  const kdc = new KdcClient({ config, transport });
  const initial = { client: parsePrincipal("alice@GSSOCKS.TEST"), key: passwordKey("alicepw") };
  const tickets = new KerberosTickets({ config, kdc, initial });
  const negotiation = await new KerberosInitiatorCredential(tickets).initiate(hostbasedService("rcmd", "localhost"), {
    flags: { mutual: true, delegation: true },
  });
  const { token } = await negotiation.step();
  const [tgt, ...others] = made;
  assert.equal(others.length, 2, "a ticket for the service, and one to hand over");
  // In the cache, and in its file.
  const held = (await tickets.cache.load())!;
  const filed = decodeCcache(encodeCcache(held));
  for (const { credentials } of [held, filed]) {
    assert.deepEqual(credentials.map(({ ticket }) => hex(ticket)), [tgt, others.find((one) => isFor(one, "rcmd"))]);
  }
  // In the requests for the two others.
  const presented = sent.filter((message) => applicationTag(message) === 12).map((message) => {
    const padata = decode(TgsReq, message).padata!.find(({ padataType }) => padataType === PaType.TgsReq)!;
    return hex(encode(Ticket, readApReq(padata.padataValue).ticket));
  });
  assert.deepEqual(presented, [tgt, tgt]);
  // In the request to the service, and handed over in it.
  assert.ok(hex(token!).includes(others.find((one) => isFor(one, "rcmd"))!));
  const accepted = await new KerberosAcceptorCredential({ keys: realm.keytab("rcmd/localhost") }).accept().step(token);
  assert.ok(accepted.done);
  using context = accepted.context as KerberosContext;
  const delegated = context.delegatedCredentials!.credentials.map(({ ticket }) => hex(ticket));
  assert.deepEqual(delegated, [others.find((one) => isFor(one, "krbtgt"))]);
});

/** Whether a ticket, in hexadecimal, is for a service. */
function isFor(ticket: string, service: string): boolean {
  return decode(Ticket, Uint8Array.fromHex(ticket)).sname.nameString[0] === service;
}
