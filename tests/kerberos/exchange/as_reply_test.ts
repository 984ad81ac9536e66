/** AS replies that are genuine and wrong in one field: every rule of RFC 4120 section 3.1.5 and RFC 6806 section 11. */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../../base/bytes.ts";
import { applicationTag, decode, encode } from "../../../asn1/codec.ts";
import { asExchange, type AsExchangeInput, type AsExchangeResult } from "../../../kerberos/exchange/as.ts";
import { passwordKey } from "../../../kerberos/exchange/client_key.ts";
import { KdcOption, TicketFlag } from "../../../kerberos/registry/flags.ts";
import { KerberosKey } from "../../../kerberos/crypto/key.ts";
import { KerberosError, type KerberosErrorCode } from "../../../kerberos/errors.ts";
import { handleKdcMessage } from "../../../kerberos/kdc/mod.ts";
import { Checksum, type PaData } from "../../../kerberos/messages/basic.ts";
import { AsRep, AsReq, type KdcReq } from "../../../kerberos/messages/kdc.ts";
import { formatPrincipal, parsePrincipal } from "../../../kerberos/principal.ts";
import { TestRuntime } from "../../support/test_runtime.ts";
import { forgeReply, type ReplyForgery, runForged } from "../../support/forge_kdc.ts";
import { asInput, memoryRealm } from "../../support/gss_pair.ts";

const HOUR = 3_600_000;
const runtime = new TestRuntime();
const realm = await memoryRealm({
  runtime,
  principals: { open: { password: "openpw", requiresPreauth: false } },
});

const input = (changes: Partial<AsExchangeInput> = {}) => asInput(runtime, changes);

async function refused(forgery: ReplyForgery, code: KerberosErrorCode, changes: Partial<AsExchangeInput> = {}) {
  await assert.rejects(
    runForged(asExchange(input(changes)), realm, forgery),
    (error) => error instanceof KerberosError && error.code === code,
    `${JSON.stringify(Object.keys(forgery))} ${forgery.part}`,
  );
}

async function taken(forgery: ReplyForgery, changes: Partial<AsExchangeInput> = {}): Promise<AsExchangeResult> {
  return await runForged(asExchange(input(changes)), realm, forgery);
}

const name = (...nameString: string[]) => ({ nameType: 2, nameString });

Deno.test("forgeReply(): an unchanged reply is accepted", async () => {
  const { credential } = await taken({});
  assert.equal(formatPrincipal(credential.client), "alice@GSSOCKS.TEST");
  assert.notEqual(credential.flags & TicketFlag.EncPaRep, 0);
});

Deno.test("asExchange(): refuses another client's reply", async () => {
  await refused({ reply: () => ({ cname: name("bob") }) }, "REPLY_MISMATCH");
  await refused({ reply: () => ({ crealm: "OTHER.TEST" }) }, "REPLY_MISMATCH");
  const { credential } = await taken({ reply: () => ({ cname: name("alice.smith") }) }, { canonicalize: true });
  assert.equal(formatPrincipal(credential.client), "alice.smith@GSSOCKS.TEST");
  // The other name must not be empty.
  for (const cname of [name(), name(""), name("alice", "")]) {
    await refused({ reply: () => ({ cname }) }, "REPLY_MISMATCH", { canonicalize: true });
  }
});

Deno.test("asExchange(): takes the salt of a reply to the byte, and refuses one that is not UTF-8", async () => {
  const open = { client: parsePrincipal("open@GSSOCKS.TEST"), key: passwordKey("openpw"), canonicalize: true };
  const salted = (padataValue: Bytes): ReplyForgery => ({
    reply: () => ({ padata: [{ padataType: 3, padataValue }] }),
  });
  const { credential } = await taken(salted(utf8("GSSOCKS.TESTopen")), open);
  assert.equal(formatPrincipal(credential.client), "open@GSSOCKS.TEST");
  await refused(salted(utf8("\ufeffGSSOCKS.TESTopen")), "INTEGRITY", open);
  await refused(salted(new Uint8Array([0x41, 0xff])), "BAD_MESSAGE", open);
});

Deno.test("asExchange(): refuses a reply with another nonce", async () => {
  await refused({ part: ({ nonce }) => ({ nonce: nonce ^ 1 }) }, "REPLY_MISMATCH");
});

