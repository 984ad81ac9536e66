/** Caches that a KCM daemon keeps: what is stored, and daemons that answer garbage, nothing, or too much. */
import assert from "node:assert/strict";
import { concat } from "../../../../base/bytes.ts";
import { Credential } from "../../../../kerberos/credential.ts";
import type { CredentialCache } from "../../../../kerberos/credentials/cache.ts";
import { openKcm } from "../../../../kerberos/credentials/caches/kcm.ts";
import { KcmClient } from "../../../../kerberos/credentials/caches/kcm_client.ts";
import { KcmOperation, KcmReplyReader } from "../../../../kerberos/credentials/formats/kcm_messages.ts";
import { contents, ticket } from "../../../support/cache_contents.ts";
import { type KcmAnswer, kcmDaemon, kcmReply } from "../../../support/kcm_daemon.ts";

const [ALICE, BOB] = ["alice@R.TEST", "bob@R.TEST"];

/** Names of the services of a cache. */
async function services(cache: CredentialCache): Promise<readonly string[] | undefined> {
  return (await cache.load())?.credentials.map(({ server }) => server.components[0]!);
}

Deno.test("KCM cache: stores, replaces, renews and destroys, however its bytes arrive", async () => {
  for (const chunk of [Infinity, 7, 1]) {
    const daemon = kcmDaemon({ chunk });
    const cache = openKcm("7:x", new KcmClient(daemon));
    assert.equal(await cache.load(), undefined);
    await assert.rejects(cache.store(ticket(ALICE, "rcmd/h@R.TEST")), { code: "NO_CREDENTIALS" });
    await cache.initialize({ ...contents(ALICE), kdcOffset: -3000 });
    assert.equal((await cache.load())!.kdcOffset, -3000);
    const added = ticket(ALICE, "rcmd/h@R.TEST");
    await cache.store(ticket(ALICE, "rcmd/h@R.TEST"));
    await cache.store(added);
    assert.deepEqual(await services(cache), ["krbtgt", "rcmd"]);
    assert.deepEqual((await cache.load())!.credentials[1]!.key.exportBytes(), added.key.exportBytes());
    await assert.rejects(cache.store(ticket(BOB, "rcmd/h@R.TEST")), {
      code: "NO_CREDENTIALS",
      message: /belongs to alice/,
    });
    await assert.rejects(cache.initialize(contents(BOB), { replaces: contents(BOB) }), { code: "NO_CREDENTIALS" });
    await cache.initialize(contents(BOB));
    assert.deepEqual([await services(cache), (await cache.load())!.kdcOffset], [["krbtgt"], undefined]);
    await cache.destroy();
    assert.equal(await cache.load(), undefined);
    assert.equal(daemon.open, 0);
  }
});

Deno.test("KCM: is the primary cache of its collection, which may be another one at any time", async () => {
  const daemon = kcmDaemon();
  const cache = openKcm("", new KcmClient(daemon));
  const { collection } = cache;
  assert.deepEqual([await collection!.caches(), (await collection!.primary()).name], [[], "KCM:7"]);
  await cache.initialize(contents(ALICE));
  const second = await collection!.create();
  await second.initialize(contents(BOB));
  const names = async () => (await collection!.caches()).map(({ name }) => name);
  assert.deepEqual(await names(), ["KCM:7", "KCM:7:1"]);
  await second.makePrimary!();
  assert.deepEqual(await names(), ["KCM:7:1", "KCM:7"]);
  assert.equal((await cache.load())!.principal.components[0], "bob");
  await cache.store(ticket(BOB, "rcmd/h@R.TEST"));
  await cache.destroy();
  assert.deepEqual(await names(), ["KCM:7"]);
});

