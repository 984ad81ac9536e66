/**
 * One worker of `gssocks serve --workers N`; see `workers.ts`.
 *
 * @module
 */
import { errorLine, exitCodeFor, readArguments } from "../command/command.ts";
import { openListeners } from "../config/listeners.ts";
import { SERVE_OPTIONS, serverConfig } from "../config/serve_arguments.ts";
import { serveOptions } from "../config/serve_options.ts";
import { guard } from "../log/guard.ts";
import type { CliIo } from "../terminal/io.ts";
import type { Snapshot } from "../monitor/snapshot.ts";
import { asStarted } from "./reload.ts";
import { ServerRun } from "./server_run.ts";
import { type FromWorker, placedNumber, placedOptions, type ToWorker, type WorkerPlace } from "./workers.ts";

const scope = globalThis as unknown as {
  postMessage(message: FromWorker): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
};
const stopping = new AbortController();
let place: WorkerPlace;
let running: ServerRun | undefined;
/** Whether a reload was asked for before it ran: what it had read may be another configuration by then. */
let asked = false;

scope.onmessage = ({ data }) => {
  switch (data.type) {
    case "start":
      place = data.place;
      void start(data.args);
      break;
    case "reload":
      if (running === undefined) asked = true;
      else running.reload();
      break;
    case "snapshot":
      if (running !== undefined) scope.postMessage({ type: "snapshot", id: data.id, snapshot: snapshotOf(running) });
      break;
    case "stop":
      stopping.abort(new Error("Stopped"));
  }
};

/** With the numbers that its sessions have in the log. */
function snapshotOf(server: ServerRun): Snapshot {
  const snapshot = server.snapshot();
  const sessions = snapshot.sessions.map((row) => ({ ...row, session: placedNumber(row.session, place) }));
  return { ...snapshot, sessions };
}

async function start(args: readonly string[]): Promise<void> {
  const io: CliIo = {
    out: (text) => scope.postMessage({ type: "err", text }),
    err: (text) => scope.postMessage({ type: "err", text }),
    stdin: new ReadableStream(),
    stdout: new WritableStream(),
    readPassword: () => Promise.reject(new Error("A worker cannot ask for a password")),
    signal: stopping.signal,
    // The main thread gives them up for all.
    revoke: () => Promise.resolve(),
    onFault: (callback) => guard(globalThis, callback),
  };
  let code = 0;
  try {
    const parsed = readArguments({ usage: "", options: SERVE_OPTIONS }, args);
    const config = asStarted(serverConfig(parsed), place.config);
    running = await ServerRun.start({
      args: parsed,
      config,
      options: serveOptions(config),
      io,
      listeners: await openListeners(config, place),
      change: (options) => placedOptions(options, place),
    });
    scope.postMessage({ type: "listening", addresses: running.addresses });
    if (asked) running.reload();
    await running.finished;
  } catch (error) {
    io.err(`gssocks serve: ${errorLine(error)}\n`);
    code = exitCodeFor(error);
  }
  scope.postMessage({ type: "ended", code });
}
