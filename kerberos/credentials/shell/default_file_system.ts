/**
 * The file system of this runtime.
 *
 * @module
 */
import { builtin, hasDeno, unsupported } from "../../../base/builtin.ts";
import type { FileSystem } from "./file_system.ts";
import { nodeFileSystem } from "./node_file_system.ts";

/** A file system in which every call says that there is none. */
const noFileSystem: FileSystem = new Proxy({} as FileSystem, {
  get: () => () => {
    const instead = "pass `config` (parseKrb5Conf()), and keys and tickets as bytes (Keytab.decode(), decodeCcache())";
    throw unsupported("use files", instead);
  },
});

/** The file system of this runtime. */
export const fs: FileSystem = hasDeno ? Deno : builtin("node:fs") === undefined ? noFileSystem : nodeFileSystem;

/** Whether an error of the file system has one of some codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes(String((error as { readonly code?: unknown } | null)?.code));
}

/** Whether Deno's permissions do not suffice for what was tried. */
export function isNotPermitted(error: unknown): boolean {
  return error instanceof Error && error.name === "NotCapable";
}
