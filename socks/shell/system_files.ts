/**
 * What the system says of names: its hosts file, resolv.conf and nsswitch.conf, and the addresses that it has. Read at once, which
 * takes none of the runtime's threads, and again when it has changed. What may not be read is not asked for.
 *
 * @module
 */
import { monotonicNow } from "../../base/runtime.ts";
import type { Surroundings } from "../names/resolv_conf.ts";

/** How often it is looked whether a file has changed, in milliseconds. */
const LOOK_AGAIN = 1_000;
/** Bytes of a file that are read; lists of a hundred thousand names to block fit. */
const LONGEST = 8 * 1_048_576;

/** A value that is looked after at most once a second. */
export class Fresh<T> {
  readonly #look: (before: T | undefined) => T | undefined;
  readonly #clock: () => number;
  #value: T | undefined;
  #looked = -Infinity;

  /**
   * Makes one.
   *
   * @param look Looks again; what it throws leaves the value as it was.
   * @param clock Gives the time.
   */
  constructor(look: (before: T | undefined) => T | undefined, clock: () => number = monotonicNow) {
    this.#look = look;
    this.#clock = clock;
  }

  /** The value; `undefined` where there is none. */
  get value(): T | undefined {
    const now = this.#clock();
    if (now - this.#looked < LOOK_AGAIN) return this.#value;
    this.#looked = now;
    try {
      this.#value = this.#look(this.#value);
    } catch {
      // A file that is being replaced, or may not be read any more, is as it was.
    }
    return this.#value;
  }
}

/** A file's text, read by somebody. */
interface Read<T> {
  readonly stamp: string;
  readonly parsed: T;
}

/**
 * A file of the system's. It counts as empty where there is none.
 *
 * @returns What was read of it; `undefined` where it may not be read and never was.
 */
export function systemFile<T>(
  path: string,
  parse: (text: string) => T,
  clock: () => number = monotonicNow,
): () => T | undefined {
  const fresh = new Fresh<Read<T>>((before) => {
    if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") return before;
    const stamp = stampOf(path);
    if (stamp === before?.stamp) return before;
    return { stamp, parsed: parse(stamp === "" ? "" : readSome(path)) };
  }, clock);
  return () => fresh.value?.parsed;
}

/** Which version of a file it is; empty where there is none. */
function stampOf(path: string): string {
  try {
    const { mtime, size, ino, dev } = Deno.statSync(path);
    return [mtime?.getTime(), size, ino, dev].join(" ");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

function readSome(path: string): string {
  using file = Deno.openSync(path);
  const buffer = new Uint8Array(Math.min(LONGEST, file.statSync().size + 1));
  let length = 0;
  for (let count: number | null = 0; count !== null && length < buffer.length; length += count ?? 0) {
    count = file.readSync(buffer.subarray(length));
  }
  return new TextDecoder().decode(buffer.subarray(0, length));
}

const interfaces = new Fresh<readonly string[]>((before) => {
  if (Deno.permissions.querySync({ name: "sys", kind: "networkInterfaces" }).state !== "granted") return before;
  return Deno.networkInterfaces().map(({ address }) => address);
});

/** Addresses of this machine's; `undefined` where they may not be known. */
export function ownAddresses(): readonly string[] | undefined {
  return interfaces.value;
}

/** What resolv.conf(5) has count beside the file, as far as it may be known. */
export function surroundings(): Surroundings {
  const may = (what: Deno.PermissionDescriptor) => Deno.permissions.querySync(what).state === "granted";
  const env = (variable: string) => may({ name: "env", variable }) ? Deno.env.get(variable) : undefined;
  return {
    host: may({ name: "sys", kind: "hostname" }) ? Deno.hostname() : undefined,
    localDomain: env("LOCALDOMAIN"),
    options: env("RES_OPTIONS"),
  };
}

/** Whether name servers may be asked without anybody being asked for leave: anything, anywhere, over UDP and TCP. */
export function mayAskAnybody(): boolean {
  const { state, partial } = Deno.permissions.querySync({ name: "net" });
  return state === "granted" && !partial;
}

/** Whether this is a system whose resolver goes by these files. */
export function isLinux(): boolean {
  return Deno.build.os === "linux";
}
