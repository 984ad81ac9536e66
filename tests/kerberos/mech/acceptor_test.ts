/** Requests that are genuine and wrong in one field: every rule of RFC 4120 section 3.2.3 and RFC 4121 section 4.1. */
import assert from "node:assert/strict";
import { encode } from "../../../asn1/codec.ts";
import { type Bytes, concat, utf8 } from "../../../base/bytes.ts";
import { channelBindingHash } from "../../../kerberos/mech/tokens/channel_bindings.ts";
import { encodeInitialToken } from "../../../gss/initial_token.ts";
import type { AcceptOptions } from "../../../gss/credential.ts";
import type { GssContext } from "../../../gss/context.ts";
import { GssError } from "../../../gss/status.ts";
import { readMessage } from "../../../kerberos/messages/read.ts";
import { ApOption, TicketFlag } from "../../../kerberos/registry/flags.ts";
import { KeyUsage } from "../../../kerberos/registry/key_usages.ts";
import { KerberosKey } from "../../../kerberos/crypto/key.ts";
import type { KerberosAcceptorOptions } from "../../../kerberos/mech/credentials.ts";
import { MemoryReplayCache } from "../../../kerberos/ap/replay/replay_cache.ts";
import { SharedReplayCache } from "../../../kerberos/ap/replay/shared.ts";
import { decodeContextToken, encodeContextToken, KERBEROS_OID } from "../../../kerberos/mech/tokens/context.ts";
import { ApRep, ApReq, EncApRepPart } from "../../../kerberos/messages/ap.ts";
import type { PrincipalName } from "../../../kerberos/messages/basic.ts";
import { KrbError } from "../../../kerberos/messages/error.ts";
import { EncKrbCredPart, KrbCred } from "../../../kerberos/messages/cred.ts";
import { parsePrincipal, toPrincipalName } from "../../../kerberos/principal.ts";
import { Keytab } from "../../../kerberos/credentials/formats/keytab.ts";
import { ALL_FLAGS } from "../../support/flags.ts";
import { type Changes, Forge, type RequestChanges, wrapToken } from "../../support/forge.ts";

const SKEW = 300_000;
const HOUR = 3_600_000;

interface Attempt {
  /** What the acceptor takes beside its keys. */
  readonly options?: (forge: Forge) => Partial<KerberosAcceptorOptions>;
  readonly accept?: AcceptOptions;
}

async function accept(forge: Forge, changes: RequestChanges = {}, attempt: Attempt = {}): Promise<GssContext> {
  const { token } = await forge.apReq(changes);
  const step = await forge.acceptor(attempt.options?.(forge)).accept(attempt.accept).step(token);
  assert.ok(step.done);
  return step.context;
}

/** Code of the error, and the number that the peer is told. */
async function refusal(promise: Promise<unknown>): Promise<{ error: GssError; code: string; told: number }> {
  const error = await promise.then(() => undefined, (reason) => reason);
  assert.ok(error instanceof GssError, `GssError wanted, ${error} came`);
  const { id, message } = decodeContextToken(error.token!);
  assert.equal(id, "KRB-ERROR");
  const refused = readMessage(KrbError, message);
  assert.equal(refused.eText, undefined, "the peer is told a number and no more");
  return { error, code: error.code, told: refused.errorCode };
}

type Case = [what: string, changes: (forge: Forge, now: number) => RequestChanges, attempt?: Attempt];

const ticket = (fields: RequestChanges["ticket"]): RequestChanges => ({ ticket: fields ?? {} });
const authorization = (...types: number[]) => types.map((adType) => ({ adType, adData: utf8("x") }));
const keyOf = (enctype: number, length: number) => ({ keytype: enctype, keyvalue: new Uint8Array(length).fill(7) });
const onlyAes256: Attempt = { options: () => ({ enctypes: [18] }) };

/** Names that are nobody's. */
const NOBODY: readonly (readonly string[])[] = [[], [""], ["", ""], ["", "admin"], ["alice", ""]];

