/** Which ticket of a cache is used, and who waits for which request. */
import assert from "node:assert/strict";
import { passwordKey } from "../../../../kerberos/exchange/client_key.ts";
import { KdcClient } from "../../../../kerberos/reach/kdc_client.ts";
import type { KdcTransport } from "../../../../kerberos/reach/transport.ts";
import { KerberosTickets } from "../../../../kerberos/credentials/tickets/tickets.ts";
import { TicketFlag } from "../../../../kerberos/registry/flags.ts";
import { inProcessTransport, type KdcRealm } from "../../../../kerberos/kdc/mod.ts";
import { formatPrincipal, parsePrincipal } from "../../../../kerberos/principal.ts";
import { MemoryCredentialCache } from "../../../../kerberos/credentials/caches/memory.ts";
import { Credential } from "../../../../kerberos/credential.ts";
import { TestRuntime } from "../../../support/test_runtime.ts";
import { forgeReply } from "../../../support/forge_kdc.ts";
import { memoryConfig, memoryRealm, memoryTickets } from "../../../support/gss_pair.ts";

const SERVICE = parsePrincipal("rcmd/localhost@GSSOCKS.TEST");

/** Tickets whose requests wait until a gate opens, and learn only then that no caller waits for them any more. */
function slowTickets(realm: KdcRealm) {
  const config = memoryConfig(realm);
  const honest = inProcessTransport(realm);
  const gate = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  let requests = 0;
  const transport: KdcTransport = {
    async send(address, message, options) {
      requests++;
      asked.resolve();
      await gate.promise;
      return await honest.send(address, message, options);
    },
  };
  const tickets = new KerberosTickets({
    config,
    kdc: new KdcClient({ config, transport }),
    initial: { client: parsePrincipal("alice@GSSOCKS.TEST"), key: passwordKey("alicepw") },
  });
  return { tickets, open: () => gate.resolve(), asked: asked.promise, requests: () => requests };
}

Deno.test("KerberosTickets: a request given up by one caller does not fail for the next", async () => {
  const { tickets, open, asked } = slowTickets(await memoryRealm());
  const stop = new AbortController();
  const first = tickets.serviceTicket(SERVICE, { signal: stop.signal });
  await asked;
  stop.abort(new Error("A gave up"));
  const second = tickets.serviceTicket(SERVICE);
  await assert.rejects(first, { message: "A gave up" });
  open();
  assert.equal(formatPrincipal((await second).credential.server), "rcmd/localhost@GSSOCKS.TEST");
});

Deno.test("KerberosTickets: a request goes on while a caller waits, and takes no later one along", async () => {
  const { tickets, open, asked, requests } = slowTickets(await memoryRealm());
  const [one, two, three] = [new AbortController(), new AbortController(), new AbortController()];
  const first = tickets.serviceTicket(SERVICE, { signal: one.signal });
  const second = tickets.serviceTicket(SERVICE, { signal: two.signal });
  await asked;
  one.abort(new Error("one"));
  await assert.rejects(first, { message: "one" });
  assert.equal(requests(), 1);
  two.abort(new Error("two"));
  const third = tickets.serviceTicket(SERVICE, { signal: three.signal });
  await assert.rejects(second, { message: "two" });
  // The first request has ended by now; it must not have made the table forget the one that is under way.
  await new Promise((resolve) => setTimeout(resolve, 0));
  const fourth = tickets.serviceTicket(SERVICE);
  open();
  assert.equal((await third).credential, (await fourth).credential);
});

Deno.test("KerberosTickets: a request given up by one of two callers serves the other", async () => {
  const { tickets, open, asked } = slowTickets(await memoryRealm());
  const stop = new AbortController();
  const first = tickets.serviceTicket(SERVICE, { signal: stop.signal });
  const second = tickets.serviceTicket(SERVICE);
  await asked;
  stop.abort(new Error("A gave up"));
  await assert.rejects(first, { message: "A gave up" });
  open();
  assert.equal(formatPrincipal((await second).credential.server), "rcmd/localhost@GSSOCKS.TEST");
});

