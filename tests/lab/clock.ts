/**
 * Sets the clocks of running programs by libfaketime; monotonic clocks stay as they are.
 *
 * @module
 */
import type { Lab } from "./setup.ts";

/** Result of a fault that needs libfaketime where it is missing. */
export const NO_FAKE_CLOCK = "not tried: libfaketime is not installed";

/** A program's clock. */
export interface FakeClock {
  /** Variables for the program. */
  readonly env: Record<string, string>;
  /** Sets the clock this many seconds from the right time. */
  set(seconds: number): Promise<void>;
}

/** Creates a right clock; `undefined` where libfaketime is not installed. */
export async function fakeClock(lab: Lab): Promise<FakeClock | undefined> {
  for (const folder of ["x86_64-linux-gnu", "aarch64-linux-gnu"]) {
    const library = `/usr/lib/${folder}/faketime/libfaketime.so.1`;
    if (!await Deno.stat(library).then(() => true, () => false)) continue;
    const file = lab.file(`clock${crypto.randomUUID()}`);
    const set = (seconds: number) => Deno.writeTextFile(file, seconds < 0 ? `${seconds}` : `+${seconds}`);
    await set(0);
    const settings = { FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: "1", DONT_FAKE_MONOTONIC: "1" };
    return { env: { LD_PRELOAD: library, ...settings }, set };
  }
  return undefined;
}
