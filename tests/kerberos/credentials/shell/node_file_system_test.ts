/** The file system on `node:fs`, which Deno has too: it does what Deno's own does. */
import assert from "node:assert/strict";
import type { FileSystem } from "../../../../kerberos/credentials/shell/file_system.ts";
import { nodeFileSystem } from "../../../../kerberos/credentials/shell/node_file_system.ts";
import { systemWords } from "../../../../kerberos/credentials/shell/reason.ts";

const PLATFORMS: Readonly<Record<string, FileSystem>> = { "node:fs": nodeFileSystem, Deno };
const [text, bytes] = [
  (from: Uint8Array) => new TextDecoder().decode(from),
  (of: string) => new TextEncoder().encode(of),
];

/** Runs a test with each file system, in a folder of its own. */
function eachTest(name: string, body: (fs: FileSystem, folder: string) => Promise<void>): void {
  for (const [platform, fs] of Object.entries(PLATFORMS)) {
    Deno.test(`${platform}: ${name}`, async () => {
      const folder = await fs.makeTempDir({ prefix: "gssocks-fs-" });
      try {
        await body(fs, folder);
      } finally {
        await fs.remove(folder, { recursive: true });
      }
      await assert.rejects(fs.stat(folder), { code: "ENOENT" });
    });
  }
}

eachTest("a file is new, readable by its owner alone, and read from where one is", async (fs, folder) => {
  const path = `${folder}/file`;
  using file = await fs.open(path, { read: true, write: true, createNew: true, mode: 0o600 });
  await assert.rejects(fs.open(path, { write: true, createNew: true, mode: 0o600 }), { code: "EEXIST" });
  assert.equal(await file.write(bytes("hello ")), 6);
  assert.equal(await file.write(bytes("world")), 5);
  await file.sync();
  const { isFile, isSymlink, size, mode, uid, nlink } = await file.stat();
  assert.deepEqual([isFile, isSymlink, size, mode! & 0o777, uid, nlink], [true, false, 11, 0o600, fs.uid(), 1]);
  await file.seek(0, 0);
  const into = new Uint8Array(8);
  assert.equal(await file.read(into), 8);
  assert.equal(text(into), "hello wo");
  assert.equal(await file.read(into), 3);
  assert.equal(await file.read(into), null);
  assert.equal((await fs.stat(path)).ino, fs.statSync(path).ino);
});

eachTest("a lock is one program's, until it closes the file", async (fs, folder) => {
  const path = `${folder}/file`;
  await fs.writeTextFile(path, "x");
  const [one, two] = await Promise.all([fs.open(path, { write: true }), fs.open(path, { write: true })]);
  assert.equal(await one.tryLock(true), true);
  assert.equal(await two.tryLock(true), false);
  one.close();
  assert.equal(await two.tryLock(true), true);
  two.close();
  using three = await fs.open(path);
  assert.equal(await three.tryLock(true), true);
});

eachTest("links, names, folders and replacing are those of the system", async (fs, folder) => {
  await fs.writeTextFile(`${folder}/file`, "old");
  await fs.writeTextFile(`${folder}/new`, "new");
  await Deno.symlink("file", `${folder}/link`);
  assert.equal((await fs.lstat(`${folder}/link`)).isSymlink, true);
  assert.equal(fs.lstatSync(`${folder}/link`).isSymlink, true);
  assert.equal((await fs.stat(`${folder}/link`)).isFile, true);
  assert.equal(await fs.readLink(`${folder}/link`), "file");
  fs.renameSync(`${folder}/new`, `${folder}/file`);
  assert.deepEqual([...fs.readDirSync(folder)].map(({ name }) => name).sort(), ["file", "link"]);
  using file = fs.openSync(`${folder}/file`);
  const into = new Uint8Array(2);
  assert.deepEqual([file.readSync(into), text(into), file.readSync(into), file.readSync(into)], [2, "ne", 1, null]);
  assert.equal(file.statSync().size, 3);
  fs.mkdirSync(`${folder}/inner`, { mode: 0o700 });
  assert.throws(() => fs.mkdirSync(`${folder}/inner`, { mode: 0o700 }), { code: "EEXIST" });
  assert.equal(fs.statSync(`${folder}/inner`).mode! & 0o777, 0o700);
  await fs.remove(`${folder}/link`);
  await assert.rejects(fs.lstat(`${folder}/link`), { code: "ENOENT" });
  assert.throws(() => fs.lstatSync(`${folder}/link`), { code: "ENOENT" });
});

Deno.test("systemWords(): the system's words, without what the runtime puts around them", () => {
  assert.equal(systemWords("Permission denied (os error 13): open '/a'"), "Permission denied");
  assert.equal(systemWords("EACCES: permission denied, open '/a, b: c'"), "Permission denied");
  assert.equal(systemWords("ENOTDIR: not a directory, scandir '/a'"), "Not a directory");
  assert.equal(systemWords("it is no ordinary file"), "it is no ordinary file");
});
