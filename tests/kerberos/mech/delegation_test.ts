/** Delegated tickets: KRB-CREDs in clear (RFC 6448 section 3), and KDCs that do not forward. More is in acceptor_context_test.ts. */
import assert from "node:assert/strict";
import { decode, encode } from "../../../asn1/codec.ts";
import { hostbasedService } from "../../../gss/names.ts";
import { Credential } from "../../../kerberos/credential.ts";
import { KerberosKey } from "../../../kerberos/crypto/key.ts";
import { makeDelegation, readDelegation } from "../../../kerberos/mech/delegation.ts";
import { KerberosError } from "../../../kerberos/errors.ts";
import { passwordKey } from "../../../kerberos/exchange/client_key.ts";
import { inProcessTransport } from "../../../kerberos/kdc/mod.ts";
import { KerberosTickets } from "../../../kerberos/credentials/tickets/tickets.ts";
import { KerberosInitiatorCredential } from "../../../kerberos/mech/credentials.ts";
import { KrbCred } from "../../../kerberos/messages/cred.ts";
import { KrbError } from "../../../kerberos/messages/error.ts";
import { TgsReq } from "../../../kerberos/messages/kdc.ts";
import { parsePrincipal } from "../../../kerberos/principal.ts";
import { KdcClient } from "../../../kerberos/reach/kdc_client.ts";
import type { KdcTransport } from "../../../kerberos/reach/transport.ts";
import { ErrorCode } from "../../../kerberos/registry/errors.ts";
import { KdcOption } from "../../../kerberos/registry/flags.ts";
import { readMessage } from "../../../kerberos/messages/read.ts";
import { memoryConfig, memoryRealm, memoryTickets } from "../../support/gss_pair.ts";
import { TestRuntime } from "../../support/test_runtime.ts";
import { hex, unhex, vectors } from "../../support/vectors.ts";

interface Kirbi {
  readonly name: string;
  readonly der_hex: string;
}

Deno.test("readDelegation(): reads KRB-CREDs in clear of other programs, with the tickets as they were", async () => {
  const read: string[] = [];
  for (const { der_hex } of vectors<Kirbi>("kirbi")) {
    const message = unhex(der_hex);
    const { principal, credentials } = await readDelegation(message, []);
    for (const credential of credentials) {
      assert.ok(der_hex.includes(hex(credential.ticket)));
      assert.equal(credential.client.realm, principal.realm);
      assert.ok(credential.endtime > credential.starttime && credential.flags !== 0);
      read.push(String(credential));
    }
    const { encPart } = readMessage(KrbCred, message);
    assert.deepEqual([encPart.etype, encPart.kvno], [0, undefined]);
  }
  assert.deepEqual(read, [
    "user01@INNOVATION.ROCKS -> krbtgt/INNOVATION.ROCKS@INNOVATION.ROCKS",
    "test_dmsa8@TEST25.CORP -> krbtgt/TEST25.CORP@TEST25.CORP",
  ]);
});

Deno.test("readDelegation(): a start of zero is that of the authentication", async () => {
  const runtime = new TestRuntime();
  const { credential } = await memoryTickets([await memoryRealm({ runtime })], { runtime }).initialTicket();
  const { client, server, key, authtime, endtime, flags, ticket } = credential;
  const sealed = KerberosKey.generate(18);
  for (const starttime of [0, authtime, authtime + 60_000]) {
    const sent = new Credential({ client, server, key, authtime, starttime, endtime, flags, ticket });
    const message = await makeDelegation({ credential: sent, kdcOffset: 0 }, sealed, runtime);
    const [got] = (await readDelegation(message, [sealed])).credentials;
    assert.equal(got!.starttime, starttime || authtime);
  }
});

/** A KDC in this process that answers all but requests for a ticket to forward. */
function forwardsNothing(kdc: KdcTransport, instead: () => Uint8Array<ArrayBuffer>): KdcTransport & { asked: number } {
  return {
    asked: 0,
    send(address, message, options) {
      const isForwarded = message[0] === 0x6c &&
        (decode(TgsReq, message).reqBody.kdcOptions & KdcOption.Forwarded) !== 0;
      if (!isForwarded) return kdc.send(address, message, options);
      this.asked++;
      return Promise.resolve().then(instead);
    },
  };
}

Deno.test("KerberosInitiatorCredential: goes on without delegation where the KDC forwards nothing, or is gone", async () => {
  const runtime = new TestRuntime();
  const realm = await memoryRealm({ runtime });
  const config = { ...memoryConfig(realm), forwardable: true };
  const refused = encode(KrbError, {
    ...{ pvno: 5, msgType: 30, stime: runtime.time, susec: 0, errorCode: ErrorCode.KDC_ERR_BADOPTION },
    ...{ realm: realm.name, sname: { nameType: 2, nameString: ["krbtgt", realm.name] } },
  });
  const gone = () => {
    throw new KerberosError("KDC_UNREACHABLE", "it has gone");
  };
  for (const instead of [() => refused, gone]) {
    const transport = forwardsNothing(inProcessTransport(realm), instead);
    const tickets = new KerberosTickets({
      ...{ config, runtime, kdc: new KdcClient({ config, transport, runtime }) },
      initial: { client: parsePrincipal(`alice@${realm.name}`), key: passwordKey("alicepw") },
    });
    const flags = { delegation: true };
    const initiator = new KerberosInitiatorCredential(tickets, { runtime });
    const step = await (await initiator.initiate(hostbasedService("rcmd", "localhost"), { flags })).step();
    assert.ok(step.done && transport.asked > 0);
    assert.equal(step.context.flags.delegation, false);
  }
});
