/**
 * A file system on `node:fs`.
 *
 * It has no locks that other programs see (`flock`): a lock holds for this process alone. Against other programs there is the comparison
 * right before a file is replaced, as against MIT's tools.
 *
 * @module
 */
import type { Stats } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { builtin, requireBuiltin } from "../../../base/builtin.ts";
import type { FileState, FileSystem, OpenFile, OpenOptions, SyncFile } from "./file_system.ts";

function sync(): typeof import("node:fs") {
  return requireBuiltin("node:fs", "use files", "pass what is in them");
}

function promises(): typeof import("node:fs/promises") {
  return sync().promises;
}

/** Files that this process has locked, by device and number. */
const locked = new Set<string>();

/** A file system on `node:fs`. */
export const nodeFileSystem: FileSystem = {
  stat: async (path) => stateOf(await promises().stat(path)),
  statSync: (path) => stateOf(sync().statSync(path)),
  lstat: async (path) => stateOf(await promises().lstat(path)),
  lstatSync: (path) => stateOf(sync().lstatSync(path)),
  open: async (path, options = {}) => openFile(await promises().open(path, flagsOf(options), options.mode)),
  openSync: (path) => openFileSync(sync().openSync(path, "r")),
  remove: (path, { recursive } = { recursive: false }) => promises().rm(path, { recursive }),
  renameSync: (from, to) => sync().renameSync(from, to),
  readLink: (path) => promises().readlink(path),
  readDirSync: (path) => sync().readdirSync(path).map((name) => ({ name })),
  mkdirSync: (path, { mode }) => void sync().mkdirSync(path, { mode }),
  makeTempDir({ prefix }) {
    const { tmpdir } = requireBuiltin<typeof import("node:os")>("node:os", "find a folder for files", "name one");
    return promises().mkdtemp(`${tmpdir()}/${prefix}`);
  },
  writeTextFile: (path, text) => promises().writeFile(path, text),
  uid: userNumber,
};

function userNumber(): number | null {
  return builtin<{ getuid?(): number }>("node:process")?.getuid?.() ?? null;
}

function flagsOf({ write = false, createNew = false }: OpenOptions): number | string {
  const { O_RDWR, O_CREAT, O_EXCL } = sync().constants;
  return createNew ? O_RDWR | O_CREAT | O_EXCL : write ? O_RDWR : "r";
}

function stateOf(stats: Stats): FileState {
  const { dev, ino, size, mode, gid, nlink, mtime, ctime } = stats;
  // Windows has no users in this sense, and `node:fs` says 0.
  const uid = userNumber() === null ? null : stats.uid;
  return {
    isFile: stats.isFile(),
    isSymlink: stats.isSymbolicLink(),
    dev,
    ino,
    size,
    mode,
    uid,
    gid,
    nlink,
    mtime,
    ctime,
  };
}

function openFileSync(file: number): SyncFile {
  const { fstatSync, readSync, closeSync } = sync();
  return {
    statSync: () => stateOf(fstatSync(file)),
    readSync: (into) => readSync(file, into) || null,
    [Symbol.dispose]: () => closeSync(file),
  };
}

/** An open file whose position is kept here: `node:fs` has no call that moves it. */
function openFile(handle: FileHandle): OpenFile {
  let at = 0;
  let lock: string | undefined;
  const close = () => {
    if (lock !== undefined) locked.delete(lock);
    handle.close().catch(() => {}); // It is closed already.
  };
  return {
    stat: async () => stateOf(await handle.stat()),
    async read(into): Promise<number | null> {
      const { bytesRead } = await handle.read(into, 0, into.length, at);
      at += bytesRead;
      return bytesRead === 0 ? null : bytesRead;
    },
    async write(bytes): Promise<number> {
      const { bytesWritten } = await handle.write(bytes, 0, bytes.length, at);
      at += bytesWritten;
      return bytesWritten;
    },
    seek: (offset) => Promise.resolve(at = offset),
    sync: () => handle.sync(),
    async tryLock(): Promise<boolean> {
      const { dev, ino } = await handle.stat();
      const name = `${dev} ${ino}`;
      if (locked.has(name)) return false;
      locked.add(lock = name);
      return true;
    },
    close,
    [Symbol.dispose]: close,
  };
}
