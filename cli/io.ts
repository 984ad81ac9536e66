/**
 * What a command sees of the world, so that tests can be the world.
 *
 * @module
 */

/** Input and output of a command. */
export interface CliIo {
  /** Writes to standard output. */
  out(text: string): void;
  /** Writes to standard error. */
  err(text: string): void;
  /** Octets of standard input. */
  readonly stdin: ReadableStream<Uint8Array>;
  /** Octets for standard output. */
  readonly stdout: WritableStream<Uint8Array>;
  /** One line from standard input without echo; prompts only where a person is there to see it. */
  readPassword(prompt: string): Promise<string>;
  /** Aborted when the program is told to end. */
  readonly signal: AbortSignal;
  /** Calls back whenever the program is told to read its configuration again; the function given back ends that. @default {never} */
  onReload?(callback: () => void): () => void;
  /** Gives permissions up, for good. @default {keeps them} */
  revoke?(names: readonly Deno.PermissionName[]): Promise<void>;
}

/** The process's own. */
export function processIo(): CliIo {
  const stop = new AbortController();
  // A second signal is not waited for: it ends the process as if nobody listened.
  const onSignal = () => {
    for (const name of SIGNALS) Deno.removeSignalListener(name, onSignal);
    stop.abort(new Error("Stopped by a signal"));
  };
  for (const name of SIGNALS) Deno.addSignalListener(name, onSignal);
  const encoder = new TextEncoder();
  return {
    out: (text) => writeAll(Deno.stdout, encoder.encode(text)),
    err: (text) => writeAll(Deno.stderr, encoder.encode(text)),
    stdin: Deno.stdin.readable,
    stdout: Deno.stdout.writable,
    readPassword,
    signal: stop.signal,
    onReload(callback): () => void {
      if (Deno.build.os === "windows") return () => {};
      Deno.addSignalListener("SIGHUP", callback);
      return () => Deno.removeSignalListener("SIGHUP", callback);
    },
    async revoke(names): Promise<void> {
      for (const name of names) await Deno.permissions.revoke({ name });
    },
  };
}

const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];

function writeAll(to: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += to.writeSync(bytes.subarray(at));
}

/** Longest password line. */
const MAX_LINE = 1024;

async function readPassword(prompt: string): Promise<string> {
  const person = Deno.stdin.isTerminal();
  if (person) {
    writeAll(Deno.stderr, new TextEncoder().encode(prompt));
    Deno.stdin.setRaw(true, { cbreak: true });
  }
  try {
    return await readLine();
  } finally {
    if (person) {
      Deno.stdin.setRaw(false);
      writeAll(Deno.stderr, new TextEncoder().encode("\n"));
    }
  }
}

/** One octet at a time: what comes behind the line is not ours. */
async function readLine(): Promise<string> {
  const line: number[] = [];
  const octet = new Uint8Array(1);
  while (await Deno.stdin.read(octet) !== null && octet[0] !== 0x0a && octet[0] !== 0x0d) {
    if (octet[0] === 0x7f || octet[0] === 0x08) line.pop();
    else if (line.length < MAX_LINE) line.push(octet[0]!);
  }
  const text = new TextDecoder().decode(Uint8Array.from(line));
  line.fill(0);
  return text;
}