const REFUSED: Record<string, [number, ...Case[]]> = {
  KRB_AP_ERR_TKT_NYV: [
    33,
    ["a ticket marked INVALID", () => ticket({ flags: TicketFlag.Invalid })],
    ["a ticket that starts later than the skew", (_, now) => ticket({ starttime: now + SKEW + 1000 })],
    ["a ticket without start from later", (_, now) => ticket({ starttime: undefined, authtime: now + HOUR })],
  ],
  KRB_AP_ERR_TKT_EXPIRED: [32, [
    "a ticket that ended longer ago than the skew",
    (_, now) => ticket({ endtime: now - SKEW - 1000 }),
  ]],
  KRB_AP_ERR_BADMATCH: [
    36,
    ["another client in the authenticator", () => ({ authenticator: { cname: { nameType: 1, nameString: ["bob"] } } })],
    ["another realm in the authenticator", () => ({ authenticator: { crealm: "B.TEST" } })],
    ["another instance in the authenticator", () => ({
      authenticator: { cname: { nameType: 1, nameString: ["alice", "admin"] } },
    })],
  ],
  KDC_ERR_C_PRINCIPAL_UNKNOWN: [
    6,
    ["a client without a realm", () => ticket({ crealm: "" })],
    ...NOBODY.map((nameString): Case => [
      `a client of the components ${JSON.stringify(nameString)}`,
      () => ticket({ cname: { nameType: 1, nameString } }),
    ]),
  ],
  KRB_AP_ERR_SKEW: [
    37,
    ["a clock ahead by more than the skew", (_, now) => ({ authenticator: { ctime: now + SKEW + 1000 } })],
    ["a clock behind by more than the skew", (_, now) => ({ authenticator: { ctime: now - SKEW - 1000 } })],
    ["a clock ahead by the skew and a microsecond", (_, now) => ({ authenticator: { ctime: now + SKEW, cusec: 1 } })],
    [
      "a clock ahead by more than the skew configured",
      (_, now) => ({ authenticator: { ctime: now + 11_000 } }),
      { options: () => ({ clockskew: 10_000 }) },
    ],
  ],
  KDC_ERR_POLICY: [
    12,
    ["a critical restriction in the ticket that is not known", () => ticket({ authorizationData: authorization(999) })],
    ["a critical restriction of local use", () => ticket({ authorizationData: authorization(-5) })],
    ["AD-AND-OR", () => ticket({ authorizationData: authorization(5) })],
    ["a critical restriction behind one that may be passed over", () =>
      ticket({
        authorizationData: authorization(1, 999),
      })],
    ["a critical restriction in the authenticator that is not known", () => ({
      authenticator: { authorizationData: authorization(999) },
    })],
  ],
  KRB_AP_ERR_INAPP_CKSUM: [
    50,
    ["no checksum", () => ({ authenticator: { cksum: undefined } })],
    ["a checksum without a key (CVE-2018-16860)", () => ({
      authenticator: { cksum: { cksumtype: 7, checksum: new Uint8Array(16) } },
    })],
    ["the right bytes under another checksum type", (forge) => ({
      authenticator: { cksum: { ...forge.authenticator().cksum!, cksumtype: 16 } },
    })],
  ],
  KRB_AP_ERR_BAD_INTEGRITY: [
    31,
    ["another enctype on the authenticator than the session key's", () => ({ authenticatorEnctype: 17 })],
    ["an authenticator under another key", () => ({ authenticatorKey: KerberosKey.generate(18) })],
    ["an authenticator sealed for a KDC", () => ({ authenticatorUsage: KeyUsage.TgsReqAuthenticator })],
    ["a ticket under another key", () => ({ ticketKey: KerberosKey.generate(18) })],
    ["a ticket sealed for another use", () => ({ ticketUsage: KeyUsage.AsRepEncPart })],
  ],
  KRB_AP_ERR_BADKEYVER: [44, ["a ticket under a key of another version", () => ({
    ticketKey: KerberosKey.generate(18),
    kvno: 3,
  })]],
  KRB_AP_ERR_NOKEY: [
    45,
    ["a ticket of user-to-user authentication", () => ({ request: { apOptions: ApOption.UseSessionKey } })],
    ["a ticket of user-to-user authentication with mutual authentication", () => ({
      request: { apOptions: ApOption.UseSessionKey | ApOption.MutualRequired },
    })],
  ],
  KDC_ERR_ETYPE_NOSUPP: [
    14,
    ["a ticket of an enctype that is not permitted", () => ({}), { options: () => ({ enctypes: [17] }) }],
    ["a session key of an enctype that is not permitted", () => ticket({ key: keyOf(17, 16) }), onlyAes256],
    ["a subkey of an enctype that is not permitted", () => ({ authenticator: { subkey: keyOf(17, 16) } }), onlyAes256],
    ["a session key for RC4", () => ticket({ key: keyOf(23, 16) })],
    ["a subkey for RC4", () => ({ authenticator: { subkey: keyOf(23, 16) } })],
    ["a ticket for RC4", () => ({ outside: { encPart: { etype: 23, kvno: 2, cipher: new Uint8Array(64) } } })],
  ],
  KRB_AP_ERR_NOT_US: [35, [
    "a ticket for another service, whatever stands on it in clear",
    () => ({ outside: { sname: { nameType: 2, nameString: ["http", "p.a.test"] } } }),
    { options: () => ({ services: ["http"] }) },
  ]],
  DEFECTIVE_TOKEN: [
    60,
    ["a checksum of 23 bytes", () => ({ rewriteChecksum: (bytes) => bytes.slice(0, 23) })],
    ["a checksum that counts bindings of 15 bytes", () => ({ rewriteChecksum: poke(0, 15) })],
    ["delegation without tickets", () => ({ rewriteChecksum: poke(20, 0x3f) })],
    ["a delegation option that is not 1", () => ({
      rewriteChecksum: (bytes) => concat(poke(20, 0x3f)(bytes), Uint8Array.of(2, 0, 0, 0)),
    })],
    ["a delegation longer than the checksum", () => ({
      rewriteChecksum: (bytes) => concat(poke(20, 0x3f)(bytes), Uint8Array.of(1, 0, 9, 0, 1, 2)),
    })],
  ],
  BAD_MESSAGE: [
    60,
    ["bytes behind the authenticator", () => ({ rewriteAuthenticator: trailing })],
    ["bytes behind the ticket's sealed part", () => ({ rewriteTicket: trailing })],
    ["an authenticator of version 4", () => ({ rewriteAuthenticator: version(4) })],
    ["something else sealed in the ticket", () => ({ rewriteTicket: () => utf8("no ticket") })],
    ["delegation that is no KRB-CRED", () => ({ checksum: { flags: { delegation: true }, delegation: utf8("no") } })],
    ["delegation of nothing (CVE-2014-5355 and its kin)", () => ({
      checksum: { flags: { delegation: true }, delegation: new Uint8Array(0) },
    })],
  ],
  BAD_KEY: [
    60,
    ["a session key of the wrong length", () => ticket({ key: keyOf(18, 31) })],
    ["a subkey of the wrong length", () => ({ authenticator: { subkey: keyOf(18, 33) } })],
  ],
};

