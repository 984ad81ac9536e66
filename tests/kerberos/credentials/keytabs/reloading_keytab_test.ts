/** A keytab file that is replaced, written in pieces, broken, gone, or on a disk that does not answer, while it is used. */
import assert from "node:assert/strict";
import { KerberosError } from "../../../../kerberos/errors.ts";
import { KerberosKey } from "../../../../kerberos/crypto/key.ts";
import { parsePrincipal } from "../../../../kerberos/principal.ts";
import { KeytabFile } from "../../../../kerberos/credentials/shell/stores.ts";
import type { KeytabNews } from "../../../../kerberos/credentials/keytabs/reloading_keytab.ts";
import { Keytab } from "../../../../kerberos/credentials/formats/keytab.ts";

const SERVICE = parsePrincipal("rcmd/localhost@GSSOCKS.TEST");
const keytab = (...kvnos: readonly number[]) =>
  new Keytab(kvnos.map((kvno) => ({ principal: SERVICE, kvno, key: KerberosKey.generate(18) }))).encode();

async function withFile(
  use: (at: { path: string; file: KeytabFile; news: KeytabNews[]; later: () => void }) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/keytab`;
    await Deno.writeFile(path, keytab(1));
    const news: KeytabNews[] = [];
    let now = 0;
    const file = new KeytabFile(`FILE:${path}`, { onNews: (one) => news.push(one), now: () => now });
    await use({ path, file, news, later: () => now += 1_000 });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const kvnos = (file: KeytabFile) => file.candidates({ service: SERVICE, enctype: 18 }).map(({ kvno }) => kvno);

Deno.test("KeytabFile: reads a changed file on demand, and uses its keys alone", async () => {
  await withFile(async ({ path, file, news, later }) => {
    assert.deepEqual(kvnos(file), [1]);
    assert.equal(await file.renewed(), false);
    assert.deepEqual(news, []);
    // Written in place, as ktadd does it, and put in its place.
    await Deno.writeFile(path, keytab(2, 1));
    later();
    assert.equal(await file.renewed(), true);
    assert.deepEqual(kvnos(file), [2, 1]);
    await Deno.writeFile(`${path}.new`, keytab(3));
    await Deno.rename(`${path}.new`, path);
    later();
    assert.equal(await file.renewed(), true);
    assert.deepEqual(kvnos(file), [3]);
    assert.match(file.describe()[0]!, /kvno 3/);
    later();
    assert.equal(await file.renewed(), false);
    assert.deepEqual(news, [{ path, error: undefined }, { path, error: undefined }]);
  });
});

Deno.test("KeytabFile: reads the file once a second; callers at one time share one read", async () => {
  let reads = 0;
  let now = 0;
  await withFile(async ({ path }) => {
    const read = () => {
      reads++;
      return Promise.resolve(undefined);
    };
    const file = new KeytabFile(path, { read, now: () => now });
    await Promise.all(Array.from({ length: 1_000 }, () => file.renewed()));
    assert.equal(reads, 1);
    now = 999;
    assert.equal(await file.renewed(), false);
    assert.equal(reads, 1);
    now = 1_000;
    await file.renewed();
    assert.equal(reads, 2);
  });
});

Deno.test("KeytabFile: an unusable file changes nothing, and is reported once", async () => {
  await withFile(async ({ path, file, news, later }) => {
    const bad: readonly [Uint8Array | undefined, RegExp][] = [
      [keytab(2).subarray(0, 37), /Cannot read keytab .*keytab: /],
      [new Uint8Array(0), /Cannot read keytab .*keytab: /],
      [new Keytab([]).encode(), /Cannot use keytab .*: it has no key/],
      [undefined, /Cannot read keytab .*: No such file/],
    ];
    for (const [i, [bytes, reason]] of bad.entries()) {
      if (bytes === undefined) await Deno.remove(path);
      else await Deno.writeFile(path, bytes);
      for (let time = 0; time < 3; time++) {
        later();
        assert.equal(await file.renewed(), false);
      }
      assert.deepEqual(kvnos(file), [1]);
      assert.equal(news.length, i + 1);
      assert.ok(news[i]!.error instanceof KerberosError && news[i]!.error.code === "BAD_FILE");
      assert.match(news[i]!.error.message, reason);
    }
    await Deno.writeFile(path, keytab(4));
    later();
    assert.equal(await file.renewed(), true);
    assert.deepEqual(kvnos(file), [4]);
    assert.equal(news.at(-1)!.error, undefined);
  });
});

Deno.test("KeytabFile: does not wait long for a disk, and ignores what onNews throws", async () => {
  await withFile(async ({ path }) => {
    const answer = Promise.withResolvers<undefined>();
    let reads = 0;
    const read = () => {
      reads++;
      return answer.promise;
    };
    let reports = 0;
    let now = 0;
    const onNews = (): never => {
      reports++;
      throw new Error("no say");
    };
    const file = new KeytabFile(path, { read, timeout: 20, onNews, now: () => now });
    assert.equal(await file.renewed(), false);
    now = 10_000;
    assert.equal(await file.renewed(), false);
    assert.deepEqual([reads, reports], [1, 1], "one read at a time, and one report");
    answer.resolve(undefined);
  });
});

Deno.test("new KeytabFile(): refuses a missing file, and one without a key", async () => {
  await withFile(async ({ path }) => {
    await Deno.writeFile(path, new Keytab([]).encode());
    assert.throws(() => new KeytabFile(path), {
      code: "BAD_FILE",
      message: `Cannot use keytab ${path}: it has no key`,
    });
    assert.throws(() => new KeytabFile(`${path}.none`), { code: "BAD_FILE" });
    assert.throws(() => new KeytabFile("MEMORY:x"), { code: "BAD_FILE" });
  });
});
