/** The TGS exchange, through the embedded KDC. */
import assert from "node:assert/strict";
import { tgsExchange } from "../../../kerberos/exchange/tgs.ts";
import { KdcError, KerberosError } from "../../../kerberos/errors.ts";
import { createRealm, handleKdcMessage, type KdcRealm } from "../../../kerberos/kdc/mod.ts";
import { formatPrincipal, parsePrincipal } from "../../../kerberos/principal.ts";
import { TestRuntime } from "../../support/test_runtime.ts";
import { memoryRealm, memoryTickets } from "../../support/gss_pair.ts";

/** Runs an exchange against a realm, with a look at each reply and a hand in it. */
async function drive<T>(
  exchange: AsyncGenerator<{ realm: string; message: Uint8Array<ArrayBuffer> }, T, Uint8Array<ArrayBuffer>>,
  realm: KdcRealm,
  change: (reply: Uint8Array<ArrayBuffer>, number: number) => Uint8Array<ArrayBuffer> = (reply) => reply,
): Promise<T> {
  let step = await exchange.next();
  for (let number = 1; !step.done; number++) {
    const reply = await handleKdcMessage(realm, step.value.message);
    step = await exchange.next(change(reply!, number));
  }
  return step.value;
}

Deno.test("tgsExchange(): follows referrals through realms, but no circle", async () => {
  const [a, b, c] = await Promise.all(
    ["A.TEST", "B.TEST", "C.TEST"].map((realm) => createRealm({ realm, principals: { alice: "alicepw" } })),
  );
  await a!.trust(b!);
  await b!.trust(c!);
  await c!.trust(a!);
  await c!.addPrincipal("rcmd/far.c.test");
  a!.referrals.set(".c.test", "B.TEST");
  b!.referrals.set(".c.test", "C.TEST");
  const tickets = memoryTickets([a!, b!, c!]);
  const { credential } = await tickets.serviceTicket(parsePrincipal("rcmd/far.c.test"));
  assert.equal(formatPrincipal(credential.server), "rcmd/far.c.test@C.TEST");
  assert.equal(formatPrincipal(credential.client), "alice@A.TEST");
  const kept = (await tickets.cache.load())!.credentials.map(({ server }) => formatPrincipal(server));
  assert.deepEqual(kept, [
    "krbtgt/A.TEST@A.TEST",
    "krbtgt/B.TEST@A.TEST",
    "krbtgt/C.TEST@B.TEST",
    "rcmd/far.c.test@C.TEST",
  ]);
  // A circle: everybody refers to the next.
  for (const [realm, next] of [[a!, "B.TEST"], [b!, "C.TEST"], [c!, "A.TEST"]] as const) {
    realm.referrals.set(".circle.test", next);
  }
  await assert.rejects(tickets.serviceTicket(parsePrincipal("rcmd/x.circle.test")), { code: "REFERRAL_LOOP" });
});

Deno.test("tgsExchange(): refuses every changed byte, and a reply to another request", async () => {
  const runtime = new TestRuntime();
  const realm = await memoryRealm({ runtime, enctypes: [17] });
  const { credential: tgt } = await memoryTickets([realm], { runtime }).initialTicket();
  const service = parsePrincipal("rcmd/localhost@GSSOCKS.TEST");
  const ask = () => tgsExchange({ tgt, service, enctypes: [17], runtime });
  let first: Uint8Array<ArrayBuffer> | undefined;
  await drive(ask(), realm, (reply) => first = reply);
  await assert.rejects(drive(ask(), realm, () => first!), (error) => error instanceof KerberosError);
  for (let i = 0; i < first!.length; i += 3) {
    const result = await drive(ask(), realm, (reply) => {
      reply[i]! ^= 0x01;
      return reply;
    }).then((got) => got.credential, (error) => error);
    if (result instanceof KerberosError || result instanceof KdcError) continue;
    assert.equal(formatPrincipal(result.server), "rcmd/localhost@GSSOCKS.TEST", `byte ${i}`);
    assert.equal(formatPrincipal(result.client), "alice@GSSOCKS.TEST");
  }
});
