/**
 * Files with secrets, read and held: bounded, ordinary, and one program at a time. What {@linkcode hold} holds is locked
 * (`flock`) and is what the name stands for.
 *
 * @module
 */
import { reasonText } from "../../../base/reason.ts";
import { type Bytes, concat } from "../../../base/bytes.ts";
import { type Deadline, pause, startDeadline } from "../../../base/deadline.ts";
import { randomBytes } from "../../../base/runtime.ts";

/** Most bytes that a keytab, cache or configuration may have: far more than any has, far less than would hurt. */
export const MAX_FILE: number = 16 * 1024 * 1024;
/** Time that a lock is waited for, in milliseconds, before the change is made without it. */
export const LOCK_TIMEOUT: number = 10_000;
/** How often a file is opened anew because it was replaced, once the time is up. */
const MAX_ATTEMPTS = 50;

/** A file as it was found. */
export interface FoundFile {
  /** What is in it; `undefined` where there is no file, or an empty one. */
  readonly bytes: Bytes | undefined;
  /** The user whose it is. */
  readonly owner: number | null;
}

/**
 * Reads a file, but not one of absurd size nor one that is no ordinary file.
 *
 * @throws {Deno.errors.NotFound} And other errors of the system.
 */
export async function readOrdinaryFile(path: string): Promise<FoundFile> {
  if (!(await Deno.stat(path)).isFile) throw new Error("it is no ordinary file");
  using file = await Deno.open(path);
  return await found(file);
}

/** Reads a file at once, of bounded size. */
export function readFileAtOnce(path: string): Bytes {
  using file = Deno.openSync(path);
  if (file.statSync().size > MAX_FILE) throw tooLarge();
  const parts: Uint8Array[] = [];
  for (let length = 0;;) {
    const part = new Uint8Array(65_536);
    const read = file.readSync(part);
    if (read === null) return concat(...parts);
    if ((length += read) > MAX_FILE) throw tooLarge();
    parts.push(part.subarray(0, read));
  }
}

/** A file as it is now, and what tells it from what it will be. */
export interface MarkedFile {
  /** Another text for another file, or another state of the same. */
  readonly mark: string;
  /** What is in it. */
  readonly bytes: Bytes;
}

/** Reads a file of bounded size at once, with its mark. */
export function readMarkedAtOnce(path: string): MarkedFile {
  // What is written between the two is found the next time.
  const mark = markOf(Deno.statSync(path));
  return { mark, bytes: readFileAtOnce(path) };
}

/** Reads a file where it is another one than that of a mark. */
export async function readChanged(path: string, mark: string | undefined): Promise<MarkedFile | undefined> {
  const info = await Deno.stat(path);
  const now = markOf(info);
  if (now === mark) return undefined;
  if (!info.isFile) throw new Error("it is no ordinary file");
  using file = await Deno.open(path);
  return { mark: now, bytes: (await found(file)).bytes ?? new Uint8Array(0) };
}

function markOf({ dev, ino, size, mtime, ctime }: Deno.FileInfo): string {
  return [dev, ino, size, mtime?.getTime(), ctime?.getTime()].join(" ");
}

/** A file that is open and, where that is possible, locked. Closing it gives the lock back. */
export interface HeldFile extends AsyncDisposable {
  readonly file: Deno.FsFile;
  readonly info: Deno.FileInfo;
  readonly writable: boolean;
}

/** How {@linkcode hold} goes about it. */
export interface HoldOptions {
  /** Whether a file that is not there is made. @default {false} */
  readonly create?: boolean | undefined;
  /** Longest wait for the lock, in milliseconds. @default {10000} */
  readonly lockTimeout?: number | undefined;
}

/** Opens and locks the file that has the name when the lock is had. */
export async function hold(path: string, options: HoldOptions): Promise<HeldFile | undefined> {
  const { create = false, lockTimeout = LOCK_TIMEOUT } = options;
  using deadline = startDeadline({ milliseconds: lockTimeout, reason: () => new Error("no lock") });
  for (let late = 0; late < MAX_ATTEMPTS; late += deadline.signal.aborted ? 1 : 0) {
    const opened = await open(path, create);
    if (opened === undefined) return undefined;
    if (opened === "again") {
      await pause(1);
      continue;
    }
    const { file, made } = opened;
    try {
      await lock(file, deadline);
      const info = await file.stat();
      if (isSame(await lookAt(path), info)) {
        return { ...opened, info, [Symbol.asyncDispose]: () => close(path, file, made ? info : undefined) };
      }
    } catch (error) {
      file.close();
      throw error;
    }
    file.close(); // Replaced while it was waited for.
  }
  throw new Error("other programs replace it again and again");
}

