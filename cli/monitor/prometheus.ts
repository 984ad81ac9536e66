/**
 * A snapshot as metrics, in Prometheus' text format (version 0.0.4).
 *
 * @module
 */
import { printableLines } from "../../base/printable.ts";
import type { Counts, Snapshot } from "../snapshot/snapshot.ts";

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [Labels, number];

/** Media type of {@linkcode prometheusText}. */
export const PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** The metrics of a snapshot. */
export function prometheusText(snapshot: Snapshot): string {
  const { authenticated, sent, received, shared } = snapshot;
  return [
    metric("sessions", "gauge", "Sessions under way.", [[{}, snapshot.sessionCount]]),
    metric("accepted_total", "counter", "Clients accepted.", [[{}, snapshot.accepted]]),
    metric(
      "authenticated_total",
      "counter",
      "Clients authenticated.",
      Object.entries(authenticated).map(([name, count]): Sample => {
        const [method = "", protection = ""] = name.split(" ");
        return [{ method, protection }, count];
      }),
    ),
    metric(
      "refused_total",
      "counter",
      "Clients, requests and datagrams refused.",
      byName("code", snapshot.refused),
    ),
    metric("served_total", "counter", "Requests carried out.", byName("command", snapshot.served)),
    metric("bytes_total", "counter", "Bytes relayed.", [[{ direction: "sent" }, sent], [
      { direction: "received" },
      received,
    ]]),
    metric("datagrams_total", "counter", "Datagrams relayed by associations that have ended.", [
      [{ direction: "sent" }, snapshot.datagramsSent],
      [{ direction: "received" }, snapshot.datagramsReceived],
    ]),
    metric(
      "datagrams_dropped_total",
      "counter",
      "Datagrams not relayed by associations that have ended.",
      byName("reason", snapshot.datagramsDropped),
    ),
    metric("uptime_seconds", "gauge", "Time since the start.", [[{}, snapshot.uptime / 1_000]]),
    metric(
      "troubles_total",
      "counter",
      "Problems that belong to no session.",
      Object.entries(snapshot.troubles).map(([kind, { count }]): Sample => [{ kind }, count]),
    ),
    metric(
      "degraded",
      "gauge",
      "Whether clients could not be accepted in the last minute, or a worker is missing.",
      [[
        {},
        snapshot.degraded ? 1 : 0,
      ]],
    ),
    metric("faults_total", "counter", "Unhandled errors, and errors of observers.", [[
      {},
      snapshot.faults,
    ]]),
    metric("log_lines_dropped_total", "counter", "Log lines dropped.", [[{}, snapshot.logDropped]]),
    shared === undefined ? "" : metric("shared_store_up", "gauge", "Whether the shared store takes writes.", [[
      {},
      shared.up ? 1 : 0,
    ]]),
  ].join("");
}

function byName(label: string, counts: Counts): Sample[] {
  return Object.entries(counts).map(([name, count]): Sample => [{ [label]: name }, count]);
}

function metric(name: string, type: "counter" | "gauge", help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value]) => {
    const text = Object.entries(labels).map(([label, of]) => `${label}="${escape(of)}"`).join(",");
    return `gssocks_${name}${text === "" ? "" : `{${text}}`} ${value}\n`;
  });
  return `# HELP gssocks_${name} ${help}\n# TYPE gssocks_${name} ${type}\n${lines.join("")}`;
}

/** As the format has it: a backslash in front of itself and of quotation marks, and `\n` for the end of a line. */
function escape(label: string): string {
  return printableLines(label).replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n");
}
