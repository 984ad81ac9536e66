/**
 * The calls of a file system that this folder is built on: those of Deno, and the same ones on `node:fs`. Errors have the system's `code`, such
 * as `ENOENT`.
 *
 * @module
 */
/** What is known of a file. */
export interface FileState {
  readonly isFile: boolean;
  readonly isSymlink: boolean;
  readonly dev: number;
  readonly ino: number | null;
  readonly size: number;
  readonly mode: number | null;
  readonly uid: number | null;
  readonly gid: number | null;
  readonly nlink: number | null;
  readonly mtime: Date | null;
  readonly ctime: Date | null;
}

/** A file that is open for a short time. */
export interface SyncFile extends Disposable {
  statSync(): FileState;
  /** Reads from the position on; `null` at the end. */
  readSync(into: Uint8Array): number | null;
}

/** An open file. */
export interface OpenFile extends Disposable {
  stat(): Promise<FileState>;
  /** Reads from the position on; `null` at the end. */
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  /** Moves the position; 0 for "from the start". */
  seek(offset: number, whence: 0): Promise<number>;
  sync(): Promise<void>;
  /** Locks the file for this program alone; `false` if another one has the lock. */
  tryLock(exclusive: true): Promise<boolean>;
  close(): void;
}

/** How a file is opened. */
export interface OpenOptions {
  readonly read?: boolean;
  readonly write?: boolean;
  readonly createNew?: boolean;
  readonly mode?: number;
}

/** A file system. */
export interface FileSystem {
  stat(path: string): Promise<FileState>;
  statSync(path: string): FileState;
  lstat(path: string): Promise<FileState>;
  lstatSync(path: string): FileState;
  open(path: string, options?: OpenOptions): Promise<OpenFile>;
  openSync(path: string): SyncFile;
  remove(path: string, options?: { readonly recursive: boolean }): Promise<void>;
  renameSync(from: string, to: string): void;
  readLink(path: string): Promise<string>;
  readDirSync(path: string): Iterable<{ readonly name: string }>;
  mkdirSync(path: string, options: { readonly mode: number }): void;
  makeTempDir(options: { readonly prefix: string }): Promise<string>;
  writeTextFile(path: string, text: string): Promise<void>;
  /** Number of this program's user; `null` where there are none. */
  uid(): number | null;
}
