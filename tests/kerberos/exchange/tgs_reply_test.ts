/** TGS replies that are genuine and wrong in one field: every rule of RFC 4120 section 3.3.4, and referrals. */
import assert from "node:assert/strict";
import { decode } from "../../../asn1/codec.ts";
import type { Bytes } from "../../../base/bytes.ts";
import { tgsExchange, type TgsExchangeInput } from "../../../kerberos/exchange/tgs.ts";
import { KdcOption, TicketFlag } from "../../../kerberos/registry/flags.ts";
import { KerberosKey } from "../../../kerberos/crypto/key.ts";
import { KerberosError, type KerberosErrorCode } from "../../../kerberos/errors.ts";
import { createRealm } from "../../../kerberos/kdc/mod.ts";
import { TgsReq } from "../../../kerberos/messages/kdc.ts";
import { formatPrincipal, krbtgt, parsePrincipal } from "../../../kerberos/principal.ts";
import { Credential } from "../../../kerberos/credential.ts";
import { TestRuntime } from "../../support/test_runtime.ts";
import { forgeReply, forgeTicket, openTgsReq, type ReplyForgery, runForged } from "../../support/forge_kdc.ts";
import { memoryRealm, memoryTickets } from "../../support/gss_pair.ts";

const HOUR = 3_600_000;
const runtime = new TestRuntime();
const realm = await memoryRealm({ runtime });
const config = { renewLifetime: 48 * HOUR, forwardable: true };
const { credential: tgt } = await memoryTickets([realm], { runtime, config }).initialTicket();
const SERVICE = parsePrincipal("rcmd/localhost@GSSOCKS.TEST");

function ask(changes: Partial<TgsExchangeInput> = {}) {
  return tgsExchange({ tgt, service: SERVICE, enctypes: [18, 17, 20, 19], runtime, ...changes });
}

async function taken(forgery: ReplyForgery, changes: Partial<TgsExchangeInput> = {}): Promise<Credential> {
  return (await runForged(ask(changes), realm, forgery)).credential;
}

async function refused(forgery: ReplyForgery, code: KerberosErrorCode, changes: Partial<TgsExchangeInput> = {}) {
  await assert.rejects(
    runForged(ask(changes), realm, forgery),
    (error) => error instanceof KerberosError && error.code === code,
    `${forgery.part ?? forgery.reply ?? JSON.stringify(forgery)}`,
  );
}

const name = (...nameString: string[]) => ({ nameType: 2, nameString });

/** Another service, in the sealed part and in clear alike. */
const names = (sname: string[], srealm = "GSSOCKS.TEST"): ReplyForgery => ({
  part: () => ({ sname: name(...sname), srealm }),
  reply: ({ ticket }) => ({ ticket: { ...ticket, sname: name(...sname), realm: srealm } }),
});

Deno.test("forgeReply(): an unchanged TGS reply is accepted", async () => {
  assert.equal(formatPrincipal((await taken({})).server), "rcmd/localhost@GSSOCKS.TEST");
});

Deno.test("tgsExchange(): refuses another client's reply", async () => {
  await refused({ reply: () => ({ cname: name("bob") }) }, "REPLY_MISMATCH");
  await refused({ reply: () => ({ crealm: "OTHER.TEST" }) }, "REPLY_MISMATCH");
});

Deno.test("tgsExchange(): refuses a reply with another nonce", async () => {
  await refused({ part: ({ nonce }) => ({ nonce: nonce ^ 1 }) }, "REPLY_MISMATCH");
});

Deno.test("tgsExchange(): refuses a ticket for another service, and names in clear that are not sealed", async () => {
  await refused(names(["socks", "localhost"]), "REPLY_MISMATCH");
  await refused(names(["rcmd", "localhost"], "EVIL.TEST"), "REPLY_MISMATCH");
  await refused({ part: () => ({ sname: name("socks", "localhost") }) }, "REPLY_MISMATCH");
  for (const ticket of [{ sname: name("socks", "localhost") }, { realm: "EVIL.TEST" }]) {
    await refused({ reply: (reply) => ({ ticket: { ...reply.ticket, ...ticket } }) }, "REPLY_MISMATCH");
  }
});

