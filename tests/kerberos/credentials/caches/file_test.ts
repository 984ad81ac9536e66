/** Credential caches in files. */
import assert from "node:assert/strict";
import type { Bytes } from "../../../../base/bytes.ts";
import { FileCache } from "../../../../kerberos/credentials/caches/file.ts";
import type { Files } from "../../../../kerberos/credentials/files.ts";
import { decodeCcache } from "../../../../kerberos/credentials/formats/ccache.ts";
import { systemFiles } from "../../../../kerberos/credentials/shell/files.ts";
import { FileCredentialCache } from "../../../../kerberos/credentials/shell/stores.ts";
import type { CcacheCase } from "../../../support/ccache_vectors.ts";
import { unhex, vectors } from "../../../support/vectors.ts";

Deno.test("FileCredentialCache: keeps tickets in a file of mode 0600, replaces, and destroys", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const data = decodeCcache(unhex(vectors<CcacheCase>("ccache")[0]!.file_hex));
    const cache = new FileCredentialCache(`FILE:${directory}/cc`);
    assert.equal(await cache.load(), undefined);
    await cache.initialize({ principal: data.principal, credentials: [] });
    await Promise.all(data.credentials.map((credential) => cache.store(credential)));
    assert.equal((await cache.load())!.credentials.length, data.credentials.length);
    assert.equal((await Deno.stat(`${directory}/cc`)).mode! & 0o777, 0o600);
    await cache.store(data.credentials[0]!);
    assert.equal((await cache.load())!.credentials.length, data.credentials.length);
    await cache.destroy();
    await cache.destroy();
    assert.deepEqual([...Deno.readDirSync(directory)], []);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

/** Files with one cache, whose mark is told, and the number of times that it was read. */
function countedFiles(bytes: Bytes) {
  const seen = { reads: 0, mark: "first" as string | undefined, now: "first" as string | undefined };
  const read = () => {
    seen.reads++;
    return Promise.resolve({ bytes, owner: 0, mark: seen.mark });
  };
  const changes: string[] = [];
  const files: Files = {
    ...systemFiles,
    read,
    markNow: () => seen.now,
    change: (_path, change) => {
      changes.push("change");
      change({ bytes, owner: 0 });
      return Promise.resolve(0);
    },
    destroy: () => Promise.resolve(void changes.push("destroy")),
  };
  return { seen, changes, cache: new FileCache("/cc", { files }) };
}

const CCACHE = unhex(vectors<CcacheCase>("ccache")[0]!.file_hex);

Deno.test("FileCache: a file that has not changed is not read again", async () => {
  const { seen, cache } = countedFiles(CCACHE);
  const first = await cache.load();
  assert.equal(await cache.load(), first);
  assert.equal(seen.reads, 1);
});

Deno.test("FileCache: a file that changed, or cannot be seen any more, is read again", async () => {
  const { seen, cache } = countedFiles(CCACHE);
  await cache.load();
  seen.now = seen.mark = "second";
  await cache.load();
  await cache.load();
  assert.equal(seen.reads, 2);
  seen.now = undefined;
  await cache.load();
  assert.equal(seen.reads, 3);
  seen.mark = undefined;
  await cache.load();
  seen.now = "second";
  await cache.load();
  assert.equal(seen.reads, 5, "what was read before is forgotten");
});

Deno.test("FileCache: a file that may change without a sign is read each time", async () => {
  const { seen, cache } = countedFiles(CCACHE);
  seen.mark = seen.now = undefined;
  await cache.load();
  await cache.load();
  assert.equal(seen.reads, 2);
});

Deno.test("FileCache: a file whose keys a caller has disposed of is read again", async () => {
  const { seen, cache } = countedFiles(CCACHE);
  const first = await cache.load();
  first!.credentials[0]!.key[Symbol.dispose]();
  const second = await cache.load();
  assert.ok(second!.credentials[0]!.key.exportBytes().length > 0);
  assert.equal(await cache.load(), second);
  assert.equal(seen.reads, 2);
});

Deno.test("FileCache: what it has changed or destroyed itself is not kept", async () => {
  const { seen, cache, changes } = countedFiles(CCACHE);
  const data = (await cache.load())!;
  await cache.initialize(data);
  await cache.load();
  await cache.store(data.credentials[0]!);
  await cache.load();
  await cache.destroy();
  await cache.load();
  assert.equal(seen.reads, 4);
  assert.deepEqual(changes, ["change", "change", "destroy"]);
});

Deno.test("systemFiles: a file has a mark two seconds after its last change, and not before", async () => {
  const path = await Deno.makeTempFile();
  const { now } = Date;
  try {
    const { mtime, ctime } = await Deno.stat(path);
    const last = Math.max(mtime!.getTime(), ctime?.getTime() ?? 0);
    const marks: (string | undefined)[] = [];
    for (const later of [1_999, 2_000]) {
      Date.now = () => last + later;
      marks.push((await systemFiles.read(path))!.mark);
    }
    assert.deepEqual(marks, [undefined, systemFiles.markNow(path)]);
  } finally {
    Date.now = now;
    await Deno.remove(path);
  }
});

Deno.test("systemFiles: a file has a mark once its times tell of the next change", async () => {
  if (Deno.build.os !== "windows") {
    assert.equal((await systemFiles.read("/etc/passwd"))!.mark, systemFiles.markNow("/etc/passwd"));
  }
  const path = await Deno.makeTempFile();
  try {
    await Deno.utime(path, 0, 0); // The time of this change remains.
    assert.equal((await systemFiles.read(path))!.mark, undefined);
    assert.notEqual(systemFiles.markNow(path), undefined);
  } finally {
    await Deno.remove(path);
  }
  assert.equal(systemFiles.markNow(path), undefined);
});