interface OpenedFile {
  readonly file: Deno.FsFile;
  readonly writable: boolean;
  /** Whether it was not there before. */
  readonly made: boolean;
}

async function open(path: string, create: boolean): Promise<OpenedFile | "again" | undefined> {
  const there = await lookAt(path);
  if (there === undefined && !create) return undefined;
  // What is no file may never answer, and a link here has come in between.
  if (there !== undefined && !there.isFile) throw new Error("it is no ordinary file");
  try {
    const how = there === undefined ? { createNew: true, mode: 0o600 } : {};
    const file = await Deno.open(path, { read: true, write: true, ...how });
    return { file, writable: true, made: there === undefined };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound && there !== undefined) return "again";
    if (error instanceof Deno.errors.AlreadyExists) return "again";
    // What may not be written may be replaced all the same, where the folder allows it.
    if (!(error instanceof Deno.errors.PermissionDenied) || there === undefined) throw error;
    return { file: await Deno.open(path), writable: false, made: false };
  }
}

/** An empty file that was made to be locked, and that nothing took the place of, goes again. */
async function close(path: string, file: Deno.FsFile, made: Deno.FileInfo | undefined): Promise<void> {
  try {
    if (made !== undefined && isSame(await lookAt(path), made)) await Deno.remove(path);
  } finally {
    file.close();
  }
}

/** Waits for the lock until the time is up; where there are no locks, or never one to be had, it goes without. */
async function lock(file: Deno.FsFile, deadline: Deadline): Promise<void> {
  try {
    for (let wait = 1; !await file.tryLock(true) && !deadline.signal.aborted; wait = Math.min(2 * wait, 16)) {
      await pause(wait + randomBytes(1)[0]! / 64, deadline.signal);
    }
  } catch {
    // A file system without locks: what is compared before the file is replaced has to do.
  }
}

export function folderOf(path: string): string {
  const folder = /^(.*)[/\\][^/\\]*$/.exec(path)?.[1];
  return folder === undefined ? "." : folder === "" ? "/" : folder;
}

export async function found(file: Deno.FsFile): Promise<FoundFile> {
  const { size, uid } = await file.stat();
  if (size > MAX_FILE) throw tooLarge();
  const parts: Uint8Array[] = [];
  for (let length = 0;;) {
    const part = new Uint8Array(Math.max(size - length, 0) + 4096);
    const read = await file.read(part);
    if (read === null) break;
    if ((length += read) > MAX_FILE) throw tooLarge();
    parts.push(part.subarray(0, read));
  }
  const bytes = concat(...parts);
  return { bytes: bytes.length === 0 ? undefined : bytes, owner: uid };
}

function tooLarge(): Error {
  return new Error(`it has more than ${MAX_FILE / 1024 / 1024} MiB`);
}

export async function lookAt(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

export function lookAtOnce(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

export function isSame(a: Deno.FileInfo | undefined, b: Deno.FileInfo): boolean {
  return a !== undefined && !a.isSymlink && a.dev === b.dev && a.ino === b.ino;
}

/** Why a file could not be used, without the names that the runtime puts behind it; a missing permission with its flag. */
export function fileReason(error: unknown, path: string): string {
  const message = reasonText(error);
  if (!(error instanceof Deno.errors.NotCapable)) return message.replace(/ \(os error \d+\).*$/s, "");
  const [, access, named = path] = /^Requires (read|write) access to "(.*?)"/s.exec(message) ?? [];
  if (access === undefined) return message;
  // A new file is made beside the old one, and putting it in its place takes reading it, too.
  const beside = access === "write" || /\.[0-9a-f]{16}$/.test(named);
  return `not permitted; allow it with --allow-${access}=${beside ? folderOf(named) : named}`;
}
