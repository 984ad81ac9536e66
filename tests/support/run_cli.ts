/**
 * Runs a command of the command line in this process, with input and output in memory.
 *
 * @module
 */
import { main } from "../../cli/main.ts";

/** What a command did. */
export interface CliResult {
  code: number;
  out: string;
  err: string;
  stdout: string;
}

/** What a command is given. */
export interface CliInput {
  password?: string;
  stdin?: ReadableStream<Uint8Array>;
  signal?: AbortSignal;
  /** Told which permissions the command gives up; without it, it has none to give up. */
  revoke?: (names: readonly Deno.PermissionName[]) => Promise<void>;
  /** Given what tells the command to read its configuration again. */
  onReload?: (reload: () => void) => void;
  /** Called with everything that it has written to standard error. */
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