Deno.test("tgsExchange(): follows only a referral of the realm asked, to another realm", async () => {
  // The realm that was asked again, a third realm's word, too few and too many components.
  await refused(names(["krbtgt", "GSSOCKS.TEST"]), "REPLY_MISMATCH");
  await refused(names(["krbtgt", "FAR.TEST"], "EVIL.TEST"), "REPLY_MISMATCH");
  await refused(names(["krbtgt"]), "REPLY_MISMATCH");
  await refused(names(["krbtgt", "FAR.TEST", "x"]), "REPLY_MISMATCH");
  await refused(names(["KRBTGT", "FAR.TEST"]), "REPLY_MISMATCH");
});

Deno.test("tgsExchange(): follows no referral when it renews or forwards a ticket", async () => {
  for (const options of [KdcOption.Renew, KdcOption.Forwarded]) {
    await refused(names(["krbtgt", "FAR.TEST"]), "REPLY_MISMATCH", { service: krbtgt("GSSOCKS.TEST"), options });
  }
});

Deno.test("tgsExchange(): refuses a session key of an enctype that it did not ask for", async () => {
  const weak = { keytype: 17, keyvalue: new Uint8Array(16) };
  await refused({ part: () => ({ key: weak }) }, "REPLY_MISMATCH", { enctypes: [18] });
  await refused({ part: () => ({ key: { ...weak, keytype: 23 } }) }, "REPLY_MISMATCH");
  await taken({ part: () => ({ key: weak }) });
});

Deno.test("tgsExchange(): accepts only a reply that is sealed with its subkey for its usage", async () => {
  // The ticket's session key opens nothing: a subkey was sent (section 3.3.4).
  await refused({ key: () => tgt.key, usage: 8 }, "INTEGRITY");
  await refused({ key: () => tgt.key, usage: 9 }, "INTEGRITY");
  await refused({ key: ({ enctype }) => KerberosKey.generate(enctype) }, "INTEGRITY");
  for (const usage of [2, 3, 8]) await refused({ usage }, "INTEGRITY");
  await refused({ key: () => KerberosKey.generate(17) }, "REPLY_MISMATCH");
  await refused({ replyTag: 11 }, "BAD_MESSAGE");
  await refused({ partTag: 25 }, "BAD_MESSAGE");
});

Deno.test("tgsExchange(): refuses a ticket that begins later, ends after its TGT, or has ended", async () => {
  await taken({ part: () => ({ starttime: runtime.time + 299_000 }) });
  await refused({ part: () => ({ starttime: runtime.time + 301_000 }) }, "REPLY_MISMATCH");
  await refused({ part: () => ({ starttime: runtime.time + 61_000 }) }, "REPLY_MISMATCH", { clockskew: 60_000 });
  await taken({ part: () => ({ starttime: runtime.time + HOUR }) }, { kdcOffset: HOUR - 60_000, clockskew: 61_000 })
    .catch((error) => assert.equal(error.code, "KRB_AP_ERR_SKEW"));
  await refused({ part: () => ({ endtime: tgt.endtime + 1000 }) }, "REPLY_MISMATCH");
  await refused({ part: ({ starttime }) => ({ endtime: starttime }) }, "REPLY_MISMATCH");
  // Clocks have milliseconds, times in messages have none.
  runtime.time += 250;
  await refused({ part: () => ({ starttime: runtime.time - 250 + 400_000 }) }, "REPLY_MISMATCH");
  runtime.time -= 250;
});

Deno.test("tgsExchange(): refuses a ticket that is renewable for longer than its TGT", async () => {
  const renewable = (renewTill: number): ReplyForgery => ({
    part: ({ flags }) => ({ flags: (flags | TicketFlag.Renewable) >>> 0, renewTill }),
  });
  await taken(renewable(tgt.renewTill));
  await refused(renewable(tgt.renewTill + 1000), "REPLY_MISMATCH");
  // A renewed ticket outlasts the one shown, but not the end of its renewals.
  const renewal = { service: krbtgt("GSSOCKS.TEST"), options: KdcOption.Renew };
  await taken({ part: () => ({ endtime: tgt.endtime + HOUR }) }, renewal);
  await refused({ part: () => ({ endtime: tgt.renewTill + 1000 }) }, "REPLY_MISMATCH", renewal);
});

