/** A clock that is set while tickets are held: with a secret, with a cache only, and what a service says about it. */
import assert from "node:assert/strict";
import { hostbasedService } from "../../../../gss/names.ts";
import { GssError } from "../../../../gss/status.ts";
import { passwordKey } from "../../../../kerberos/exchange/client_key.ts";
import { KdcClient } from "../../../../kerberos/reach/kdc_client.ts";
import type { KdcTransport } from "../../../../kerberos/reach/transport.ts";
import { KdcClock } from "../../../../kerberos/credentials/tickets/kdc_clock.ts";
import { KerberosTickets } from "../../../../kerberos/credentials/tickets/tickets.ts";
import { inProcessTransport } from "../../../../kerberos/kdc/mod.ts";
import { KerberosAcceptorCredential, KerberosInitiatorCredential } from "../../../../kerberos/mech/credentials.ts";
import { parsePrincipal } from "../../../../kerberos/principal.ts";
import type { CredentialCache } from "../../../../kerberos/credentials/cache.ts";
import { MemoryCredentialCache } from "../../../../kerberos/credentials/caches/memory.ts";
import { FileCredentialCache } from "../../../../kerberos/credentials/shell/stores.ts";
import { TestRuntime } from "../../../support/test_runtime.ts";
import { memoryConfig, memoryRealm } from "../../../support/gss_pair.ts";

const HOUR = 3_600_000;
const SERVICE = parsePrincipal("rcmd/localhost@GSSOCKS.TEST");
const ALICE = { client: parsePrincipal("alice@GSSOCKS.TEST"), key: passwordKey("alicepw") };

/** A realm and a service whose clocks are right, and a client whose clock can be set. */
async function clocks() {
  const right = new TestRuntime();
  const ours = new TestRuntime(right.time);
  const realm = await memoryRealm({ runtime: right });
  const config = memoryConfig(realm);
  const honest = inProcessTransport(realm);
  let requests = 0;
  let reachable = true;
  const transport: KdcTransport = {
    send(address, message, options) {
      requests++;
      return reachable ? honest.send(address, message, options) : Promise.reject(new Error("unreachable"));
    },
  };
  const acceptor = new KerberosAcceptorCredential({ keys: realm.keytab("rcmd/localhost"), runtime: right });
  let monotonic = 0;
  return {
    right,
    ours,
    config,
    requests: () => requests,
    cut: () => reachable = false,
    /** Lets time pass on all clocks. */
    pass(milliseconds: number) {
      right.time += milliseconds;
      ours.time += milliseconds;
      monotonic += milliseconds;
    },
    tickets: (more: { cache?: CredentialCache; initial?: typeof ALICE; kdcTimesync?: boolean } = {}) => {
      const { kdcTimesync = true, ...parts } = more;
      const wishes = { ...config, kdcTimesync };
      const kdc = new KdcClient({ config: wishes, transport });
      return new KerberosTickets({ config: wishes, kdc, ...parts, runtime: ours, monotonic: () => monotonic });
    },
    /** One context with the service. */
    async login(tickets: KerberosTickets): Promise<void> {
      const initiator = new KerberosInitiatorCredential(tickets, { runtime: ours });
      const negotiation = await initiator.initiate(hostbasedService("rcmd", "localhost"));
      const { token } = await negotiation.step();
      const answer = await acceptor.accept().step(token).then((step) => step.token, (error) => error.token);
      const step = await negotiation.step(answer);
      assert.ok(step.done);
      step.context[Symbol.dispose]();
    },
  };
}

Deno.test("KerberosTickets: with a secret, notice a set clock before any refusal", async () => {
  for (const [first, then] of [[HOUR, 0], [0, HOUR], [0, -HOUR], [-HOUR, 0], [0, 13 * HOUR]] as const) {
    const { ours, right, pass, tickets, login } = await clocks();
    const held = tickets({ initial: ALICE });
    ours.time = right.time + first;
    await login(held);
    pass(600_000);
    ours.time = right.time + then;
    await login(held);
    const { kdcOffset } = await held.serviceTicket(SERVICE);
    assert.ok(Math.abs(kdcOffset + then) < 5_000, `${first} ${then} ${kdcOffset}`);
    pass(600_000);
    await login(held);
  }
});

Deno.test("KerberosTickets: time, or a clock that drifts a little, causes no request", async () => {
  const { ours, pass, tickets, login, requests } = await clocks();
  const held = tickets({ initial: ALICE });
  await login(held);
  const before = requests();
  pass(HOUR);
  ours.time += 4_000;
  await login(held);
  assert.equal(requests(), before);
});

