/** No password, key, ticket or token appears in what is inspected, serialised, logged or thrown. */
import assert from "node:assert/strict";
import { eventRecord } from "../cli/log/event_log.ts";
import { traceLine } from "../cli/log/trace_line.ts";
import { hashedPasswords, parsePasswordFile, passwordLine } from "../cli/passwords/passwords.ts";
import { hostbasedService } from "../gss/names.ts";
import { spnegoAcceptor } from "../gss/spnego/acceptor.ts";
import { spnegoInitiator } from "../gss/spnego/initiator.ts";
import { keytabKey, passwordKey } from "../kerberos/exchange/client_key.ts";
import type { KerberosKey } from "../kerberos/crypto/key.ts";
import { KerberosInitiatorCredential } from "../kerberos/mech/credentials.ts";
import { MemoryCredentialCache } from "../kerberos/credentials/caches/memory.ts";
import { startTestKdc } from "../kerberos/kdc/mod.ts";
import { parsePrincipal } from "../kerberos/principal.ts";
import type { KerberosTraceEvent, KerberosTracer } from "../kerberos/reach/trace.ts";
import { systemTickets } from "../kerberos/system.ts";
import { bridge, connect, fixedPasswords, passwordClient, serve, type ServeOptions } from "../mod.ts";
import { gssapiClient } from "../socks/auth/gssapi/client.ts";
import { gssapiServer } from "../socks/auth/gssapi/server.ts";
import { passwordServer } from "../socks/auth/password.ts";
import type { ServerEvent } from "../socks/server/events.ts";
import { credentialPair, establish, memoryRealm, memoryTickets } from "./support/gss_pair.ts";

const ALL = { depth: 20, iterableLimit: 1e6, strAbbreviateSize: 1e7, showHidden: true };
const SECRET = "s3cret-of-alice";

/** Whether a text contains bytes in any usual notation, with any separators. */
function bytesIn(text: string, bytes: Uint8Array): boolean {
  const some = [...bytes.subarray(0, 8)];
  const hex = some.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const base64 = btoa(String.fromCharCode(...bytes.subarray(0, 9))).slice(0, 11);
  return new RegExp(some.join('[\\s,]+(?:"\\d+":)?')).test(text) ||
    text.toLowerCase().replace(/ /g, "").includes(hex) ||
    text.includes(base64) ||
    new RegExp(some.map((byte, i) => `"${i}":${byte}`).join(",")).test(text);
}

/** Returns all texts that an object gives of itself. */
function said(value: unknown): string {
  let json = "";
  try {
    json = JSON.stringify(value, (_key, one) => typeof one === "bigint" ? String(one) : one) ?? "";
  } catch {
    // A circular object shows nothing.
  }
  return [Deno.inspect(value, ALL), json, String(value), value instanceof Error ? `${value.stack}` : ""].join("\n");
}

interface Secrets {
  readonly bytes: readonly Uint8Array[];
  readonly words: readonly string[];
}

function assertSilent(what: string, value: unknown, { bytes, words }: Secrets): void {
  const text = typeof value === "string" ? value : said(value);
  for (const word of words) assert.ok(!text.includes(word), `${what} shows a password`);
  for (const one of bytes) assert.ok(!bytesIn(text, one), `${what} shows a key, ticket or token`);
}

Deno.test("secrets: the check finds them in every form", () => {
  const bytes = Uint8Array.from({ length: 32 }, (_, i) => (i * 37 + 11) & 0xff);
  const secrets = { bytes: [bytes], words: [SECRET] };
  for (const value of [bytes, { a: [bytes] }, { a: [...bytes] }, new Map([["a", bytes.buffer]]), { p: SECRET }]) {
    assert.throws(() => assertSilent("it", value, secrets), { name: "AssertionError" });
  }
  for (const text of [bytes.toHex(), `x${bytes.toBase64()}`, JSON.stringify(bytes), `${SECRET}!`]) {
    assert.throws(() => assertSilent("it", text, secrets), { name: "AssertionError" });
  }
});

/** Creates a realm, both sides of a context, and the list of secrets in them. */
async function secretWorld() {
  const realm = await memoryRealm({ principals: { alice: SECRET } });
  const credentials = {
    initiator: new KerberosInitiatorCredential(memoryTickets([realm], { password: SECRET })),
    acceptor: credentialPair(realm).acceptor,
  };
  const tickets = memoryTickets([realm], { password: SECRET });
  const { credential } = await tickets.serviceTicket(parsePrincipal("rcmd/localhost@GSSOCKS.TEST"));
  const { credential: tgt } = await tickets.initialTicket();
  const keytab = realm.keytab("rcmd/localhost");
  const exported = (key: KerberosKey) => key.exportBytes();
  const bytes = [
    ...[exported(credential.key), credential.ticket, exported(tgt.key), tgt.ticket],
    ...keytab.entries.map(({ key }) => exported(key)),
    ...realm.find(parsePrincipal("alice@GSSOCKS.TEST"))!.keys.map(exported),
  ];
  return { pair: credentials, tickets, credential, keytab, secrets: { bytes, words: [SECRET] } };
}

