/** The AP exchange without a mechanism around it, and what a policy changes (RFC 4120 section 3.2). */
import assert from "node:assert/strict";
import { utf8 } from "../../../base/bytes.ts";
import { makeApReq } from "../../../kerberos/ap/make.ts";
import type { ApPolicy } from "../../../kerberos/ap/policy.ts";
import { MemoryReplayCache } from "../../../kerberos/ap/replay/memory.ts";
import { makeApRep, verifyApRep } from "../../../kerberos/ap/reply.ts";
import { readApReq, verifyApReq } from "../../../kerberos/ap/verify.ts";
import { ApError } from "../../../kerberos/ap/error.ts";
import { KerberosKey } from "../../../kerberos/crypto/key.ts";
import { Forge, type TicketChanges } from "../../support/forge_ap.ts";

/** An AP-REQ made by the product, with a forged ticket where `changes` has something. */
async function made(forge: Forge, changes: TicketChanges = {}, authenticatorUsage = 11) {
  const { credential } = await forge.tickets(changes).serviceTicket(forge.service);
  const { runtime, subkey } = forge;
  const checksum = { cksumtype: 16, checksum: utf8("checksum") };
  return await makeApReq({ credential, authenticatorUsage, checksum, subkey, sequence: 7, runtime });
}

function policyOf(forge: Forge, changes: Partial<ApPolicy> = {}): ApPolicy {
  return {
    keys: forge.keys,
    authenticatorUsage: 11,
    now: forge.runtime.now(),
    skew: 300_000,
    replayCache: new MemoryReplayCache({ runtime: forge.runtime }),
    transited: {},
    authorizationData: "obeyed",
    ...changes,
  };
}

Deno.test("verifyApReq(): gives what makeApReq() was given", async () => {
  const forge = new Forge();
  const { message } = await made(forge);
  const { authenticator, subkey, sessionKey, serviceKey } = await verifyApReq(readApReq(message), policyOf(forge));
  assert.equal(authenticator.seqNumber, 7);
  assert.deepEqual(authenticator.cksum?.checksum, utf8("checksum"));
  assert.deepEqual(subkey?.exportBytes(), forge.subkey.exportBytes());
  assert.deepEqual(sessionKey.exportBytes(), forge.sessionKey.exportBytes());
  assert.equal(serviceKey.kvno, 2);
});

Deno.test("makeApReq(): an authenticator may have no checksum and no sequence number", async () => {
  const forge = new Forge();
  const { credential } = await forge.tickets().serviceTicket(forge.service);
  const { runtime, subkey } = forge;
  const { message } = await makeApReq({ credential, authenticatorUsage: 11, subkey, runtime });
  const { authenticator } = await verifyApReq(readApReq(message), policyOf(forge));
  assert.deepEqual([authenticator.cksum, authenticator.seqNumber], [undefined, undefined]);
});

Deno.test("verifyApRep(): gives what makeApRep() was given, for the time that was sent", async () => {
  const { sessionKey, acceptorSubkey, runtime } = new Forge();
  const sent = { ctime: 1_000, cusec: 5 };
  const message = await makeApRep({ sessionKey, sent, subkey: acceptorSubkey, sequence: 2 ** 31 + 1, runtime });
  const { subkey, sequence } = await verifyApRep(message, sessionKey, sent);
  assert.deepEqual([subkey?.exportBytes(), sequence], [acceptorSubkey.exportBytes(), 2 ** 31 + 1]);
  await assert.rejects(verifyApRep(message, sessionKey, { ...sent, cusec: 6 }), { code: "KRB_AP_ERR_MUT_FAIL" });
});

const restricted = { ticket: { authorizationData: [{ adType: 999, adData: utf8("restriction") }] } };
const detour = { ticket: { transited: { trType: 1, contents: utf8("ELSEWHERE") } } };

/** What is refused by the first policy and accepted by the second. */
const POLICIES: [name: string, code: string, made: TicketChanges, strict: Partial<ApPolicy>, lax: Partial<ApPolicy>][] =
  [
    ["key usages", "KRB_AP_ERR_BAD_INTEGRITY", {}, { authenticatorUsage: 7 }, {}],
    ["enctypes", "KDC_ERR_ETYPE_NOSUPP", {}, { enctypes: [17] }, { enctypes: [17, 18] }],
    ["services", "KRB_AP_ERR_NOT_US", {}, { services: ["HTTP"] }, { services: ["HTTP", "rcmd"] }],
    ["authorization data", "KDC_ERR_POLICY", restricted, {}, { authorizationData: "copied" }],
    ["transited realms", "KRB_AP_PATH_NOT_ACCEPTED", detour, {}, { transited: undefined }],
    ["checks of its own", "KDC_ERR_POLICY", {}, { ticketChecks: [refuse] }, { ticketChecks: [] }],
  ];

function refuse(): void {
  throw new ApError("KDC_ERR_POLICY", "Cannot accept ticket: refused");
}

for (const [name, code, changes, strict, lax] of POLICIES) {
  Deno.test(`verifyApReq(): follows the policy about ${name}`, async () => {
    const forge = new Forge();
    const request = readApReq((await made(forge, changes)).message);
    await assert.rejects(verifyApReq(request, policyOf(forge, strict)), { name: "ApError", code });
    await verifyApReq(request, policyOf(forge, lax));
  });
}

Deno.test("verifyApReq(): accepts an authenticator once by one replay cache, and again without one", async () => {
  const forge = new Forge();
  const request = readApReq((await made(forge)).message);
  const policy = policyOf(forge);
  await verifyApReq(request, policy);
  await assert.rejects(verifyApReq(request, policy), { code: "KRB_AP_ERR_REPEAT" });
  await verifyApReq(request, { ...policy, replayCache: undefined });
});

Deno.test("verifyApReq(): tries the keys that were added when none opens the ticket", async () => {
  const forge = new Forge();
  const request = readApReq((await made(forge)).message);
  const other = { principal: forge.service, kvno: 1, key: KerberosKey.generate(18) };
  let held = [other];
  const keys = { candidates: () => held, describe: () => [] };
  await assert.rejects(verifyApReq(request, policyOf(forge, { keys })), { code: "KRB_AP_ERR_BADKEYVER" });
  const renewed = () => {
    held = [other, { principal: forge.service, kvno: 2, key: forge.serviceKey }];
    return Promise.resolve(true);
  };
  await verifyApReq(request, policyOf(forge, { keys: { ...keys, renewed } }));
});

Deno.test("readApReq(): tells another message from one that cannot be read", () => {
  assert.throws(() => readApReq(Uint8Array.of(0x6f, 0)), { code: "KRB_AP_ERR_MSG_TYPE" });
  assert.throws(() => readApReq(Uint8Array.of(0x6e, 0)), { code: "BAD_MESSAGE" });
});