/** One byte changed. */
function poke(at: number, value: number): (bytes: Bytes) => Bytes {
  return (bytes) => {
    const out = bytes.slice();
    out[at] = value;
    return out;
  };
}

function trailing(bytes: Bytes): Bytes {
  return concat(bytes, Uint8Array.of(0));
}

/** The first version number in the bytes, which is 5, changed. */
function version(number: number): (bytes: Bytes) => Bytes {
  return (bytes) => {
    const at = bytes.findIndex((byte, i) => byte === 2 && bytes[i + 1] === 1 && bytes[i + 2] === 5);
    return poke(at + 2, number)(bytes);
  };
}

for (const [code, [told, ...cases]] of Object.entries(REFUSED)) {
  Deno.test(`KerberosAcceptor refuses with ${code}`, async (t) => {
    for (const [what, changes, attempt] of cases) {
      await t.step(what, async () => {
        const forge = new Forge();
        const got = await refusal(accept(forge, changes(forge, forge.runtime.now()), attempt));
        assert.deepEqual([got.code, got.told], [code, told], got.error.message);
      });
    }
  });
}

const ACCEPTED: Case[] = [
  ["what a good client sends", () => ({})],
  ["a ticket that starts in as much as the skew", (_, now) => ticket({ starttime: now + SKEW })],
  ["a ticket that ended as long ago as the skew", (_, now) => ticket({ endtime: now - SKEW })],
  ["a clock ahead by as much as the skew", (_, now) => ({ authenticator: { ctime: now + SKEW, cusec: 0 } })],
  ["a clock behind by as much as the skew", (_, now) => ({ authenticator: { ctime: now - SKEW, cusec: 0 } })],
  [
    "another name type of the same client",
    () => ({ authenticator: { cname: { nameType: 10, nameString: ["alice"] } } }),
  ],
  ["restrictions that say that they may be passed over", () => ticket({ authorizationData: authorization(1, 4, 8) })],
  ["the same in the authenticator", () => ({ authenticator: { authorizationData: authorization(1, 4, 8) } })],
  ["extensions behind the flags", () => ({ rewriteChecksum: (bytes) => concat(bytes, utf8("extension")) })],
  ["flags that are not known", () => ({ rewriteChecksum: (bytes) => poke(23, 0xff)(poke(21, 0xff)(bytes)) })],
  ["no number", () => ({ authenticator: { seqNumber: undefined } })],
  ["a number that some write as negative", () => ({ authenticator: { seqNumber: -1 } })],
  ["a subkey of another enctype than the session key's", () => ({ authenticator: { subkey: keyOf(20, 32) } })],
  // On purpose, as docs/reference.md says: behind NAT or a bridge they would keep out whom they belong to.
  ["a ticket that is bound to addresses", () =>
    ticket({
      caddr: [{ addrType: 2, address: Uint8Array.of(203, 0, 113, 1) }],
    })],
];

