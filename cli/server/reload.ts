/**
 * What changes when a configuration is read again, and what waits for a restart.
 *
 * @module
 */
import { isDeepStrictEqual } from "node:util";
import type { ServeOptions } from "../../mod.ts";
import { SETTINGS_AT_START } from "../config/server_config.ts";
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

/** Returns a configuration with the settings of the start as they were then. */
export function asStarted(config: ServerConfig, start: Partial<ServerConfig>): ServerConfig {
  return { ...config, ...Object.fromEntries(SETTINGS_AT_START.map((name) => [name, start[name]])) };
}

/** One setting that has changed. */
export interface SettingChange {
  /** Its path, such as `timeouts.idle`. */
  readonly setting: string;
  /** Its value before, as text. */
  readonly from: string;
  /** Its value now. */
  readonly to: string;
}

/** What a reload has changed, and what it has not. */
export interface ReloadChanges {
  /** Settings that have changed since the last reload, and count now. */
  readonly taken: readonly SettingChange[];
  /** Settings that have changed since the start, and count from the next start on. */
  readonly restart: readonly SettingChange[];
}

/**
 * Compares configurations.
 *
 * @param start As the server was started.
 * @param before As it was last.
 * @param now As it is.
 */
export function compareConfigs(start: ServerConfig, before: ServerConfig, now: ServerConfig): ReloadChanges {
  return { taken: differences("", asStarted(before, start), asStarted(now, start)), restart: atStart(start, now) };
}

function atStart(start: ServerConfig, now: ServerConfig): readonly SettingChange[] {
  return SETTINGS_AT_START.flatMap((name) => differences(name, start[name], now[name]));
}

/** Lines about changes. */
export function changeLines({ taken, restart }: ReloadChanges): string[] {
  const lines = (what: string, changes: readonly SettingChange[]) =>
    changes.map(({ setting, from, to }) => `Note: ${setting}: ${from} -> ${to}, ${what}`);
  return [...lines("taken", taken), ...lines("needs a restart", restart)];
}

function differences(setting: string, from: unknown, to: unknown): SettingChange[] {
  if (isDeepStrictEqual(from, to)) return [];
  if (isGroup(from ?? {}) && isGroup(to ?? {}) && (isGroup(from) || isGroup(to))) {
    const [before, after] = [from ?? {}, to ?? {}] as Record<string, unknown>[];
    return [...new Set([...Object.keys(before!), ...Object.keys(after!)])].flatMap((name) =>
      differences(setting === "" ? name : `${setting}.${name}`, before![name], after![name])
    );
  }
  return [{ setting, from: shown(from, to), to: shown(to, from) }];
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value as text. Of a long list that is what the other one has not. */
function shown(value: unknown, other: unknown): string {
  if (value === undefined) return "(not set)";
  if (value === Infinity) return "no limit";
  if (Array.isArray(value) && Array.isArray(other) && value.length > SHORT) {
    const own = value.filter((item) => !other.some((one) => isDeepStrictEqual(one, item)));
    if (own.length > 0) return `${value.length} with ${own.map(plain).join(", ")}`;
    return other.length === value.length ? `${value.length} in another order` : `${value.length}`;
  }
  return plain(value);
}

/** Items of a list that are all shown. */
const SHORT = 3;

/** A value as JSON, without a password in a URL. */
function plain(value: unknown): string {
  return (JSON.stringify(value) ?? "").replaceAll(/:\/\/[^"]*@/g, "://***@");
}
