/** Parts played to clients: a client that keeps the RFCs passes all of them, and one that breaks a rule fails its part. */
import assert from "node:assert/strict";
import type { CheckResult } from "../../conform/check.ts";
import { checkClient, type CheckClientOptions } from "../../conform/check_client.ts";
import { CLIENT_PARTS } from "../../conform/client/all.ts";
import { resultText } from "../../conform/report.ts";
import { KerberosInitiatorCredential } from "../../kerberos/mech/credentials.ts";
import type { KdcRealm } from "../../kerberos/kdc/mod.ts";
import { credentialPair, memoryRealm, memoryTickets } from "../support/gss_pair.ts";
import { startUser, type UserFaults } from "./breakable/user.ts";
import { inLanes } from "./lanes.ts";
import { CLIENT_FAULTS } from "./client_faults.ts";

/** Plays parts to a client with faults. */
async function played(
  realm: KdcRealm,
  faults: UserFaults,
  options: Partial<CheckClientOptions>,
): Promise<readonly CheckResult[]> {
  const { acceptor } = credentialPair(realm);
  const initiator = new KerberosInitiatorCredential(memoryTickets([realm], { config: { forwardable: true } }));
  const { results } = await checkClient({
    start: (how) => startUser(how, initiator, faults),
    credential: acceptor,
    silence: 60,
    ...options,
  });
  return results;
}

Deno.test("conformance of a client: one that keeps the RFCs passes every part", async () => {
  const results = await played(await memoryRealm(), {}, {});
  assert.equal(results.length, CLIENT_PARTS.length);
  assert.deepEqual(results.filter(({ outcome }) => outcome !== "pass").map(resultText), []);
});

Deno.test("conformance of a client: each part notices the fault that it is for", async () => {
  const realm = await memoryRealm();
  const wrong: string[] = [];
  await inLanes(CLIENT_PARTS, async ({ id, severity }) => {
    const { faults, says } = CLIENT_FAULTS[id] ?? { faults: {} };
    const results = await played(realm, faults, { only: [id], timeout: 1_500, silence: 150 });
    const { outcome, detail } = results.find((result) => result.id === id)!;
    const noticed = severity === "note" ? says !== undefined && detail === says : outcome === "fail";
    if (!noticed) wrong.push(`${id}: ${outcome}, ${detail}`);
  });
  assert.deepEqual(wrong, []);
  assert.deepEqual(Object.keys(CLIENT_FAULTS).filter((id) => !CLIENT_PARTS.some((part) => part.id === id)), []);
});
