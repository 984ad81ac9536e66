/** When tickets are renewed in the background, and what is told about it. */
import assert from "node:assert/strict";
import { KerberosError } from "../../../../kerberos/errors.ts";
import {
  type KeepableTickets,
  type KeepTicketsOptions,
  TicketKeeper,
} from "../../../../kerberos/credentials/tickets/keeper.ts";
import { keepTickets } from "../../../../kerberos/credentials/tickets/keep_tickets.ts";
import type { Credential } from "../../../../kerberos/credential.ts";
import type { ServiceTicket } from "../../../../kerberos/credentials/ticket_source.ts";
import { parsePrincipal } from "../../../../kerberos/principal.ts";
import { TicketFlag } from "../../../../kerberos/registry/flags.ts";
import { TestRuntime } from "../../../support/test_runtime.ts";

const HOUR = 3_600_000;
const down = new KerberosError("KDC_UNREACHABLE", "Cannot reach a KDC");
const empty = new KerberosError(
  "NO_CREDENTIALS",
  "Cannot get a ticket: no credentials cache found (FILE:cc); run kinit first",
);

/** Tickets whose KDC and cache a test controls. */
class FakeTickets implements KeepableTickets {
  readonly hasSecret: boolean;
  readonly runtime = new TestRuntime();
  requests = 0;
  failure: Error | undefined;
  held: ServiceTicket | undefined;

  constructor(hasSecret: boolean) {
    this.hasSecret = hasSecret;
  }

  issue(
    { life = 10 * HOUR, renewTill = 0, name = "alice@R", offset = 0, renewable = true } = {},
  ): ServiceTicket {
    const starttime = this.runtime.time + offset;
    const credential = {
      client: parsePrincipal(name, { defaultRealm: "R" }),
      flags: renewable && renewTill > 0 ? TicketFlag.Renewable : 0,
      ...{ starttime, endtime: starttime + life, renewTill },
    } as Credential;
    return { credential, kdcOffset: offset };
  }

  currentTicket(): Promise<ServiceTicket> {
    return this.held === undefined ? Promise.reject(empty) : Promise.resolve(this.held);
  }

  freshTicket(): Promise<ServiceTicket> {
    this.requests++;
    if (this.failure !== undefined) return Promise.reject(this.failure);
    this.held = this.issue({ renewTill: this.held?.credential.renewTill ?? 0 });
    return Promise.resolve(this.held);
  }
}

/** A keeper, with what it tells in words. */
function keeperOf(tickets: FakeTickets, options: Partial<KeepTicketsOptions> = {}) {
  const news: string[] = [];
  const { runtime } = tickets;
  const { signal } = new AbortController();
  const keeper = new TicketKeeper(tickets, {
    signal,
    runtime,
    onNews: (told) => {
      const times = "endtime" in told ? ` ${(told.endtime - runtime.time) / HOUR}h` : "";
      news.push(told.type + times + ("keptUntil" in told ? ` kept ${(told.keptUntil - runtime.time) / HOUR}h` : ""));
    },
    ...options,
  });
  return { keeper, news };
}

Deno.test("keepTickets(): renews a renewable ticket when half of its time is over, and not before", async () => {
  const tickets = new FakeTickets(false);
  const { runtime } = tickets;
  tickets.held = tickets.issue({ renewTill: runtime.time + 30 * HOUR });
  const { keeper, news } = keeperOf(tickets);
  assert.equal(await keeper.look(), 60_000);
  runtime.time += 5 * HOUR - 10_000;
  assert.equal(await keeper.look(), 10_000);
  assert.equal(tickets.requests, 0);
  runtime.time += 10_000;
  await keeper.look();
  await keeper.look();
  assert.equal(tickets.requests, 1);
  assert.deepEqual(news, ["good 10h kept 30h", "renewed 10h"]);
});

