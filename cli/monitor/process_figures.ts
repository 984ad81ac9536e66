/**
 * What the system says of this process: for metrics.
 *
 * @module
 */
import { cpuUsage } from "node:process";

/** Figures of a process. */
export interface ProcessFigures {
  /** CPU time of all threads, in seconds. */
  readonly cpuSeconds: number;
  /** Resident memory, in bytes. */
  readonly residentBytes: number;
  /** Open descriptors. Linux tells them to a program that may do everything only: Deno guards `/proc` so. */
  readonly openDescriptors: number | undefined;
}

/** Returns the figures of this process. */
export function processFigures(): ProcessFigures {
  const { user, system } = cpuUsage();
  return {
    cpuSeconds: (user + system) / 1_000_000,
    residentBytes: Deno.memoryUsage().rss,
    openDescriptors: openDescriptors(),
  };
}

function openDescriptors(): number | undefined {
  // A terminal must not be asked for it.
  if (Deno.build.os !== "linux" || DESCRIPTORS.some((one) => Deno.permissions.querySync(one).state !== "granted")) {
    return undefined;
  }
  try {
    // The listing itself has one open.
    return [...Deno.readDirSync("/proc/self/fd")].length - 1;
  } catch {
    return undefined;
  }
}

/** Permissions that `--allow-all` has. */
const DESCRIPTORS: readonly Deno.PermissionDescriptor[] = [
  { name: "read" },
  { name: "write" },
  { name: "net" },
  { name: "env" },
  { name: "sys" },
  { name: "run" },
  { name: "ffi" },
];
