/** The embedded KDC's ticket-granting service: requests that are genuine and wrong in one field (RFC 4120 section 3.3). */
import assert from "node:assert/strict";
import { applicationTag, decode, encode } from "../../../asn1/codec.ts";
import { type Bytes, lenientText, utf8 } from "../../../base/bytes.ts";
import { KdcOption, TicketFlag } from "../../../kerberos/registry/flags.ts";
import { KerberosKey } from "../../../kerberos/crypto/key.ts";
import { createRealm, handleKdcMessage, type KdcRealm } from "../../../kerberos/kdc/mod.ts";
import { ApReq, type EncTicketPart } from "../../../kerberos/messages/ap.ts";
import { AuthorizationData, Checksum } from "../../../kerberos/messages/basic.ts";
import { KrbError } from "../../../kerberos/messages/error.ts";
import { type EncKdcRepPart, EncTgsRepPart, TgsRep, TgsReq } from "../../../kerberos/messages/kdc.ts";
import { parsePrincipal } from "../../../kerberos/principal.ts";
import type { Credential } from "../../../kerberos/credential.ts";
import { TestRuntime } from "../../support/test_runtime.ts";
import { errorCodeOf, forgeTgsReq, forgeTicket, openTicket, type TgsRequestForgery } from "../../support/forge_kdc.ts";
import { memoryRealm, memoryTickets } from "../../support/gss_pair.ts";

const HOUR = 3_600_000;
const runtime = new TestRuntime();
const realm = await memoryRealm({ runtime, enctypes: [18, 17] });
const config = { forwardable: true, proxiable: true, renewLifetime: 48 * HOUR };
const { credential: tgt } = await memoryTickets([realm], { runtime, config }).initialTicket();

interface Asked {
  readonly tgt?: Credential;
  readonly service?: string;
  readonly of?: KdcRealm;
}

async function request(forgery: TgsRequestForgery = {}, asked: Asked = {}) {
  return await forgeTgsReq({ tgt, service: "rcmd/localhost", now: runtime.time, ...asked }, forgery);
}

/** Code of the KDC's error, 0 for a ticket. */
async function code(forgery: TgsRequestForgery = {}, asked: Asked = {}): Promise<number> {
  return await errorCodeOf(asked.of ?? realm, (await request(forgery, asked)).message);
}

async function granted(
  forgery: TgsRequestForgery = {},
  asked: Asked = {},
): Promise<{ part: EncKdcRepPart; ticket: EncTicketPart }> {
  const { message, subkey } = await request(forgery, asked);
  const reply = (await handleKdcMessage(asked.of ?? realm, message))!;
  if (applicationTag(reply) === 30) assert.fail(`refused with ${decode(KrbError, reply).errorCode}`);
  const { encPart, ticket } = decode(TgsRep, reply);
  return {
    part: decode(EncTgsRepPart, await subkey.decrypt(9, encPart.cipher)),
    ticket: await openTicket(asked.of ?? realm, ticket),
  };
}

const flagged = (flag: number) => (part: EncTicketPart) => ({ flags: (part.flags | flag) >>> 0 });
const unflagged = (flag: number) => (part: EncTicketPart) => ({ flags: (part.flags & ~flag) >>> 0 });

Deno.test("forgeTgsReq(): an unchanged TGS-REQ is served", async () => {
  const { part, ticket } = await granted();
  assert.equal(part.nonce, 4711);
  assert.notEqual(ticket.flags & TicketFlag.EncPaRep, 0);
  assert.equal(await code({}, { tgt: await forgeTicket(realm, tgt, () => ({})) }), 0);
});

