/**
 * The system's errors about files, in words for users.
 *
 * @module
 */
import { reasonText } from "../../../base/reason.ts";
import { isNotPermitted } from "./default_file_system.ts";

/** Returns why a file could not be used, in the system's words without the runtime's additions; for a missing permission, the flag that gives it. */
export function fileReason(error: unknown, path: string): string {
  const message = reasonText(error);
  if (!isNotPermitted(error)) return systemWords(message);
  const [, access, named = path] = /^Requires (read|write) access to "(.*?)"/s.exec(message) ?? [];
  if (access === undefined) return message;
  // A new file is created beside the old one, and replacing the old one by it requires read access, too.
  const beside = access === "write" || /\.[0-9a-f]{16}$/.test(named);
  return `not permitted; allow it with --allow-${access}=${beside ? folderOf(named) : named}`;
}

/** Deno says "Permission denied (os error 13): open '…'", and Node "EACCES: permission denied, open '…'". */
export function systemWords(message: string): string {
  const node = /^[A-Z]+: (.)([^,]*), [a-z]+(?: '.*)?$/s.exec(message);
  return node === null ? message.replace(/ \(os error \d+\).*$/s, "") : node[1]!.toUpperCase() + node[2]!;
}

/** Folder of a path. */
export function folderOf(path: string): string {
  const folder = /^(.*)[/\\][^/\\]*$/.exec(path)?.[1];
  return folder === undefined ? "." : folder === "" ? "/" : folder;
}
