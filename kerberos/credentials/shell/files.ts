/**
 * Files with secrets, through Deno.
 *
 * @module
 */
import type { Files } from "../files.ts";
import { changeFile, destroyFile } from "./change_file.ts";
import { markNow, readChanged, readFileSync, readOrdinaryFile } from "./read_file.ts";
import { fileReason } from "./reason.ts";

/** Access to files through Deno. */
export const denoFiles: Files = {
  readSync: (path) => attempt(path, () => readFileSync(path)),
  read: (path) => readOrdinaryFile(path).catch((error) => noneIfMissing(path, error)),
  markNow,
  readChanged: (path, mark) =>
    readChanged(path, mark).catch((error) => {
      throw withReason(path, error);
    }),
  namesIn(folder) {
    try {
      return [...Deno.readDirSync(folder)].map(({ name }) => name);
    } catch (error) {
      throw withReason(folder, error);
    }
  },
  listFolder: (folder) => attempt(folder, () => [...Deno.readDirSync(folder)].map(({ name }) => name)),
  makeFolder(folder) {
    try {
      if (attempt(folder, () => Deno.statSync(folder)) === undefined) Deno.mkdirSync(folder, { mode: 0o700 });
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw withReason(folder, error);
    }
  },
  change: changeFile,
  destroy: destroyFile,
};

function attempt<T>(path: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    return noneIfMissing(path, error);
  }
}

function noneIfMissing(path: string, error: unknown): undefined {
  if (error instanceof Deno.errors.NotFound) return undefined;
  throw withReason(path, error);
}

function withReason(path: string, error: unknown): Error {
  return new Error(fileReason(error, path), { cause: error });
}