Deno.test("handleTgsReq(): refuses a request that its authenticator's checksum does not cover", async () => {
  const sum = (change: (body: Bytes) => Checksum | Promise<Checksum> | undefined): TgsRequestForgery => ({
    authenticator: async (_, body) => ({ cksum: await change(body) }),
  });
  const typed = async (body: Bytes, usage = 6): Promise<Checksum> => ({
    cksumtype: tgt.key.checksumType,
    checksum: await tgt.key.checksum(usage, body),
  });
  assert.equal(await code(sum((body) => typed(body))), 0);
  assert.equal(await code(sum(() => typed(new Uint8Array(3)))), 41);
  assert.equal(await code(sum((body) => typed(body, 10))), 41);
  assert.equal(await code(sum(async (body) => ({ ...await typed(body), checksum: new Uint8Array(0) }))), 41);
  assert.equal(await code(sum(() => undefined)), 50);
  // Anyone can make a checksum without a key (CVE-2018-16860).
  for (const cksumtype of [1, 2, 7, 10, 14]) {
    assert.equal(await code(sum(async (body) => ({ ...await typed(body), cksumtype }))), 50, `${cksumtype}`);
    const sha1 = new Uint8Array(20);
    assert.equal(await code(sum(() => ({ cksumtype, checksum: sha1 }))), 50);
  }
  // Types of other keys.
  for (const cksumtype of [15, 19, 20, 12, -138]) {
    assert.equal(await code(sum(async (body) => ({ ...await typed(body), cksumtype }))), 15, `${cksumtype}`);
  }
  const other = KerberosKey.generate(18);
  assert.equal(await code(sum(async (body) => ({ cksumtype: 16, checksum: await other.checksum(6, body) }))), 41);
});

Deno.test("handleTgsReq(): refuses another client's authenticator, and an old one", async () => {
  const bob = { nameType: 1, nameString: ["bob"] };
  assert.equal(await code({ authenticator: () => ({ cname: bob }) }), 36);
  assert.equal(await code({ authenticator: () => ({ crealm: "OTHER.TEST" }) }), 36);
  for (const by of [301_000, -301_000]) {
    assert.equal(await code({ authenticator: ({ ctime }) => ({ ctime: ctime + by }) }), 37);
  }
  for (const by of [299_000, -299_000]) {
    assert.equal(await code({ authenticator: ({ ctime }) => ({ ctime: ctime + by }) }), 0);
  }
});

Deno.test("handleTgsReq(): refuses a ticket that has expired, is not yet valid, or is invalid", async () => {
  const now = runtime.time;
  const cases: [number, (part: EncTicketPart) => Partial<EncTicketPart>][] = [
    [32, () => ({ endtime: now - 301_000 })],
    [33, () => ({ starttime: now + 301_000 })],
    [33, flagged(TicketFlag.Invalid)],
    [0, () => ({ starttime: now + 299_000 })],
  ];
  for (const [wanted, change] of cases) {
    assert.equal(await code({}, { tgt: await forgeTicket(realm, tgt, change) }), wanted, `${change}`);
  }
  const late = await forgeTicket(realm, tgt, () => ({ authtime: now + HOUR, starttime: undefined }));
  assert.equal(await code({}, { tgt: late }), 33);
  // Not to be renewed either.
  const invalid = await forgeTicket(realm, tgt, flagged(TicketFlag.Invalid));
  const renewal = { body: { kdcOptions: KdcOption.Renew } };
  assert.equal(await code(renewal, { tgt: invalid, service: "krbtgt/GSSOCKS.TEST" }), 33);
});

Deno.test("handleTgsReq(): refuses a ticket for another service", async () => {
  const { credential } = await memoryTickets([realm], { runtime }).serviceTicket(parsePrincipal("rcmd/localhost"));
  const asked = { tgt: credential, service: "rcmd/localhost", now: runtime.time };
  const { message } = await forgeTgsReq(asked, { body: { realm: "GSSOCKS.TEST" } });
  assert.equal(await errorCodeOf(realm, message), 35);
});

Deno.test("handleTgsReq(): finds no service of another realm under the same name", async () => {
  const here = await memoryRealm({ runtime, enctypes: [18] });
  const there = await createRealm({ realm: "THERE.TEST", runtime, enctypes: [18] });
  await here.trust(there);
  const { credential } = await memoryTickets([here], { runtime }).initialTicket();
  const asked = { tgt: credential, of: here };
  assert.equal(await code({ body: { realm: "THERE.TEST" } }, asked), 7);
  assert.equal(await code({ body: { realm: "ELSEWHERE.TEST", kdcOptions: KdcOption.Canonicalize } }, asked), 7);
  const body = { realm: "THERE.TEST", kdcOptions: KdcOption.Canonicalize };
  assert.deepEqual((await granted({ body }, asked)).part.sname.nameString, ["krbtgt", "THERE.TEST"]);
});