Deno.test("keepTickets(): leaves tickets alone that cannot be renewed, or may not be", async () => {
  for (const renewTill of [0, 1] as const) {
    const tickets = new FakeTickets(false);
    const { runtime } = tickets;
    tickets.held = tickets.issue({ renewTill: renewTill * (runtime.time + 30 * HOUR) });
    const { keeper, news } = keeperOf(tickets, { renew: renewTill === 0 });
    await keeper.look();
    runtime.time += 9 * HOUR;
    await keeper.look();
    tickets.held = undefined;
    runtime.time += HOUR;
    await keeper.look();
    await keeper.look();
    assert.equal(tickets.requests, 0);
    assert.deepEqual(news, ["good 10h kept 10h", "none"]);
  }
  const unflagged = new FakeTickets(false);
  unflagged.held = unflagged.issue({ renewTill: unflagged.runtime.time + 30 * HOUR, renewable: false });
  unflagged.runtime.time += 6 * HOUR;
  await keeperOf(unflagged).keeper.look();
  assert.equal(unflagged.requests, 0);
  const last = new FakeTickets(false);
  last.held = last.issue({ renewTill: last.runtime.time + 10 * HOUR });
  const { keeper } = keeperOf(last);
  last.runtime.time += 6 * HOUR;
  await keeper.look();
  assert.equal(last.requests, 0, "its renewal would not make it last longer");
});

Deno.test("keepTickets(): requests tickets with a secret, also where there is none yet", async () => {
  const tickets = new FakeTickets(true);
  const { keeper, news } = keeperOf(tickets);
  await keeper.look();
  assert.equal(tickets.requests, 1);
  tickets.runtime.time += 5 * HOUR;
  await keeper.look();
  assert.equal(tickets.requests, 2);
  assert.deepEqual(news, ["good 10h kept Infinityh", "renewed 10h"]);
});

Deno.test("keepTickets(): a KDC that is down is told once, and asked again at growing distances", async () => {
  const tickets = new FakeTickets(true);
  const { keeper, news } = keeperOf(tickets);
  await keeper.look();
  tickets.runtime.time += 5 * HOUR;
  tickets.failure = down;
  const pauses: number[] = [];
  for (let i = 0; i < 6; i++) pauses.push(await keeper.look());
  assert.deepEqual(pauses, [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  tickets.held = undefined;
  await keeper.look();
  await keeper.look();
  tickets.failure = undefined;
  await keeper.look();
  await keeper.look();
  assert.deepEqual(news, ["good 10h kept Infinityh", "delayed 5h", "none", "good 10h kept Infinityh"]);
});

Deno.test("keepTickets(): tells a ticket that others get, renew or take away", async () => {
  const tickets = new FakeTickets(false);
  const { keeper, news } = keeperOf(tickets);
  await keeper.look();
  await keeper.look();
  tickets.held = tickets.issue();
  await keeper.look();
  tickets.held = tickets.issue({ life: 12 * HOUR });
  await keeper.look();
  tickets.held = tickets.issue({ name: "bob@R" });
  await keeper.look();
  tickets.held = undefined;
  await keeper.look();
  assert.deepEqual(news, ["none", "good 10h kept 10h", "good 10h kept 10h", "none"]);
});

Deno.test("keepTickets(): counts by the KDC's clock", async () => {
  const tickets = new FakeTickets(false);
  const { runtime } = tickets;
  tickets.held = tickets.issue({ offset: 4 * HOUR, renewTill: runtime.time + 30 * HOUR });
  const { keeper, news } = keeperOf(tickets);
  await keeper.look();
  assert.deepEqual([tickets.requests, news], [0, ["good 10h kept 26h"]]);
  runtime.time += 5 * HOUR;
  await keeper.look();
  assert.equal(tickets.requests, 1);
});

Deno.test("keepTickets(): ends with its signal, and goes on when an observer throws", async () => {
  const tickets = new FakeTickets(true);
  const stop = new AbortController();
  let told = 0;
  const keeping = keepTickets(tickets, {
    signal: stop.signal,
    onNews: () => {
      told++;
      queueMicrotask(() => stop.abort());
      throw new Error("observer");
    },
  });
  await keeping;
  assert.deepEqual([told, tickets.requests], [1, 1]);
  // One that fails later leaves no unhandled rejection.
  const { keeper } = keeperOf(tickets, { onNews: () => Promise.reject(new Error("observer")) });
  await keeper.look();
  await new Promise((resolve) => setTimeout(resolve));
});
