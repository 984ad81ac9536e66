/**
 * What is to be said of a configuration that was read again, beside that it was.
 *
 * @module
 */
import { isDeepStrictEqual } from "node:util";
import type { ServeOptions } from "../../mod.ts";
import type { ServerConfig } from "../config/server_config.ts";

/** What may have become another one although nobody has touched the configuration file. */
export function changesOf(before: ServeOptions, after: ServeOptions): string[] {
  const changes: string[] = [];
  const { keytab, capaths } = before;
  if (keytab !== after.keytab) {
    changes.push(`Note: the keytab was ${keytab ?? "none"}, and is ${after.keytab ?? "none"} now`);
  }
  if (!isDeepStrictEqual(capaths, after.capaths)) changes.push("Note: [capaths] of krb5.conf is another one now");
  return changes;
}

/** What counts when the server starts, and not when its configuration is read again. */
const AT_START = ["listen", "reusePort", "proxyProtocol", "admin", "health", "shared", "workers"] as const;

/** A configuration with what counts at the start as it was then. */
export function asStarted(config: ServerConfig, start: Partial<ServerConfig>): ServerConfig {
  return { ...config, ...Object.fromEntries(AT_START.map((name) => [name, start[name]])) };
}

/** What of it has changed. */
export function waitingFor(start: ServerConfig, now: ServerConfig): string[] {
  const waiting = AT_START.filter((name) => !isDeepStrictEqual(start[name], now[name]));
  return waiting.length === 0 ? [] : [`Note: ${waiting.join(", ")}: changed, and needs a restart`];
}