Deno.test("handleTgsReq(): opens no part sealed with another enctype or usage", async () => {
  const { message } = await request();
  const parsed = decode(TgsReq, message);
  const apReq = decode(ApReq, parsed.padata![0]!.padataValue);
  const resealed = async (change: Partial<ApReq>) =>
    await errorCodeOf(
      realm,
      encode(TgsReq, {
        ...parsed,
        padata: [{ padataType: 1, padataValue: encode(ApReq, { ...apReq, ...change }) }],
      }),
    );
  assert.equal(await resealed({}), 0);
  assert.equal(await resealed({ authenticator: { ...apReq.authenticator, etype: 17 } }), 31);
  const plain = await tgt.key.decrypt(7, apReq.authenticator.cipher);
  assert.equal(
    await resealed({ authenticator: { etype: 18, cipher: await tgt.key.encrypt(11, plain) } }),
    31,
  );
  const flipped = apReq.ticket.encPart.cipher.map((byte, i) => i === 20 ? byte ^ 1 : byte);
  assert.equal(
    await resealed({ ticket: { ...apReq.ticket, encPart: { ...apReq.ticket.encPart, cipher: flipped } } }),
    31,
  );
  assert.equal(
    await errorCodeOf(realm, encode(TgsReq, { ...parsed, padata: [] })),
    16,
  );
});

Deno.test("handleTgsReq(): serves a repeated request, and refuses another one with its authenticator", async () => {
  const first = await request();
  assert.equal(await errorCodeOf(realm, first.message), 0);
  assert.equal(await errorCodeOf(realm, first.message), 0);
  assert.equal(await code({ apReq: first.apReq, body: { nonce: 4712 } }), 34);
  assert.equal(await code({ apReq: first.apReq, padata: [{ padataType: 149, padataValue: new Uint8Array(0) }] }), 34);
  // What was not genuine is not remembered: it cannot make the genuine one a replay.
  const second = await request();
  assert.equal(await code({ apReq: second.apReq, body: { nonce: 4712 } }), 41);
  assert.equal(await errorCodeOf(realm, second.message), 0);
  // Two at the same time.
  const third = await request();
  const twin = await request({ apReq: third.apReq, padata: [{ padataType: 149, padataValue: new Uint8Array(0) }] });
  const both = await Promise.all([errorCodeOf(realm, third.message), errorCodeOf(realm, twin.message)]);
  assert.deepEqual(both.toSorted((a, b) => a - b), [0, 34]);
});

Deno.test("handleTgsReq(): refuses options that the ticket does not allow with KDC_ERR_BADOPTION", async () => {
  const { Forwarded, Renew, Proxy, Validate, EncTktInSkey, CnameInAddlTkt, Forwardable, Proxiable, Renewable } =
    KdcOption;
  for (const kdcOptions of [Proxy, Validate, EncTktInSkey, CnameInAddlTkt]) {
    assert.equal(await code({ body: { kdcOptions } }), 13, kdcOptions.toString(16));
  }
  const plain = await forgeTicket(
    realm,
    tgt,
    unflagged(TicketFlag.Forwardable | TicketFlag.Proxiable | TicketFlag.Renewable),
  );
  assert.equal(await code({ body: { kdcOptions: Forwarded } }, { tgt: plain, service: "krbtgt/GSSOCKS.TEST" }), 13);
  assert.equal(await code({ body: { kdcOptions: Renew } }, { tgt: plain, service: "krbtgt/GSSOCKS.TEST" }), 13);
  // Flags that are only wished are left out.
  const wished = TicketFlag.Forwardable | TicketFlag.Proxiable | TicketFlag.Renewable;
  const kdcOptions = (Forwardable | Proxiable | Renewable | KdcOption.RenewableOk) >>> 0;
  const { ticket, part } = await granted({ body: { kdcOptions, till: runtime.time + 1000 * HOUR } }, { tgt: plain });
  assert.equal(ticket.flags & wished, 0);
  assert.equal(part.renewTill, undefined);
  assert.equal((await granted({ body: { kdcOptions } })).ticket.flags & wished, wished);
  // And those that were not requested.
  assert.equal((await granted()).ticket.flags & wished, 0);
});

