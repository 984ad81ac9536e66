/** Alerts and dashboard: right for Prometheus' own tool, and about metrics that there are. */
import assert from "node:assert/strict";
import { Monitor } from "../../cli/monitor/monitor.ts";
import { processFigures } from "../../cli/monitor/process_figures.ts";
import { prometheusText } from "../../cli/monitor/prometheus.ts";
import { peer, peerTest } from "../support/peers.ts";
import { run } from "../support/process.ts";

const ROOT = new URL("../../", import.meta.url);
const ALERTS = "packaging/prometheus/alerts.yaml";
const DASHBOARD = "packaging/grafana/gssocks.json";

/** Names of metrics, and what each histogram has. */
function metricNames(): Set<string> {
  const snapshot = { ...new Monitor().snapshot(), shared: { up: true, onLoss: "refuse" } as const };
  const text = prometheusText(snapshot, processFigures());
  const names = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name, type]) =>
    type === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name!]
  );
  return new Set(names);
}

for (const file of [ALERTS, DASHBOARD]) {
  Deno.test(`${file}: every metric that it names is one of ours`, async () => {
    const text = await Deno.readTextFile(new URL(file, ROOT));
    const named = [...text.matchAll(/\b(?:gssocks|process)_[a-z_]+\b/g)].map(([name]) => name);
    const known = metricNames();
    assert.ok(named.length >= 10);
    assert.deepEqual(named.filter((name) => !known.has(name)), []);
  });
}

Deno.test(`${DASHBOARD}: no panel lies on another one`, async () => {
  const { panels } = JSON.parse(await Deno.readTextFile(new URL(DASHBOARD, ROOT)));
  const taken = new Set<string>();
  for (const { title, gridPos: { x, y, w, h } } of panels) {
    assert.ok(x + w <= 24, title);
    for (let column = x; column < x + w; column++) {
      for (let row = y; row < y + h; row++) {
        assert.ok(!taken.has(`${column} ${row}`), title);
        taken.add(`${column} ${row}`);
      }
    }
  }
});

peerTest("alerts: promtool reads them, and each fires for what it is about", ["promtool"], async () => {
  const path = (file: string) => new URL(file, ROOT).pathname;
  for (const args of [["check", "rules", path(ALERTS)], ["test", "rules", path("tests/packaging/alerts.yaml")]]) {
    const { code, stdout, stderr } = await run(peer("promtool"), args);
    assert.equal(code, 0, stdout + stderr);
  }
});
