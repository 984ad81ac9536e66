/**
 * A server whose service manager hears when it is ready, when it reads its configuration again, and when it stops.
 *
 * @module
 */
import { onAbort } from "../../base/deadline.ts";
import type { CliIo, ServiceManager } from "../terminal/io.ts";

const SERVING = "Serving";

/** Returns input and output that tell the manager of reloads and of the stop, until it is disposed of. */
export function managed(io: CliIo, manager: ServiceManager): CliIo & Disposable {
  const stopping = onAbort(io.signal, () => manager.tell("stopping", "Letting sessions end"));
  const { onReload, revoke } = io;
  return {
    ...io,
    ...onReload && {
      onReload: (callback: () => void) =>
        onReload(() => {
          manager.tell("reloading", "Reading the configuration again");
          callback();
          manager.tell("ready", SERVING);
        }),
    },
    // A message is a write to the manager's socket.
    ...revoke &&
      { revoke: (names: readonly Deno.PermissionName[]) => revoke(names.filter((name) => name !== "write")) },
    [Symbol.dispose]: () => stopping[Symbol.dispose](),
  };
}

/** Tells the manager that clients are served. */
export function tellReady(manager: ServiceManager | undefined): void {
  manager?.tell("ready", SERVING);
}
