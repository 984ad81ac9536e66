/**
 * What changes when a configuration is read again, and what waits for a restart.
 *
 * @module
 */
import { isDeepStrictEqual } from "node:util";
import type { ServeOptions } from "../../mod.ts";
import type { ServerConfig } from "../config/settings.ts";

/** Notes about what may have changed although the configuration file has not. */
export function changesOf(before: ServeOptions, after: ServeOptions): string[] {
  const changes: string[] = [];
  const { keytab, gssapi } = before;
  if (keytab !== after.keytab) {
    changes.push(`Note: the keytab was ${keytab ?? "none"}, and is ${after.keytab ?? "none"} now`);
  }
  if (!isDeepStrictEqual(gssapi?.capaths, after.gssapi?.capaths)) {
    changes.push("Note: [capaths] of krb5.conf has changed");
  }
  if (!isDeepStrictEqual(gssapi?.enctypes, after.gssapi?.enctypes)) {
    changes.push("Note: permitted_enctypes of krb5.conf has changed");
  }
  return changes;
}

/** Settings that take effect at the start only. */
const AT_START = ["listen", "reusePort", "proxyProtocol", "admin", "health", "shared", "workers"] as const;

/** Returns a configuration with the settings of the start as they were then. */
export function asStarted(config: ServerConfig, start: Partial<ServerConfig>): ServerConfig {
  return { ...config, ...Object.fromEntries(AT_START.map((name) => [name, start[name]])) };
}

/** Notes about settings that have changed and need a restart. */
export function waitingFor(start: ServerConfig, now: ServerConfig): string[] {
  const waiting = AT_START.filter((name) => !isDeepStrictEqual(start[name], now[name]));
  return waiting.length === 0 ? [] : [`Note: ${waiting.join(", ")}: changed, and needs a restart`];
}
