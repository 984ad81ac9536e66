/**
 * Deno's errors about files, in words for users.
 *
 * @module
 */
import { reasonText } from "../../../base/reason.ts";

/** Returns why a file could not be used, in the system's words without Deno's additions; for a missing permission, the flag that gives it. */
export function fileReason(error: unknown, path: string): string {
  const message = reasonText(error);
  if (!(error instanceof Deno.errors.NotCapable)) return message.replace(/ \(os error \d+\).*$/s, "");
  const [, access, named = path] = /^Requires (read|write) access to "(.*?)"/s.exec(message) ?? [];
  if (access === undefined) return message;
  // A new file is created beside the old one, and replacing the old one by it requires read access, too.
  const beside = access === "write" || /\.[0-9a-f]{16}$/.test(named);
  return `not permitted; allow it with --allow-${access}=${beside ? folderOf(named) : named}`;
}

/** Folder of a path. */
export function folderOf(path: string): string {
  const folder = /^(.*)[/\\][^/\\]*$/.exec(path)?.[1];
  return folder === undefined ? "." : folder === "" ? "/" : folder;
}