Deno.test("handleTgsReq(): FORWARDED marks the ticket and all tickets got with it", async () => {
  const forwarded = await granted({ body: { kdcOptions: KdcOption.Forwarded } }, { service: "krbtgt/GSSOCKS.TEST" });
  assert.notEqual(forwarded.ticket.flags & TicketFlag.Forwarded, 0);
  assert.equal(forwarded.ticket.flags & TicketFlag.Initial, 0);
  const derived = await granted({}, { tgt: await forgeTicket(realm, tgt, flagged(TicketFlag.Forwarded)) });
  assert.notEqual(derived.ticket.flags & TicketFlag.Forwarded, 0);
});

Deno.test("handleTgsReq(): copies the ticket's addresses, or with FORWARDED those of the request", async () => {
  const ours = [{ addrType: 2, address: new Uint8Array([10, 0, 0, 1]) }];
  const theirs = [{ addrType: 2, address: new Uint8Array([10, 0, 0, 2]) }];
  const limited = await forgeTicket(realm, tgt, () => ({ caddr: ours }));
  assert.deepEqual((await granted({ body: { addresses: theirs } }, { tgt: limited })).ticket.caddr, ours);
  assert.equal((await granted({ body: { addresses: theirs } })).ticket.caddr, undefined);
  const forwarded = { kdcOptions: KdcOption.Forwarded, addresses: theirs };
  const asked = { tgt: limited, service: "krbtgt/GSSOCKS.TEST" };
  assert.deepEqual((await granted({ body: forwarded }, asked)).ticket.caddr, theirs);
  assert.equal((await granted({ body: { kdcOptions: KdcOption.Forwarded } }, asked)).ticket.caddr, undefined);
});

Deno.test("handleTgsReq(): RENEW changes times and key only, until the renewals end", async () => {
  const service = "krbtgt/GSSOCKS.TEST";
  const renewal = { body: { kdcOptions: KdcOption.Renew | KdcOption.Renewable } };
  const { ticket } = await granted(renewal, { service });
  assert.equal(ticket.flags, tgt.flags);
  assert.equal(ticket.renewTill, tgt.renewTill);
  // Renewable once more only if the option asks for it (section 3.3.3.1).
  const last = (await granted({ body: { kdcOptions: KdcOption.Renew } }, { service })).ticket;
  assert.equal(last.flags, (tgt.flags & ~TicketFlag.Renewable) >>> 0);
  assert.equal(last.renewTill, undefined);
  assert.equal(await code(renewal), 26);
  const over = await forgeTicket(realm, tgt, () => ({ renewTill: runtime.time }));
  assert.equal(await code(renewal, { tgt: over, service }), 32);
  const never = await forgeTicket(realm, tgt, () => ({ renewTill: undefined }));
  assert.equal(await code(renewal, { tgt: never, service }), 32);
  const nearly = await forgeTicket(realm, tgt, () => ({ renewTill: runtime.time + 60_000 }));
  assert.equal((await granted(renewal, { tgt: nearly, service })).ticket.endtime, runtime.time + 60_000);
});

Deno.test("handleTgsReq(): refuses a later start, and issues no ticket that outlasts the TGT", async () => {
  const from = runtime.time + HOUR;
  assert.equal(await code({ body: { from } }), 10);
  assert.equal(await code({ body: { from, kdcOptions: KdcOption.Postdated } }), 10);
  assert.equal(await code({ body: { from: runtime.time + 299_000 } }), 0);
  const short = await forgeTicket(realm, tgt, () => ({ endtime: runtime.time + HOUR }));
  const { ticket, part } = await granted({ body: { till: tgt.endtime } }, { tgt: short });
  assert.equal(ticket.endtime, runtime.time + HOUR);
  assert.equal(part.endtime, runtime.time + HOUR);
  assert.equal(ticket.authtime, tgt.authtime);
});

