/**
 * Changes files that several programs change, such as credential caches: read, changed and replaced in one step.
 *
 * Our own programs follow one another by a lock (`flock`) on the file itself, so that nothing is left behind that could go stale.
 * MIT's tools use another lock (`fcntl`) and do not see it. Against them, and if a lock cannot be had, the contents that were read
 * are compared with those that are there right before the file is replaced. A change by them between that comparison and the
 * replacement, well under a millisecond, is lost. Node and Bun have no `flock`: there the lock holds for one process, and other ones
 * are met with the comparison.
 *
 * @module
 */
import { encodeHex } from "@std/encoding/hex";
import { type Bytes, sameBytes } from "../../../base/bytes.ts";
import { requireBuiltin } from "../../../base/builtin.ts";
import { randomBytes } from "../../../base/runtime.ts";
import { KerberosError } from "../../errors.ts";
import type { ChangeOptions, FoundFile, LockOptions } from "../files.ts";
import { fs, isNotPermitted } from "./default_file_system.ts";
import type { FileState, OpenFile } from "./file_system.ts";
import { type HeldFile, holdFile, isSameFile, lookAt, lookAtSync } from "./held_file.ts";
import { readOpenFile } from "./read_file.ts";
import { fileReason, folderOf } from "./reason.ts";

/** How often a change starts again because another program was faster. */
const MAX_ATTEMPTS = 50;
const MAX_LINKS = 40;
/** Permissions that owner and group may keep; others never get any. */
const KEPT_MODE = 0o660;

/** See {@linkcode Files.change}. A symbolic link stays one, and the file that it points to is changed. */
export async function changeFile(
  path: string,
  change: (file: FoundFile) => Bytes,
  options: ChangeOptions = {},
): Promise<number | null> {
  try {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const target = await followLinks(path);
      await using held = await holdFile(target, options);
      const before = held === undefined ? { bytes: undefined, owner: null } : await readOpenFile(held.file);
      const after = change(before);
      if (held === undefined) throw new Error("it does not exist");
      const owner = await replace(target, held, before, after, options);
      if (owner !== undefined) return owner;
    }
    throw new Error("other programs change it again and again");
  } catch (error) {
    throw asBadFile("write", path, error);
  }
}

/** See {@linkcode Files.destroy}. Of a file that has other names, this name alone is removed. */
export async function destroyFile(
  path: string,
  check: (start: Bytes) => void,
  options: LockOptions = {},
): Promise<void> {
  try {
    const found = await lookAt(path);
    if (found === undefined) return;
    if (found.isSymlink) return await fs.remove(path);
    await using held = await holdFile(path, { ...options, create: false });
    if (held === undefined) return;
    const start = new Uint8Array(16);
    const length = await held.file.read(start) ?? 0;
    if (length > 0) check(start.subarray(0, length));
    const { size, nlink } = await held.file.stat();
    // The name goes first, so that no program reads a cache of zeros.
    await fs.remove(path);
    if (nlink === 1 && held.writable) await wipe(held.file, size);
  } catch (error) {
    throw asBadFile("destroy", path, error);
  }
}

async function wipe(file: OpenFile, size: number): Promise<void> {
  await file.seek(0, 0);
  const zeros = new Uint8Array(65_536);
  for (let left = size; left > 0;) left -= await file.write(zeros.subarray(0, left));
  await file.sync();
}

/** Replaces the old file by a new one and returns its owner; `undefined` if the old one is no longer as it was read. */
async function replace(
  target: string,
  held: HeldFile,
  before: FoundFile,
  after: Bytes,
  options: ChangeOptions,
): Promise<number | null | undefined> {
  const { keepOwner = false, suffix = `.${encodeHex(randomBytes(8))}` } = options;
  // Beside the file itself: a link to it may be on another disk.
  const temporary = target + suffix;
  // A file with a given suffix may be left over and in the way; the program that created it had the lock that we hold now.
  if (options.suffix !== undefined) await fs.remove(temporary).catch(() => {});
  let done = false;
  const file = await fs.open(temporary, { write: true, createNew: true, mode: 0o600 });
  try {
    for (let at = 0; at < after.length;) at += await file.write(after.subarray(at));
    const owner = await keepAttributes(temporary, file, held.info, keepOwner);
    if (!await isUnchanged(held, before)) return undefined;
    // Without an await, so that as little as possible happens between this comparison and the replacement.
    if (!isSameFile(lookAtSync(target), held.info)) return undefined;
    fs.renameSync(temporary, target);
    done = true;
    return owner;
  } finally {
    file.close();
    if (!done) await fs.remove(temporary).catch(() => {});
  }
}

