/** Files that several change: what is kept, what is never followed or overwritten, and what is refused unread. */
import assert from "node:assert/strict";
import { KerberosError } from "../../../../kerberos/errors.ts";
import { KerberosKey } from "../../../../kerberos/crypto/key.ts";
import { parsePrincipal } from "../../../../kerberos/principal.ts";
import { changeFile } from "../../../../kerberos/credentials/shell/change_file.ts";
import { FileCredentialCache, readKeytab, writeKeytab } from "../../../../kerberos/credentials/shell/stores.ts";
import { Keytab } from "../../../../kerberos/credentials/formats/keytab.ts";
import { contents, ticket } from "../../../support/cache_contents.ts";
import { peerTest } from "../../../support/peers.ts";

const ALICE = "alice@R.TEST";

function keytab(): Keytab {
  return new Keytab([{ principal: parsePrincipal("rcmd/p@R.TEST"), kvno: 1, key: KerberosKey.generate(18) }]);
}

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function badFile(message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof KerberosError, String(error));
    assert.equal(error.code, "BAD_FILE");
    assert.match(error.message, message);
    return true;
  };
}

function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

Deno.test("changeFile(): a symbolic link stays one, and its target is changed", async () => {
  await inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/run`);
    const real = new FileCredentialCache(`${folder}/run/cc`);
    await Deno.symlink("run/cc", `${folder}/one`);
    await Deno.symlink(`${folder}/one`, `${folder}/two`);
    const cache = new FileCredentialCache(`${folder}/two`);
    await cache.initialize(contents(ALICE));
    await cache.store(ticket(ALICE, "rcmd/p@R.TEST"));
    assert.equal((await real.load())!.credentials.length, 2);
    assert.equal(await Deno.readLink(`${folder}/two`), `${folder}/one`);
    assert.equal(await Deno.readLink(`${folder}/one`), "run/cc");
    assert.deepEqual([names(folder), names(`${folder}/run`)], [["one", "run", "two"], ["cc"]]);
    await Deno.symlink(`${folder}/b`, `${folder}/a`);
    await Deno.symlink(`${folder}/a`, `${folder}/b`);
    await assert.rejects(new FileCredentialCache(`${folder}/a`).initialize(contents(ALICE)), badFile(/form a circle/));
  });
});

Deno.test("destroy(): removes a symbolic link and nothing behind it", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/precious`, "the only copy");
    await new FileCredentialCache(`${folder}/real`).initialize(contents(ALICE));
    const before = await Deno.readFile(`${folder}/real`);
    for (const target of ["precious", "real", "nowhere"]) {
      await Deno.symlink(`${folder}/${target}`, `${folder}/link`);
      await new FileCredentialCache(`${folder}/link`).destroy();
      assert.deepEqual(names(folder), ["precious", "real"]);
    }
    assert.equal(await Deno.readTextFile(`${folder}/precious`), "the only copy");
    assert.deepEqual(await Deno.readFile(`${folder}/real`), before);
  });
});

Deno.test("destroy(): overwrites the file, but not under another name of it", async () => {
  await inFolder(async (folder) => {
    for (const other of [false, true]) {
      const cache = new FileCredentialCache(`${folder}/cc`);
      await cache.initialize(contents(ALICE));
      const before = await Deno.readFile(`${folder}/cc`);
      if (other) await Deno.link(`${folder}/cc`, `${folder}/other`);
      using held = await Deno.open(`${folder}/cc`);
      await cache.destroy();
      const after = new Uint8Array(before.length);
      await held.read(after);
      assert.deepEqual(after, other ? before : new Uint8Array(before.length));
      assert.deepEqual(names(folder), other ? ["other"] : []);
    }
  });
});