/** A cache with a ticket-granting ticket of alice's and one service ticket, changed. */
async function cacheWith(change: (ticket: Credential) => Partial<Credential>) {
  const runtime = new TestRuntime();
  const realm = await memoryRealm({ runtime, principals: { bob: "bobpw" } });
  const source = memoryTickets([realm], { runtime });
  const { credential } = await source.serviceTicket(SERVICE);
  const data = (await source.cache.load())!;
  const { ticket, secondTicket } = credential;
  const held = new Credential({ ...credential, ticket, secondTicket, ...change(credential) });
  const cache = new MemoryCredentialCache({ ...data, credentials: [data.credentials[0]!, held] });
  return { runtime, realm, cache, held, config: memoryConfig(realm) };
}

/** Whether the ticket in the cache is used, or another one asked for. */
async function isUsed(
  change: (ticket: Credential) => Partial<Credential>,
  config: Partial<ReturnType<typeof memoryConfig>> = {},
): Promise<boolean> {
  const made = await cacheWith(change);
  const options = { ...made.config, ...config };
  const kdc = new KdcClient({ config: options, transport: inProcessTransport(made.realm) });
  const tickets = new KerberosTickets({ config: options, kdc, cache: made.cache, runtime: made.runtime });
  const { credential } = await tickets.serviceTicket(SERVICE);
  assert.equal(formatPrincipal(credential.client), "alice@GSSOCKS.TEST");
  return credential === made.held;
}

Deno.test("KerberosTickets: use a cached ticket only for its client and service, while it is good", async () => {
  assert.equal(await isUsed(() => ({})), true);
  // Another client's ticket for the same service (dotnet/Kerberos.NET#248).
  assert.equal(await isUsed(() => ({ client: parsePrincipal("bob@GSSOCKS.TEST") })), false);
  assert.equal(await isUsed(() => ({ client: parsePrincipal("alice@OTHER.TEST") })), false);
  assert.equal(await isUsed(() => ({ server: parsePrincipal("rcmd/localhost@OTHER.TEST") })), false);
  assert.equal(await isUsed(() => ({ server: parsePrincipal("rcmd/other@GSSOCKS.TEST") })), false);
  assert.equal(await isUsed(({ authtime }) => ({ endtime: authtime + 30_000 })), false);
  assert.equal(await isUsed(({ authtime }) => ({ starttime: authtime + 301_000 })), false);
  assert.equal(await isUsed(({ flags }) => ({ flags: (flags | TicketFlag.Invalid) >>> 0 })), false);
});

Deno.test("KerberosTickets: use no cached ticket with a session key they would not request", async () => {
  assert.equal(await isUsed(() => ({}), { defaultTgsEnctypes: [18] }), true);
  assert.equal(await isUsed(() => ({}), { defaultTgsEnctypes: [17] }), false);
});

Deno.test("KerberosTickets: neither use nor overwrite another client's cache", async () => {
  const { cache, config, realm, runtime } = await cacheWith(() => ({}));
  const kdc = new KdcClient({ config, transport: inProcessTransport(realm) });
  const initial = { client: parsePrincipal("bob@GSSOCKS.TEST"), key: passwordKey("bobpw") };
  const tickets = new KerberosTickets({ config, kdc, cache, initial, runtime });
  const before = await cache.load();
  const refused = { code: "NO_CREDENTIALS", message: /belongs to alice@GSSOCKS\.TEST, not to bob@GSSOCKS\.TEST/ };
  await assert.rejects(tickets.serviceTicket(SERVICE), refused);
  await assert.rejects(tickets.forwardedTicket(), refused);
  assert.deepEqual((await cache.load())!.credentials, before!.credentials);
  // Who asks for an initial ticket means it.
  await tickets.initialTicket();
  const { credential } = await tickets.serviceTicket(SERVICE);
  assert.equal(formatPrincipal(credential.client), "bob@GSSOCKS.TEST");
});

