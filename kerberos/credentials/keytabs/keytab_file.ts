/**
 * The keys of a keytab file that may be replaced while they are used: a key that is not there makes whoever asks look again.
 *
 * @module
 */
import { abortable, startDeadline } from "../../../base/deadline.ts";
import { monotonicNow } from "../../../base/runtime.ts";
import { KerberosError } from "../../errors.ts";
import { decodeKeytab, keytabPath, unreadableKeytab } from "../caches/file.ts";
import { readChanged, readMarkedAtOnce } from "../shell/held_file.ts";
import type { KeySource, Keytab, KeytabEntry, WantedKey } from "../formats/keytab.ts";

/** What has become of a keytab file. */
export interface KeytabNews {
  /** Its path. */
  readonly path: string;
  /** Why it could not be used, where it could not; the keys stay what they were then. */
  readonly error?: KerberosError | undefined;
}

/** A file with what tells it from what it will be, where it is another one than that of a mark. */
export type ReadChanged = (path: string, mark: string | undefined) => Promise<
  { readonly mark: string; readonly bytes: Uint8Array } | undefined
>;

/** What {@linkcode KeytabFile} takes beside its name. Times are in milliseconds. */
export interface KeytabFileOptions {
  /** Told that the file was read again, or, once for each reason, why it was not. What it throws is passed over. */
  readonly onNews?: ((news: KeytabNews) => void) | undefined;
  /** Least time between two looks. @default {1000} */
  readonly every?: number | undefined;
  /** Longest wait for a file system that does not answer. @default {2000} */
  readonly timeout?: number | undefined;
  /** A clock that nobody sets, in milliseconds. @default {the system's} */
  readonly now?: (() => number) | undefined;
  /** Reads the file where it is another one than that of a mark. @default {from the disk} */
  readonly read?: ReadChanged | undefined;
}

/**
 * A keytab file, as it is when a key is missing.
 *
 * @example
 * ```ts
 * import { KerberosAcceptorCredential, KeytabFile } from "@gssocks/gssocks/kerberos";
 *
 * export function service(): KerberosAcceptorCredential {
 *   return new KerberosAcceptorCredential({ keys: new KeytabFile("/etc/krb5.keytab") });
 * }
 * ```
 */
export class KeytabFile implements KeySource {
  /** Path of the file. */
  readonly path: string;
  readonly #onNews: (news: KeytabNews) => void;
  readonly #every: number;
  readonly #timeout: number;
  readonly #now: () => number;
  readonly #read: ReadChanged;
  #keytab: Keytab;
  /** What the keys are of. */
  #mark: string | undefined;
  #lookedAt = -Infinity;
  #looking: Promise<boolean> | undefined;
  /** What was wrong the last time, which is told once. */
  #told: string | undefined;

  /**
   * Reads the file.
   *
   * @param name `FILE:path`, or the path alone.
   * @param options How it is looked at again.
   * @throws {KerberosError} `BAD_FILE` when it cannot be read, or has no key.
   */
  constructor(name: string, options: KeytabFileOptions = {}) {
    const { onNews = () => {}, every = 1_000, timeout = 2_000, now = monotonicNow, read = readChanged } = options;
    [this.#onNews, this.#every, this.#timeout, this.#now, this.#read] = [onNews, every, timeout, now, read];
    this.path = keytabPath(name);
    this.#keytab = keysIn(this.path, (path) => {
      const { mark, bytes } = readMarkedAtOnce(path);
      this.#mark = mark;
      return bytes;
    });
  }

  /** See {@linkcode KeySource.candidates}. */
  candidates(wanted: WantedKey): readonly KeytabEntry[] {
    return this.#keytab.candidates(wanted);
  }

  /** See {@linkcode KeySource.describe}. */
  describe(): readonly string[] {
    return this.#keytab.describe();
  }

  /**
   * Looks at the file again, and takes the keys of one that has changed in place of the old ones; says whether it did. Whoever
   * asks while it is looked at waits for the same look. Never rejects.
   */
  async renewed(): Promise<boolean> {
    const now = this.#now();
    if (this.#looking === undefined) {
      if (now - this.#lookedAt < this.#every) return false;
      this.#lookedAt = now;
      this.#looking = this.#look().finally(() => this.#looking = undefined);
    }
    using deadline = startDeadline({
      milliseconds: this.#timeout,
      reason: () => new Error(`the file system did not answer within ${this.#timeout} ms`),
    });
    try {
      return await abortable(this.#looking, deadline.signal);
    } catch (error) {
      this.#tell(unreadableKeytab(this.path, error));
      return false;
    }
  }

  async #look(): Promise<boolean> {
    try {
      const file = await this.#read(this.path, this.#mark).catch((error) => {
        throw unreadableKeytab(this.path, error);
      });
      if (file === undefined) return false;
      this.#keytab = keysIn(this.path, () => file.bytes);
      this.#mark = file.mark;
      this.#tell(undefined);
      return true;
    } catch (error) {
      this.#tell(error as KerberosError);
      return false;
    }
  }

  #tell(error: KerberosError | undefined): void {
    if (error !== undefined && error.message === this.#told) return;
    this.#told = error?.message;
    try {
      this.#onNews({ path: this.path, error });
    } catch {
      // Who is told has no say.
    }
  }
}

/** A file that is about to be written again may have no key yet, and nobody would get in. */
function keysIn(path: string, read: (path: string) => Uint8Array): Keytab {
  const keytab = decodeKeytab(path, read);
  if (keytab.entries.length === 0) throw new KerberosError("BAD_FILE", `Cannot use keytab ${path}: it has no key`);
  return keytab;
}