Deno.test("handleTgsReq(): adds the proof on request, by the reply's key (RFC 6806 section 11)", async () => {
  const { message, subkey } = await request({ padata: [{ padataType: 149, padataValue: new Uint8Array(0) }] });
  const { encPart } = decode(TgsRep, (await handleKdcMessage(realm, message))!);
  const { encryptedPaData } = decode(EncTgsRepPart, await subkey.decrypt(9, encPart.cipher));
  const { cksumtype, checksum } = decode(Checksum, encryptedPaData![0]!.padataValue);
  assert.equal(cksumtype, subkey.checksumType);
  assert.ok(await subkey.verifyChecksum(56, message, checksum));
  assert.equal((await granted()).part.encryptedPaData, undefined);
  // Without a subkey it is the session key, for another usage.
  const bare = await request({
    authenticator: () => ({ subkey: undefined }),
    padata: [{ padataType: 149, padataValue: new Uint8Array(0) }],
  });
  const reply = decode(TgsRep, (await handleKdcMessage(realm, bare.message))!);
  const part = decode(EncTgsRepPart, await tgt.key.decrypt(8, reply.encPart.cipher));
  const proof = decode(Checksum, part.encryptedPaData![0]!.padataValue);
  assert.ok(await tgt.key.verifyChecksum(56, bare.message, proof.checksum));
});

Deno.test("handleTgsReq(): refuses a subkey of an unknown enctype with KDC_ERR_ETYPE_NOSUPP", async () => {
  assert.equal(await code({ authenticator: () => ({ subkey: { keytype: 23, keyvalue: new Uint8Array(16) } }) }), 14);
  assert.equal(await code({ authenticator: () => ({ subkey: { keytype: 18, keyvalue: new Uint8Array(3) } }) }), 60);
});

Deno.test("handleTgsReq(): keeps the ticket's authorization data, and adds the request's", async () => {
  const own = [{ adType: 4, adData: new Uint8Array([1]) }];
  const added = [{ adType: 1, adData: new Uint8Array([2]) }];
  const holder = await forgeTicket(realm, tgt, () => ({ authorizationData: own }));
  assert.deepEqual((await granted({}, { tgt: holder })).ticket.authorizationData, own);
  const bare = { authenticator: () => ({ subkey: undefined }) };
  // Sealed for its usage and named as such; the rest is refused with KRB_AP_ERR_BAD_INTEGRITY.
  for (const [usage, etype] of [[4, 18], [5, 18], [4, 17]] as const) {
    const cipher = await tgt.key.encrypt(usage, encode(AuthorizationData, added));
    const body = { encAuthorizationData: { etype, cipher } };
    const { message } = await request({ ...bare, body }, { tgt: holder });
    const reply = (await handleKdcMessage(realm, message))!;
    if (usage === 4 && etype === 18) {
      const { authorizationData } = await openTicket(realm, decode(TgsRep, reply).ticket);
      assert.deepEqual(authorizationData, [...own, ...added]);
    } else assert.equal(decode(KrbError, reply).errorCode, 31);
  }
});

Deno.test("handleTgsReq(): refuses MANDATORY-FOR-KDC data that it does not know (RFC 4120 section 5.2.6.4)", async () => {
  const inside = [{ adType: 999, adData: new Uint8Array([1]) }];
  const mandatory = (elements: typeof inside) => [{ adType: 8, adData: encode(AuthorizationData, elements) }];
  const holder = (elements: typeof inside) =>
    forgeTicket(realm, tgt, () => ({ authorizationData: [...inside, ...mandatory(elements)] }));
  assert.equal(await code({}, { tgt: await holder(inside) }), 12);
  assert.equal(await code({}, { tgt: await holder([]) }), 0);
  const unreadable = [{ adType: 8, adData: new Uint8Array([1]) }];
  assert.equal(await code({}, { tgt: await forgeTicket(realm, tgt, () => ({ authorizationData: unreadable })) }), 60);
  const cipher = await tgt.key.encrypt(4, encode(AuthorizationData, mandatory(inside)));
  const bare = { authenticator: () => ({ subkey: undefined }) };
  assert.equal(await code({ ...bare, body: { encAuthorizationData: { etype: 18, cipher } } }), 12);
  assert.equal(await code({ ...bare, body: { encAuthorizationData: { etype: 17, cipher } } }), 31);
});

/** A ticket of B's for C, whose path is B's to say. */
async function across(change: (part: EncTicketPart) => Partial<EncTicketPart> = () => ({})) {
  const [b, c] = await Promise.all(
    ["B.TEST", "C.TEST"].map((name) =>
      createRealm({ realm: name, runtime, enctypes: [18], principals: { alice: "alicepw" } })
    ),
  );
  await b!.trust(c!);
  await c!.addPrincipal("rcmd/far");
  const { credential } = await memoryTickets([b!], { runtime }).serviceTicket(parsePrincipal("krbtgt/C.TEST@B.TEST"));
  return { c: c!, tgt: await forgeTicket(b!, credential, (part) => ({ crealm: "A.TEST", ...change(part) })) };
}