Deno.test("asExchange(): refuses a ticket for another service", async () => {
  for (const canonicalize of [false, true]) {
    await refused({ part: () => ({ sname: name("krbtgt", "EVIL.TEST") }) }, "REPLY_MISMATCH", { canonicalize });
    await refused({ part: () => ({ srealm: "EVIL.TEST" }) }, "REPLY_MISMATCH", { canonicalize });
    const both = (sname: string[], srealm: string): ReplyForgery => ({
      part: () => ({ sname: name(...sname), srealm }),
      reply: ({ ticket }) => ({ ticket: { ...ticket, sname: name(...sname), realm: srealm } }),
    });
    await refused(both(["rcmd", "localhost"], "GSSOCKS.TEST"), "REPLY_MISMATCH", { canonicalize });
    await refused(both(["krbtgt", "EVIL.TEST"], "EVIL.TEST"), "REPLY_MISMATCH", { canonicalize });
    const service = parsePrincipal("rcmd/localhost@GSSOCKS.TEST");
    await refused(both(["kadmin", "changepw"], "GSSOCKS.TEST"), "REPLY_MISMATCH", { canonicalize, service });
    await refused(both(["krbtgt", "GSSOCKS.TEST"], "GSSOCKS.TEST"), "REPLY_MISMATCH", { canonicalize, service });
    // The names in clear are not authenticated, and must agree all the same (CVE-2017-11103).
    await refused(
      { reply: ({ ticket }) => ({ ticket: { ...ticket, sname: name("rcmd", "localhost") } }) },
      "REPLY_MISMATCH",
      { canonicalize },
    );
    await refused(
      { reply: ({ ticket }) => ({ ticket: { ...ticket, realm: "EVIL.TEST" } }) },
      "REPLY_MISMATCH",
      { canonicalize },
    );
  }
});

Deno.test("asExchange(): accepts the realm's true name only with canonicalization", async () => {
  const renamed: ReplyForgery = {
    part: () => ({ sname: name("krbtgt", "TRUE.TEST"), srealm: "TRUE.TEST" }),
    reply: ({ ticket }) => ({
      crealm: "TRUE.TEST",
      ticket: { ...ticket, sname: name("krbtgt", "TRUE.TEST"), realm: "TRUE.TEST" },
    }),
  };
  await refused(renamed, "REPLY_MISMATCH");
  const { credential } = await taken(renamed, { canonicalize: true });
  assert.equal(formatPrincipal(credential.server), "krbtgt/TRUE.TEST@TRUE.TEST");
});

Deno.test("asExchange(): refuses a session key of an enctype that it did not ask for", async () => {
  const weak = KerberosKey.generate(17);
  const key = { keytype: 17, keyvalue: weak.exportBytes() };
  await refused({ part: () => ({ key }) }, "REPLY_MISMATCH", { enctypes: [18] });
  await refused({ part: () => ({ key: { keytype: 23, keyvalue: weak.exportBytes() } }) }, "REPLY_MISMATCH");
  await taken({ part: () => ({ key }) });
});

Deno.test("asExchange(): refuses a reply under an enctype that it did not ask for (CVE-2022-33679)", async () => {
  // The password's own key, only of another enctype: everything but the rule would let it in.
  const weak = await KerberosKey.fromPassword("openpw", { enctype: 17, salt: "GSSOCKS.TESTopen" });
  const changes = { client: parsePrincipal("open@GSSOCKS.TEST"), key: passwordKey("openpw"), enctypes: [18] };
  const forgery: ReplyForgery = {
    key: () => weak,
    reply: () => ({ padata: [] }),
    part: () => ({ flags: TicketFlag.Initial }),
  };
  await refused(forgery, "REPLY_MISMATCH", changes);
  await taken(forgery, { ...changes, enctypes: [18, 17] });
});

Deno.test("asExchange(): accepts only a reply that is sealed with the client's key for its usage", async () => {
  await refused({ key: ({ enctype }) => KerberosKey.generate(enctype) }, "INTEGRITY");
  for (const usage of [2, 8, 9]) await refused({ usage }, "INTEGRITY");
  await refused({ replyTag: 13 }, "BAD_MESSAGE");
  // Section 5.4.2: some KDCs put the other part's tag there.
  await taken({ partTag: 26 });
});

Deno.test("asExchange(): refuses a reply of another protocol version or type", async () => {
  for (const [at, field] of [[0, "pvno"], [1, "msg-type"]] as const) {
    const change = (reply: Uint8Array<ArrayBuffer>) => {
      if (applicationTag(reply) !== 11) return reply;
      // [n] { INTEGER }: the fields stand first, one after another.
      const start = reply.findIndex((_, i) => reply[i] === 0xa0 && reply[i + 1] === 3 && reply[i + 2] === 2);
      reply[start + 5 * at + 4]! ^= 1;
      return reply;
    };
    await assert.rejects(runForged(asExchange(input()), realm, change), { code: "BAD_MESSAGE" }, field);
  }
});