Deno.test("KerberosTickets: a cached offset of another time is corrected once for all users", async () => {
  for (
    const [first, then] of [[HOUR, 0], [0, HOUR], [-HOUR, 0], [0, -HOUR], [13 * HOUR, 0], [-13 * HOUR, 0]] as const
  ) {
    for (const withService of [true, false]) {
      const { ours, right, pass, tickets, login, requests } = await clocks();
      const cache = new MemoryCredentialCache();
      ours.time = right.time + first;
      // By another program, kinit, which is gone.
      const kinit = tickets({ cache, initial: ALICE });
      await kinit.initialTicket();
      if (withService) await kinit.serviceTicket(SERVICE);
      pass(2 * HOUR);
      ours.time = right.time + then;
      const held = tickets({ cache });
      await login(held).catch(async (error) => {
        assert.ok(error instanceof GssError && error.code === "KRB_AP_ERR_SKEW" && error.again, error.message);
        await login(held);
      });
      assert.ok(Math.abs((await cache.load())!.kdcOffset! + then) < 5_000);
      const before = requests();
      await login(tickets({ cache }));
      assert.equal(requests(), before);
    }
  }
});

Deno.test("FileCredentialCache: learns the offset", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const { ours, right, pass, tickets, login } = await clocks();
    const cache = () => new FileCredentialCache(`${directory}/cc`);
    ours.time = right.time + HOUR;
    await tickets({ cache: cache(), initial: ALICE }).serviceTicket(SERVICE);
    assert.equal((await cache().load())!.kdcOffset, -HOUR);
    pass(60_000);
    ours.time = right.time;
    await login(tickets({ cache: cache() }));
    assert.equal((await cache().load())!.kdcOffset ?? 0, 0);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("refusedForTime(): a service is believed once, since its own clock may be wrong", async () => {
  for (const initial of [ALICE, undefined]) {
    const { ours, right, pass, tickets, login, requests } = await clocks();
    const cache = new MemoryCredentialCache();
    await tickets({ cache, initial: ALICE }).serviceTicket(SERVICE);
    pass(HOUR);
    const held = tickets({ cache, ...(initial === undefined ? {} : { initial }) });
    const ticket = await held.serviceTicket(SERVICE);
    const before = requests();
    assert.equal(held.refusedForTime(ticket), true);
    const anew = await held.serviceTicket(SERVICE);
    const asked = requests() - before;
    assert.equal(asked, initial === undefined ? 1 : 3);
    assert.equal(held.refusedForTime(anew), false);
    await held.serviceTicket(SERVICE);
    assert.equal(requests() - before, asked);
    pass(60_000);
    assert.equal(held.refusedForTime(anew), true);
    assert.equal(ours.time, right.time);
    await login(held);
  }
});

Deno.test("KdcClock: a refusal beside another one uses the new measurement", () => {
  const runtime = new TestRuntime();
  const clock = new KdcClock(runtime);
  assert.equal(clock.offset(-HOUR), -HOUR);
  assert.equal(clock.refused(-HOUR), true);
  assert.equal(clock.isDoubtful, true);
  clock.measured(0);
  assert.equal(clock.offset(-HOUR), 0);
  assert.equal(clock.refused(-HOUR), true);
  assert.equal(clock.isDoubtful, false);
  assert.equal(clock.refused(0), false);
});

Deno.test("KdcClock: a KDC that cannot be asked is not asked again for each refusal", () => {
  const runtime = new TestRuntime();
  const clock = new KdcClock(runtime);
  assert.equal(clock.refused(0), true);
  clock.unmeasurable();
  assert.equal(clock.refused(0), false);
  assert.equal(clock.isDoubtful, false);
  runtime.time += 60_000;
  assert.equal(clock.refused(0), true);
});

Deno.test("KerberosTickets: use a cached ticket if the KDC cannot be asked; learn nothing without timesync", async () => {
  const { ours, pass, tickets, cut, requests } = await clocks();
  const cache = new MemoryCredentialCache();
  await tickets({ cache, initial: ALICE }).serviceTicket(SERVICE);
  pass(60_000);
  const held = tickets({ cache });
  const { credential } = await held.serviceTicket(SERVICE);
  cut();
  ours.time += 600_000;
  const before = requests();
  assert.equal((await held.serviceTicket(SERVICE)).credential, credential);
  const asked = requests() - before;
  assert.ok(asked > 0);
  // It is not waited for each time.
  await held.serviceTicket(SERVICE);
  assert.equal(requests() - before, asked);
  const fixed = tickets({ cache, kdcTimesync: false });
  assert.equal(fixed.refusedForTime(await fixed.serviceTicket(SERVICE)), false);
  assert.equal(requests() - before, asked);
});

Deno.test("initiator: a refusal for the time tells the offset used", async () => {
  const { ours, right, pass, tickets, login } = await clocks();
  const cache = new MemoryCredentialCache();
  ours.time = right.time + HOUR;
  await tickets({ cache, initial: ALICE }).serviceTicket(SERVICE);
  pass(2 * HOUR);
  ours.time = right.time;
  const error = await login(tickets({ cache })).then(() => undefined, (e) => e);
  assert.match(
    error.message,
    /its clock is 0 s ahead of ours, and the KDC's was 60 min behind ours when that was measured/,
  );
  assert.equal(error.details.kdcOffsetSeconds, -3600);
});