async function through(contents: string, options = 0, accept: string[] = []) {
  const { c, tgt } = await across(() => ({ transited: { trType: 1, contents: utf8(contents) } }));
  for (const name of accept) c.acceptedTransits.add(name);
  const { ticket } = await granted({ body: { kdcOptions: options } }, { tgt, service: "rcmd/far", of: c });
  return {
    transited: lenientText(ticket.transited.contents),
    checked: (ticket.flags & TicketFlag.TransitedPolicyChecked) !== 0,
  };
}

Deno.test("handleTgsReq(): adds the realm that vouches to the transited ones, and checks all", async () => {
  assert.deepEqual(await through(""), { transited: "B.TEST", checked: false });
  assert.deepEqual(await through("", 0, ["B.TEST"]), { transited: "B.TEST", checked: true });
  assert.deepEqual(await through("TEST", 0, ["B.TEST"]), { transited: "TEST,B.TEST", checked: true });
  assert.deepEqual(await through("EVIL", 0, ["B.TEST"]), { transited: "EVIL,B.TEST", checked: false });
  assert.deepEqual(await through("B.TEST", 0, ["B.TEST"]), { transited: "B.TEST", checked: true });
  assert.deepEqual(await through(",", 0, ["B.TEST"]), { transited: ",,B.TEST", checked: false });
  // Who asks that it is not checked gets no word of it.
  const unchecked = await through("", KdcOption.DisableTransitedCheck, ["B.TEST"]);
  assert.deepEqual(unchecked, { transited: "B.TEST", checked: false });
});

Deno.test("handleTgsReq(): adds no realm that vouches for its own client, and accepts none for ours", async () => {
  const own = await across(() => ({ crealm: "B.TEST" }));
  const { ticket } = await granted({}, { tgt: own.tgt, service: "rcmd/far", of: own.c });
  assert.equal(ticket.transited.contents.length, 0);
  assert.notEqual(ticket.flags & TicketFlag.TransitedPolicyChecked, 0);
  // B says that it knows a client of C's: C does not take its word.
  const ours = await across(() => ({ crealm: "C.TEST" }));
  assert.equal(await code({}, { tgt: ours.tgt, service: "rcmd/far", of: ours.c }), 12);
});

Deno.test("handleTgsReq(): refuses a client without a name or a realm (RFC 4120 sections 6.1 and 6.2)", async () => {
  const none = [[], [""], ["alice", ""]].map((nameString) => ({ cname: { nameType: 1, nameString } }));
  for (const change of [{ crealm: "" }, ...none]) {
    const { c, tgt } = await across(() => change);
    assert.equal(await code({}, { tgt, service: "rcmd/far", of: c }), 6, JSON.stringify(change));
  }
});

Deno.test("handleTgsReq(): adds to no transited field that cannot be read", async () => {
  const full = Array.from({ length: 64 }, (_, i) => `R${i}.TEST`).join();
  const odd = [utf8("EVIL\\"), utf8(", "), new Uint8Array([0x41, 0xff]), utf8(`${full},X.TEST`), utf8(`${full}`)];
  for (const [i, contents] of odd.entries()) {
    const { c, tgt } = await across(() => ({ transited: { trType: 1, contents } }));
    assert.equal(await code({}, { tgt, service: "rcmd/far", of: c }), 51, String(i));
  }
});

Deno.test("handleTgsReq(): adds to no transited field of another encoding", async () => {
  const odd = await across(() => ({ transited: { trType: 7, contents: utf8("?") } }));
  assert.equal(await code({}, { tgt: odd.tgt, service: "rcmd/far", of: odd.c }), 17);
  const kept = await across(() => ({ crealm: "B.TEST", transited: { trType: 7, contents: utf8("?") } }));
  const { ticket } = await granted({}, { tgt: kept.tgt, service: "rcmd/far", of: kept.c });
  assert.equal(ticket.transited.trType, 7);
  assert.equal(ticket.flags & TicketFlag.TransitedPolicyChecked, 0);
});
