/** Caches in a folder, one of which is the primary. */
import assert from "node:assert/strict";
import { openCredentialCache } from "../../../../kerberos/credentials/shell/stores.ts";
import { contents, ticket } from "../../../support/cache_contents.ts";

const [ALICE, BOB] = ["alice@R.TEST", "bob@R.TEST"];

/** Runs a test with a folder that does not exist yet. */
async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "gssocks-dir-" });
  try {
    await run(`${directory}/krb5cc`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const names = async (folder: string) =>
  (await openCredentialCache(`DIR:${folder}`).collection!.caches()).map(({ name }) => name.replace(folder, ""));

Deno.test("DIR: creates the folder, and files that only their owner can read", async () => {
  await inFolder(async (folder) => {
    const cache = openCredentialCache(`DIR:${folder}`);
    assert.equal(await cache.load(), undefined);
    assert.deepEqual([await names(folder), (await cache.collection!.primary()).name], [[], `DIR::${folder}/tkt`]);
    assert.throws(() => Deno.statSync(folder), Deno.errors.NotFound);
    await assert.rejects(cache.store(ticket(ALICE, "rcmd/h@R.TEST")), { code: "NO_CREDENTIALS" });
    await cache.initialize(contents(ALICE));
    assert.deepEqual([Deno.statSync(folder).mode! & 0o777, Deno.statSync(`${folder}/tkt`).mode! & 0o777], [
      0o700,
      0o600,
    ]);
    await cache.store(ticket(ALICE, "rcmd/h@R.TEST"));
    assert.equal((await openCredentialCache(`FILE:${folder}/tkt`).load())!.credentials.length, 2);
    await cache.destroy();
    assert.deepEqual([await cache.load(), await names(folder)], [undefined, []]);
  });
});

Deno.test("DIR: the file primary says which cache the folder stands for", async () => {
  await inFolder(async (folder) => {
    const cache = openCredentialCache(`DIR:${folder}`);
    await cache.initialize(contents(ALICE));
    const second = await cache.collection!.create();
    assert.match(second.name, /^DIR::.*\/tkt[0-9a-f]{12}$/);
    await second.initialize(contents(BOB));
    await second.makePrimary!();
    const file = second.name.slice(`DIR::${folder}/`.length);
    assert.equal(await Deno.readTextFile(`${folder}/primary`), `${file}\n`);
    assert.equal(Deno.statSync(`${folder}/primary`).mode! & 0o777, 0o600);
    assert.deepEqual(await names(folder), [`DIR::/${file}`, "DIR::/tkt"]);
    assert.equal((await cache.load())!.principal.components[0], "bob");
    await openCredentialCache(`DIR::${folder}/tkt`).makePrimary!();
    assert.equal((await cache.load())!.principal.components[0], "alice");
    // What is no cache's name, and what a change has left behind, is no cache.
    for (const other of ["other", "tkt.0123456789abcdef", "primary.x"]) {
      await Deno.writeTextFile(`${folder}/${other}`, "x");
    }
    assert.deepEqual(await names(folder), ["DIR::/tkt", `DIR::/${file}`]);
  });
});

Deno.test("DIR: a file primary that leads out of the folder is refused, and can be written anew", async () => {
  await inFolder(async (folder) => {
    await openCredentialCache(`DIR:${folder}`).initialize(contents(ALICE));
    for (const text of ["../tkt\n", "tkt/../../x\n", "cache\n", "\n", "tkt\0x\n", `${"x".repeat(5000)}`]) {
      await Deno.writeTextFile(`${folder}/primary`, text);
      const cache = openCredentialCache(`DIR:${folder}`);
      const message = /Cannot tell the primary cache of DIR:.* names no file "tkt…"; gssocks kswitch writes it anew/;
      await assert.rejects(cache.load(), { code: "BAD_FILE", message }, JSON.stringify(text));
      await assert.rejects(cache.initialize(contents(BOB)), { code: "BAD_FILE" });
    }
    await openCredentialCache(`DIR::${folder}/tkt`).makePrimary!();
    assert.equal((await openCredentialCache(`DIR:${folder}`).load())!.principal.components[0], "alice");
  });
});

Deno.test("DIR: too many caches, a file in the place of the folder, and a folder out of reach are errors", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(folder, "");
    await assert.rejects(openCredentialCache(`DIR:${folder}`).initialize(contents(ALICE)), { code: "BAD_FILE" });
    await Deno.remove(folder);
    await assert.rejects(openCredentialCache(`DIR:${folder}/in/it`).initialize(contents(ALICE)), {
      code: "BAD_FILE",
      message: /Cannot create .*\/in\/it: No such file or directory/,
    });
    await Deno.mkdir(folder);
    for (let i = 0; i <= 1000; i++) Deno.writeTextFileSync(`${folder}/tkt${i}`, "");
    await assert.rejects(openCredentialCache(`DIR:${folder}`).collection!.caches(), { message: /over 1000 caches/ });
  });
});
