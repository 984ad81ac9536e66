/**
 * Input and output of a command, as an interface that tests can implement.
 *
 * @module
 */

/** Thrown when a command writes to a standard output that its reader has closed. The command ends without a word about it. */
export class OutputClosed extends Error {
  /** Name of the class. */
  override readonly name = "OutputClosed";
}

/** An error of standard output, as a command throws it. */
export function outputError(error: unknown): unknown {
  return error instanceof Deno.errors.BrokenPipe
    ? new OutputClosed("Nobody reads the output", { cause: error })
    : error;
}

/** Exit code of a command whose output was closed: what a shell reports for a program that SIGPIPE has ended. */
export const OUTPUT_CLOSED_CODE = 141;

/** Input and output of a command. */
export interface CliIo {
  /**
   * Writes to standard output.
   *
   * @throws {OutputClosed} When its reader has closed it.
   */
  out(text: string): void;
  /** Writes to standard error. */
  err(text: string): void;
  /** Bytes of standard input. */
  readonly stdin: ReadableStream<Uint8Array>;
  /** Bytes for standard output. */
  readonly stdout: WritableStream<Uint8Array>;
  /**
   * One line from standard input without echo; prompts only where a person is there to see it.
   *
   * @throws {Error} When there is no line, or the user has interrupted the program.
   */
  readPassword(prompt: string): Promise<string>;
  /** Whether passwords are typed by a person, who is asked for a new one twice. @default {false} */
  readonly interactive?: boolean;
  /** Aborted when the program must end. */
  readonly signal: AbortSignal;
  /** Calls back on each request to read the configuration again. The returned function stops this. @default {never} */
  onReload?(callback: () => void): () => void;
  /** Opens what tells the program that has started this one how it stands, if that one asks. @default {nobody asks} */
  service?(onTrouble: (line: string) => void): ServiceManager | undefined;
  /** Gives permissions up, for good. @default {keeps them} */
  revoke?(names: readonly Deno.PermissionName[]): Promise<void>;
  /** Where commands that go on write instead of {@linkcode err}, which may hold them up. @default {err} */
  readonly log?: CliLog;
  /**
   * Calls back with each unhandled error, which then does not end the program. The returned function stops this.
   *
   * @default {never}
   */
  onFault?(callback: (error: unknown) => void): () => void;
}

/** How a service stands. */
export type ServiceState = "ready" | "reloading" | "stopping";

/** Who has started this program and waits for its words. */
export interface ServiceManager extends Disposable {
  /** Tells how it stands, and that in words for people. */
  tell(state: ServiceState, status?: string): void;
}

/** A log whose callers never wait. */
export interface CliLog {
  /** Takes lines, or drops them where too many wait. */
  write(text: string): void;
  /** Lines dropped so far. */
  readonly dropped: number;
  /** Takes how a note about dropped lines is written as a line, with its end. @default {as text} */
  noteGaps?(line: (note: string) => string): void;
  /** Waits until all that was taken is written, for so many milliseconds at most. */
  close(milliseconds: number): Promise<void>;
}

/**
 * Reads a new password; twice from a terminal, because a typing error would lock the user out.
 *
 * @throws {Error} When the two are not the same.
 */
export async function newPassword(io: CliIo, user: string): Promise<string> {
  const password = await io.readPassword(`Password for ${user}: `);
  if (io.interactive && await io.readPassword(`Password for ${user}, again: `) !== password) {
    throw new Error("The two passwords are not the same; nothing is changed");
  }
  return password;
}
