/**
 * The log of a bridge: each change of what it can do once. All of its clients are programs of this machine that nobody authenticates, so
 * that their coming says nothing; and while the proxy cannot be used, each connection fails for one and the same reason.
 *
 * @module
 */
import { printable } from "../../base/printable.ts";
import { systemRuntime } from "../../base/runtime.ts";
import { SocksAuthError, SocksProxyError } from "../../socks/errors.ts";
import type { ServerEvent } from "../../socks/server/events.ts";
import type { CliIo } from "../terminal/io.ts";
import { eventPrinter, type LogFormat } from "./event_log.ts";

/** Prints the events of a bridge. */
export function bridgePrinter(format: LogFormat, io: CliIo, run?: string): (event: ServerEvent) => void {
  const print = eventPrinter(format, io, run, "");
  let problem: string | undefined;
  let hidden = 0;
  const again = () => {
    const refused = hidden;
    [problem, hidden] = [undefined, 0];
    if (format !== "none") io.err(`${againLine(format, refused, run)}\n`);
  };
  return (event) => {
    if (event.type === "authenticated" || (event.type === "accepted" && format === "text")) return;
    if (event.type === "refused" && isOfProxy(event.error)) {
      if (event.error.message === problem) return void hidden++;
      [problem, hidden] = [event.error.message, 0];
    } else if (event.type === "connected" && event.through !== undefined && problem !== undefined) again();
    print(event);
  };
}

/** Whether nothing can go through the proxy for now: it cannot be reached, or this side cannot authenticate. */
function isOfProxy(error: Error): boolean {
  return error instanceof SocksProxyError || error instanceof SocksAuthError;
}

function againLine(format: LogFormat, refused: number, run: string | undefined): string {
  const time = new Date(systemRuntime.now()).toISOString();
  if (format === "json") return JSON.stringify({ time, level: "info", run, event: "proxy-usable", refused });
  const others = refused === 0 ? "" : `; further connections refused for the same reason meanwhile: ${refused}`;
  return printable(`${time} the proxy can be used again${others}`);
}
