/** Tickets that are kept good, by a KDC over its sockets: in a cache that others wrote, and with a keytab. */
import assert from "node:assert/strict";
import { parseKrb5Conf } from "../../../../kerberos/config/parse.ts";
import { FileCredentialCache } from "../../../../kerberos/credentials/shell/stores.ts";
import { TicketKeeper, type TicketNews } from "../../../../kerberos/credentials/tickets/keeper.ts";
import type { KerberosTickets } from "../../../../kerberos/credentials/tickets/tickets.ts";
import { startTestKdc, type TestKdc } from "../../../../kerberos/kdc/mod.ts";
import { TicketFlag } from "../../../../kerberos/registry/flags.ts";
import { systemTickets } from "../../../../kerberos/system.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A KDC whose tickets last 10 hours, and can be renewed for 2 days. */
function startKdc(port = 0) {
  return startTestKdc({ principals: { alice: "secret" }, maxRenewLifetime: 2 * DAY, port });
}

function keeperOf(tickets: KerberosTickets, runtime: TestKdc["clock"]) {
  const news: TicketNews[] = [];
  const { signal } = new AbortController();
  const keeper = new TicketKeeper(tickets, { signal, runtime, onNews: (told) => void news.push(told) });
  return { keeper, types: () => news.splice(0).map(({ type }) => type) };
}

Deno.test("keepTickets(): renews the ticket in a cache that another program wrote, as long as it can be", async () => {
  await using kdc = await startKdc();
  const folder = await Deno.makeTempDir();
  const cache = new FileCredentialCache(`${folder}/cc`);
  const shared = { runtime: kdc.clock, cache };
  const config = { ...kdc.config, renewLifetime: 2 * DAY };
  await systemTickets({ ...shared, config, principal: "alice", password: "secret" }).initialTicket();
  const { keeper, types } = keeperOf(systemTickets({ ...shared, config: kdc.config }), kdc.clock);
  const end = async () => (await cache.load())!.credentials[0]!.endtime;
  const first = await end();
  assert.equal(await keeper.look(), 60_000);
  assert.deepEqual([types(), await end()], [["good"], first]);
  let before = first;
  // Each renewal is 10 hours, behind half of that.
  for (let i = 0; i < 7; i++) {
    kdc.clock.advance(5 * HOUR);
    await keeper.look();
    await keeper.look();
    assert.deepEqual(types(), ["renewed"], `${i}`);
    const now = await end();
    assert.ok(now > before, "the file has the new ticket");
    before = now;
    assert.ok(((await cache.load())!.credentials[0]!.flags & TicketFlag.Renewable) !== 0);
  }
  // The last one ends with its renewals: it is left alone, and its end is told once.
  kdc.clock.advance(5 * HOUR);
  await keeper.look();
  assert.deepEqual(types(), ["renewed"]);
  kdc.clock.advance(9 * HOUR);
  for (let i = 0; i < 3; i++) await keeper.look();
  assert.deepEqual(types(), ["none"]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("keepTickets(): a KDC that is down delays a keytab's ticket and stops nothing", async () => {
  const kdc = await startKdc();
  const { clock, port } = kdc;
  // A closed port of UDP is noticed by its silence alone.
  const config = parseKrb5Conf({ name: "krb5.conf", text: kdc.krb5Conf.replace(/\bkdc = /g, "kdc = tcp/") });
  const keytab = kdc.keytab("alice");
  const tickets = systemTickets({ config, runtime: clock, principal: "alice", keytab });
  const { keeper, types } = keeperOf(tickets, clock);
  const pauses: number[] = [];
  const look = async () => pauses.push(await keeper.look());
  await look();
  assert.deepEqual(types(), ["good"]);
  const first = await tickets.currentTicket();
  await kdc[Symbol.asyncDispose]();
  clock.advance(6 * HOUR);
  for (let i = 0; i < 3; i++) await look();
  assert.deepEqual(types(), ["delayed"]);
  assert.deepEqual(pauses, [60_000, 5_000, 10_000, 20_000]);
  assert.equal((await tickets.currentTicket()).credential.endtime, first.credential.endtime, "it stays in use");
  clock.advance(5 * HOUR);
  for (let i = 0; i < 2; i++) await look();
  assert.deepEqual(types(), ["none"]);
  // It is there again, with the same keys: passwords give them.
  await using again = await startKdc(port);
  again.clock.advance(11 * HOUR);
  await look();
  await look();
  assert.deepEqual(types(), ["good"]);
  assert.ok((await tickets.currentTicket()).credential.endtime > first.credential.endtime);
});
