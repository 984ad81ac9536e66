/**
 * What credential caches and keytabs need of a file system. The files hold secrets: reads are bounded, and a change replaces the
 * whole file in one step. Each platform implements this in a `shell/` folder.
 *
 * A read fails with an error whose message is the reason alone, such as `Permission denied`, and whose cause is the system's error;
 * callers put the name of the file in front of it.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { KerberosError } from "../errors.ts";

/** Contents of a file. */
export interface FoundFile {
  /** The bytes; `undefined` if there is no file, or it is empty. */
  readonly bytes: Bytes | undefined;
  /** Number of the user that owns it; `null` if that is not known. */
  readonly owner: number | null;
  /** See {@linkcode Files.markNow}; `undefined` if it changed so short ago that another change may leave the mark as it is. */
  readonly mark?: string | undefined;
}

/** Contents of a file with a mark of its state. */
export interface MarkedFile {
  /** Text that changes when the file is changed or replaced. */
  readonly mark: string;
  /** The bytes. */
  readonly bytes: Bytes;
}

/** Options of {@linkcode Files.destroy}. */
export interface LockOptions {
  /** Longest wait for the lock, in milliseconds; after that the change is made without it. @default {10000} */
  readonly lockTimeout?: number | undefined;
}

/** Options of {@linkcode Files.change}. */
export interface ChangeOptions extends LockOptions {
  /** Whether a file that does not exist is created. @default {false} */
  readonly create?: boolean | undefined;
  /**
   * Whether the file keeps its owner even in a folder that other users can write to (`/tmp`), where another user may have put the
   * file for us to write secrets into.
   *
   * @default {false}
   */
  readonly keepOwner?: boolean | undefined;
  /** Suffix of the new file's name before it replaces the old one. @default {a random one} */
  readonly suffix?: string | undefined;
}

/** Access to files with secrets. */
export interface Files {
  /** Reads a file; `undefined` if it does not exist. */
  readSync(path: string): MarkedFile | undefined;
  /** Reads an ordinary file; `undefined` if it does not exist. */
  read(path: string): Promise<FoundFile | undefined>;
  /**
   * Returns the text that changes when the file is changed or replaced; `undefined` if the file cannot be seen. It is there at once:
   * looking takes 3 us, and waiting for it 90.
   */
  markNow(path: string): string | undefined;
  /** Reads an ordinary file unless it still has the mark; `undefined` if it has. */
  readChanged(path: string, mark: string | undefined): Promise<MarkedFile | undefined>;
  /** Returns the names in a folder. */
  namesIn(folder: string): readonly string[];
  /** Returns the names in a folder; `undefined` if it does not exist. */
  listFolder(folder: string): readonly string[] | undefined;
  /** Creates a folder that only its owner can use, unless it exists. Its parent must exist. */
  makeFolder(folder: string): void;
  /**
   * Replaces the contents of a file by what `change` returns, in one step: a reader sees the old file or the new one. Changes by
   * several programs follow one another.
   *
   * @returns The owner of the file now.
   * @throws {KerberosError} `BAD_FILE`, and what `change` throws; the file is as it was then.
   */
  change(path: string, change: (file: FoundFile) => Bytes, options?: ChangeOptions): Promise<number | null>;
  /**
   * Overwrites a file with zeros and removes it. Of a symbolic link the link alone is removed.
   *
   * @param check Called with the first bytes of a file that is not empty; throws if the file must not be destroyed.
   * @throws {KerberosError} `BAD_FILE`
   */
  destroy(path: string, check: (start: Bytes) => void, options?: LockOptions): Promise<void>;
}

/** Decodes the contents of a file, and puts its path into the message of an error. */
export function decodeFile<T>(path: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof KerberosError)) throw error;
    const message = error.message.replace(/^(Cannot read [a-z ]+):/, `$1 ${path}:`);
    throw new KerberosError(error.code, message, { cause: error });
  }
}
