/**
 * Files that are held open and locked (`flock`), so that programs change them one at a time.
 *
 * @module
 */
import { type Deadline, pause, startDeadline } from "../../../base/deadline.ts";
import { randomBytes } from "../../../base/runtime.ts";
import type { LockOptions } from "../files.ts";
import { fs, hasCode } from "./default_file_system.ts";
import type { FileState, OpenFile } from "./file_system.ts";
import { requireOrdinary } from "./read_file.ts";

/** Longest wait for a lock, in milliseconds, before the change is made without it. */
const LOCK_TIMEOUT = 10_000;
/** How often a file is opened again because it was replaced, once the time is up. */
const MAX_ATTEMPTS = 50;

/** A file that is open and, if possible, locked. Disposing it releases the lock. */
export interface HeldFile extends AsyncDisposable {
  readonly file: OpenFile;
  readonly info: FileState;
  readonly writable: boolean;
}

/** Options of {@linkcode holdFile}. */
interface HoldOptions extends LockOptions {
  /** Whether a file that does not exist is created. @default {false} */
  readonly create?: boolean | undefined;
}

/**
 * Opens and locks a file. The path still leads to it when the lock is held.
 *
 * @returns `undefined` if there is no such file.
 */
export async function holdFile(path: string, options: HoldOptions): Promise<HeldFile | undefined> {
  const { create = false, lockTimeout = LOCK_TIMEOUT } = options;
  using deadline = startDeadline({ milliseconds: lockTimeout, reason: () => new Error("no lock") });
  for (let late = 0; late < MAX_ATTEMPTS; late += deadline.signal.aborted ? 1 : 0) {
    const opened = await openFile(path, create);
    if (opened === undefined) return undefined;
    if (opened === "again") {
      await pause(1);
      continue;
    }
    const { file, created } = opened;
    try {
      await lock(file, deadline);
      const info = await file.stat();
      if (isSameFile(await lookAt(path), info)) {
        return { ...opened, info, [Symbol.asyncDispose]: () => close(path, file, created ? info : undefined) };
      }
    } catch (error) {
      file.close();
      throw error;
    }
    file.close(); // It was replaced during the wait.
  }
  throw new Error("other programs replace it again and again");
}

interface OpenedFile {
  readonly file: OpenFile;
  readonly writable: boolean;
  /** Whether it did not exist before. */
  readonly created: boolean;
}

async function openFile(path: string, create: boolean): Promise<OpenedFile | "again" | undefined> {
  const found = await lookAt(path);
  if (found === undefined && !create) return undefined;
  // A pipe may never answer; a link that is found here was put in place after the links were followed.
  if (found !== undefined) requireOrdinary(found);
  try {
    const how = found === undefined ? { createNew: true, mode: 0o600 } : {};
    const file = await fs.open(path, { read: true, write: true, ...how });
    return { file, writable: true, created: found === undefined };
  } catch (error) {
    if (hasCode(error, "ENOENT") && found !== undefined) return "again";
    if (hasCode(error, "EEXIST")) return "again";
    // A file that may not be written can still be replaced if the folder allows it.
    if (!(hasCode(error, "EACCES", "EPERM")) || found === undefined) throw error;
    return { file: await fs.open(path), writable: false, created: false };
  }
}

/** Closes the file; removes an empty one that was created for its lock and that nothing has replaced. */
async function close(path: string, file: OpenFile, created: FileState | undefined): Promise<void> {
  try {
    if (created !== undefined && isSameFile(await lookAt(path), created)) await fs.remove(path);
  } finally {
    file.close();
  }
}

/** Waits for the lock until the time is up. Without locks, or without ever getting one, it goes on. */
async function lock(file: OpenFile, deadline: Deadline): Promise<void> {
  try {
    for (let wait = 1; !await file.tryLock(true) && !deadline.signal.aborted; wait = Math.min(2 * wait, 16)) {
      await pause(wait + randomBytes(1)[0]! / 64, deadline.signal);
    }
  } catch {
    // The file system has no locks: the comparison before the file is replaced must do.
  }
}

/** Looks at a path, and not at what a link there points to; `undefined` if there is nothing. */
export async function lookAt(path: string): Promise<FileState | undefined> {
  try {
    return await fs.lstat(path);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** {@linkcode lookAt}, synchronously. */
export function lookAtSync(path: string): FileState | undefined {
  try {
    return fs.lstatSync(path);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** Whether a path leads, without a link, to the very file that is open. */
export function isSameFile(found: FileState | undefined, open: FileState): boolean {
  return found !== undefined && !found.isSymlink && found.dev === open.dev && found.ino === open.ino;
}
