/**
 * `gssocks serve --workers N`: servers in threads of their own on one port, over which the system spreads the connections. They
 * share the replay cache; the main thread prints for them and stops them.
 *
 * @module
 */
import { onAbort } from "../../base/deadline.ts";
import { ExitCode } from "../command/command.ts";
import { Faults } from "../log/guard.ts";
import { WorkerPool, type WorkerPoolOptions } from "./worker_pool.ts";

/** Runs workers until the signal of `io` is aborted or one of them cannot start; returns the exit code. */
export async function runWorkers(options: WorkerPoolOptions): Promise<number> {
  const { io, log, watch } = options;
  if (io.signal.aborted) return ExitCode.Ok;
  const faults = new Faults((text) => log.note({ level: "error", event: "fault", text }));
  const pool = new WorkerPool(options, faults);
  const stopReloading = io.onReload?.(() => pool.reload());
  using _stopping = onAbort(io.signal, () => pool.stop());
  try {
    await using _ports = watch({
      take: () => pool.snapshot(),
      end: (session, reason) => pool.endSession(session, reason),
    }, faults);
    return await pool.ended;
  } catch (error) {
    pool.stop();
    await pool.ended;
    throw error;
  } finally {
    stopReloading?.();
  }
}
