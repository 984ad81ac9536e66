/**
 * Files that several programs change, such as credential caches: read, changed and replaced in one step.
 *
 * Programs of ours follow one another by a lock (`flock`) on the file itself, so that nothing is left behind that could
 * go stale. MIT's tools lock otherwise (`fcntl`) and do not see it; against them, and where a lock cannot be had, what was
 * read is compared with what is there right before it is replaced. What they write between that look and the step itself,
 * well under a millisecond, is lost.
 *
 * @module
 */
import { encodeHex } from "@std/encoding/hex";
import { type Bytes, sameBytes } from "../../../base/bytes.ts";
import { randomBytes } from "../../../base/runtime.ts";
import { KerberosError } from "../../errors.ts";
import {
  fileReason,
  folderOf,
  found,
  type FoundFile,
  type HeldFile,
  hold,
  type HoldOptions,
  isSame,
  lookAt,
  lookAtOnce,
} from "./held_file.ts";

/** How often a change starts anew because another program was faster. */
const MAX_ATTEMPTS = 50;
const MAX_LINKS = 40;
/** Owner and group may keep what they may do; others never get anything. */
const KEPT_MODE = 0o660;

/** How {@linkcode changeFile} goes about it. */
export interface ChangeFileOptions extends HoldOptions {
  /**
   * Whether the file stays its owner's even where others may put files (`/tmp`): somebody else may have put it there for
   * us to write secrets into.
   *
   * @default {false}
   */
  readonly keepOwner?: boolean | undefined;
  /** Ending of the new file's name before it takes the place of the old one. @default {a random one} */
  readonly ending?: string | undefined;
}

/**
 * Replaces what is in a file by what `change` makes of it. A symbolic link stays one, and what it points to is changed;
 * the file stays its owner's. A reader sees the old file or the new one, never half of one.
 *
 * @returns Whose the file is now.
 * @throws {KerberosError} `BAD_FILE`, and what `change` throws, with nothing changed.
 */
export async function changeFile(
  path: string,
  change: (file: FoundFile) => Bytes,
  options: ChangeFileOptions = {},
): Promise<number | null> {
  try {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const target = await followLinks(path);
      await using held = await hold(target, options);
      const before = held === undefined ? { bytes: undefined, owner: null } : await found(held.file);
      const after = change(before);
      if (held === undefined) throw new Deno.errors.NotFound("it is not there");
      const owner = await replace(target, held, before, after, options);
      if (owner !== undefined) return owner;
    }
    throw new Error("other programs change it again and again");
  } catch (error) {
    throw asBadFile("write", path, error);
  }
}

/**
 * Overwrites a file with zeros and removes it. Of a symbolic link the link alone is removed; of a file that has other
 * names, this name.
 *
 * @param mayDestroy Says by its first bytes whether the file is what it is taken for.
 * @throws {KerberosError} `BAD_FILE`
 */
export async function destroyFile(
  path: string,
  mayDestroy: (start: Bytes) => boolean,
  options: ChangeFileOptions = {},
): Promise<void> {
  try {
    const there = await lookAt(path);
    if (there === undefined) return;
    if (there.isSymlink) return await Deno.remove(path);
    await using held = await hold(path, { ...options, create: false });
    if (held === undefined) return;
    const start = new Uint8Array(16);
    const length = await held.file.read(start) ?? 0;
    if (length > 0 && !mayDestroy(start.subarray(0, length))) throw new Error("it is no credential cache");
    const { size, nlink } = await held.file.stat();
    // By its name first: nobody reads a cache of zeros.
    await Deno.remove(path);
    if (nlink === 1 && held.writable) await wipe(held.file, size);
  } catch (error) {
    throw asBadFile("destroy", path, error);
  }
}

async function wipe(file: Deno.FsFile, size: number): Promise<void> {
  await file.seek(0, Deno.SeekMode.Start);
  const zeros = new Uint8Array(65_536);
  for (let left = size; left > 0;) left -= await file.write(zeros.subarray(0, left));
  await file.sync();
}

