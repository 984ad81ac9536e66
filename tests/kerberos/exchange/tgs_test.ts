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

/** Realms of a forest, each with alice: two children that only their parent trusts, and is trusted by. */
async function forest() {
  const [west, parent, east] = await Promise.all(
    ["WEST.CORP.TEST", "CORP.TEST", "EAST.CORP.TEST"].map((realm) =>
      createRealm({ realm, principals: { alice: "alicepw" } })
    ),
  );
  for (const child of [west!, east!]) {
    await child.trust(parent!);
    await parent!.trust(child);
  }
  await east!.addPrincipal("rcmd/p.east.corp.test");
  return [west!, parent!, east!] as const;
}

Deno.test("tgsExchange(): finds the way to a sibling domain over their parent", async () => {
  const realms = await forest();
  const service = parsePrincipal("rcmd/p.east.corp.test@EAST.CORP.TEST");
  const tickets = memoryTickets(realms);
  const { credential } = await tickets.serviceTicket(service);
  assert.equal(formatPrincipal(credential.server), "rcmd/p.east.corp.test@EAST.CORP.TEST");
  assert.equal(formatPrincipal(credential.client), "alice@WEST.CORP.TEST");
  const kept = (await tickets.cache.load())!.credentials.map(({ server }) => formatPrincipal(server));
  assert.deepEqual(kept.slice(1, 3), ["krbtgt/CORP.TEST@WEST.CORP.TEST", "krbtgt/EAST.CORP.TEST@CORP.TEST"]);
  // [capaths] decides where it has an entry: directly, which nobody can.
  const capaths = new Map([["WEST.CORP.TEST", new Map([["EAST.CORP.TEST", ["."]]])]]);
  const strict = memoryTickets(realms, { config: { capaths } });
  await assert.rejects(strict.serviceTicket(service), {
    code: "KDC_ERR_S_PRINCIPAL_UNKNOWN",
    message: /krbtgt\/EAST\.CORP\.TEST@WEST.*the KDC knows no path to realm EAST\.CORP\.TEST/,
  });
});

Deno.test("tgsExchange(): looks for an unknown service in the realm of the host's domain", async () => {
  const realms = await forest();
  const kerberos = (realmTryDomains = -1) => memoryTickets(realms, { config: { realmTryDomains } });
  const found = async (name: string, depth?: number) =>
    formatPrincipal((await kerberos(depth).serviceTicket(parsePrincipal(name))).credential.server);
  assert.equal(await found("rcmd/p.east.corp.test"), "rcmd/p.east.corp.test@EAST.CORP.TEST");
  // Domains above the host's own only where realm_try_domains says so.
  await realms[2].addPrincipal("rcmd/p.lab.east.corp.test");
  const lab = "rcmd/p.lab.east.corp.test";
  const home = { message: /service rcmd\/p\.lab\.east\.corp\.test@WEST\.CORP\.TEST: no such service in this realm/ };
  await assert.rejects(found(lab), home);
  await assert.rejects(found(lab, 0), home);
  assert.equal(await found(lab, 1), "rcmd/p.lab.east.corp.test@EAST.CORP.TEST");
  // The realm that knows no such service is named.
  await assert.rejects(found("rcmd/q.east.corp.test"), {
    message: /service rcmd\/q\.east\.corp\.test@EAST\.CORP\.TEST/,
  });
  // Names without a host, addresses, and a realm that was named have no other.
  for (const name of ["rcmd", "rcmd/short", "rcmd/10.0.0.1", "rcmd/p.east.corp.test@WEST.CORP.TEST"]) {
    await assert.rejects(found(name), { message: /@WEST\.CORP\.TEST: no such service/ }, name);
  }
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
