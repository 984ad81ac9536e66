/**
 * The keys of a keytab file that may be replaced while it is in use: if a key is missing, the file is read again.
 *
 * @module
 */
import { abortable, startDeadline } from "../../../base/deadline.ts";
import { monotonicNow } from "../../../base/runtime.ts";
import { KerberosError } from "../../errors.ts";
import type { Files } from "../files.ts";
import type { WantedKey } from "../../ap/keys.ts";
import type { KeySource, Keytab, KeytabEntry } from "../formats/keytab.ts";
import { decodeKeytabFile, keytabPath, type MarkedKeytab, readKeytabFile, unreadableKeytab } from "./keytab_file.ts";

/** What was found when a keytab file was read again. */
export interface KeytabNews {
  /** Path of the file. */
  readonly path: string;
  /** Why the file could not be used; `undefined` if it was read. The keys stay as they were if it could not. */
  readonly error?: KerberosError | undefined;
}

/** Reads a file unless it still has the mark of what was read before; `undefined` if it has. */
export type ReadChanged = (path: string, mark: string | undefined) => Promise<
  { readonly mark: string; readonly bytes: Uint8Array } | undefined
>;

/** Options of `KeytabFile`. Times are in milliseconds. */
export interface KeytabFileOptions {
  /**
   * Called when the file was read again and, once for each reason, when it could not be. What it throws is ignored.
   */
  readonly onNews?: ((news: KeytabNews) => void) | undefined;
  /** Least time between two reads. @default {1000} */
  readonly every?: number | undefined;
  /** Longest wait for a file system that does not answer. @default {2000} */
  readonly timeout?: number | undefined;
  /** A monotonic clock, in milliseconds. @default {the system's} */
  readonly now?: (() => number) | undefined;
  /** Reads the file if it has changed. @default {from the disk} */
  readonly read?: ReadChanged | undefined;
}

/** A keytab file that is read again if a key is missing. */
export class ReloadingKeytab implements KeySource {
  /** Path of the file. */
  readonly path: string;
  readonly #onNews: (news: KeytabNews) => void;
  readonly #every: number;
  readonly #timeout: number;
  readonly #now: () => number;
  readonly #read: ReadChanged;
  /** The keys, with the mark of the file that they were read from. */
  #held: MarkedKeytab;
  #lastRead = -Infinity;
  #reading: Promise<boolean> | undefined;
  /** Message of the last error reported, which is reported once. */
  #reported: string | undefined;

  /**
   * Reads the file.
   *
   * @param name `FILE:path`, or the path alone.
   * @param files Access to the file.
   * @param options How it is read again.
   * @throws {KerberosError} `BAD_FILE` if it cannot be read, or has no key.
   */
  constructor(name: string, files: Files, options: KeytabFileOptions = {}) {
    this.path = keytabPath(name);
    this.#onNews = options.onNews ?? (() => {});
    this.#every = options.every ?? 1_000;
    this.#timeout = options.timeout ?? 2_000;
    this.#now = options.now ?? monotonicNow;
    this.#read = options.read ?? ((path, mark) => files.readChanged(path, mark));
    this.#held = withKeys(this.path, readKeytabFile(files, this.path));
  }

  /** See {@linkcode KeySource.candidates}. */
  candidates(wanted: WantedKey): readonly KeytabEntry[] {
    return this.#keytab.candidates(wanted);
  }

  /** See {@linkcode KeySource.describe}. */
  describe(): readonly string[] {
    return this.#keytab.describe();
  }

  get #keytab(): Keytab {
    return this.#held.keytab;
  }

  /**
   * Reads the file again if it has changed; its keys replace the old ones. Callers that ask while it is being read wait for the same
   * read. Never rejects.
   *
   * @returns Whether there are new keys.
   */
  async renewed(): Promise<boolean> {
    const now = this.#now();
    if (this.#reading === undefined) {
      if (now - this.#lastRead < this.#every) return false;
      this.#lastRead = now;
      this.#reading = this.#reload().finally(() => this.#reading = undefined);
    }
    using deadline = startDeadline({
      milliseconds: this.#timeout,
      reason: () => new Error(`the file system did not answer within ${this.#timeout} ms`),
    });
    try {
      return await abortable(this.#reading, deadline.signal);
    } catch (error) {
      this.#report(unreadableKeytab(this.path, error));
      return false;
    }
  }

  async #reload(): Promise<boolean> {
    try {
      const file = await this.#read(this.path, this.#held.mark).catch((error) => {
        throw unreadableKeytab(this.path, error);
      });
      if (file === undefined) return false;
      this.#held = withKeys(this.path, decodeKeytabFile(this.path, file));
      this.#report(undefined);
      return true;
    } catch (error) {
      this.#report(error as KerberosError);
      return false;
    }
  }

  #report(error: KerberosError | undefined): void {
    if (error !== undefined && error.message === this.#reported) return;
    this.#reported = error?.message;
    try {
      this.#onNews({ path: this.path, error });
    } catch {
      // A listener has no influence on the keys.
    }
  }
}

/** Refuses a keytab without keys: the file may be in the middle of being written, and no client could authenticate. */
function withKeys(path: string, held: MarkedKeytab): MarkedKeytab {
  if (held.keytab.entries.length > 0) return held;
  throw new KerberosError("BAD_FILE", `Cannot use keytab ${path}: it has no key`);
}
