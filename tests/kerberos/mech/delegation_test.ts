/** KRB-CREDs that other programs wrote in clear (RFC 6448 section 3). Those in an authenticator are in acceptor_context_test.ts. */
import assert from "node:assert/strict";
import { readDelegation } from "../../../kerberos/mech/delegation.ts";
import { KrbCred } from "../../../kerberos/messages/cred.ts";
import { readMessage } from "../../../kerberos/messages/read.ts";
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
