/** Answers that are genuine and wrong in one field (RFC 4120 section 3.2.5), and what a request must have in it. */
import assert from "node:assert/strict";
import { type Bytes, concat, utf8 } from "../../../base/bytes.ts";
import { encodeInitialToken } from "../../../gss/initial_token.ts";
import type { GssFlags } from "../../../gss/context.ts";
import type { GssNegotiation } from "../../../gss/negotiation.ts";
import { hostbasedService } from "../../../gss/names.ts";
import { GssError } from "../../../gss/status.ts";
import { readMessage } from "../../../kerberos/messages/read.ts";
import { ApOption } from "../../../kerberos/registry/flags.ts";
import { KeyUsage } from "../../../kerberos/registry/key_usages.ts";
import { KerberosKey } from "../../../kerberos/crypto/key.ts";
import { KdcError, KerberosError } from "../../../kerberos/errors.ts";
import { KerberosInitiatorCredential } from "../../../kerberos/mech/credentials.ts";
import { decodeAuthenticatorChecksum, GSS_CHECKSUM_TYPE } from "../../../kerberos/mech/tokens/checksum.ts";
import { KERBEROS_OID } from "../../../kerberos/mech/tokens/context.ts";
import { EncKrbCredPart, KrbCred } from "../../../kerberos/messages/cred.ts";
import type { Authenticator } from "../../../kerberos/messages/ap.ts";
import { Forge, type ReplyChanges } from "../../support/forge_ap.ts";
import { micToken, wrapToken } from "../../support/forge_tokens.ts";

const TARGET = hostbasedService("rcmd", "p.a.test");

interface Started {
  readonly negotiation: GssNegotiation;
  readonly token: Bytes;
  readonly done: boolean;
  readonly authenticator: Authenticator;
  readonly apOptions: number;
}

async function start(forge: Forge, flags?: GssFlags): Promise<Started> {
  const credential = new KerberosInitiatorCredential(forge.tickets(), { runtime: forge.runtime });
  const negotiation = await credential.initiate(TARGET, flags === undefined ? {} : { flags });
  const { token, done } = await negotiation.step();
  const { request, authenticator } = await forge.open(token!);
  return { negotiation, token: token!, done, authenticator, apOptions: request.apOptions };
}

async function refusal(promise: Promise<unknown>): Promise<GssError> {
  const error = await promise.then(() => undefined, (reason) => reason);
  assert.ok(error instanceof GssError, `GssError wanted, ${error} came`);
  return error;
}

type Wrong = [what: string, code: string, changes: (forge: Forge, sent: Authenticator) => ReplyChanges];

const WRONG: Wrong[] = [
  ["another second", "KRB_AP_ERR_MUT_FAIL", (_, { ctime }) => ({ part: { ctime: ctime + 1000 } })],
  ["another microsecond", "KRB_AP_ERR_MUT_FAIL", (_, { cusec }) => ({ part: { cusec: (cusec + 1) % 1_000_000 } })],
  ["an answer to another request", "KRB_AP_ERR_MUT_FAIL", () => ({ part: { ctime: 0, cusec: 0 } })],
  ["a stranger's key", "INTEGRITY", () => ({ replyKey: KerberosKey.generate(18) })],
  ["the subkey in place of the session key", "INTEGRITY", () => ({ replyKey: undefined as never })],
  ["another use of the session key", "INTEGRITY", () => ({ replyUsage: KeyUsage.ApReqAuthenticator })],
  ["another enctype on it", "BAD_MESSAGE", () => ({ replyEnctype: 17 })],
  ["a subkey of an enctype without protection", "KDC_ERR_ETYPE_NOSUPP", () => ({
    part: { subkey: { keytype: 23, keyvalue: new Uint8Array(16) } },
  })],
  ["a subkey of the wrong length", "BAD_KEY", () => ({
    part: { subkey: { keytype: 18, keyvalue: new Uint8Array(16) } },
  })],
  ["bytes behind the sealed part", "BAD_MESSAGE", () => ({
    rewritePart: (bytes) => concat(bytes, Uint8Array.of(0)),
  })],
  ["something else sealed", "BAD_MESSAGE", () => ({ rewritePart: () => utf8("no answer") })],
];

