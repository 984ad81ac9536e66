/**
 * Files with secrets.
 *
 * @module
 */
import type { Files } from "../files.ts";
import { fs, hasCode } from "./default_file_system.ts";
import { changeFile, destroyFile } from "./change_file.ts";
import { markNow, readChanged, readFileSync, readOrdinaryFile } from "./read_file.ts";
import { fileReason } from "./reason.ts";

/** Access to the files of this machine. */
export const systemFiles: Files = {
  readSync: (path) => attempt(path, () => readFileSync(path)),
  read: (path) => readOrdinaryFile(path).catch((error) => noneIfMissing(path, error)),
  markNow,
  readChanged: (path, mark) =>
    readChanged(path, mark).catch((error) => {
      throw withReason(path, error);
    }),
  namesIn(folder) {
    try {
      return [...fs.readDirSync(folder)].map(({ name }) => name);
    } catch (error) {
      throw withReason(folder, error);
    }
  },
  listFolder: (folder) => attempt(folder, () => [...fs.readDirSync(folder)].map(({ name }) => name)),
  makeFolder(folder) {
    try {
      if (attempt(folder, () => fs.statSync(folder)) === undefined) fs.mkdirSync(folder, { mode: 0o700 });
    } catch (error) {
      if (!(hasCode(error, "EEXIST"))) throw withReason(folder, error);
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
  if (hasCode(error, "ENOENT")) return undefined;
  throw withReason(path, error);
}

function withReason(path: string, error: unknown): Error {
  return new Error(fileReason(error, path), { cause: error });
}
