/**
 * A snapshot as metrics, in Prometheus' text format (version 0.0.4).
 *
 * @module
 */
import { printableLines } from "../../base/printable.ts";
import { type Histogram, SESSION_BOUNDS, STEP_BOUNDS } from "../snapshot/histogram.ts";
import type { Counts, Snapshot } from "../snapshot/snapshot.ts";
import type { ProcessFigures } from "./process_figures.ts";

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [Labels, number];

/** Media type of {@linkcode prometheusText}. */
export const PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** The metrics of a snapshot, and of the process where its figures are given. */
export function prometheusText(snapshot: Snapshot, figures?: ProcessFigures): string {
  return [
    ...sessionMetrics(snapshot),
    ...refusalMetrics(snapshot),
    ...relayMetrics(snapshot),
    ...timeMetrics(snapshot),
    ...programMetrics(snapshot),
    ...figures === undefined ? [] : processMetrics(snapshot, figures),
  ].join("");
}

function sessionMetrics({ sessionCount, accepted, authenticated, served }: Snapshot): string[] {
  return [
    gauge("gssocks_sessions", "Sessions under way.", sessionCount),
    counter("gssocks_accepted_total", "Clients accepted.", accepted),
    counter(
      "gssocks_authenticated_total",
      "Clients authenticated.",
      Object.entries(authenticated).map(([name, count]): Sample => {
        const [method = "", protection = ""] = name.split(" ");
        return [{ method, protection }, count];
      }),
    ),
    counter("gssocks_served_total", "Requests carried out.", byName("command", served)),
  ];
}

function refusalMetrics({ refused, causes, rules }: Snapshot): string[] {
  const hits = rules.map(({ number, rule, requests, refused }): Sample => [
    { number: String(number), rule },
    requests + refused,
  ]);
  return [
    counter("gssocks_refused_total", "Clients, requests and datagrams refused, by code.", byName("code", refused)),
    counter("gssocks_refusals_total", "The same, by cause.", byName("cause", causes)),
    counter("gssocks_rule_hits_total", "Requests that a rule has decided.", hits),
  ];
}

function relayMetrics({ sent, received, datagramsSent, datagramsReceived, datagramsDropped }: Snapshot): string[] {
  const both = (sent: number, received: number): Sample[] => [
    [{ direction: "sent" }, sent],
    [{ direction: "received" }, received],
  ];
  return [
    counter("gssocks_bytes_total", "Bytes relayed.", both(sent, received)),
    counter(
      "gssocks_datagrams_total",
      "Datagrams relayed by associations that have ended.",
      both(datagramsSent, datagramsReceived),
    ),
    counter(
      "gssocks_datagrams_dropped_total",
      "Datagrams not relayed by associations that have ended.",
      byName("reason", datagramsDropped),
    ),
  ];
}

function timeMetrics({ handshake, connect, session }: Snapshot): string[] {
  return [
    histogram("gssocks_handshake_seconds", "From a connection to its authentication.", STEP_BOUNDS, handshake),
    histogram("gssocks_connect_seconds", "From a CONNECT to the connection to its target.", STEP_BOUNDS, connect),
    histogram("gssocks_session_seconds", "Requests from their beginning to their end.", SESSION_BOUNDS, session),
  ];
}

function programMetrics(snapshot: Snapshot): string[] {
  const { uptime, troubles, degraded, faults, logDropped, shared, version } = snapshot;
  const kinds = Object.entries(troubles).map(([kind, { count }]): Sample => [{ kind }, count]);
  return [
    gauge("gssocks_build_info", "Always 1: what runs.", [[{ version, deno: Deno.version.deno }, 1]]),
    gauge("gssocks_uptime_seconds", "Time since the start.", uptime / 1_000),
    counter("gssocks_troubles_total", "Problems that belong to no session.", kinds),
    gauge(
      "gssocks_degraded",
      "Whether clients could not be accepted in the last minute, or a worker is missing.",
      degraded ? 1 : 0,
    ),
    counter("gssocks_faults_total", "Unhandled errors, and errors of observers.", faults),
    counter("gssocks_log_lines_dropped_total", "Log lines dropped.", logDropped),
    shared === undefined
      ? ""
      : gauge("gssocks_shared_store_up", "Whether the shared store takes writes.", shared.up ? 1 : 0),
  ];
}

/** Under the names that every program has for them. */
function processMetrics({ startedAt }: Snapshot, figures: ProcessFigures): string[] {
  const { cpuSeconds, residentBytes } = figures;
  return [
    counter("process_cpu_seconds_total", "CPU time in seconds.", cpuSeconds),
    gauge("process_resident_memory_bytes", "Resident memory in bytes.", residentBytes),
    gauge("process_start_time_seconds", "Start of the process, in seconds since 1970.", startedAt / 1_000),
  ];
}

function byName(label: string, counts: Counts): Sample[] {
  return Object.entries(counts).map(([name, count]): Sample => [{ [label]: name }, count]);
}

function counter(name: string, help: string, value: number | readonly Sample[]): string {
  return `${head(name, "counter", help)}${lines(name, value)}`;
}

function gauge(name: string, help: string, value: number | readonly Sample[]): string {
  return `${head(name, "gauge", help)}${lines(name, value)}`;
}

/** Each bucket counts those below it too. */
function histogram(name: string, help: string, bounds: readonly number[], { counts, sum }: Histogram): string {
  let below = 0;
  const buckets = counts.map((count, i): Sample => [{ le: String(bounds[i] ?? "+Inf") }, below += count]);
  return `${head(name, "histogram", help)}${lines(`${name}_bucket`, buckets)}${lines(`${name}_sum`, sum)}${
    lines(`${name}_count`, below)
  }`;
}

function head(name: string, type: "counter" | "gauge" | "histogram", help: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

function lines(name: string, value: number | readonly Sample[]): string {
  const samples: readonly Sample[] = typeof value === "number" ? [[{}, value]] : value;
  return samples.map(([labels, value]) => {
    const text = Object.entries(labels).map(([label, of]) => `${label}="${escape(of)}"`).join(",");
    return `${name}${text === "" ? "" : `{${text}}`} ${value}\n`;
  }).join("");
}

/** As the format has it: a backslash in front of itself and of quotation marks, and `\n` for the end of a line. */
function escape(label: string): string {
  return printableLines(label).replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n");
}