Deno.test("tgsExchange(): refuses an invalid ticket", async () => {
  await refused({ part: ({ flags }) => ({ flags: (flags | TicketFlag.Invalid) >>> 0 }) }, "REPLY_MISMATCH");
});

Deno.test("tgsExchange(): refuses addresses that its TGT does not have", async () => {
  const ours = [{ addrType: 2, address: new Uint8Array([10, 0, 0, 1]) }, { addrType: 2, address: new Uint8Array(4) }];
  const theirs = [{ addrType: 2, address: new Uint8Array([10, 0, 0, 2]) }];
  await refused({ part: () => ({ caddr: theirs }) }, "REPLY_MISMATCH");
  const limited = await forgeTicket(realm, tgt, () => ({ caddr: ours }));
  const held = new Credential({ ...limited, ticket: limited.ticket, addresses: ours });
  await refused({ part: () => ({ caddr: theirs }) }, "REPLY_MISMATCH", { tgt: held });
  const other = [{ addrType: 24, address: ours[0]!.address }];
  await refused({ part: () => ({ caddr: other }) }, "REPLY_MISMATCH", { tgt: held });
  // Some of ours are enough; where nothing is said they are all of ours (section 5.4.2).
  assert.deepEqual((await taken({ part: () => ({ caddr: ours.slice(0, 1) }) }, { tgt: held })).addresses.length, 1);
  assert.deepEqual((await taken({ part: () => ({ caddr: undefined }) }, { tgt: held })).addresses, ours);
  const forwarding = { tgt: held, service: krbtgt("GSSOCKS.TEST"), options: KdcOption.Forwarded };
  await refused({ part: () => ({ caddr: ours }) }, "REPLY_MISMATCH", forwarding);
  assert.deepEqual((await taken({ part: () => ({ caddr: undefined }) }, forwarding)).addresses, []);
});

Deno.test("tgsExchange(): accepts flags that it did not ask for", async () => {
  const more = TicketFlag.OkAsDelegate | TicketFlag.Proxiable;
  const { flags } = await taken({ part: (part) => ({ flags: (part.flags | more) >>> 0 }) });
  assert.equal(flags & more, more);
});

/** Realms in a row: each trusts the one before it and refers to the next. */
async function chain(count: number, next: (index: number) => string | undefined) {
  const realms = await Promise.all(
    Array.from(
      { length: count },
      (_, i) => createRealm({ realm: `R${i}.TEST`, enctypes: [18], principals: { alice: "alicepw" } }),
    ),
  );
  for (const [i, one] of realms.entries()) {
    const target = next(i);
    const other = realms.find((candidate) => candidate.name === target);
    if (target === undefined || other === undefined) continue;
    await one.trust(other);
    one.referrals.set(".far.test", target);
  }
  return realms;
}

async function requestsOf(realms: Awaited<ReturnType<typeof chain>>): Promise<{ realms: string[]; error: unknown }> {
  const tickets = memoryTickets(realms);
  const { credential } = await tickets.initialTicket();
  const asked: string[] = [];
  const exchange = tgsExchange({
    tgt: credential,
    service: parsePrincipal("rcmd/x.far.test"),
    enctypes: [18],
    runtime: { now: () => Date.now(), fillRandom: (target) => void crypto.getRandomValues(target) },
  });
  const { handleKdcMessage } = await import("../../../kerberos/kdc/mod.ts");
  let error: unknown;
  try {
    for (let step = await exchange.next(); !step.done && asked.length < 40;) {
      const { realm: where, message } = step.value;
      asked.push(where);
      step = await exchange.next((await handleKdcMessage(realms.find(({ name }) => name === where)!, message))!);
    }
  } catch (caught) {
    error = caught;
  }
  return { realms: asked, error };
}