Deno.test("KerberosAcceptor accepts", async (t) => {
  for (const [what, changes, attempt] of ACCEPTED) {
    await t.step(what, async () => {
      const forge = new Forge();
      const context = await accept(forge, changes(forge, forge.runtime.now()), attempt);
      assert.equal(context.peer.text, "alice@A.TEST");
      assert.deepEqual(context.flags, ALL_FLAGS);
    });
  }
});

Deno.test("KerberosAcceptor takes no token but AP-REQ, and tells which error that is (RFC 4121 section 4.1)", async () => {
  const forge = new Forge();
  const { token, authenticator } = await forge.apReq();
  const answer = await forge.apRep(authenticator);
  const wrong: [string, Uint8Array][] = [
    ["an unknown identifier", encodeInitialToken(KERBEROS_OID, Uint8Array.of(9, 9, 1, 2, 3))],
    ["a per-message token's identifier", encodeInitialToken(KERBEROS_OID, Uint8Array.of(4, 4, 1, 2, 3))],
    ["an AP-REP", answer],
    ["a KRB-ERROR", forge.krbError()],
    ["an AP-REP under AP-REQ's identifier", encodeContextToken("AP-REQ", decodeContextToken(answer).message)],
  ];
  for (const [what, bytes] of wrong) {
    const got = await refusal(forge.acceptor().accept().step(bytes));
    assert.deepEqual([got.code, got.told, got.error.major], ["KRB_AP_ERR_MSG_TYPE", 40, "DEFECTIVE_TOKEN"], what);
  }
  // msg-type and pvno of the AP-REQ itself.
  for (const field of ["msg-type", "pvno"]) {
    const bytes = token.slice();
    const at = bytes.findIndex((_, i) =>
      bytes[i] === 2 && bytes[i + 1] === 1 && bytes[i + 2] === (field === "pvno" ? 5 : 14)
    );
    bytes[at + 2]!++;
    assert.equal((await refusal(forge.acceptor().accept().step(bytes))).code, "BAD_MESSAGE", field);
  }
});

Deno.test("KerberosAcceptor knows a replay whatever is changed in clear (RFC 4120 section 3.2.3)", async () => {
  const forge = new Forge();
  const acceptor = forge.acceptor();
  const { token } = await forge.apReq();
  assert.ok((await acceptor.accept().step(token)).done);
  const request = readMessage(ApReq, decodeContextToken(token).message);
  const changes: Changes<ApReq>[] = [
    {},
    { apOptions: 0 },
    { ticket: { ...request.ticket, realm: "B.TEST" } },
    { ticket: { ...request.ticket, sname: { nameType: 1, nameString: ["other"] } } },
    { ticket: { ...request.ticket, encPart: { ...request.ticket.encPart, kvno: 9 } } },
    // The same authenticator with another ticket of the same session.
    { ticket: await forge.ticket() },
  ];
  for (const change of changes) {
    const again = encodeContextToken("AP-REQ", encode(ApReq, { ...request, ...change } as ApReq));
    const got = await refusal(acceptor.accept().step(again));
    assert.deepEqual([got.code, got.told], ["KRB_AP_ERR_REPEAT", 34]);
  }
  // Another authenticator of the same time, by another client, is no replay.
  const bob = { crealm: "A.TEST", cname: { nameType: 1, nameString: ["bob"] } };
  assert.ok((await acceptor.accept().step((await forge.apReq({ ticket: bob, authenticator: bob })).token)).done);
});

