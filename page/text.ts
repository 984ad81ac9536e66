/**
 * Texts of the status page.
 *
 * @module
 */
import type { SessionRow, Snapshot } from "../cli/snapshot/snapshot.ts";

/** A size as text. */
export function sizeText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) {
    bytes /= 1024;
    unit++;
  }
  return `${unit === 0 || bytes >= 100 ? Math.round(bytes) : bytes.toFixed(1)} ${units[unit]}`;
}

/** A length of time as text. */
export function ageText(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds % 3600 / 60)} min`;
  return `${Math.floor(seconds / 86_400)} days`;
}

/** How the server stands, in words. */
export function stateText({ draining, shared, degraded, uptime }: Snapshot): string {
  const parts = [];
  if (draining) parts.push("draining");
  if (shared !== undefined && !shared.up) {
    parts.push(`shared store lost: ${shared.onLoss === "allow" ? "replays are let in" : "clients are refused"}`);
  }
  if (degraded) parts.push("degraded");
  parts.push(`up ${ageText(uptime)}`);
  return parts.join(", ");
}

/** Shown instead of a user. */
export const UNAUTHENTICATED = "(unauthenticated)";

/** The user, and who that is by the ticket. */
export function userText({ user, account, sid }: Pick<SessionRow, "user" | "account" | "sid">): string {
  if (user === "") return UNAUTHENTICATED;
  return account === "" ? user : `${user} (${account}, ${sid})`;
}

/** Where a session goes, by name and by address. */
export function targetText({ target, address }: Pick<SessionRow, "target" | "address">): string {
  return address === "" || address === target ? target : `${target} at ${address}`;
}

/** Counts, added up. */
export function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
