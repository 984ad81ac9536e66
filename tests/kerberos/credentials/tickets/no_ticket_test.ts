/** Why there is no ticket: expired is said of a ticket that has expired, and of nothing else. */
import assert from "node:assert/strict";
import { DEFAULT_CONFIG, type KerberosConfig } from "../../../../kerberos/config/krb5_conf.ts";
import { MemoryCredentialCache } from "../../../../kerberos/credentials/caches/memory.ts";
import { KerberosTickets } from "../../../../kerberos/credentials/tickets/tickets.ts";
import { Credential, type CredentialInit } from "../../../../kerberos/credential.ts";
import { KerberosKey } from "../../../../kerberos/crypto/key.ts";
import type { KerberosError } from "../../../../kerberos/errors.ts";
import { parsePrincipal } from "../../../../kerberos/principal.ts";
import { KdcClient } from "../../../../kerberos/reach/kdc_client.ts";
import { TicketFlag } from "../../../../kerberos/registry/flags.ts";
import { TestRuntime } from "../../../support/test_runtime.ts";

const HOUR = 3_600_000;
const runtime = new TestRuntime();
const alice = parsePrincipal("alice@A.TEST");

function ticket(changes: Partial<CredentialInit> = {}): Credential {
  return new Credential({
    client: alice,
    server: parsePrincipal("krbtgt/A.TEST@A.TEST"),
    key: new KerberosKey(18, new Uint8Array(32).fill(7)),
    authtime: runtime.time,
    endtime: runtime.time + 10 * HOUR,
    flags: 0x40c00000,
    ticket: new Uint8Array(3),
    ...changes,
  });
}

/** What is said of a cache with these tickets. */
async function said(credentials: readonly Credential[], config: Partial<KerberosConfig> = {}): Promise<string> {
  const cache = new MemoryCredentialCache({ principal: alice, credentials }, "FILE:cc");
  const tickets = new KerberosTickets({ config: { ...DEFAULT_CONFIG, ...config }, cache, runtime });
  const error: KerberosError = await tickets.serviceTicket(parsePrincipal("rcmd/p@A.TEST")).then(
    () => assert.fail("there is a ticket"),
    (reason) => reason,
  );
  return `${error.code}: ${error.message}`;
}

Deno.test("noTicket(): calls a ticket expired only when it is", async () => {
  const expired = "TICKET_EXPIRED: Cannot get a ticket: the one in FILE:cc has expired; run kinit again";
  assert.equal(await said([ticket({ endtime: runtime.time })]), expired);
  assert.equal(await said([ticket({ endtime: runtime.time - HOUR, flags: TicketFlag.Invalid })]), expired);
  // Of a second one that is alive, its own problem is told.
  const rc4 = { key: new KerberosKey(23, new Uint8Array(16).fill(7)) };
  assert.match(await said([ticket({ endtime: runtime.time }), ticket(rc4)]), /^NO_CREDENTIALS: .*arcfour/);
});

Deno.test("noTicket(): tells a session key that is not supported from one that is not permitted", async () => {
  const rc4 = ticket({ key: new KerberosKey(23, new Uint8Array(16).fill(7)) });
  assert.match(
    await said([rc4]),
    /session key is arcfour-hmac.*, which is not supported: only AES is; run gssocks kinit/,
  );
  assert.match(await said([rc4], { permittedEnctypes: [23] }), /not supported/);
  const odd = await said([ticket()], { permittedEnctypes: [20], defaultTgsEnctypes: [20] });
  assert.match(
    odd,
    /^NO_CREDENTIALS: .*key is aes256-cts-hmac-sha1-96, which permitted_enctypes of krb5\.conf leaves out/,
  );
});

Deno.test("noTicket(): tells a ticket that is not valid yet, and one that must be validated", async () => {
  assert.match(await said([ticket({ starttime: runtime.time + 2 * HOUR })]), /it begins in 2 h by the clock here; set/);
  const postdated = ticket({ starttime: runtime.time + 2 * HOUR, flags: TicketFlag.Invalid });
  assert.match(await said([postdated]), /postdated, and must be validated first \(kinit -v\)/);
  // With a KDC at hand it is not asked: the ticket shows no clock that is wrong.
  const transport = { send: () => assert.fail("a KDC is asked") };
  const kdc = new KdcClient({ config: DEFAULT_CONFIG, transport });
  const cache = new MemoryCredentialCache({ principal: alice, credentials: [postdated] });
  const tickets = new KerberosTickets({ config: DEFAULT_CONFIG, cache, kdc, runtime });
  await assert.rejects(tickets.serviceTicket(parsePrincipal("rcmd/p@A.TEST")), { message: /validated first/ });
});

Deno.test("noTicket(): tells a cache without a ticket-granting ticket, and one of another principal", async () => {
  const setting = ticket({ server: parsePrincipal("krb5_ccache_conf_data/x@X-CACHECONF:") });
  assert.match(await said([setting]), /FILE:cc has no ticket-granting ticket of A\.TEST; run kinit$/);
  const services = [1, 2, 3, 4].map((i) => ticket({ server: parsePrincipal(`rcmd/h${i}@A.TEST`) }));
  assert.match(await said(services.slice(0, 1)), /of A\.TEST, only a ticket for rcmd\/h1@A\.TEST; run kinit$/);
  assert.match(await said(services), /for rcmd\/h1@A\.TEST, rcmd\/h2@A\.TEST, rcmd\/h3@A\.TEST and others; run kinit$/);
  const bobs = ticket({ client: parsePrincipal("bob@A.TEST") });
  assert.match(
    await said([bobs]),
    /ticket in FILE:cc is of bob@A\.TEST, but the cache is of alice@A\.TEST; run kinit again/,
  );
});