Deno.test("KerberosAcceptorCredential takes no skew with which all tickets would be good, or none", () => {
  for (const clockskew of [NaN, Infinity, -1]) assert.throws(() => new Forge().acceptor({ clockskew }), RangeError);
});

Deno.test("KerberosAcceptor remembers an authenticator for as long as it would be accepted", async () => {
  const forge = new Forge();
  const acceptor = forge.acceptor();
  // By a clock that is as far ahead as it may be.
  const { token } = await forge.apReq({ authenticator: { ctime: forge.runtime.now() + SKEW, cusec: 0 } });
  assert.ok((await acceptor.accept().step(token)).done);
  forge.runtime.time += 2 * SKEW;
  assert.equal((await refusal(acceptor.accept().step(token))).code, "KRB_AP_ERR_REPEAT");
  forge.runtime.time += 1;
  assert.equal((await refusal(acceptor.accept().step(token))).code, "KRB_AP_ERR_SKEW");
});

Deno.test("KerberosAcceptor refuses when its replay cache cannot tell", async () => {
  const forge = new Forge();
  const broken = { insert: () => Promise.reject(new Error("lost")) };
  const { token } = await forge.apReq();
  await assert.rejects(forge.acceptor({ replayCache: broken }).accept().step(token), /lost/);
});

const NOT_MUTUAL: RequestChanges = { checksum: { flags: { mutual: false } } };

Deno.test("KerberosAcceptor refuses what may be a replay from before its cache, unless the keys are its own", async () => {
  const forge = new Forge();
  const replayCache = new MemoryReplayCache({ runtime: forge.runtime });
  const acceptor = forge.acceptor({ replayCache });
  const began = forge.runtime.now();
  const attempt = async (changes: RequestChanges) => acceptor.accept().step((await forge.apReq(changes)).token);
  const early = await refusal(attempt(NOT_MUTUAL));
  assert.deepEqual([early.code, early.told], ["KRB_AP_ERR_REPEAT", 34]);
  assert.match(early.error.message, /without mutual authentication .* in 300 s at the earliest/);
  assert.equal(early.error.details.retryInSeconds, 300);
  assert.ok((await attempt({})).done, "with mutual authentication a replay cannot go on");

  forge.runtime.time = began + SKEW;
  assert.equal((await refusal(attempt(NOT_MUTUAL))).code, "KRB_AP_ERR_REPEAT", "not before the skew has passed");
  forge.runtime.time += 1000;
  const context = await attempt(NOT_MUTUAL);
  assert.ok(context.done && !context.context.flags.mutual);
  // The skew is reckoned from the authenticator's own time: one from before stays refused as long as it is accepted at all.
  const old = { ...NOT_MUTUAL, authenticator: { ctime: began + SKEW } };
  assert.equal((await refusal(attempt(old))).code, "KRB_AP_ERR_REPEAT");
});

Deno.test("KerberosAcceptor knows what its cache forgot while the clock was ahead", async () => {
  const bare: RequestChanges = { checksum: { flags: { mutual: false } } };
  for (const kind of [MemoryReplayCache, SharedReplayCache]) {
    const forge = new Forge();
    const replayCache = new kind({ capacity: 16, runtime: forge.runtime });
    const acceptor = forge.acceptor({ replayCache });
    const ok = async (token: Bytes) => assert.ok((await acceptor.accept().step(token)).done);
    // In ordinary times what is forgotten keeps nobody out, not even a client whose clock is as far behind as may be.
    forge.runtime.time += HOUR;
    for (let i = 0; i < 40; i++) {
      forge.runtime.time += 61_700;
      const { token } = await forge.apReq(bare);
      forge.runtime.time += SKEW;
      await ok(token);
    }
    const { token } = await forge.apReq(bare);
    await ok(token);
    forge.runtime.time += HOUR;
    // Of several, since one alone does not get all of a cache.
    for (let i = 0; i < 14; i++) {
      const cname = { nameType: 1, nameString: [`user${i % 7}`] };
      await ok((await forge.apReq({ ...bare, ticket: { cname } })).token);
    }
    forge.runtime.time -= HOUR;
    assert.equal((await refusal(acceptor.accept().step(token))).code, "KRB_AP_ERR_REPEAT", kind.name);
    await ok((await forge.apReq()).token);
  }
});