Deno.test("asExchange(): refuses a ticket that begins later than now or has ended", async () => {
  await taken({ part: ({ authtime }) => ({ starttime: authtime + 240_000 }) });
  await refused({ part: ({ authtime }) => ({ starttime: authtime + 301_000 }) }, "REPLY_MISMATCH");
  // The KDC has the last word about the end.
  await taken({ part: ({ endtime }) => ({ endtime: endtime + 24 * HOUR }) });
  const before = (end: number): ReplyForgery => ({
    part: ({ authtime }) => ({ starttime: authtime - 10 * HOUR, endtime: authtime + end }),
  });
  await taken(before(-299_000));
  await refused(before(-300_000), "REPLY_MISMATCH");
  await refused({ part: ({ starttime }) => ({ endtime: starttime }) }, "REPLY_MISMATCH");
  await refused({ part: ({ authtime }) => ({ endtime: authtime, starttime: undefined }) }, "REPLY_MISMATCH");
  await taken({ part: () => ({ starttime: undefined }) });
});

Deno.test("asExchange(): refuses a ticket that is renewable for longer than asked", async () => {
  const renewable = (renewTill: number): ReplyForgery => ({
    part: ({ flags }) => ({ flags: (flags | TicketFlag.Renewable) >>> 0, renewTill }),
  });
  const start = runtime.time;
  await taken(renewable(start + 24 * HOUR), { renewLifetime: 24 * HOUR });
  await refused(renewable(start + 24 * HOUR + 1000), "REPLY_MISMATCH", { renewLifetime: 24 * HOUR });
  // RENEWABLE-OK, which is always asked for: until the end that was asked for.
  await taken(renewable(start + HOUR));
  await refused(renewable(start + HOUR + 1000), "REPLY_MISMATCH");
});

Deno.test("asExchange(): refuses an invalid ticket", async () => {
  await refused({ part: ({ flags }) => ({ flags: (flags | TicketFlag.Invalid) >>> 0 }) }, "REPLY_MISMATCH");
});

Deno.test("asExchange(): refuses a ticket that is limited to addresses", async () => {
  const caddr = [{ addrType: 2, address: new Uint8Array([10, 0, 0, 1]) }];
  await refused({ part: () => ({ caddr }) }, "REPLY_MISMATCH");
  await taken({ part: () => ({ caddr: [] }) });
});

Deno.test("asExchange(): accepts flags that it did not ask for, and a key that is to expire", async () => {
  const more = TicketFlag.Forwardable | TicketFlag.Proxiable | TicketFlag.HwAuthent;
  const { credential } = await taken({
    part: ({ flags, authtime }) => ({ flags: (flags | more) >>> 0, keyExpiration: authtime - HOUR }),
  });
  assert.equal(credential.flags & more, more);
});

Deno.test("asExchange(): refuses a KDC whose clock is far off without timesync, and takes no offset", async () => {
  const late = (by: number): ReplyForgery => ({ part: ({ authtime }) => ({ authtime: authtime + by }) });
  await refused(late(301_000), "REPLY_MISMATCH", { timesync: false });
  await refused(late(-301_000), "REPLY_MISMATCH", { timesync: false });
  await refused(late(120_000), "REPLY_MISMATCH", { timesync: false, clockskew: 60_000 });
  assert.equal((await taken(late(200_000), { timesync: false })).kdcOffset, 0);
});

/** The KDC receives another request than the client sent. */
async function changedOnItsWay(
  change: (request: KdcReq) => KdcReq,
  forgery: ReplyForgery = {},
  changes: Partial<AsExchangeInput> = {},
): Promise<AsExchangeResult> {
  return await runForged(asExchange(input(changes)), realm, async (_reply, sent) => {
    const weakened = encode(AsReq, change(decode(AsReq, sent)));
    const reply = await handleKdcMessage(realm, weakened);
    return await forgeReply(realm, weakened, reply!, forgery);
  });
}

const OPEN: Partial<AsExchangeInput> = { client: parsePrincipal("open@GSSOCKS.TEST"), key: passwordKey("openpw") };
const strip = (request: KdcReq): KdcReq => ({
  ...request,
  padata: request.padata!.filter(({ padataType }) => padataType !== 149),
});
const weaken = (request: KdcReq): KdcReq => ({ ...request, reqBody: { ...request.reqBody, etype: [17] } });
const changed = (error: unknown) =>
  error instanceof KerberosError && error.code === "INTEGRITY" && /changed on its way/.test(error.message);

