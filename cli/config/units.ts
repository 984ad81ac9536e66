/**
 * Times and sizes as people write them.
 *
 * @module
 */
import type { Duration, Size } from "./server_config.ts";

/** Milliseconds of a time; `Infinity` for `never`. */
export function milliseconds(duration: Duration): number {
  if (duration === "never") return Infinity;
  if (typeof duration === "number") return duration;
  const parts = /^(\d+)(ms|s|m|h|d)?$/.exec(duration)!;
  return Number(parts[1]) * { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[(parts[2] ?? "ms") as "ms"];
}

/** Bytes of a size. */
export function bytes(size: Size): number {
  if (typeof size === "number") return size;
  const parts = /^(\d+)(KiB|MiB|GiB)?$/.exec(size)!;
  return Number(parts[1]) * ({ KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }[parts[2] as "KiB"] ?? 1);
}