Deno.test("foreign files: are neither destroyed nor overwritten", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/thesis`;
    await Deno.writeTextFile(path, "the only copy");
    const cache = new FileCredentialCache(path);
    await assert.rejects(cache.destroy(), badFile(/thesis: it is no credential cache/));
    await assert.rejects(cache.initialize(contents(ALICE)), badFile(/thesis: it exists and is no credential cache/));
    await assert.rejects(cache.store(ticket(ALICE, "rcmd/p@R.TEST")), badFile(/thesis/));
    await assert.rejects(writeKeytab(path, keytab()), badFile(/thesis: it exists and is no keytab/));
    assert.equal(await Deno.readTextFile(path), "the only copy");
    assert.deepEqual(names(folder), ["thesis"]);
    await Deno.mkdir(`${folder}/d`);
    for (const act of ["load", "destroy", "initialize"] as const) {
      await assert.rejects(new FileCredentialCache(`${folder}/d`)[act](contents(ALICE)), badFile(/no ordinary file/));
    }
    // An empty file may be replaced: `mktemp` creates such files.
    await Deno.writeTextFile(path, "");
    await cache.initialize(contents(ALICE));
    await cache.destroy();
    assert.deepEqual(names(folder), ["d"]);
  });
});

Deno.test("load(): refuses a file of absurd size, or without an end, unread", async () => {
  await inFolder(async (folder) => {
    for (const name of ["cc", "kt"]) {
      using file = await Deno.open(`${folder}/${name}`, { create: true, write: true });
      await file.write(Uint8Array.of(5, name === "cc" ? 4 : 2, 0, 0));
      await file.truncate(300 << 20);
    }
    // Of this thread: other tests' threads are in the same process.
    const held = () => Deno.memoryUsage().heapUsed + Deno.memoryUsage().external;
    const before = held();
    const cache = new FileCredentialCache(`${folder}/cc`);
    await assert.rejects(cache.load(), badFile(/cc: it has more than 16 MiB/));
    await assert.rejects(cache.store(ticket(ALICE, "rcmd/p@R.TEST")), badFile(/more than 16 MiB/));
    assert.throws(() => readKeytab(`${folder}/kt`), badFile(/kt: it has more than 16 MiB/));
    assert.throws(() => readKeytab("/dev/zero"), badFile(/zero: it has more than 16 MiB/));
    assert.ok(held() - before < 150e6);
    await assert.rejects(new FileCredentialCache("/dev/zero").load(), badFile(/no ordinary file/));
    const { success } = await new Deno.Command("mkfifo", { args: [`${folder}/fifo`] }).output();
    assert.ok(success);
    // A named pipe without a writer would never answer.
    await assert.rejects(new FileCredentialCache(`${folder}/fifo`).load(), badFile(/no ordinary file/));
    await assert.rejects(new FileCredentialCache(`${folder}/fifo`).initialize(contents(ALICE)), badFile(/no ordinary/));
  });
});

Deno.test("errors: say which file they are about", async () => {
  await inFolder(async (folder) => {
    for (const bytes of [[], [0x67, 0x61], [5, 4, 0, 9]]) {
      await Deno.writeFile(`${folder}/garbage`, Uint8Array.from(bytes));
      assert.throws(() => readKeytab(`${folder}/garbage`), badFile(/Cannot read keytab \/.*garbage: /));
      if (bytes.length === 0) continue;
      await assert.rejects(new FileCredentialCache(`${folder}/garbage`).load(), badFile(/cache \/.*garbage: /));
    }
  });
  assert.throws(() => new FileCredentialCache(""), badFile(/names no file/));
  assert.throws(() => new FileCredentialCache("FILE:"), badFile(/names no file/));
  assert.throws(() => readKeytab("FILE:"), badFile(/names no file/));
});

Deno.test("changeFile(): keeps group and mode, and gives others no access", async () => {
  await inFolder(async (folder) => {
    const cache = new FileCredentialCache(`${folder}/cc`);
    await cache.initialize(contents(ALICE));
    for (const [mode, kept] of [[0o640, 0o640], [0o644, 0o640], [0o600, 0o600], [0o400, 0o600]] as const) {
      await Deno.chmod(`${folder}/cc`, mode);
      await cache.store(ticket(ALICE, "rcmd/p@R.TEST"));
      assert.equal((await Deno.stat(`${folder}/cc`)).mode! & 0o777, kept);
    }
  });
});

Deno.test("changeFile(): creates a new file, even if another user guesses its name", async () => {
  await inFolder(async (folder) => {
    const cache = new FileCredentialCache(`${folder}/cc`);
    await cache.initialize(contents(ALICE));
    const added = ticket(ALICE, "rcmd/p@R.TEST");
    await Deno.writeTextFile(`${folder}/precious`, "the only copy");
    await Deno.symlink(`${folder}/precious`, `${folder}/cc.0101010101010101`);
    const random = crypto.getRandomValues;
    crypto.getRandomValues = (array) => {
      if (array instanceof Uint8Array) array.fill(1);
      return array;
    };
    try {
      await assert.rejects(cache.store(added), badFile(/Cannot write .*cc: File exists/));
    } finally {
      crypto.getRandomValues = random;
    }
    assert.equal(await Deno.readTextFile(`${folder}/precious`), "the only copy");
  });
});

Deno.test("changeFile(): leaves nothing behind when it fails", async () => {
  await inFolder(async (folder) => {
    const fails = () => changeFile(`${folder}/x`, () => assert.fail("no"), { create: true });
    await assert.rejects(fails());
    assert.deepEqual(names(folder), []);
    await assert.rejects(changeFile(`${folder}/x`, () => new Uint8Array(1)), badFile(/it does not exist/));
    assert.deepEqual(names(folder), []);
    await Deno.writeTextFile(`${folder}/x.new`, "left over");
    await changeFile(`${folder}/x`, () => new Uint8Array(1), { create: true, suffix: ".new" });
    assert.deepEqual(names(folder), ["x"]);
  });
});

const NOBODY = 65_534;

peerTest("changeFile(): a cache stays its owner's when root stores into it", ["root's rights"], async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/cc`;
    const owner = async () => {
      const { uid, gid, mode } = await Deno.lstat(path);
      return [uid, gid, mode! & 0o777];
    };
    const cache = new FileCredentialCache(path);
    await cache.initialize(contents(ALICE));
    await Deno.chown(path, NOBODY, NOBODY);
    await new FileCredentialCache(path).store(ticket(ALICE, "rcmd/p@R.TEST"));
    assert.deepEqual(await owner(), [NOBODY, NOBODY, 0o600]);
    // It was root's when this one wrote it.
    await assert.rejects(
      cache.store(ticket(ALICE, "rcmd/q@R.TEST")),
      badFile(/belonged to user 0 .* belongs to user 65534 now/),
    );
    await cache.initialize(contents(ALICE));
    assert.deepEqual(await owner(), [NOBODY, NOBODY, 0o600]);
    // Through a link as well.
    await Deno.symlink(path, `${folder}/link`);
    const linked = new FileCredentialCache(`${folder}/link`);
    await linked.load();
    await linked.store(ticket(ALICE, "rcmd/r@R.TEST"));
    assert.deepEqual(await owner(), [NOBODY, NOBODY, 0o600]);
    await writeKeytab(`${folder}/kt`, keytab());
    await Deno.chown(`${folder}/kt`, NOBODY, NOBODY);
    await writeKeytab(`${folder}/kt`, keytab());
    assert.equal((await Deno.stat(`${folder}/kt`)).uid, NOBODY);
  });
});