Deno.test("KerberosAcceptor lets contexts without mutual authentication in at once where a cache knows all of them", async () => {
  const forge = new Forge();
  const kept = new MemoryReplayCache({ runtime: forge.runtime });
  const replayCache = { insert: kept.insert.bind(kept) };
  const context = await accept(forge, NOT_MUTUAL, { options: () => ({ replayCache }) });
  assert.equal(context.flags.mutual, false);
});

Deno.test("KerberosAcceptor judges realms by the key that opened the ticket (RFC 4120 section 2.7)", async () => {
  const evil = { crealm: "TRUSTED.TEST", transited: { trType: 1, contents: utf8("EVIL.TEST") } };
  const cases: [string, RequestChanges, string?][] = [
    ["a realm of nobody's", { ticket: evil }, "KRB_AP_PATH_NOT_ACCEPTED"],
    [
      "with the strange realm written over our own",
      { ticket: evil, outside: { realm: "EVIL.TEST" } },
      "KRB_AP_PATH_NOT_ACCEPTED",
    ],
    [
      "with the client's realm written over",
      { ticket: evil, outside: { realm: "TRUSTED.TEST" } },
      "KRB_AP_PATH_NOT_ACCEPTED",
    ],
    ["a client of our own realm", { ticket: { ...evil, crealm: "A.TEST" } }, "KRB_AP_PATH_NOT_ACCEPTED"],
    [
      "an encoding that is not known",
      { ticket: { ...evil, transited: { trType: 2, contents: utf8("TEST") } } },
      "KDC_ERR_TRTYPE_NOSUPP",
    ],
    ["one that a KDC has judged", { ticket: { ...evil, flags: TicketFlag.TransitedPolicyChecked } }],
    ["no realm on the way", { ticket: { crealm: "TRUSTED.TEST" } }],
    ["the parent of both", { ticket: { ...evil, transited: { trType: 1, contents: utf8("TEST") } } }],
  ];
  for (const [what, changes, code] of cases) {
    const forge = new Forge();
    if (code !== undefined) assert.equal((await refusal(accept(forge, changes))).code, code, what);
    else assert.equal((await accept(forge, changes)).attributes.realm, "TRUSTED.TEST", what);
  }
  // As [capaths] has it.
  const capaths = new Map([["TRUSTED.TEST", new Map([["A.TEST", ["EVIL.TEST"]]])]]);
  await accept(new Forge(), { ticket: evil }, { options: () => ({ capaths }) });
});

Deno.test("KerberosAcceptor takes names from what is sealed only (CVE-2017-11103)", async () => {
  const forge = new Forge();
  const outside = { realm: "B.TEST", sname: { nameType: 1, nameString: ["root"] } };
  const context = await accept(forge, { outside });
  assert.deepEqual([context.peer.text, context.self.text], ["alice@A.TEST", "rcmd/p.a.test@A.TEST"]);
  assert.deepEqual([context.attributes.realm, context.attributes.service], ["A.TEST", "rcmd/p.a.test@A.TEST"]);
});

Deno.test("KerberosAcceptor opens a ticket with whichever key of its keytab does, and with no other", async () => {
  const forge = new Forge();
  const other = parsePrincipal("http/p.a.test@A.TEST");
  const keys = new Keytab([
    { principal: other, kvno: 2, key: KerberosKey.generate(18) },
    ...forge.keys.entries,
  ]);
  const outside = { sname: toPrincipalName(other) };
  const context = await accept(forge, { outside }, { options: () => ({ keys, services: ["rcmd"] }) });
  assert.equal(context.self.text, "rcmd/p.a.test@A.TEST");
  assert.equal(
    (await refusal(accept(forge, { outside }, { options: () => ({ keys, services: ["http"] }) }))).code,
    "KRB_AP_ERR_NOT_US",
  );
});

