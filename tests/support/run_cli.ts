/**
 * Runs a command of the command line in this process, with input and output in memory.
 *
 * @module
 */
import { main } from "../../cli/main.ts";

/** Result of a command. */
export interface CliResult {
  code: number;
  out: string;
  err: string;
  stdout: string;
}

/** Options of {@linkcode gssocks}. */
export interface CliInput {
  password?: string;
  stdin?: ReadableStream<Uint8Array>;
  signal?: AbortSignal;
  /** Called with the permissions that the command revokes; without it, it revokes none. */
  revoke?: (names: readonly Deno.PermissionName[]) => Promise<void>;
  /** Called with the function that makes the command reload its configuration. */
  onReload?: (reload: () => void) => void;
  /** Called with all output to standard error so far. */
  onErr?: (text: string) => void;
}

/** Runs `gssocks ...args`. */
export async function gssocks(args: readonly string[], input: CliInput = {}): Promise<CliResult> {
  const result = { code: -1, out: "", err: "", stdout: "" };
  const decoder = new TextDecoder();
  result.code = await main(args, {
    out: (text) => void (result.out += text),
    err: (text) => {
      result.err += text;
      input.onErr?.(result.err);
    },
    stdin: input.stdin ?? new Blob([]).stream(),
    stdout: new WritableStream({ write: (chunk) => void (result.stdout += decoder.decode(chunk, { stream: true })) }),
    readPassword: () => Promise.resolve(input.password ?? ""),
    signal: input.signal ?? new AbortController().signal,
    onReload: (callback) => {
      input.onReload?.(callback);
      return () => {};
    },
    ...(input.revoke === undefined ? {} : { revoke: input.revoke }),
  });
  return result;
}