/** Whether no program has written into the file: MIT's tools append to it without replacing it. */
async function isUnchanged({ file }: HeldFile, before: FoundFile): Promise<boolean> {
  await file.seek(0, 0);
  const { bytes } = await readOpenFile(file);
  return bytes === undefined || before.bytes === undefined ? bytes === before.bytes : sameBytes(bytes, before.bytes);
}

/**
 * Gives the new file the owner, group and mode of the old one. It uses the open file and not its name: the owner of the folder could
 * put a link in its place.
 */
async function keepAttributes(
  temporary: string,
  file: OpenFile,
  old: FileState,
  keepOwner: boolean,
): Promise<number | null> {
  const made = await file.stat();
  const mode = ((old.mode ?? 0) & KEPT_MODE) | 0o600;
  const foreign = old.uid !== made.uid;
  if (old.uid === null || (!foreign && old.gid === made.gid && mode === 0o600)) return made.uid;
  if (foreign && !keepOwner && await mayBePlanted(temporary, old.uid)) return made.uid;
  const { openSync, closeSync, fstatSync, fchownSync, fchmodSync, constants } = requireBuiltin<
    typeof import("node:fs")
  >(
    "node:fs",
    "keep the owner of a file",
    "let its owner write it",
  );
  const descriptor = openSync(temporary, constants.O_WRONLY | constants.O_NOFOLLOW);
  try {
    const { dev, ino } = fstatSync(descriptor);
    if (dev !== made.dev || ino !== made.ino) throw new Error("another program has replaced the new file");
    try {
      fchownSync(descriptor, old.uid!, old.gid!);
    } catch (error) {
      if (foreign) throw new Error(`it belongs to user ${old.uid}, and the new file would not`, { cause: error });
      // A user outside the group cannot give a file to it; the members lose access to this file alone.
      return made.uid;
    }
    fchmodSync(descriptor, mode);
    return old.uid;
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Follows symbolic links to the file itself. A link of another user in a folder that others can write to is refused, as Linux does
 * with `fs.protected_symlinks`, which is not on everywhere: that user could choose the file that we write to.
 */
async function followLinks(path: string): Promise<string> {
  let at = path;
  for (let count = 0; count < MAX_LINKS; count++) {
    const found = await lookAt(at);
    if (!found?.isSymlink) return at;
    if (await mayBePlanted(at, found.uid) && found.uid !== await ownNumber(at)) {
      throw new Error(`${at} is a symbolic link of user ${found.uid} in a folder that other users can write to`);
    }
    const to = await fs.readLink(at);
    at = to.startsWith("/") ? to : `${folderOf(at)}/${to}`;
  }
  throw new Error("its symbolic links form a circle");
}

/** Whether the folder can be written to by others, as `/tmp` can, and does not belong to the owner of the file. */
async function mayBePlanted(path: string, owner: number | null): Promise<boolean> {
  const { mode, uid } = await fs.stat(folderOf(path));
  return mode !== null && (mode & 0o022) !== 0 && owner !== uid;
}

/** Our user number; without the permission to ask for it, that of a file that we create. */
async function ownNumber(beside: string): Promise<number | null> {
  try {
    return fs.uid();
  } catch (error) {
    if (!(isNotPermitted(error))) throw error;
  }
  const path = `${folderOf(beside)}/.gssocks-${encodeHex(randomBytes(8))}`;
  using file = await fs.open(path, { write: true, createNew: true, mode: 0o600 });
  await fs.remove(path);
  return (await file.stat()).uid;
}

/** The error of a change; one of ours stays as it is. */
function asBadFile(verb: string, path: string, error: unknown): KerberosError {
  if (error instanceof KerberosError) return error;
  return new KerberosError("BAD_FILE", `Cannot ${verb} ${path}: ${fileReason(error, path)}`, { cause: error });
}