Deno.test("KerberosInitiator: refuses an answer that does not prove its sender", async (t) => {
  for (const [what, code, changes] of WRONG) {
    await t.step(what, async () => {
      const forge = new Forge();
      const { negotiation, authenticator } = await start(forge);
      let wrong = changes(forge, authenticator);
      if ("replyKey" in wrong && wrong.replyKey === undefined) {
        const { keytype, keyvalue } = authenticator.subkey!;
        wrong = { replyKey: new KerberosKey(keytype, keyvalue) };
      }
      const error = await refusal(negotiation.step(await forge.apRep(authenticator, wrong)));
      assert.equal(error.code, code, error.message);
      const good = await forge.apRep(authenticator);
      assert.equal((await refusal(negotiation.step(good))).code, "NO_CONTEXT", "it stays failed");
    });
  }
});

Deno.test("KerberosInitiator: uses the acceptor's subkey and number, or its own subkey", async () => {
  const forge = new Forge();
  const first = await start(forge);
  const step = await first.negotiation.step(await forge.apRep(first.authenticator));
  assert.ok(step.done && step.token === undefined);
  using context = step.context;
  assert.deepEqual([context.peer.text, context.self.text], ["rcmd/p.a.test@A.TEST", "alice@A.TEST"]);
  const key = forge.acceptorSubkey;
  assert.equal((await context.unwrap(await wrapToken({ key, byAcceptor: true, sequence: 2000 }))).status, "complete");
  assert.equal(
    await context.verifyMic(utf8("hello"), await micToken({ key, byAcceptor: true, sequence: 2002 })),
    "gap",
  );

  const second = await start(forge);
  const without = await second.negotiation.step(
    await forge.apRep(second.authenticator, { part: { subkey: undefined } }),
  );
  assert.ok(without.done);
  using unmarked = without.context;
  const { keytype, keyvalue } = second.authenticator.subkey!;
  const own = { key: new KerberosKey(keytype, keyvalue), byAcceptor: true, sequence: 2000 };
  await assert.rejects(unmarked.unwrap(await wrapToken(own)), { major: "BAD_SIG" }, "marked AcceptorSubkey");
  assert.equal((await unmarked.unwrap(await wrapToken({ ...own, flags: 3 }))).status, "complete");
});

Deno.test("KerberosInitiator: takes only an AP-REP, and no name from a refusal (CVE-2017-11103)", async () => {
  const forge = new Forge();
  const tokens: [string, string, (sent: Started) => Bytes][] = [
    ["its own request", "DEFECTIVE_TOKEN", ({ token }) => token],
    ["an unknown identifier", "KRB_AP_ERR_MSG_TYPE", () => encodeInitialToken(KERBEROS_OID, Uint8Array.of(9, 9, 1))],
    ["another mechanism", "BAD_MECH", () => encodeInitialToken("1.3.6.1.5.5.2", Uint8Array.of(2, 0, 1))],
    ["nothing", "DEFECTIVE_TOKEN", () => new Uint8Array(0)],
    [
      "a refusal",
      "KRB_AP_ERR_SKEW",
      () => forge.krbError({ errorCode: 37, realm: "EVIL.TEST", sname: { nameType: 1, nameString: ["evil"] } }),
    ],
    ["a refusal with a number that is not known", "KRB_ERR_GENERIC", () => forge.krbError({ errorCode: 9999 })],
    ["a refusal of our message's type", "KRB_AP_ERR_MSG_TYPE", () => forge.krbError({ errorCode: 40 })],
    [
      "a refusal that drives a terminal",
      "KRB_AP_ERR_REPEAT",
      () => forge.krbError({ errorCode: 34, eText: "\x1b]0;owned\x07\x9b\u202e" }),
    ],
  ];
  for (const [what, code, token] of tokens) {
    const started = await start(forge);
    const error = await refusal(started.negotiation.step(token(started)));
    assert.equal(error.code, code, what);
    assert.doesNotMatch(error.message, /evil|[\p{Cc}\p{Cf}]/iu, what);
    if (!what.startsWith("a refusal")) continue;
    assert.match(error.message, /^Service rcmd\/p\.a\.test@A\.TEST refused/, what);
    assert.equal(error.major, code === "KRB_AP_ERR_REPEAT" ? "DUPLICATE_ELEMENT" : "FAILURE", what);
  }
});

