/** The status page without a browser: its script is whole, and its texts are right. */
import assert from "node:assert/strict";
import { Monitor } from "../../../cli/monitor/monitor.ts";
import { PAGE_HTML } from "../../../cli/monitor/page/markup.ts";
import { ageText, chartPath, PAGE_JS, sizeText, stateText } from "../../../cli/monitor/page/script.ts";
import { PAGE_CSS } from "../../../cli/monitor/page/style.ts";

Deno.test("status page: the script that is sent runs alone, and names nothing outside itself", async () => {
  const ids = new Set([...PAGE_HTML.matchAll(/id="([^"]+)"/g)].map(([, id]) => id!));
  const elements = new Map<string, ReturnType<typeof element>>();
  const element = () => ({
    textContent: "",
    className: "",
    hidden: false,
    dataset: {} as Record<string, string>,
    children: [] as unknown[],
    tBodies: [{ replaceChildren: () => {} }],
    append: () => {},
    replaceChildren: () => {},
    setAttribute: () => {},
  });
  const document = {
    body: element(),
    getElementById(id: string) {
      assert.ok(ids.has(id), `the page has an element ${id}`);
      return elements.getOrInsertComputed?.(id, element) ??
        (elements.set(id, elements.get(id) ?? element()), elements.get(id)!);
    },
    createElement: element,
    createElementNS: element,
  };
  const later: (() => unknown)[] = [];
  const fetch = () => Promise.resolve({ json: () => Promise.resolve({ ...new Monitor().snapshot(), now: 7 }) });
  const run = new Function("document", "fetch", "setTimeout", PAGE_JS);
  run(document, fetch, (poll: () => unknown) => later.push(poll));
  while (later.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.equal(document.body.dataset.drawn, "7");
  assert.match(document.getElementById("state").textContent, /^up 0 s$/);
});

Deno.test("status page: sizes, ages and states as text", () => {
  assert.deepEqual([0, 1023, 1536, 150 * 1024, 3 * 2 ** 50].map(sizeText), [
    "0 B",
    "1023 B",
    "1.5 KiB",
    "150 KiB",
    "3072 TiB",
  ]);
  assert.deepEqual([999, 60_000, 7_260_000].map(ageText), ["0 s", "1 min", "2 h 1 min"]);
  const snapshot = new Monitor().snapshot();
  const lost = { ...snapshot, degraded: true, draining: true, shared: { up: false, onLoss: "refuse" } as const };
  assert.equal(stateText(lost), "draining, shared store lost: clients are refused, degraded, up 0 s");
  const points = [{ at: 9, sent: 0, received: 10 }, { at: 10, sent: 10, received: 0 }];
  assert.equal(chartPath(points, "sent", 10), "M590.0 118.0L600.0 6.0");
});

Deno.test("status page: every class of the script has a style, and no text is a riddle", () => {
  for (const name of ["n", "bad", "sent", "received"]) assert.ok(PAGE_CSS.includes(`.${name}`), name);
  assert.doesNotMatch(PAGE_HTML + PAGE_JS, /[Nn]obody|[Tt]urned away/);
});
