/**
 * A worker of `gssocks serve --workers N`: one server in a thread of its own.
 *
 * @module
 */
import { errorLine, exitCodeFor, readArguments } from "../command/command.ts";
import { openListeners } from "../config/listeners.ts";
import { SERVE_OPTIONS, serverConfig } from "../config/serve_arguments.ts";
import { serveOptions } from "../config/serve_options.ts";
import { guard } from "../log/guard.ts";
import { ProgramLog } from "../log/program_log.ts";
import type { CliIo } from "../terminal/io.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { asStarted } from "./reload.ts";
import { ServerRun } from "./server_run.ts";
import {
  type FromWorker,
  globalSessionNumber,
  ownSessionNumber,
  type ToWorker,
  workerOptions,
  type WorkerSlot,
} from "./worker_slot.ts";

const scope = globalThis as unknown as {
  postMessage(message: FromWorker): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
};
const stopping = new AbortController();
let slot: WorkerSlot;
let running: ServerRun | undefined;
/** Whether a reload was requested before the server ran: the file may have changed since it was read. */
let asked = false;

scope.onmessage = ({ data }) => {
  switch (data.type) {
    case "start":
      slot = data.slot;
      void start(data.args);
      break;
    case "reload":
      if (running === undefined) asked = true;
      else running.reload();
      break;
    case "snapshot":
      if (running !== undefined) scope.postMessage({ type: "snapshot", id: data.id, snapshot: snapshotOf(running) });
      break;
    case "end":
      scope.postMessage({ type: "end", id: data.id, found: endSession(data) });
      break;
    case "stop":
      stopping.abort(new Error("Stopped"));
  }
};

/** Returns a snapshot with the session numbers of the log. */
function snapshotOf(server: ServerRun): Snapshot {
  const snapshot = server.snapshot();
  const sessions = snapshot.sessions.map((row) => ({ ...row, session: globalSessionNumber(row.session, slot) }));
  return { ...snapshot, sessions };
}

function endSession({ session, reason }: ToWorker & { type: "end" }): boolean {
  const own = ownSessionNumber(session, slot);
  return own !== undefined && (running?.endSession(own, reason) ?? false);
}

async function start(args: readonly string[]): Promise<void> {
  const io: CliIo = {
    out: (text) => scope.postMessage({ type: "err", text }),
    err: (text) => scope.postMessage({ type: "err", text }),
    stdin: new ReadableStream(),
    stdout: new WritableStream(),
    readPassword: () => Promise.reject(new Error("A worker cannot ask for a password")),
    signal: stopping.signal,
    // The main thread drops permissions for all threads.
    revoke: () => Promise.resolve(),
    onFault: (callback) => guard(globalThis, callback),
  };
  let code = 0;
  let log = new ProgramLog("text", io, slot.run);
  try {
    const parsed = readArguments({ usage: "", options: SERVE_OPTIONS }, args);
    const config = asStarted(serverConfig(parsed), slot.config);
    log = new ProgramLog(config.log ?? "text", io, slot.run);
    running = await ServerRun.start({
      args: parsed,
      config,
      options: serveOptions(config),
      io,
      log,
      listeners: await openListeners(config, slot),
      change: (options) => workerOptions(options, slot),
    });
    scope.postMessage({ type: "listening", addresses: running.addresses });
    if (asked) running.reload();
    await running.finished;
  } catch (error) {
    log.note({ level: "error", event: "failed", text: `gssocks serve: ${errorLine(error)}` });
    code = exitCodeFor(error);
  }
  scope.postMessage({ type: "ended", code });
}
