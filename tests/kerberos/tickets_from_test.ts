/** Tickets from what the caller gives: no file, no environment, no socket. */
import assert from "node:assert/strict";
import { createRealm, handleKdcMessage } from "../../kerberos/kdc/mod.ts";
import { decodeCcache, encodeCcache, type KdcTransport } from "../../kerberos/mod.ts";
import { ticketsFrom, type TicketsFromOptions } from "../../kerberos/tickets_from.ts";

const realm = await createRealm({ realm: "FROM.TEST", principals: { alice: "secret" } });
const asked: string[] = [];
const transport: KdcTransport = {
  async send({ hostname }, message) {
    asked.push(hostname);
    return (await handleKdcMessage(realm, message))!;
  },
};
const config = "[libdefaults]\n default_realm = FROM.TEST\n[realms]\n FROM.TEST = {\n  kdc = kdc.from.test\n }\n";

Deno.test("ticketsFrom(): a password, a keytab and a cache's bytes, at the KDC that the text names", async () => {
  const keytab = realm.keytab("alice");
  const withPassword = ticketsFrom({ config, transport, principal: "alice", password: "secret" });
  const { credential } = await withPassword.initialTicket();
  assert.equal(credential.client.realm, "FROM.TEST");
  await ticketsFrom({ config, transport, principal: "alice", keytab }).initialTicket();
  await ticketsFrom({ config, transport, principal: "alice@FROM.TEST", keytab: keytab.encode() }).initialTicket();
  assert.deepEqual([...new Set(asked)], ["kdc.from.test"]);
  const count = asked.length;
  const ccache = encodeCcache((await withPassword.cache.load())!);
  const kept = ticketsFrom({ config, transport, ccache });
  assert.deepEqual((await kept.cache.load())!.principal, decodeCcache(ccache).principal);
  assert.equal(asked.length, count);
});

Deno.test("ticketsFrom(): says what is missing or does not go together", () => {
  const from = (options: Partial<TicketsFromOptions>) => () => ticketsFrom({ config, transport, ...options });
  assert.throws(from({}), /^TypeError: Cannot get tickets: give a principal with a password or a keytab, or a ccache$/);
  assert.throws(from({ principal: "alice" }), /give a principal with a password/);
  assert.throws(from({ password: "x" }), /a password or keytab needs a principal$/);
  assert.throws(from({ principal: "alice", password: "x", keytab: realm.keytab("alice") }), /not both$/);
  assert.throws(from({ principal: "alice", keytab: new Uint8Array(3) }), { code: "BAD_FILE" });
  assert.throws(from({ ccache: new Uint8Array(3) }), { code: "BAD_FILE" });
  assert.throws(from({ config: "[realms", ccache: new Uint8Array(3) }), { code: "BAD_CONFIG" });
});
