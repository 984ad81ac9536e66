/**
 * One worker of `gssocks serve --workers N`; see `workers.ts`.
 *
 * @module
 */
import { errorLine, exitCodeFor, readArguments } from "./command.ts";
import type { CliIo } from "./io.ts";
import { command, runServer } from "./serve.ts";
import { type FromWorker, placedOptions, type ToWorker, type WorkerPlace } from "./workers.ts";

const scope = globalThis as unknown as {
  postMessage(message: FromWorker): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
};
const stopping = new AbortController();

scope.onmessage = ({ data }) => {
  if (data.type === "start") void start(data.args, data.place);
  else stopping.abort(new Error("Stopped"));
};

async function start(args: readonly string[], place: WorkerPlace): Promise<void> {
  const io: CliIo = {
    out: (text) => scope.postMessage({ type: "err", text }),
    err: (text) => scope.postMessage({ type: "err", text }),
    stdin: new ReadableStream(),
    stdout: new WritableStream(),
    readPassword: () => Promise.reject(new Error("A worker cannot ask for a password")),
    signal: stopping.signal,
  };
  let code: number;
  try {
    code = await runServer(readArguments(command, args), io, {
      change: (options) => placedOptions(options, place),
      onListen: (address) => scope.postMessage({ type: "listening", address }),
    });
  } catch (error) {
    io.err(`gssocks serve: ${errorLine(error)}\n`);
    code = exitCodeFor(error);
  }
  scope.postMessage({ type: "ended", code });
}
