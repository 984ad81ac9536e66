/**
 * Keytabs in files.
 *
 * @module
 */
import { requireFilePath } from "../../config/store_name.ts";
import { systemFailure } from "../../config/system_error.ts";
import { KerberosError } from "../../errors.ts";
import { decodeFile, type Files, type MarkedFile } from "../files.ts";
import { Keytab, mayBeKeytab } from "../formats/keytab.ts";

/** A keytab with the mark of the file that it was read from. */
export interface MarkedKeytab {
  /** Mark of the file; see {@linkcode MarkedFile}. */
  readonly mark: string;
  /** The keytab. */
  readonly keytab: Keytab;
}

/**
 * Path of a keytab.
 *
 * @throws {KerberosError} `BAD_FILE`
 */
export function keytabPath(name: string): string {
  return requireFilePath("read keytab", name);
}

/**
 * Reads a keytab file at once: this happens once, before anything else can.
 *
 * @throws {KerberosError} `BAD_FILE`
 */
export function readKeytabFile(files: Files, path: string): MarkedKeytab {
  let file: MarkedFile | undefined;
  try {
    file = files.readSync(path);
  } catch (error) {
    throw unreadableKeytab(path, error);
  }
  if (file === undefined) throw unreadableKeytab(path, new Error("No such file or directory"));
  return decodeKeytabFile(path, file);
}

/**
 * Decodes a keytab file.
 *
 * @throws {KerberosError} `BAD_FILE`
 */
export function decodeKeytabFile(
  path: string,
  { mark, bytes }: { readonly mark: string; readonly bytes: Uint8Array },
): MarkedKeytab {
  return { mark, keytab: decodeFile(path, () => Keytab.decode(bytes)) };
}

/** Returns the error for a keytab that cannot be read. */
export function unreadableKeytab(path: string, error: unknown): KerberosError {
  return systemFailure("BAD_FILE", `Cannot read keytab ${path}`, error);
}

/**
 * Writes a keytab file that only its owner can read. An existing one is replaced in one step, and keeps its owner.
 *
 * @throws {KerberosError} `BAD_FILE`, also if the file is no keytab.
 */
export async function writeKeytabFile(files: Files, name: string, keytab: Keytab): Promise<void> {
  const path = requireFilePath("write keytab", name);
  await files.change(path, ({ bytes }) => {
    if (bytes !== undefined && !mayBeKeytab(bytes)) {
      throw new KerberosError(
        "BAD_FILE",
        `Cannot write ${path}: it exists and is no keytab; remove it, or name another file`,
      );
    }
    return keytab.encode();
  }, { create: true });
}
