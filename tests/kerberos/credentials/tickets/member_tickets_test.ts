/** Tickets out of a collection of caches. */
import assert from "node:assert/strict";
import { passwordKey } from "../../../../kerberos/exchange/client_key.ts";
import { startTestKdc, type TestKdc } from "../../../../kerberos/kdc/mod.ts";
import {
  formatPrincipal,
  parseEnterprisePrincipal,
  parsePrincipal,
  type Principal,
} from "../../../../kerberos/principal.ts";
import { KdcClient } from "../../../../kerberos/reach/kdc_client.ts";
import { systemTransport } from "../../../../kerberos/reach/shell/transport.ts";
import { openCredentialCache } from "../../../../kerberos/credentials/shell/stores.ts";
import { KerberosTickets } from "../../../../kerberos/credentials/tickets/tickets.ts";

/** A KDC with two users, and a folder for their caches. */
interface Folder extends AsyncDisposable {
  readonly kdc: TestKdc;
  readonly name: string;
  /** Tickets of a user whose password is known, or of the folder. */
  tickets(user?: string | Principal): KerberosTickets;
}

async function startFolder(): Promise<Folder> {
  const kdc = await startTestKdc({ principals: { alice: "pw", bob: "pw", "rcmd/localhost": {} } });
  const directory = await Deno.makeTempDir({ prefix: "gssocks-members-" });
  const name = `DIR:${directory}/cc`;
  const config = { ...kdc.config, forwardable: true };
  return {
    kdc,
    name,
    tickets(user) {
      const initial = user === undefined ? undefined : {
        client: typeof user === "string" ? parsePrincipal(`${user}@${config.defaultRealm}`) : user,
        key: passwordKey("pw"),
      };
      const cache = openCredentialCache(name);
      return new KerberosTickets({
        config,
        kdc: new KdcClient({ config, transport: systemTransport }),
        cache,
        initial,
      });
    },
    async [Symbol.asyncDispose]() {
      await kdc[Symbol.asyncDispose]();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

const SERVICE = parsePrincipal("rcmd/localhost");

Deno.test("KerberosTickets: a client with a secret has a cache of its own in a collection", async () => {
  await using folder = await startFolder();
  await folder.tickets("alice").initialTicket();
  const { credential } = await folder.tickets("bob").serviceTicket(SERVICE);
  assert.match(formatPrincipal(credential.client), /^bob@/);
  const caches = await openCredentialCache(folder.name).collection!.caches();
  const owners = await Promise.all(caches.map(async (cache) => (await cache.load())!.principal.components[0]));
  assert.deepEqual(owners, ["alice", "bob"]);
  await folder.tickets("bob").initialTicket();
  assert.equal((await openCredentialCache(folder.name).collection!.caches()).length, 2);
});

Deno.test("KerberosTickets: a client that the KDC names otherwise has one cache in a collection", async () => {
  await using folder = await startFolder();
  await folder.tickets("bob").initialTicket();
  for (const first of ["initialTicket", "freshTicket", "serviceTicket"] as const) {
    const tickets = folder.tickets(parseEnterprisePrincipal(`alice@corp.test@${folder.kdc.config.defaultRealm}`));
    await (first === "serviceTicket" ? tickets.serviceTicket(SERVICE) : tickets[first]());
    const caches = async () => (await openCredentialCache(folder.name).collection!.caches()).length;
    const held = await caches();
    await tickets.serviceTicket(SERVICE);
    await tickets.initialTicket();
    assert.match(formatPrincipal((await tickets.currentTicket()).credential.client), /^alice@GSSOCKS/);
    assert.equal(await caches(), held, first);
  }
});

Deno.test("KerberosTickets: without a secret the primary cache serves, whichever that is at the time", async () => {
  await using folder = await startFolder();
  for (const user of ["alice", "bob"]) await folder.tickets(user).initialTicket();
  const tickets = folder.tickets();
  assert.equal(tickets.cache.name, folder.name);
  const first = await tickets.serviceTicket(SERVICE);
  assert.match(formatPrincipal(first.credential.client), /^alice@/);
  const caches = await tickets.cache.collection!.caches();
  await caches[1]!.makePrimary!();
  const second = await tickets.serviceTicket(SERVICE);
  assert.match(formatPrincipal(second.credential.client), /^bob@/);
  // The ticket to forward is that of the client whose ticket it goes with, and not of the primary cache.
  const forwarded = async (beside?: typeof first) =>
    formatPrincipal((await tickets.forwardedTicket({ beside })).credential.client).split("@")[0];
  assert.deepEqual([await forwarded(first), await forwarded(second), await forwarded()], ["alice", "bob", "bob"]);
  assert.equal(tickets.refusedForTime(first), true);
  assert.equal(
    tickets.refusedForTime({ ...first, credential: (await folder.tickets().serviceTicket(SERVICE)).credential }),
    false,
  );
  assert.match(formatPrincipal((await tickets.renewedTicket()).credential.client), /^bob@/);
});