/** The AP-REP of a step, opened. */
async function answered(forge: Forge, changes: RequestChanges) {
  const { token, authenticator } = await forge.apReq(changes);
  const step = await forge.acceptor().accept().step(token);
  assert.ok(step.done);
  if (step.token === undefined) return { context: step.context, authenticator, part: undefined };
  const { id, message } = decodeContextToken(step.token);
  assert.equal(id, "AP-REP");
  const { encPart } = readMessage(ApRep, message);
  assert.equal(encPart.etype, forge.sessionKey.enctype);
  const part = readMessage(EncApRepPart, await forge.sessionKey.decrypt(KeyUsage.ApRepEncPart, encPart.cipher));
  return { context: step.context, authenticator, part };
}

Deno.test("KerberosAcceptor answers as RFC 4120 section 3.2.4 says: the client's time, a subkey and a number of its own", async () => {
  const forge = new Forge();
  const { context: established, authenticator, part } = await answered(forge, { authenticator: { cusec: 123_456 } });
  using context = established;
  assert.deepEqual([part!.ctime, part!.cusec], [authenticator.ctime, authenticator.cusec]);
  assert.equal(part!.subkey!.keytype, forge.subkey.enctype);
  assert.notDeepEqual(part!.subkey!.keyvalue, forge.subkey.exportBytes());
  assert.ok(part!.seqNumber! < 2 ** 30);
  const key = new KerberosKey(part!.subkey!.keytype, part!.subkey!.keyvalue);
  assert.equal((await context.unwrap(await wrapToken({ key }))).status, "complete");
  await assert.rejects(context.unwrap(await wrapToken({ key: forge.subkey, sequence: 1001 })), { major: "BAD_SIG" });
  const again = await answered(forge, {});
  assert.notDeepEqual(again.part!.subkey!.keyvalue, part!.subkey!.keyvalue, "fresh each time");
  assert.notEqual(again.part!.seqNumber, part!.seqNumber);
});

Deno.test("KerberosAcceptor goes by the flags that are sealed, not by the options in clear", async () => {
  const forge = new Forge();
  const quiet = await answered(forge, { ...NOT_MUTUAL, request: { apOptions: ApOption.MutualRequired } });
  assert.deepEqual([quiet.part, quiet.context.flags.mutual], [undefined, false]);
  const loud = await answered(forge, { request: { apOptions: 0 } });
  assert.ok(loud.part !== undefined && loud.context.flags.mutual);
});

Deno.test("KerberosAcceptor without mutual authentication uses the initiator's subkey or the session key, and its number", async () => {
  for (const without of [false, true]) {
    const forge = new Forge();
    const subkey = without ? { authenticator: { subkey: undefined } } : {};
    using context = (await answered(forge, { ...NOT_MUTUAL, ...subkey })).context;
    const key = without ? forge.sessionKey : forge.subkey;
    assert.equal((await context.unwrap(await wrapToken({ key, flags: 2 }))).status, "complete");
    // JDK-8201814: both directions begin with the initiator's number then.
    const token = await context.wrap(utf8("x"), { confidential: false });
    assert.equal(new DataView(token.buffer).getBigUint64(8), 1000n);
  }
});

Deno.test("KerberosAcceptor compares channel bindings where both sides have them (RFC 4121 section 4.1.1.2)", async () => {
  const channelBindings = { applicationData: utf8("tls-server-end-point:x") };
  const bindings = await channelBindingHash(channelBindings);
  const bound = { checksum: { bindings } };
  assert.equal((await accept(new Forge(), bound, { accept: { channelBindings } })).channelBound, true);
  assert.equal((await accept(new Forge(), {}, { accept: { channelBindings } })).channelBound, false);
  assert.equal((await accept(new Forge(), bound)).channelBound, false);
  for (const at of [0, 15]) {
    const other = { checksum: { bindings: poke(at, bindings[at]! ^ 1)(bindings) } };
    const got = await refusal(accept(new Forge(), other, { accept: { channelBindings } }));
    assert.deepEqual([got.code, got.error.major], ["BAD_BINDINGS", "BAD_BINDINGS"]);
  }
});

