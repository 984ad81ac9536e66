/**
 * The status page: asks for `/status.json` every second and shows it.
 *
 * The files here run in a browser. `build.ts` makes one script of them, with uPlot, and puts it into `cli/monitor/page/assets.ts` as text: a file
 * beside the program would need a permission to be read, and cannot be imported as text everywhere.
 *
 * @module
 */
/// <reference lib="dom" />
import type { Denial, SessionRow, Snapshot } from "../cli/snapshot/snapshot.ts";
import type { Sums } from "../cli/snapshot/sums.ts";
import { Chart } from "./chart.ts";
import { Ending } from "./end_button.ts";
import { type Cell, type Column, element, numberCell, type Row, Table } from "./table.ts";
import { ageText, sizeText, stateText, targetText, total, UNAUTHENTICATED, userText } from "./text.ts";

/** Time between two questions, in milliseconds. */
const POLL = 1_000;

const ending = new Ending();
const chart = new Chart(document.getElementById("chart")!);

const SUMS: readonly Column[] = [
  { name: "Requests", kind: "number" },
  { name: "Refused", kind: "number" },
  { name: "Sent", kind: "number" },
  { name: "Received", kind: "number" },
];

const sessions = new Table("sessions", [
  { name: "#", kind: "number" },
  { name: "User" },
  { name: "Destination" },
  { name: "Command", kind: "word" },
  { name: "Sent", kind: "number" },
  { name: "Received", kind: "number" },
  { name: "Rate", kind: "number" },
  { name: "Age", kind: "number" },
], { narrow: 900, lastCell: (session) => ending.button(session) });
const users = new Table("users", [{ name: "User" }, ...SUMS]);
const rules = new Table("rules", [{ name: "#", kind: "number" }, { name: "Rule" }, ...SUMS]);
const denials = new Table("denials", [
  { name: "When", kind: "word" },
  { name: "Client" },
  { name: "Destination" },
  { name: "Reason" },
]);

function bytesCell(bytes: number): Cell {
  return numberCell(bytes, sizeText(bytes));
}

function sumCells({ requests, refused, sent, received }: Sums): Cell[] {
  return [numberCell(requests), numberCell(refused), bytesCell(sent), bytesCell(received)];
}

function sessionRow(row: SessionRow): Row {
  const { session, client, command, protection, rule, sent, received, rate, duration } = row;
  return {
    key: String(session),
    cells: [
      numberCell(session, String(session)),
      { text: userText(row), below: client },
      { text: targetText(row), below: rule === "" ? "" : `rule ${rule}` },
      { text: command, below: protection },
      bytesCell(sent),
      bytesCell(received),
      numberCell(rate, `${sizeText(rate)}/s`),
      numberCell(duration, ageText(duration)),
    ],
  };
}

function denialRow({ at, client, user, target, reason }: Denial, place: number): Row {
  const when = { text: new Date(at).toLocaleTimeString("en", { hourCycle: "h23" }), value: at };
  return { key: String(place), cells: [when, { text: client, below: user }, { text: target }, { text: reason }] };
}

function drawCards(snapshot: Snapshot): void {
  const cards: readonly (readonly [string, string])[] = [
    ["Sessions", count(snapshot.sessionCount)],
    ["Accepted", count(snapshot.accepted)],
    ["Authenticated", count(total(snapshot.authenticated))],
    ["Refused", count(total(snapshot.refused))],
    ["To targets", sizeText(snapshot.sent)],
    ["To clients", sizeText(snapshot.received)],
    ["Datagrams", count(snapshot.datagramsSent + snapshot.datagramsReceived)],
    ["Datagrams dropped", count(total(snapshot.datagramsDropped))],
  ];
  document.getElementById("cards")!.replaceChildren(...cards.map(([name, value]) => {
    const card = document.createElement("div");
    card.append(element("b", value), element("span", name));
    return card;
  }));
}

function count(number: number): string {
  return number.toLocaleString("en");
}

function showState(text: string, bad: boolean): void {
  const state = document.getElementById("state")!;
  state.className = bad ? "bad" : "";
  state.textContent = text;
}

function draw(snapshot: Snapshot & { readonly endsSessions?: boolean }): void {
  showState(stateText(snapshot), snapshot.shared?.up === false || snapshot.degraded);
  document.getElementById("version")!.textContent = snapshot.version;
  document.getElementById("listeners")!.textContent = snapshot.listeners.join(", ");
  drawCards(snapshot);
  chart.draw(snapshot.throughput);
  ending.offer(snapshot.endsSessions === true);
  sessions.fill(snapshot.sessions.map(sessionRow));
  users.fill(snapshot.users.map((sums) => ({
    key: sums.user,
    cells: [{ text: sums.user === "" ? UNAUTHENTICATED : sums.user }, ...sumCells(sums)],
  })));
  rules.fill(snapshot.rules.map((sums) => ({
    key: String(sums.number),
    cells: [numberCell(sums.number), { text: sums.rule }, ...sumCells(sums)],
  })));
  denials.fill(snapshot.denials.map(denialRow));
  document.body.dataset["drawn"] = String(snapshot.now);
}

async function poll(): Promise<void> {
  try {
    const response = await fetch("/status.json", { cache: "no-store" });
    draw(await response.json());
  } catch {
    showState("The server does not answer.", true);
  }
  setTimeout(poll, POLL);
}

const filter = document.getElementById("filter") as HTMLInputElement;
filter.addEventListener("input", () => {
  for (const table of [sessions, users, rules, denials]) table.filter(filter.value);
});
void poll();