Deno.test("KerberosTickets: use a cache of another name only if the KDC answers for it", async () => {
  for (const [answer, used] of [["bob", false], ["alice", true]] as const) {
    const { cache, config: usual, realm, runtime } = await cacheWith(() => ({}));
    const config = { ...usual, canonicalize: true };
    const honest = inProcessTransport(realm);
    const renamed = { nameType: 1, nameString: [answer] };
    const transport: KdcTransport = {
      send: async (address, message, options) =>
        await forgeReply(realm, message, await honest.send(address, message, options), {
          reply: ({ cname }) => ({ cname: cname.nameString[0] === "bob" ? renamed : cname }),
        }),
    };
    const initial = { client: parsePrincipal("bob@GSSOCKS.TEST"), key: passwordKey("bobpw") };
    const tickets = new KerberosTickets({ config, kdc: new KdcClient({ config, transport }), cache, initial, runtime });
    const before = (await cache.load())!;
    for (let times = 0; times < 2; times++) {
      if (used) await tickets.forwardedTicket().catch((error) => assert.doesNotMatch(error.message, /not of/));
      else await assert.rejects(tickets.serviceTicket(SERVICE), { code: "NO_CREDENTIALS", message: /not to bob/ });
    }
    const after = (await cache.load())!;
    assert.equal(formatPrincipal(after.principal), "alice@GSSOCKS.TEST");
    assert.equal(after.credentials.length === before.credentials.length, !used, answer);
  }
});

Deno.test("KerberosTickets: use a ticket about to end if nothing is left to get another with", async () => {
  const short = ({ authtime }: Credential) => ({ endtime: authtime + 30_000 });
  const { runtime, cache, config, held } = await cacheWith(short);
  const data = (await cache.load())!;
  const { ticket, secondTicket } = data.credentials[0]!;
  const tgt = new Credential({ ...data.credentials[0]!, ticket, secondTicket, ...short(data.credentials[0]!) });
  await cache.initialize({ ...data, credentials: [tgt, held] });
  const tickets = new KerberosTickets({ config, cache, runtime });
  assert.equal((await tickets.serviceTicket(SERVICE)).credential, held);
  runtime.time += 29_999;
  assert.equal((await tickets.serviceTicket(SERVICE)).credential, held);
  runtime.time += 1;
  await assert.rejects(tickets.serviceTicket(SERVICE), { code: "TICKET_EXPIRED" });
});

Deno.test("KerberosTickets: use a ticket about to end if no fresher one can be had", async () => {
  const short = ({ authtime }: Credential) => ({ endtime: authtime + 30_000 });
  const { runtime, realm, cache, config, held } = await cacheWith(short);
  // The ticket-granting ticket is good for hours, so that a fresher one is asked for; the KDC is gone, or refuses.
  const honest = inProcessTransport(realm);
  let answers = "none";
  const transport: KdcTransport = {
    send: (...request) => answers === "none" ? Promise.reject(new Error("gone")) : honest.send(...request),
  };
  const tickets = new KerberosTickets({ config, kdc: new KdcClient({ config, transport }), cache, runtime });
  assert.equal((await tickets.serviceTicket(SERVICE)).credential, held);
  answers = "refusals";
  realm.faults.answerWithError = 12;
  assert.equal((await tickets.serviceTicket(SERVICE)).credential, held);
  const stop = AbortSignal.abort(new Error("enough"));
  await assert.rejects(tickets.serviceTicket(SERVICE, { signal: stop }), { message: "enough" });
  realm.faults.answerWithError = 0;
  const fresh = (await tickets.serviceTicket(SERVICE)).credential;
  assert.ok(fresh !== held && fresh.endtime > held.endtime);
  // Once it has ended it is no help.
  answers = "none";
  await cache.initialize({ ...(await cache.load())!, credentials: [(await cache.load())!.credentials[0]!, held] });
  runtime.time += 30_000;
  await assert.rejects(tickets.serviceTicket(SERVICE), { code: "KDC_UNREACHABLE" });
});

Deno.test("KerberosTickets: a password is proved once for several services; nothing is left over", async () => {
  const { tickets, open, asked, requests } = slowTickets(await memoryRealm());
  const stops = Array.from({ length: 20 }, () => new AbortController());
  const calls = stops.map(({ signal }) => tickets.serviceTicket(SERVICE, { signal }));
  const other = tickets.serviceTicket(parsePrincipal("socks/localhost@GSSOCKS.TEST"));
  await asked;
  for (const [i, stop] of stops.entries()) stop.abort(new Error(`${i}`));
  for (const [i, call] of calls.entries()) await assert.rejects(call, { message: `${i}` });
  assert.equal(requests(), 1);
  open();
  assert.equal(formatPrincipal((await other).credential.server), "socks/localhost@GSSOCKS.TEST");
  // Two messages for the password, one for the service.
  assert.equal(requests(), 3);
});