interface WrongDelegation {
  readonly key?: KerberosKey;
  readonly usage?: number;
  readonly infos?: number;
  readonly tickets?: number;
  readonly bare?: boolean;
  /** Fields of each ticket's description. */
  readonly info?: { prealm?: string; srealm?: string; pname?: PrincipalName; sname?: PrincipalName };
}

/** A KRB-CRED with one ticket-granting ticket, and what is wrong with it. */
async function delegation(forge: Forge, wrong: WrongDelegation) {
  const { key = forge.sessionKey, usage = KeyUsage.KrbCredEncPart, infos = 1, tickets = 1, bare = false } = wrong;
  const info = {
    key: { keytype: 18, keyvalue: new Uint8Array(32) },
    prealm: "A.TEST",
    pname: toPrincipalName(forge.client),
    flags: TicketFlag.Forwardable,
    endtime: forge.runtime.now() + HOUR,
    srealm: "A.TEST",
    ...(bare ? {} : { sname: { nameType: 2, nameString: ["krbtgt", "A.TEST"] } }),
    ...wrong.info,
  };
  const part = encode(EncKrbCredPart, { ticketInfo: Array.from({ length: infos }, () => info) });
  const encPart = { etype: key.enctype, cipher: await key.encrypt(usage, part) };
  const ticket = await forge.ticket();
  return encode(KrbCred, { pvno: 5, msgType: 22, tickets: Array(tickets).fill(ticket), encPart });
}

Deno.test("KerberosAcceptor takes delegated tickets that its session sealed, whole ones, and passes extensions over", async () => {
  const forge = new Forge();
  const flags = { delegation: true };
  const good = await delegation(forge, {});
  const sent = (bytes: Bytes): RequestChanges => ({
    checksum: { flags, delegation: bytes },
    rewriteChecksum: (sum) => concat(sum, utf8("extension")),
  });
  const context = await accept(forge, sent(good));
  assert.equal(context.flags.delegation, true);
  const wrong: [string, Parameters<typeof delegation>[1], string][] = [
    ["another key", { key: KerberosKey.generate(18) }, "INTEGRITY"],
    ["another enctype", { key: KerberosKey.generate(17) }, "INTEGRITY"],
    ["another use", { usage: KeyUsage.ApRepEncPart }, "INTEGRITY"],
    ["more keys than tickets", { infos: 2 }, "BAD_MESSAGE"],
    ["no keys", { infos: 0 }, "BAD_MESSAGE"],
    ["no tickets", { infos: 0, tickets: 0 }, "BAD_MESSAGE"],
    ["a ticket for nobody", { bare: true }, "BAD_MESSAGE"],
    ["a client without a realm", { info: { prealm: "" } }, "BAD_MESSAGE"],
    ["a client without a name", { info: { pname: { nameType: 1, nameString: [] } } }, "BAD_MESSAGE"],
    ["a service without a realm", { info: { srealm: "" } }, "BAD_MESSAGE"],
    ["a service with half a name", { info: { sname: { nameType: 2, nameString: ["krbtgt", ""] } } }, "BAD_MESSAGE"],
  ];
  for (const [what, how, code] of wrong) {
    assert.equal((await refusal(accept(forge, sent(await delegation(forge, how))))).code, code, what);
  }
});

Deno.test("KerberosAcceptor makes no error of what a stranger has made long", async () => {
  const forge = new Forge();
  const outside = { sname: { nameType: 2, nameString: ["rcmd", "x".repeat(30_000)] }, realm: "R".repeat(20_000) };
  const encPart = { etype: 18, kvno: 2, cipher: new Uint8Array(64) };
  for (
    const changes of [
      { outside: { ...outside, encPart } },
      { outside, request: { apOptions: ApOption.UseSessionKey | ApOption.MutualRequired } },
    ]
  ) {
    const { error } = await refusal(accept(forge, changes));
    assert.match(error.message, /rcmd\/x{195}\.\.\./);
    assert.ok(error.message.length < 500, error.message);
    assert.equal(error.details.service, `rcmd/${"x".repeat(195)}...`);
  }
});
