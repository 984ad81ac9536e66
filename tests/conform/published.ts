/**
 * The results that docs/conformance.md shows: kept in published.json, compared with real peers by the interop test, and written out as
 * tables.
 *
 * @module
 */
import type { Check, CheckResult } from "../../conform/check.ts";
import { CLIENT_PARTS } from "../../conform/client/all.ts";
import { PROXY_CHECKS } from "../../conform/proxy/all.ts";

/** What a peer did. */
export interface PublishedResults {
  readonly fail: readonly string[];
  readonly skip: readonly string[];
  /** What was observed, where the RFCs leave it open. */
  readonly notes: Readonly<Record<string, string>>;
}

/** Results by peer: servers, and clients. */
export type Published = Readonly<Record<"servers" | "clients", Readonly<Record<string, PublishedResults>>>>;

export const PUBLISHED_FILE: URL = new URL("published.json", import.meta.url);
export const PAGE: URL = new URL("../../docs/conformance.md", import.meta.url);

/** What is published of a run. */
export function publishedOf(results: readonly CheckResult[]): PublishedResults {
  const ids = (outcome: string) => results.filter((result) => result.outcome === outcome).map(({ id }) => id);
  const notes = results.filter(({ severity, outcome }) => severity === "note" && outcome === "pass");
  return {
    fail: ids("fail"),
    skip: ids("skip"),
    notes: Object.fromEntries(notes.map(({ id, detail }) => [id, detail ?? ""])),
  };
}

/** The tables, in Markdown. */
export function tablesOf(published: Published): string {
  return [
    "### Servers",
    summary(PROXY_CHECKS, published.servers),
    "What they break (x), and what was skipped (-):",
    broken(PROXY_CHECKS, published.servers),
    "Where the RFCs leave it open:",
    notes(PROXY_CHECKS, published.servers),
    "### Clients",
    summary(CLIENT_PARTS, published.clients),
    "What they break (x), and what was skipped (-):",
    broken(CLIENT_PARTS, published.clients),
    "Where the RFCs leave it open:",
    notes(CLIENT_PARTS, published.clients),
    "## All checks",
    "Of a proxy:",
    list(PROXY_CHECKS),
    "Of a client:",
    list(CLIENT_PARTS),
  ].join("\n\n") + "\n";
}

type Peers = Readonly<Record<string, PublishedResults>>;
// deno-lint-ignore no-explicit-any
type Checks = readonly Pick<Check<any>, "id" | "clause" | "severity" | "title">[];

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function summary(checks: Checks, peers: Peers): string {
  const rows = Object.entries(peers).map(([name, { fail, skip }]) => {
    const failed = (severity: string) =>
      checks.filter((check) => check.severity === severity && fail.includes(check.id)).length;
    const passed = checks.length - fail.length - skip.length;
    return [name, String(passed), String(failed("must")), String(failed("should")), String(skip.length)];
  });
  return table(["peer", "passed", "broken: must", "broken: should", "skipped"], rows);
}

function broken(checks: Checks, peers: Peers): string {
  const all = Object.values(peers);
  const rows = checks.filter(({ id }) => all.some(({ fail }) => fail.includes(id))).map(
    ({ id, severity, title, clause }) => [
      `\`${id}\``,
      severity,
      `${title} (${clause})`,
      ...all.map(({ fail, skip }) => fail.includes(id) ? "x" : skip.includes(id) ? "-" : ""),
    ],
  );
  return table(["check", "weight", "rule", ...Object.keys(peers)], rows);
}

function list(checks: Checks): string {
  return table(
    ["check", "weight", "the peer ...", "clause"],
    checks.map(({ id, severity, title, clause }) => [`\`${id}\``, severity, title, clause]),
  );
}

function notes(checks: Checks, peers: Peers): string {
  const rows = checks.filter(({ severity }) => severity === "note").map(({ id, title }) => [
    `\`${id}\``,
    title.replace(/^says (?:what it does |what it |whether it |whether )?/, ""),
    ...Object.values(peers).map((results) => results.notes[id] ?? "-"),
  ]);
  return table(["check", "what", ...Object.keys(peers)], rows);
}