Deno.test("secrets: keys, tickets, caches, keytabs and credentials show none", async () => {
  const { pair, tickets, credential, keytab, secrets } = await secretWorld();
  const cache = new MemoryCredentialCache();
  const data = (await tickets.cache.load())!;
  await cache.initialize(data);
  const things: Record<string, unknown> = {
    ...{
      credential,
      tickets,
      cache,
      data,
      keytab,
      entry: keytab.entries[0],
      key: credential.key,
      list: keytab.describe(),
    },
    passwordKey: passwordKey(SECRET),
    keytabKey: keytabKey(keytab, keytab.entries[0]!.principal),
    ...{ initiator: pair.initiator, acceptor: pair.acceptor },
    spnego: [spnegoInitiator(pair.initiator), spnegoAcceptor(pair.acceptor)],
    methods: [
      gssapiClient({ credential: pair.initiator }),
      gssapiServer({ credential: pair.acceptor }),
      passwordClient({ username: "alice", password: SECRET }),
      passwordServer(fixedPasswords({ alice: SECRET })),
    ],
    checks: [
      fixedPasswords({ alice: SECRET }),
      hashedPasswords(parsePasswordFile(await passwordLine("a", SECRET), "f")),
    ],
  };
  for (const [what, thing] of Object.entries(things)) assertSilent(what, thing, secrets);
});

Deno.test("secrets: a trace of tickets that are requested shows none", async () => {
  await using kdc = await startTestKdc({ principals: { alice: SECRET, "rcmd/localhost": {} } });
  const events: KerberosTraceEvent[] = [];
  const tracer: KerberosTracer = (event) => void events.push(event);
  const keytab = kdc.keytab("rcmd/localhost");
  const tickets = systemTickets({ config: kdc.config, principal: "alice", password: SECRET, tracer });
  const [tgt, service] = [await tickets.initialTicket(), await tickets.serviceTicket(parsePrincipal("rcmd/localhost"))];
  await systemTickets({ config: kdc.config, principal: "rcmd/localhost", keytab, tracer }).initialTicket();
  const kinds = new Set(events.map(({ type }) => type));
  assert.deepEqual([...kinds].sort(), ["answered", "asked", "cache", "keytab", "located", "request", "ticket"]);
  const keys = [tgt, service].flatMap(({ credential }) => [credential.key.exportBytes(), credential.ticket]);
  const bytes = [...keys, ...keytab.entries.map(({ key }) => key.exportBytes())];
  for (const event of events) {
    assertSilent("event", event, { bytes, words: [SECRET] });
    assertSilent("line", traceLine(event), { bytes, words: [SECRET] });
  }
});

Deno.test("secrets: negotiations, contexts and their errors show no key and no token", async () => {
  const { pair, secrets } = await secretWorld();
  const negotiation = await pair.initiator.initiate(hostbasedService("rcmd", "localhost"));
  const { token } = await negotiation.step();
  const broken = token!.slice();
  broken[broken.length - 1]! ^= 1;
  const error: unknown = await pair.acceptor.accept().step(broken).catch((thrown) => thrown);
  assert.ok(error instanceof Error);
  const { ours, theirs } = await establish(pair);
  const wrapped = await ours.wrap(new TextEncoder().encode("what was carried"), { confidential: false });
  wrapped[wrapped.length - 1]! ^= 1;
  const spoilt: unknown = await theirs.unwrap(wrapped).catch((thrown) => thrown);
  // The token of an error goes to the peer; the initiator's own token is the secret.
  const all = { bytes: [...secrets.bytes, token!.slice(60)], words: [...secrets.words, "what was carried"] };
  for (const [what, thing] of Object.entries({ negotiation, error, ours, theirs, spoilt })) {
    assertSilent(what, thing, all);
  }
});

Deno.test("secrets: servers, bridges, their events and errors show none", async () => {
  const { tickets, keytab, secrets } = await secretWorld();
  const words = [...secrets.words, "wrong-guess"];
  const events: ServerEvent[] = [];
  const options: ServeOptions = {
    ...{ hostname: "127.0.0.1", port: 0, keytab, rules: ["deny *"] },
    passwords: fixedPasswords({ alice: SECRET }),
    onEvent: (event) => void events.push(event),
  };
  const shown: unknown[] = [];
  {
    await using server = serve(options);
    const proxy = { hostname: "localhost", port: server.addr.port };
    await using local = bridge({ proxy, credentials: tickets, port: 0 });
    const target = { hostname: "192.0.2.1", port: 9 };
    const right = passwordClient({ username: "alice", password: SECRET });
    const wrong = passwordClient({ username: "alice", password: "wrong-guess" });
    for (const auth of [[right], [wrong]]) {
      shown.push(await connect({ proxy, auth, ...target }).catch((error) => error));
    }
    shown.push(await connect({ proxy, credentials: tickets, ...target }).catch((error) => error));
    shown.push(server, local, options.passwords);
  }
  assert.ok(events.filter(({ type }) => type === "authenticated").length >= 2);
  assert.ok(
    events.some((event) => event.type === "refused" && "code" in event.error && event.error.code === "BAD_CREDENTIALS"),
  );
  for (const thing of shown) assertSilent("server", thing, { ...secrets, words });
  for (const event of events) {
    assertSilent("event", event, { ...secrets, words });
    assertSilent("log", JSON.stringify(eventRecord(event)), { ...secrets, words });
  }
});