Deno.test("asExchange(): refuses a reply to a request that was changed on its way (RFC 6806 section 11)", async () => {
  for (const changes of [{}, OPEN]) {
    await changedOnItsWay((request) => request, {}, changes);
    // The attacker removes the item, so that the KDC signs nothing: the flag in the ticket shows it.
    await assert.rejects(changedOnItsWay(strip, {}, changes), changed);
    await assert.rejects(changedOnItsWay((request) => weaken(strip(request)), {}, changes), changed);
    await assert.rejects(changedOnItsWay(weaken, {}, changes), changed);
    for (
      const reqBody of [
        (body: KdcReq["reqBody"]) => ({ ...body, kdcOptions: body.kdcOptions | KdcOption.Forwardable }),
        (body: KdcReq["reqBody"]) => ({ ...body, till: body.till - 1000 }),
        (body: KdcReq["reqBody"]) => ({ ...body, etype: body.etype.toReversed() }),
      ]
    ) {
      await assert.rejects(
        changedOnItsWay((request) => ({ ...request, reqBody: reqBody(request.reqBody) }), {}, changes),
        changed,
      );
    }
  }
});

Deno.test("asExchange(): refuses a proof missing, of another type, unkeyed, empty, or one of two", async () => {
  const proof = (padata: (genuine: PaData) => readonly PaData[] | undefined): ReplyForgery => ({
    part: ({ encryptedPaData }) => ({ encryptedPaData: padata(encryptedPaData![0]!) }),
  });
  const typed = (item: PaData, change: (checksum: Checksum) => Checksum): PaData => ({
    ...item,
    padataValue: encode(Checksum, change(decode(Checksum, item.padataValue))),
  });
  await taken(proof((item) => [item]));
  await assert.rejects(taken(proof(() => undefined)), changed);
  await assert.rejects(taken(proof(() => [])), changed);
  await assert.rejects(taken(proof((item) => [{ ...item, padataType: 136 }])), changed);
  for (const cksumtype of [1, 2, 7, 10, 14, 15, 19, 20, -138]) {
    await assert.rejects(taken(proof((item) => [typed(item, (sum) => ({ ...sum, cksumtype }))])), changed);
  }
  const sha1 = new Uint8Array(20);
  await assert.rejects(taken(proof((item) => [typed(item, () => ({ cksumtype: 14, checksum: sha1 }))])), changed);
  await assert.rejects(
    taken(proof((item) => [typed(item, (sum) => ({ ...sum, checksum: new Uint8Array(0) }))])),
    changed,
  );
  await assert.rejects(
    taken(proof((item) => [typed(item, (sum) => ({ ...sum, checksum: sum.checksum.slice(0, 11) }))])),
    changed,
  );
  await assert.rejects(taken(proof((item) => [{ ...item, padataValue: new Uint8Array(0) }])), { code: "BAD_MESSAGE" });
  const wrong = (item: PaData) => typed(item, (sum) => ({ ...sum, checksum: sum.checksum.map((byte) => byte ^ 1) }));
  await assert.rejects(taken(proof((item) => [item, wrong(item)])), changed);
  await assert.rejects(taken(proof((item) => [wrong(item), item])), changed);
});

Deno.test("asExchange(): needs no proof from a KDC whose tickets lack the flag ENC-PA-REP", async () => {
  const { credential } = await taken({
    part: ({ flags }) => ({ flags: (flags & ~TicketFlag.EncPaRep) >>> 0, encryptedPaData: undefined }),
  });
  assert.equal(credential.flags & TicketFlag.EncPaRep, 0);
});

Deno.test("asExchange(): always asks for the proof", async () => {
  const seen: (readonly number[])[] = [];
  await runForged(asExchange(input()), realm, (reply, request) => {
    seen.push(decode(AsReq, request).padata!.map(({ padataType }) => padataType));
    return reply;
  });
  assert.deepEqual(seen, [[149], [2, 149]]);
});

Deno.test("asExchange(): the proof covers the request as sent, by key usage 56 of the reply's key", async () => {
  const key = await KerberosKey.fromPassword("openpw", { enctype: 18, salt: "GSSOCKS.TESTopen" });
  let part: Uint8Array<ArrayBuffer> | undefined;
  let message: Uint8Array<ArrayBuffer> | undefined;
  await runForged(asExchange(input(OPEN)), realm, async (reply, request) => {
    message = request;
    part = await key.decrypt(3, decode(AsRep, reply).encPart.cipher);
    return reply;
  });
  const sum = await key.checksum(56, message!);
  const found = part!.findIndex((_, at) => sum.every((byte, i) => part![at + i] === byte));
  assert.ok(found > 0);
});