/** Puts the new file in the place of the old one and says whose it is; `undefined` where that is no longer what was read. */
async function replace(
  target: string,
  held: HeldFile,
  before: FoundFile,
  after: Bytes,
  options: ChangeFileOptions,
): Promise<number | null | undefined> {
  const { keepOwner = false, ending = `.${encodeHex(randomBytes(8))}` } = options;
  // Beside the file itself, not beside a link to it, which may be on another disk.
  const temporary = target + ending;
  // With a name of its own, a file that is left over stands in the way; whoever made it had the lock that is ours now.
  if (options.ending !== undefined) await Deno.remove(temporary).catch(() => {});
  let done = false;
  const file = await Deno.open(temporary, { write: true, createNew: true, mode: 0o600 });
  try {
    for (let at = 0; at < after.length;) at += await file.write(after.subarray(at));
    const owner = await keepAttributes(temporary, file, held.info, keepOwner);
    if (!await isAsBefore(held, before)) return undefined;
    // At once, so that as little as possible comes between the last look and the step.
    if (!isSame(lookAtOnce(target), held.info)) return undefined;
    Deno.renameSync(temporary, target);
    done = true;
    return owner;
  } finally {
    file.close();
    if (!done) await Deno.remove(temporary).catch(() => {});
  }
}

/** Whether nobody has written into the file: MIT's tools add to it without replacing it. */
async function isAsBefore({ file }: HeldFile, before: FoundFile): Promise<boolean> {
  await file.seek(0, Deno.SeekMode.Start);
  const { bytes } = await found(file);
  return bytes === undefined || before.bytes === undefined ? bytes === before.bytes : sameBytes(bytes, before.bytes);
}

/**
 * Gives the new file the owner, group and mode of the old one. It goes by the open file and not by its name: whoever owns
 * the folder could put a link in its place.
 */
async function keepAttributes(
  temporary: string,
  file: Deno.FsFile,
  old: Deno.FileInfo,
  keepOwner: boolean,
): Promise<number | null> {
  const made = await file.stat();
  const mode = ((old.mode ?? 0) & KEPT_MODE) | 0o600;
  const foreign = old.uid !== made.uid;
  if (Deno.build.os === "windows" || (!foreign && old.gid === made.gid && mode === 0o600)) return made.uid;
  if (foreign && !keepOwner && await mayBePlanted(temporary, old.uid)) return made.uid;
  const { openSync, closeSync, fstatSync, fchownSync, fchmodSync, constants } = await import("node:fs");
  const descriptor = openSync(temporary, constants.O_WRONLY | constants.O_NOFOLLOW);
  try {
    const { dev, ino } = fstatSync(descriptor);
    if (dev !== made.dev || ino !== made.ino) throw new Error("another program is at its new file");
    try {
      fchownSync(descriptor, old.uid!, old.gid!);
    } catch (error) {
      if (foreign) throw new Error(`it belongs to user ${old.uid}, and would not any more`, { cause: error });
      // Whoever is not in the group cannot give a file to it, and then its members have lost nothing but this file.
      return made.uid;
    }
    fchmodSync(descriptor, mode);
    return old.uid;
  } finally {
    closeSync(descriptor);
  }
}

/**
 * The file that a name stands for. A link that somebody else has put where others may put files is refused, as Linux does
 * with `fs.protected_symlinks`, which is not on everywhere: it would have us write wherever he wants.
 */
async function followLinks(path: string): Promise<string> {
  let at = path;
  for (let count = 0; count < MAX_LINKS; count++) {
    const there = await lookAt(at);
    if (!there?.isSymlink) return at;
    if (await mayBePlanted(at, there.uid) && there.uid !== await ownNumber(at)) {
      throw new Error(`${at} is a symbolic link of user ${there.uid}'s in a folder that others may write to`);
    }
    const to = await Deno.readLink(at);
    at = to.startsWith("/") ? to : `${folderOf(at)}/${to}`;
  }
  throw new Error("its symbolic links go around in a circle");
}

/** Whether a file of this owner lies in a folder like `/tmp`, where others may put files, and is not the folder's owner's. */
async function mayBePlanted(path: string, owner: number | null): Promise<boolean> {
  const { mode, uid } = await Deno.stat(folderOf(path));
  return mode !== null && (mode & 0o022) !== 0 && owner !== uid;
}

/** Our user number; without the permission to ask for it, that of a file that we make. */
async function ownNumber(beside: string): Promise<number | null> {
  try {
    return Deno.uid();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
  }
  const path = `${folderOf(beside)}/.gssocks-${encodeHex(randomBytes(8))}`;
  using file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  await Deno.remove(path);
  return (await file.stat()).uid;
}

function asBadFile(verb: string, path: string, error: unknown): KerberosError {
  if (error instanceof KerberosError) return error;
  return new KerberosError("BAD_FILE", `Cannot ${verb} ${path}: ${fileReason(error, path)}`, { cause: error });
}
