/**
 * Script of the status page: asks for `/status.json` every second and draws it. Everything that a client could have chosen is put in
 * as text, never as markup.
 *
 * The functions here run in a browser. They are ordinary code of this module, linted and type-checked against {@linkcode Snapshot},
 * and are sent as their own source text (`Function.prototype.toString`): a file beside this one would need a permission to be read,
 * and cannot be imported as text everywhere. So they may use each other and the DOM, and nothing else of any module.
 *
 * @module
 */
import type { Denial, SessionRow, Snapshot, ThroughputPoint } from "../../snapshot/snapshot.ts";

/** What the page uses of an element. */
interface PageElement {
  textContent: string;
  className: string;
  hidden: boolean;
  readonly dataset: Record<string, string>;
  readonly tBodies: readonly PageElement[];
  append(...children: readonly PageElement[]): void;
  replaceChildren(...children: readonly PageElement[]): void;
  setAttribute(name: string, value: string): void;
}

/** What the page uses of the browser. */
declare const document: {
  readonly body: PageElement;
  getElementById(id: string): PageElement;
  createElement(name: string): PageElement;
  createElementNS(namespace: string, name: string): PageElement;
};

/** A cell of a table: its text, and its class. */
type Cell = readonly [text: string, kind?: string];

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
  return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds % 3600 / 60)} min`;
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

function createText(name: string, text: string, kind?: string): PageElement {
  const element = document.createElement(name);
  element.textContent = text;
  if (kind !== undefined) element.className = kind;
  return element;
}

function fillTable(id: string, rows: readonly (readonly Cell[])[]): void {
  const table = document.getElementById(id);
  table.tBodies[0]!.replaceChildren(...rows.map((cells) => {
    const row = document.createElement("tr");
    row.append(...cells.map(([text, kind]) => createText("td", text, kind)));
    return row;
  }));
  document.getElementById(`no-${id}`).hidden = rows.length > 0;
  table.hidden = rows.length === 0;
}

/** A line of the chart as an SVG path. */
export function chartPath(points: readonly ThroughputPoint[], key: "sent" | "received", peak: number): string {
  const seconds = Math.max(60, points.length);
  const last = points.at(-1)?.at ?? 0;
  return points.map((point, i) => {
    const x = 600 - (last - point.at) * 600 / seconds;
    const y = 118 - point[key] / peak * 112;
    return `${i === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
  }).join("");
}

function drawChart(points: readonly ThroughputPoint[]): void {
  const peak = Math.max(1, ...points.map(({ sent, received }) => Math.max(sent, received)));
  document.getElementById("peak").textContent = points.length === 0 ? "" : `peak ${sizeText(peak)}/s`;
  const paths = (["received", "sent"] as const).map((key) => {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("class", key);
    path.setAttribute("d", chartPath(points, key, peak));
    return path;
  });
  document.getElementById("chart").replaceChildren(...paths);
}

function drawCards(snapshot: Snapshot): void {
  const total = (counts: Readonly<Record<string, number>>) =>
    Object.values(counts).reduce((sum, count) => sum + count, 0);
  const cards: readonly (readonly [string, string | number])[] = [
    ["Sessions", snapshot.sessionCount],
    ["Accepted", snapshot.accepted],
    ["Authenticated", total(snapshot.authenticated)],
    ["Refused", total(snapshot.refused)],
    ["To targets", sizeText(snapshot.sent)],
    ["To clients", sizeText(snapshot.received)],
    ["Datagrams", snapshot.datagramsSent + snapshot.datagramsReceived],
    ["Datagrams dropped", total(snapshot.datagramsDropped)],
  ];
  document.getElementById("cards").replaceChildren(...cards.map(([name, value]) => {
    const card = document.createElement("div");
    card.append(createText("b", String(value)), createText("span", name));
    return card;
  }));
}

function sessionCells(row: SessionRow): Cell[] {
  const target = row.address !== "" && row.address !== row.target ? `${row.target} at ${row.address}` : row.target;
  return [
    [String(row.session), "n"],
    [userText(row)],
    [row.client],
    [row.command],
    [target],
    [row.protection],
    [sizeText(row.sent), "n"],
    [sizeText(row.received), "n"],
    [`${sizeText(row.rate)}/s`, "n"],
    [ageText(row.duration), "n"],
  ];
}

/** The user, and who that is by the ticket. */
export function userText({ user, account, sid }: SessionRow): string {
  if (user === "") return "(unauthenticated)";
  return account === "" ? user : `${user} (${account}, ${sid})`;
}

function denialCells({ at, client, user, target, reason }: Denial): Cell[] {
  return [[new Date(at).toLocaleTimeString()], [client], [user], [target], [reason]];
}

function showState(text: string, bad: boolean): void {
  const state = document.getElementById("state");
  state.className = bad ? "bad" : "";
  state.textContent = text;
}

function drawPage(snapshot: Snapshot): void {
  showState(stateText(snapshot), snapshot.shared?.up === false || snapshot.degraded);
  drawCards(snapshot);
  drawChart(snapshot.throughput);
  fillTable("sessions", snapshot.sessions.map(sessionCells));
  fillTable("denials", snapshot.denials.map(denialCells));
  document.body.dataset["drawn"] = String(snapshot.now);
}

async function pollStatus(): Promise<void> {
  try {
    const response = await fetch("/status.json", { cache: "no-store" });
    drawPage(await response.json());
  } catch {
    showState("The server does not answer.", true);
  }
  setTimeout(pollStatus, 1000);
}

const SENT: readonly (() => unknown)[] = [
  sizeText,
  ageText,
  stateText,
  createText,
  fillTable,
  chartPath,
  drawChart,
  drawCards,
  sessionCells,
  userText,
  denialCells,
  showState,
  drawPage,
  pollStatus,
] as unknown as readonly (() => unknown)[];

/** The script as the browser gets it. */
export const PAGE_JS: string = `"use strict";\n${SENT.map(String).join("\n")}\n${pollStatus.name}();\n`;
