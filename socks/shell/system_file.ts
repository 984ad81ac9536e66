/**
 * Files of the system that are parsed, and parsed again after they have changed. They are read synchronously, which takes none of the
 * runtime's threads.
 *
 * @module
 */
import { monotonicNow } from "../../base/runtime.ts";
import { RecheckedValue } from "../names/rechecked_value.ts";

/** Longest part of a file that is read, in bytes. A hosts file with a hundred thousand blocked names fits. */
const MAX_LENGTH = 8 * 1_048_576;

/** How a platform reads files. */
export interface FileReader {
  /** Whether the program may read the file; it is not prompted. */
  mayRead(path: string): boolean;
  /** The version of a file; empty if there is none. */
  versionOf(path: string): string;
  /** Opens a file. */
  open(path: string): { readonly size: number; read(into: Uint8Array): number; close(): void };
}

/** A parsed file and its version. */
interface ParsedFile<T> {
  readonly version: string;
  readonly parsed: T;
}

/** Reads and parses a file of the system; see {@linkcode SystemNames.file}. */
export function parsedFile<T>(
  path: string,
  parse: (text: string) => T,
  reader: FileReader,
  now: () => number = monotonicNow,
): () => T | undefined {
  const file = new RecheckedValue<ParsedFile<T>>((before) => {
    if (!reader.mayRead(path)) return before;
    const version = reader.versionOf(path);
    if (version === before?.version) return before;
    return { version, parsed: parse(version === "" ? "" : readStart(path, reader)) };
  }, now);
  return () => file.value?.parsed;
}

/** The text of a file, up to the longest part. */
function readStart(path: string, reader: FileReader): string {
  const file = reader.open(path);
  try {
    const buffer = new Uint8Array(Math.min(MAX_LENGTH, file.size + 1));
    let length = 0;
    for (let count = -1; count !== 0 && length < buffer.length; length += count) {
      count = file.read(buffer.subarray(length));
    }
    return new TextDecoder().decode(buffer.subarray(0, length));
  } finally {
    file.close();
  }
}

/** The version that the state of a file shows. */
export function versionText(mtime: number | undefined, size: number, ino: number | null, dev: number): string {
  return [mtime, size, ino, dev].join(" ");
}
