/** Fields that nobody knows (RFC 4120 section 1.5.1): KDCs answer requests with them, and MIT takes tickets that were handed on with them. */
import assert from "node:assert/strict";
import { applicationTag, decode, encode } from "../../asn1/codec.ts";
import type { Bytes } from "../../base/bytes.ts";
import { hostbasedService } from "../../gss/names.ts";
import type { KerberosConfig } from "../../kerberos/config/krb5_conf.ts";
import { KerberosTickets } from "../../kerberos/credentials/tickets/tickets.ts";
import { passwordKey } from "../../kerberos/exchange/client_key.ts";
import { startTestKdc } from "../../kerberos/kdc/mod.ts";
import { KerberosInitiatorCredential } from "../../kerberos/mech/credentials.ts";
import { AsReq, KdcReqBody } from "../../kerberos/messages/kdc.ts";
import { parsePrincipal } from "../../kerberos/principal.ts";
import { KdcClient } from "../../kerberos/reach/kdc_client.ts";
import { systemTransport } from "../../kerberos/reach/shell/transport.ts";
import type { KdcTransport } from "../../kerberos/reach/transport.ts";
import { extend, extendingTransport } from "../support/extend.ts";
import { exchangeWith, GssPeer, initiateTo } from "../support/gss_peer.ts";
import { startHeimdalKdc } from "../support/heimdal_kdc.ts";
import { startMitKdc } from "../support/mit_kdc.ts";
import { peerTest } from "../support/peers.ts";

const MIT = ["krb5kdc", "kdb5_util", "kadmin.local", "gss_peer"];

function ticketsOf(config: KerberosConfig, user: string, transport: KdcTransport): KerberosTickets {
  const initial = {
    client: parsePrincipal(user, { defaultRealm: config.defaultRealm! }),
    key: passwordKey(`${user}pw`),
  };
  const forwardable = { ...config, forwardable: true };
  return new KerberosTickets({ config: forwardable, kdc: new KdcClient({ config: forwardable, transport }), initial });
}

/** An AS-REQ with an unknown field in its body. */
function extendBody(message: Uint8Array): Bytes {
  const request = decode(AsReq, message);
  return encode(AsReq, { ...request, reqBody: decode(KdcReqBody, extend(encode(KdcReqBody, request.reqBody))) });
}

/** Returns the tags of a KDC's answers to an AS-REQ with an unknown field behind the body, and in it. */
async function answers(config: KerberosConfig, user: string): Promise<(number | undefined)[]> {
  const tags: (number | undefined)[] = [];
  await ticketsOf(config, user, {
    async send(address, message, options) {
      for (const sent of [extend(message), extendBody(message)]) {
        tags.push(applicationTag(await systemTransport.send(address, sent, options)));
      }
      return await systemTransport.send(address, message, options);
    },
  }).initialTicket();
  return tags;
}

peerTest("KDCs: MIT's, Heimdal's and ours answer AS-REQs with unknown fields", [...MIT, "heimdal"], async () => {
  await using mit = await startMitKdc();
  await using theirs = await startHeimdalKdc();
  await using ours = await startTestKdc({ principals: { open: { password: "openpw", requiresPreauth: false } } });
  for (const [{ config }, user] of [[mit, "alice"], [theirs, "harry"], [ours, "open"]] as const) {
    assert.deepEqual(await answers(config, user), [11, 11], config.defaultRealm);
  }
});

peerTest("MIT: takes tickets with unknown fields from us, in requests and delegated", MIT, async () => {
  await using kdc = await startMitKdc();
  await kdc.ktadd(`${kdc.directory}/kt`, "rcmd/localhost");
  const { transport, tickets } = extendingTransport(systemTransport);
  const credential = new KerberosInitiatorCredential(ticketsOf(kdc.config, "alice", transport));
  await using mit = new GssPeer({ ...kdc.env, KRB5_KTNAME: `${kdc.directory}/kt` });
  await mit.command("accept");
  const options = { flags: { mutual: true, replay: true, sequence: true, delegation: true } };
  const context = await initiateTo(mit, await credential.initiate(hostbasedService("rcmd", "localhost"), options));
  assert.deepEqual(await mit.command("delegated"), ["delegated", "1"]);
  assert.equal(tickets.length, 3);
  await exchangeWith(context, mit);
});