peerTest(
  "changeFile(): in a folder like /tmp, root neither gives tickets away nor follows links",
  ["root's rights"],
  async () => {
    await inFolder(async (folder) => {
      await Deno.chmod(folder, 0o1777);
      // Another user has put a cache there before root creates one: the new one belongs to root.
      const planted = new FileCredentialCache(`${folder}/cc`);
      await planted.initialize(contents(ALICE));
      await Deno.chown(`${folder}/cc`, NOBODY, NOBODY);
      const cache = new FileCredentialCache(`${folder}/cc`);
      await cache.initialize(contents(ALICE));
      assert.equal((await Deno.stat(`${folder}/cc`)).uid, 0);
      // A cache of another user that root stores into keeps its owner.
      await Deno.chown(`${folder}/cc`, NOBODY, NOBODY);
      await new FileCredentialCache(`${folder}/cc`).store(ticket(ALICE, "rcmd/p@R.TEST"));
      assert.equal((await Deno.stat(`${folder}/cc`)).uid, NOBODY);
      // A link of another user.
      await Deno.mkdir(`${folder}/private`, { mode: 0o700 });
      const own = new FileCredentialCache(`${folder}/private/cc`);
      await own.initialize(contents(ALICE));
      const before = await Deno.readFile(`${folder}/private/cc`);
      await Deno.symlink(`${folder}/private/cc`, `${folder}/link`);
      const { success } = await new Deno.Command("chown", { args: ["-h", String(NOBODY), `${folder}/link`] }).output();
      assert.ok(success);
      const led = new FileCredentialCache(`${folder}/link`);
      await assert.rejects(led.store(ticket(ALICE, "rcmd/p@R.TEST")), badFile(/symbolic link of user 65534 in/));
      await assert.rejects(led.initialize(contents(ALICE)), badFile(/symbolic link of user 65534 in/));
      assert.deepEqual(await Deno.readFile(`${folder}/private/cc`), before);
      assert.deepEqual(names(folder), ["cc", "link", "private"]);
    });
  },
);
