/**
 * The `gssocks` program.
 *
 * ```sh
 * deno run --allow-net --allow-read --allow-env=KRB5_CONFIG,KRB5CCNAME,KRB5_KTNAME jsr:@gssocks/gssocks/cli --help
 * ```
 *
 * @example
 * ```ts
 * import { main } from "@gssocks/gssocks/cli";
 *
 * const shown: string[] = [];
 * const code = await main(["--version"], {
 *   out: (text) => void shown.push(text),
 *   err: () => {},
 *   stdin: new ReadableStream(),
 *   stdout: new WritableStream(),
 *   readPassword: () => Promise.resolve(""),
 *   signal: new AbortController().signal,
 * });
 * if (code !== 0 || !shown[0]?.startsWith("gssocks ")) throw new Error("no version");
 * ```
 *
 * @module
 */
import { main } from "./main.ts";
import { processIo } from "./process_io.ts";

export type { CliIo, CliLog, ServiceManager, ServiceState } from "./terminal/io.ts";
export { main };

if (import.meta.main) Deno.exit(await main(Deno.args, processIo()));