const LIST = KcmOperation.GetCredUuidList;
/** Answers to one operation, and what is said of them. */
const ANSWERS: readonly (readonly [string, number, Uint8Array | "silence" | "end", RegExp])[] = [
  ["silence", LIST, "silence", /did not answer within 0\.05 s/],
  ["an end", LIST, "end", /has closed the connection/],
  ["a cut reply", LIST, kcmReply(0, new Uint8Array(16)).subarray(0, -1), /has closed the connection/],
  ["trailing bytes", LIST, concat(kcmReply(0), Uint8Array.of(1)), /1 bytes follow its end/],
  ["another reply", LIST, concat(kcmReply(0), kcmReply(0)), /12 bytes follow its end/],
  ["a large length", LIST, Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0), /announces 4294967295 bytes/],
  ["no code", LIST, Uint8Array.of(0, 0, 0, 3, 0, 0, 0, 0, 1, 2, 3), /it has 3 bytes/],
  ["a code", LIST, kcmReply(-1765328188), /refuses operation 9 with code -1765328188/],
  ["a state", LIST, Uint8Array.of(0, 0, 0, 9, 0x96, 0xc7, 0x3a, 0x84), /refuses operation 9 with code -1765328252/],
  ["a state and more", LIST, concat(Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 1), new Uint8Array(1)), /1 bytes follow/],
  ["an odd list", LIST, kcmReply(0, new Uint8Array(17)), /its list has 17 bytes/],
  ["a long list", LIST, kcmReply(0, new Uint8Array(16 * 10_001)), /its list has 160016 bytes/],
  ["a cut owner", KcmOperation.GetPrincipal, kcmReply(0, new Uint8Array(9)), /wanted at offset/],
  ["a long owner", KcmOperation.GetPrincipal, kcmReply(0, new Uint8Array(13)), /1 trailing bytes/],
  ["a cut ticket", KcmOperation.GetCredByUuid, kcmReply(0, new Uint8Array(20)), /wanted at offset/],
  ["no offset", KcmOperation.GetKdcOffset, kcmReply(0), /4 bytes wanted/],
  ["no name", KcmOperation.GetDefaultCache, kcmReply(0), /it has no name of a cache/],
  ["an open name", KcmOperation.GetDefaultCache, kcmReply(0, Uint8Array.of(65)), /it has no name of a cache/],
  ["a long name", KcmOperation.GetDefaultCache, kcmReply(0, new Uint8Array(1100).fill(65, 0, 1099)), /no name/],
  ["two names", KcmOperation.GetDefaultCache, kcmReply(0, Uint8Array.of(65, 0, 66, 0)), /2 trailing bytes/],
  ["no primary", KcmOperation.GetDefaultCache, kcmReply(-1765328189), /does not have it/],
];

Deno.test("KCM: a daemon that answers garbage, nothing or too much is an error in bounded time", async () => {
  for (const chunk of [Infinity, 1]) {
    for (const [name, operation, given, message] of ANSWERS) {
      let odd = false;
      const answer: KcmAnswer = (asked) => odd && asked === operation ? given : undefined;
      const daemon = kcmDaemon({ answer, chunk });
      const cache = openKcm("", new KcmClient(daemon, { timeout: given === "silence" ? 50 : 5_000 }));
      await openKcm("", new KcmClient(daemon)).initialize(contents(ALICE));
      odd = true;
      // What follows a reply may be found at the next one.
      const found = chunk === 1 && /follow/.test(message.source) ? /./ : message;
      await assert.rejects(
        cache.load(),
        { name: "KerberosError", code: "BAD_FILE", message: found },
        `${name}, ${chunk}`,
      );
      assert.equal(daemon.open, 0, name);
    }
  }
});

Deno.test("KCM: all replies of one use together are bounded, and a ticket that is gone is passed over", async () => {
  const daemon = kcmDaemon();
  const cache = openKcm("7:x", new KcmClient(daemon));
  await cache.initialize(contents(ALICE));
  const large = (i: number) => new Credential({ ...ticket(ALICE, `s${i}@R.TEST`), ticket: new Uint8Array(2 ** 20) });
  for (let i = 0; i < 15; i++) await cache.store(large(i));
  assert.equal((await services(cache))!.length, 16);
  await cache.store(large(15));
  await assert.rejects(cache.load(), { code: "BAD_FILE", message: /KCM daemon: it sends over 16 MiB/ });
  const numbers = new Uint8Array(16 * 100).map((_, i) => i / 16);
  let asked = 0;
  const forgetful = kcmDaemon({
    answer(operation) {
      if (operation === KcmOperation.GetCredByUuid) asked++;
      return operation === LIST ? kcmReply(0, concat(numbers, numbers)) : undefined;
    },
  });
  const other = openKcm("7:x", new KcmClient(forgetful));
  await other.initialize(contents(ALICE));
  assert.deepEqual([await services(other), asked], [["krbtgt"], 100]);
});

Deno.test("KcmReplyReader: takes a reply whole, byte by byte, and no more", () => {
  const reply = kcmReply(5, Uint8Array.of(1, 2, 3));
  assert.deepEqual(new KcmReplyReader().push(reply), { code: 5, results: Uint8Array.of(1, 2, 3) });
  const reader = new KcmReplyReader();
  for (const byte of reply.subarray(0, -1)) assert.equal(reader.push(Uint8Array.of(byte)), undefined);
  assert.deepEqual(reader.push(reply.subarray(-1)), { code: 5, results: Uint8Array.of(1, 2, 3) });
  assert.throws(() => new KcmReplyReader().push(concat(reply, reply)), { code: "BAD_FILE" });
});
