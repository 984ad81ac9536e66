/**
 * The status page: it asks for `/status.json` every second and draws what it gets. Everything that a client could have
 * chosen is put in as text, never as markup.
 *
 * @module
 */

/** Markup. */
export const PAGE_HTML = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>gssocks</title>
<link rel="stylesheet" href="/page.css">
<script src="/page.js" defer></script>
<header><h1>gssocks</h1><p id="state" role="status">…</p></header>
<section class="cards" id="cards"></section>
<section>
  <h2>Throughput</h2>
  <p class="legend"><span class="received">to clients</span> <span class="sent">to targets</span> <span id="peak"></span></p>
  <svg id="chart" viewBox="0 0 600 120" preserveAspectRatio="none" role="img" aria-label="Bytes in each second"></svg>
</section>
<section>
  <h2>Sessions</h2>
  <table id="sessions"><thead><tr><th>#<th>User<th>Client<th>Command<th>Destination<th>Protection<th class="n">Sent<th class="n">Received<th class="n">Rate<th class="n">Age</thead><tbody></tbody></table>
  <p class="empty" id="no-sessions">No sessions.</p>
</section>
<section>
  <h2>Turned away</h2>
  <table id="denials"><thead><tr><th>When<th>Client<th>User<th>Destination<th>Reason</thead><tbody></tbody></table>
  <p class="empty" id="no-denials">Nobody.</p>
</section>
</html>
`;

/** Style. */
export const PAGE_CSS =
  `:root { color-scheme: light dark; --line: #8884; --sent: #c2571a; --received: #1a6fc2; --dim: #777; }
@media (prefers-color-scheme: dark) { :root { --sent: #f0965a; --received: #6cb2f5; --dim: #999; } }
body { font: 14px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 1200px; padding: 1rem 1.5rem; }
header { display: flex; align-items: baseline; gap: 1rem; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1rem; margin: 1.6rem 0 .4rem; }
#state { margin: 0; color: var(--dim); } #state.bad { color: #c22; font-weight: 600; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .6rem; margin-top: 1rem; }
.cards div { border: 1px solid var(--line); border-radius: 6px; padding: .5rem .7rem; }
.cards b { display: block; font-size: 1.25rem; font-variant-numeric: tabular-nums; } .cards span { color: var(--dim); }
svg { width: 100%; height: 120px; border-bottom: 1px solid var(--line); }
path { fill: none; stroke-width: 1.5; vector-effect: non-scaling-stroke; }
path.sent { stroke: var(--sent); } path.received { stroke: var(--received); }
.legend { margin: 0; color: var(--dim); } .legend .sent { color: var(--sent); } .legend .received { color: var(--received); }
.legend .sent::before, .legend .received::before { content: "━ "; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .2rem .6rem .2rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--dim); font-weight: 500; } .n { text-align: right; font-variant-numeric: tabular-nums; }
td { overflow-wrap: anywhere; } .empty { color: var(--dim); }
`;

/** Behaviour. */
export const PAGE_JS = `"use strict";
const at = (id) => document.getElementById(id);
const size = (bytes) => {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) { bytes /= 1024; unit++; }
  return (unit === 0 || bytes >= 100 ? Math.round(bytes) : bytes.toFixed(1)) + " " + units[unit];
};
const age = (ms) => {
  const s = Math.floor(ms / 1000);
  return s < 60 ? s + " s" : s < 3600 ? Math.floor(s / 60) + " min" : Math.floor(s / 3600) + " h " + Math.floor(s % 3600 / 60) + " min";
};
function element(name, text, kind) {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}
function fill(id, rows) {
  at(id).tBodies[0].replaceChildren(...rows.map((cells) => {
    const row = document.createElement("tr");
    row.append(...cells.map(([text, kind]) => element("td", text, kind)));
    return row;
  }));
  at("no-" + id).hidden = rows.length > 0;
  at(id).hidden = rows.length === 0;
}
function chart(points) {
  const seconds = Math.max(60, points.length);
  const last = points.length ? points[points.length - 1].at : 0;
  const peak = Math.max(1, ...points.map((p) => Math.max(p.sent, p.received)));
  at("peak").textContent = points.length ? "peak " + size(peak) + "/s" : "";
  at("chart").replaceChildren(...["received", "sent"].map((key) => {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("class", key);
    path.setAttribute("d", points.map((p, i) => (i ? "L" : "M") + (600 - (last - p.at) * 600 / seconds).toFixed(1) + " " + (118 - p[key] / peak * 112).toFixed(1)).join(""));
    return path;
  }));
}
function draw(s) {
  const lost = s.shared && !s.shared.up;
  at("state").className = lost || s.degraded ? "bad" : "";
  at("state").textContent = (s.draining ? "draining, " : "") + (lost ? "shared store lost: " + (s.shared.onLoss === "allow" ? "replays are let in, " : "clients are refused, ") : "") + (s.degraded ? "degraded, " : "") + "up " + age(s.uptime);
  const total = (counts) => Object.values(counts).reduce((a, b) => a + b, 0);
  const cards = [["Sessions", s.sessionCount], ["Accepted", s.accepted], ["Authenticated", total(s.authenticated)], ["Turned away", total(s.refused)], ["To targets", size(s.sent)], ["To clients", size(s.received)], ["Datagrams", s.datagramsSent + s.datagramsReceived], ["Datagrams dropped", total(s.datagramsDropped)]];
  at("cards").replaceChildren(...cards.map(([name, value]) => {
    const card = document.createElement("div");
    card.append(element("b", String(value)), element("span", name));
    return card;
  }));
  chart(s.throughput);
  fill("sessions", s.sessions.map((r) => [[r.session, "n"], [r.user || "(nobody)"], [r.client], [r.command], [r.address && r.address !== r.target ? r.target + " at " + r.address : r.target], [r.protection], [size(r.sent), "n"], [size(r.received), "n"], [size(r.rate) + "/s", "n"], [age(r.duration), "n"]]));
  fill("denials", s.denials.map((d) => [[new Date(d.at).toLocaleTimeString()], [d.client], [d.user], [d.target], [d.reason]]));
  document.body.dataset.drawn = String(s.now);
}
async function turn() {
  try {
    draw(await (await fetch("/status.json", { cache: "no-store" })).json());
  } catch {
    at("state").className = "bad";
    at("state").textContent = "The server does not answer.";
  }
  setTimeout(turn, 1000);
}
turn();
`;
