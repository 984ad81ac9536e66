/**
 * The machine's files, settings and functions for names, through Deno. Files are read synchronously, which takes none of the runtime's
 * threads. The program is never prompted for a permission: what it may not read is left out.
 *
 * @module
 */
import { monotonicNow } from "../../base/runtime.ts";
import { RecheckedValue } from "../names/rechecked_value.ts";
import type { ResolverEnvironment } from "../names/resolv_conf.ts";
import type { SystemNames } from "../names/system_names.ts";
import { getAddresses, getNames } from "./getaddrinfo.ts";
import { dialTcp } from "./tcp.ts";
import { bindUdp } from "./udp.ts";

/** Longest part of a file that is read, in bytes. A hosts file with a hundred thousand blocked names fits. */
const MAX_LENGTH = 8 * 1_048_576;

/** A parsed file and its version. */
interface ParsedFile<T> {
  readonly version: string;
  readonly parsed: T;
}

/** Reads and parses a file of the system; see {@linkcode SystemNames.file}. */
export function systemFile<T>(
  path: string,
  parse: (text: string) => T,
  now: () => number = monotonicNow,
): () => T | undefined {
  const file = new RecheckedValue<ParsedFile<T>>((before) => {
    if (!isGranted({ name: "read", path })) return before;
    const version = versionOf(path);
    if (version === before?.version) return before;
    return { version, parsed: parse(version === "" ? "" : readStart(path)) };
  }, now);
  return () => file.value?.parsed;
}

/** The version of a file; empty if there is none. */
function versionOf(path: string): string {
  try {
    const { mtime, size, ino, dev } = Deno.statSync(path);
    return [mtime?.getTime(), size, ino, dev].join(" ");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/** The text of a file, up to the longest part. */
function readStart(path: string): string {
  using file = Deno.openSync(path);
  const buffer = new Uint8Array(Math.min(MAX_LENGTH, file.statSync().size + 1));
  let length = 0;
  for (let count: number | null = 0; count !== null && length < buffer.length; length += count ?? 0) {
    count = file.readSync(buffer.subarray(length));
  }
  return new TextDecoder().decode(buffer.subarray(0, length));
}

const interfaces = new RecheckedValue<readonly string[]>((before) => {
  if (!isGranted({ name: "sys", kind: "networkInterfaces" })) return before;
  return Deno.networkInterfaces().map(({ address }) => address);
});

function environment(): ResolverEnvironment {
  const env = (variable: string) => isGranted({ name: "env", variable }) ? Deno.env.get(variable) : undefined;
  return {
    host: isGranted({ name: "sys", kind: "hostname" }) ? Deno.hostname() : undefined,
    localDomain: env("LOCALDOMAIN"),
    options: env("RES_OPTIONS"),
  };
}

function isGranted(permission: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(permission).state === "granted";
}

/** Only Linux uses these files, and name servers need the permission for the whole network. */
function canQueryNameServers(): boolean {
  if (Deno.build.os !== "linux") return false;
  const { state, partial } = Deno.permissions.querySync({ name: "net" });
  return state === "granted" && !partial;
}

/** The machine's files, settings and functions for names, through Deno. */
export const denoNames: SystemNames = {
  sockets: { bind: bindUdp, dial: dialTcp },
  file: (path, parse) => systemFile(path, parse),
  ownAddresses: () => interfaces.value,
  environment,
  canQueryNameServers,
  getAddresses,
  getNames,
};