Deno.test("tgsExchange(): asks no realm twice, and ten at most", async () => {
  const circle = await requestsOf(await chain(3, (i) => `R${(i + 1) % 3}.TEST`));
  assert.deepEqual(circle.realms, ["R0.TEST", "R1.TEST", "R2.TEST"]);
  assert.equal((circle.error as KerberosError).code, "REFERRAL_LOOP");
  const long = await requestsOf(await chain(14, (i) => `R${i + 1}.TEST`));
  assert.equal(long.realms.length, 10);
  assert.equal((long.error as KerberosError).code, "REFERRAL_LOOP");
});

Deno.test("tgsExchange(): names realms in errors without what controls a terminal", async () => {
  const odd = "\x1b[2J\u202eEVIL";
  const exchange = ask({ service: parsePrincipal("rcmd/localhost") });
  let requests = 0;
  await assert.rejects(
    runForged(exchange, realm, async (reply, request): Promise<Bytes> => {
      requests++;
      return await forgeReply(realm, request, reply, names(["socks", odd]));
    }),
    (error: Error) => !/[\p{Cc}\p{Cf}]/u.test(error.message),
  );
  // Once more without canonicalization, where another name is no possible answer.
  assert.equal(requests, 2);
});

Deno.test("tgsExchange(): asks without canonicalization if the service comes back renamed", async () => {
  const asked: number[] = [];
  const { credential } = await runForged(ask(), realm, async (reply, request): Promise<Bytes> => {
    const { kdcOptions } = decode(TgsReq, request).reqBody;
    asked.push(kdcOptions & KdcOption.Canonicalize);
    return asked.length > 1 ? reply : await forgeReply(realm, request, reply, names(["rcmd", "canonical"]));
  });
  assert.equal(formatPrincipal(credential.server), "rcmd/localhost@GSSOCKS.TEST");
  assert.deepEqual(asked, [KdcOption.Canonicalize, 0]);
  // A renewed or forwarded ticket has no other name.
  let requests = 0;
  const forwarded = ask({ options: KdcOption.Forwarded, service: krbtgt("GSSOCKS.TEST") });
  const renamed = runForged(forwarded, realm, async (reply, request): Promise<Bytes> => {
    requests++;
    return await forgeReply(realm, request, reply, names(["rcmd", "canonical"]));
  });
  await assert.rejects(renamed, { code: "REPLY_MISMATCH" });
  assert.equal(requests, 1);
});

Deno.test("tgsExchange(): asks again for what a renewable ticket is, and not for what it is not", async () => {
  const bodies = async (changes: Partial<TgsExchangeInput>) => {
    let body: { kdcOptions: number; rtime?: number | undefined } | undefined;
    await runForged(ask(changes), realm, (reply, request) => {
      body = decode(TgsReq, request).reqBody;
      return Promise.resolve(reply);
    });
    return body!;
  };
  for (const options of [KdcOption.Renew, KdcOption.Forwarded]) {
    const body = await bodies({ options, service: tgt.server });
    assert.equal(body.kdcOptions & KdcOption.Renewable, KdcOption.Renewable);
    assert.equal(body.rtime, tgt.renewTill);
  }
  const short = { ticketLifetime: HOUR };
  const plain = (await memoryTickets([realm], { runtime, config: short }).initialTicket()).credential;
  const body = await bodies({ tgt: plain });
  assert.equal(body.kdcOptions & KdcOption.Renewable, 0);
  assert.equal(body.rtime, undefined);
});

Deno.test("tgsExchange(): authenticators never have the same time (RFC 4120 section 3.2.3)", async () => {
  const times = new Set<string>();
  await Promise.all(
    Array.from({ length: 20 }, () =>
      runForged(ask(), realm, async (reply, request) => {
        const { authenticator } = await openTgsReq(realm, request);
        times.add(`${authenticator.ctime} ${authenticator.cusec}`);
        assert.equal(decode(TgsReq, request).reqBody.realm, "GSSOCKS.TEST");
        return reply;
      })),
  );
  assert.equal(times.size, 20);
});
