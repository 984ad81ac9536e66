/**
 * Reads files of bounded size.
 *
 * @module
 */
import { type Bytes, concat, EMPTY } from "../../../base/bytes.ts";
import { systemRuntime } from "../../../base/runtime.ts";
import type { FoundFile, MarkedFile } from "../files.ts";
import { fs } from "./default_file_system.ts";
import type { FileState, OpenFile } from "./file_system.ts";

/** Most bytes that a keytab, cache or configuration may have: far more than any has, far less than would hurt. */
const MAX_FILE = 16 * 1024 * 1024;

/** After so many milliseconds a change gives a file another time. */
const SETTLED = 2_000;

/** Reads a file synchronously. */
export function readFileSync(path: string): MarkedFile {
  // A change between these two lines is found at the next read.
  const mark = markOf(fs.statSync(path));
  return { mark, bytes: readBytesSync(path) };
}

function readBytesSync(path: string): Bytes {
  using file = fs.openSync(path);
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

/** Reads an ordinary file: one that is a pipe or a device may never end. */
export async function readOrdinaryFile(path: string): Promise<FoundFile> {
  requireOrdinary(await fs.stat(path));
  using file = await fs.open(path);
  // Of the file that is read: the path may lead to another one by now. A change after this line is found at the next read.
  const info = await file.stat();
  return { ...await readOpenFile(file), mark: isSettled(info) ? markOf(info) : undefined };
}

/** Returns the mark of a file. */
export function markNow(path: string): string | undefined {
  try {
    return markOf(fs.statSync(path));
  } catch {
    return undefined;
  }
}

/** Reads an ordinary file unless it still has the mark. */
export async function readChanged(path: string, mark: string | undefined): Promise<MarkedFile | undefined> {
  const info = await fs.stat(path);
  const now = markOf(info);
  if (now === mark) return undefined;
  requireOrdinary(info);
  using file = await fs.open(path);
  return { mark: now, bytes: (await readOpenFile(file)).bytes ?? EMPTY };
}

/** Refuses what is no ordinary file. */
export function requireOrdinary({ isFile }: FileState): void {
  if (!isFile) throw new Error("it is no ordinary file");
}

function markOf({ dev, ino, size, mtime, ctime }: FileState): string {
  return [dev, ino, size, mtime?.getTime(), ctime?.getTime()].join(" ");
}

/** Whether the next change will show in the times of a file, which file systems keep by steps of milliseconds to a second. */
function isSettled({ mtime, ctime }: FileState): boolean {
  return Math.max(mtime?.getTime() ?? Infinity, ctime?.getTime() ?? 0) + SETTLED <= systemRuntime.now();
}

/** Reads an open file from its position on. */
export async function readOpenFile(file: OpenFile): Promise<FoundFile> {
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
