/** Which cache of a collection is meant. */
import assert from "node:assert/strict";
import type { CacheCollection, CredentialCache } from "../../../kerberos/credentials/cache.ts";
import { MemoryCredentialCache } from "../../../kerberos/credentials/caches/memory.ts";
import { cacheForNew, cacheForService, cacheOf } from "../../../kerberos/credentials/collection.ts";
import { KerberosError } from "../../../kerberos/errors.ts";
import { parsePrincipal } from "../../../kerberos/principal.ts";
import { contents } from "../../support/cache_contents.ts";

/** A collection of caches of these clients, the first one primary; a name without one is of an empty cache. */
function collectionOf(...clients: readonly string[]): CacheCollection {
  const caches = clients.map((client) =>
    new MemoryCredentialCache(client.includes("@") ? contents(client) : undefined, client)
  );
  const primary = caches[0] ?? new MemoryCredentialCache(undefined, "first");
  return {
    name: "TOY:",
    primary: () => Promise.resolve(primary),
    caches: () => Promise.resolve(caches),
    create: () => Promise.resolve(new MemoryCredentialCache(undefined, "new")),
  };
}

Deno.test("cacheForService(): the primary unless the realm of another cache fits", async () => {
  const caches = ["p@CORP.TEST", "a@A.TEST", "b@B.A.TEST", "second@A.TEST", "c@CORP.TEST"];
  const chosen = async (service: string) =>
    (await cacheForService(collectionOf(...caches), parsePrincipal(service))).name;
  assert.equal(await chosen("rcmd/h@A.TEST"), "a@A.TEST");
  assert.equal(await chosen("rcmd/h@CORP.TEST"), "p@CORP.TEST");
  assert.equal(await chosen("rcmd/h@OTHER.TEST"), "p@CORP.TEST");
  assert.equal(await chosen("rcmd/h@a.test"), "p@CORP.TEST");
  // Without a realm the domain of the host says it, the longest one that fits.
  assert.equal(await chosen("rcmd/Proxy.A.test"), "a@A.TEST");
  assert.equal(await chosen("rcmd/proxy.b.a.test"), "b@B.A.TEST");
  assert.equal(await chosen("rcmd/proxy.x.b.a.test"), "b@B.A.TEST");
  assert.equal(await chosen("rcmd/a.test"), "a@A.TEST");
  for (const host of ["rcmd/xa.test", "rcmd/test", "rcmd/other.test", "rcmd"]) {
    assert.equal(await chosen(host), caches[0]);
  }
  assert.equal((await cacheForService(collectionOf("a@A.TEST"), parsePrincipal("rcmd/h@B.TEST"))).name, "a@A.TEST");
  assert.equal((await cacheForService(collectionOf(), parsePrincipal("rcmd/h@B.TEST"))).name, "first");
});

Deno.test("cacheForNew(): a client's own cache, an empty primary, or a new one", async () => {
  const chosen = async (client: string, ...caches: readonly string[]) =>
    (await cacheForNew(collectionOf(...caches), parsePrincipal(client))).name;
  assert.equal(await chosen("a@A.TEST", "b@A.TEST", "a@A.TEST"), "a@A.TEST");
  assert.equal(await chosen("a@A.TEST", "b@A.TEST"), "new");
  assert.equal(await chosen("a@A.TEST", "empty", "b@A.TEST"), "empty");
  assert.equal(await chosen("a@A.TEST"), "first");
});

Deno.test("cacheOf(): a cache that cannot be read hides no other one; what else fails is an error", async () => {
  const good = new MemoryCredentialCache(contents("a@A.TEST"), "good");
  const failing = (error: Error): CredentialCache =>
    Object.assign(new MemoryCredentialCache(undefined, "bad"), { load: () => Promise.reject(error) });
  const caches = (error: Error) => ({ name: "TOY:", caches: () => Promise.resolve([failing(error), good]) });
  const wanted = parsePrincipal("a@A.TEST");
  assert.equal(await cacheOf(caches(new KerberosError("BAD_FILE", "garbage")), wanted), good);
  assert.equal(await cacheOf(caches(new KerberosError("BAD_FILE", "garbage")), parsePrincipal("b@A.TEST")), undefined);
  await assert.rejects(cacheOf(caches(new Error("other")), wanted), /other/);
  const denied = new Error("Requires read access");
  denied.name = "NotCapable";
  const missing = new KerberosError("BAD_FILE", "not permitted", { cause: denied });
  await assert.rejects(cacheOf(caches(missing), wanted), missing);
});

Deno.test("cacheOf(), cacheForService(): caches that do not answer cost one time for all of them", async () => {
  const silent = Object.assign(new MemoryCredentialCache(), { load: () => new Promise<undefined>(() => {}) });
  const collection = { ...collectionOf("a@A.TEST"), caches: () => Promise.resolve([silent, silent]) };
  const wanted = parsePrincipal("rcmd/h@A.TEST");
  const late = { code: "BAD_FILE", message: "Cannot tell whose the caches of TOY: are: that took over 0.02 s" };
  await assert.rejects(cacheOf(collection, wanted, { timeout: 20 }), late);
  await assert.rejects(cacheForService(collection, wanted, { timeout: 20 }), late);
});