Deno.test("KerberosInitiator: sends the checksum of RFC 4121 section 4.1.1 with its active flags", async () => {
  const forge = new Forge();
  const seen = new Set<string>();
  const asked: GssFlags[] = [{}, { mutual: true }, { mutual: true, replay: true, sequence: true }, { integrity: true }];
  for (const flags of asked) {
    const { authenticator, apOptions, done, negotiation } = await start(forge, flags);
    const { cksum, subkey, seqNumber, ctime, cusec } = authenticator;
    assert.equal(cksum!.cksumtype, GSS_CHECKSUM_TYPE);
    assert.equal(cksum!.checksum.length, 24);
    const active = decodeAuthenticatorChecksum(cksum!.checksum);
    assert.deepEqual(active.flags, {
      delegation: false,
      mutual: false,
      replay: false,
      sequence: false,
      ...flags,
      confidentiality: true,
      integrity: true,
    });
    assert.deepEqual(active.bindings, new Uint8Array(16));
    assert.equal(apOptions, flags.mutual ? ApOption.MutualRequired : 0);
    assert.equal(done, !flags.mutual);
    if (flags.mutual) {
      const step = await negotiation.step(await forge.apRep(authenticator));
      assert.ok(step.done);
      assert.deepEqual(step.context.flags, active.flags);
    }
    assert.ok(seqNumber! >= 0 && seqNumber! < 2 ** 30);
    for (const what of [`${subkey!.keyvalue}`, `${seqNumber}`, `${ctime} ${cusec}`]) {
      assert.ok(!seen.has(what), "fresh each time");
      seen.add(what);
    }
  }
});

Deno.test("KerberosInitiator: never sends the same time twice", async () => {
  const forge = new Forge();
  const started = await Promise.all(Array.from({ length: 200 }, () => start(forge, {})));
  const times = started.map(({ authenticator: { ctime, cusec } }) => ctime * 1000 + cusec);
  assert.equal(new Set(times).size, times.length);
});

Deno.test("KerberosInitiatorCredential: delegates only if requested (CVE-2011-2192)", async () => {
  const forge = new Forge();
  const tickets = forge.tickets();
  let asked = 0;
  const source = {
    ...tickets,
    forwardedTicket: () => {
      asked++;
      return tickets.forwardedTicket();
    },
  };
  const credential = new KerberosInitiatorCredential(source, { runtime: forge.runtime });
  for (
    const [flags, wanted] of [[undefined, 0], [{ mutual: true }, 0], [{ delegation: false }, 0], [
      { delegation: true },
      1,
    ]] as const
  ) {
    asked = 0;
    const negotiation = await credential.initiate(TARGET, flags === undefined ? {} : { flags });
    const { token } = await negotiation.step();
    const { authenticator } = await forge.open(token!);
    const sent = decodeAuthenticatorChecksum(authenticator.cksum!.checksum);
    assert.deepEqual([asked, sent.flags.delegation, sent.delegation !== undefined], [
      wanted,
      wanted === 1,
      wanted === 1,
    ]);
    if (sent.delegation === undefined) continue;
    // Sealed in the session key (RFC 4121 section 4.1.1).
    const { encPart } = readMessage(KrbCred, sent.delegation);
    const part = readMessage(EncKrbCredPart, await forge.sessionKey.decrypt(KeyUsage.KrbCredEncPart, encPart.cipher));
    assert.deepEqual(part.ticketInfo[0]!.pname!.nameString, ["alice"]);
  }
});

Deno.test("KerberosInitiatorCredential: continues without delegation if no ticket is forwardable", async () => {
  const forge = new Forge();
  const failures: [unknown, boolean][] = [
    [new KerberosError("NO_CREDENTIALS", "not forwardable"), true],
    [new KdcError({ errorCode: 12, clockOffset: 0 }), true],
    [new TypeError("a mistake of ours"), false],
  ];
  for (const [failure, goesOn] of failures) {
    const source = { ...forge.tickets(), forwardedTicket: () => Promise.reject(failure) };
    const credential = new KerberosInitiatorCredential(source, { runtime: forge.runtime });
    const starting = credential.initiate(TARGET, { flags: { delegation: true } });
    if (!goesOn) {
      await assert.rejects(starting, failure as Error);
      continue;
    }
    const step = await (await starting).step();
    assert.ok(step.done);
    assert.equal(step.context.flags.delegation, false);
    const { authenticator } = await forge.open(step.token!);
    assert.equal(decodeAuthenticatorChecksum(authenticator.cksum!.checksum).flags.delegation, false);
  }
  // Whoever gives up gets no context.
  const source = {
    ...forge.tickets(),
    forwardedTicket: () => Promise.reject(new KerberosError("KDC_UNREACHABLE", "x")),
  };
  const signal = AbortSignal.abort(new Error("given up"));
  const starting = new KerberosInitiatorCredential(source).initiate(TARGET, { flags: { delegation: true }, signal });
  await assert.rejects(starting, /given up/);
});
