/** Tickets from the embedded KDC. */
import assert from "node:assert/strict";
import { KdcClient } from "../../../../kerberos/reach/kdc_client.ts";
import type { KdcTransport } from "../../../../kerberos/reach/transport.ts";
import { KerberosTickets } from "../../../../kerberos/credentials/tickets/tickets.ts";
import { DEFAULT_CONFIG } from "../../../../kerberos/config/krb5_conf.ts";
import { TicketFlag } from "../../../../kerberos/registry/flags.ts";
import { KerberosError } from "../../../../kerberos/errors.ts";
import { inProcessTransport } from "../../../../kerberos/kdc/mod.ts";
import { parsePrincipal } from "../../../../kerberos/principal.ts";
import { MemoryCredentialCache } from "../../../../kerberos/credentials/caches/memory.ts";
import { TestRuntime } from "../../../support/test_runtime.ts";
import { memoryConfig, memoryRealm, memoryTickets } from "../../../support/gss_pair.ts";

Deno.test("KerberosTickets: use the KDC's clock for service tickets and authenticators", async () => {
  const runtime = new TestRuntime();
  const realm = await memoryRealm({ runtime });
  realm.faults.clockOffset = 7_200_000;
  const ticket = await memoryTickets([realm], { runtime }).serviceTicket(parsePrincipal("rcmd/localhost@GSSOCKS.TEST"));
  assert.ok(Math.abs(ticket.kdcOffset - 7_200_000) < 2000);
});

Deno.test("KerberosTickets: keep tickets, renew them, and share one request between callers", async () => {
  const runtime = new TestRuntime();
  const realm = await memoryRealm({ runtime });
  const tickets = memoryTickets([realm], { runtime, config: { renewLifetime: 86_400_000, forwardable: true } });
  const service = parsePrincipal("rcmd/localhost");
  const all = await Promise.all(Array.from({ length: 5 }, () => tickets.serviceTicket(service)));
  assert.ok(all.every(({ credential }) => credential === all[0]!.credential));
  assert.equal((await tickets.serviceTicket(service)).credential, all[0]!.credential);
  runtime.time += 9 * 3_600_000;
  const renewed = await tickets.renewedTicket();
  assert.ok(renewed.credential.endtime > runtime.time + 3_600_000);
  runtime.time += 11 * 3_600_000;
  // The ticket has expired; the password gets another one.
  assert.ok((await tickets.serviceTicket(service)).credential.endtime > runtime.time);
  const forwarded = await tickets.forwardedTicket();
  assert.ok((forwarded.credential.flags & TicketFlag.Forwarded) !== 0);
});

Deno.test("KerberosTickets: work with a read-only cache, and ask once for each service", async () => {
  const realm = await memoryRealm();
  const source = memoryTickets([realm]);
  await source.initialTicket();
  const data = await source.cache.load();
  let asked = 0;
  const readOnly = {
    name: "FILE:/read/only",
    load: () => Promise.resolve(data),
    initialize: () => Promise.reject(new KerberosError("BAD_FILE", "read-only")),
    store: () => Promise.reject(new KerberosError("BAD_FILE", "read-only")),
    destroy: () => Promise.resolve(),
  };
  const config = memoryConfig(realm);
  const inner = inProcessTransport(realm);
  const transport: KdcTransport = {
    send(address, message, options) {
      asked++;
      return inner.send(address, message, options);
    },
  };
  const tickets = new KerberosTickets({ config, kdc: new KdcClient({ config, transport }), cache: readOnly });
  const first = await tickets.serviceTicket(parsePrincipal("rcmd/localhost"));
  assert.equal((await tickets.serviceTicket(parsePrincipal("rcmd/localhost"))).credential, first.credential);
  assert.equal(asked, 1);
});

Deno.test("KerberosTickets: say what is missing without a secret", async () => {
  const realm = await memoryRealm();
  const empty = new KerberosTickets({ config: DEFAULT_CONFIG });
  await assert.rejects(empty.serviceTicket(parsePrincipal("a/b@C")), { code: "NO_CREDENTIALS" });
  const runtime = new TestRuntime(Date.now());
  const source = memoryTickets([realm], { runtime });
  await source.initialTicket();
  const cache = new MemoryCredentialCache((await source.cache.load())!);
  runtime.time += 86_400_000;
  const stale = new KerberosTickets({ config: DEFAULT_CONFIG, cache, runtime });
  await assert.rejects(stale.serviceTicket(parsePrincipal("a/b@GSSOCKS.TEST")), { code: "TICKET_EXPIRED" });
});
