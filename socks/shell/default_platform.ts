/**
 * The implementation that is used where the caller gives none.
 *
 * @module
 */
import { denoPlatform } from "./deno_platform.ts";
import type { SocksPlatform } from "./platform.ts";

/**
 * The implementation for this runtime. Deno's is the only one so far. A second one is chosen here, by what the runtime has (`globalThis.Deno`,
 * `process.versions`).
 */
export const platform: SocksPlatform = denoPlatform;
