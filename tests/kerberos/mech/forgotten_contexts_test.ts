/** Contexts that are not disposed hold nothing that has to be given back. */
import assert from "node:assert/strict";
import type { Held } from "../../support/context_gc_probe.ts";
import { run } from "../../support/process.ts";

const ROOT = new URL("../../..", import.meta.url);
const PROBE = new URL("../../support/context_gc_probe.ts", import.meta.url).pathname;
const DENO = ["run", "-q", "-A", "--no-check", "-c", new URL("deno.json", ROOT).pathname, "--v8-flags=--expose-gc"];

async function probe(count: number, ...kinds: string[]): Promise<Map<string, [before: Held, full: Held, after: Held]>> {
  const args = [...DENO, PROBE, String(count), ...kinds];
  const { code, stdout, stderr } = await run(Deno.execPath(), args, { timeout: 120_000 });
  assert.deepEqual([code, stderr], [0, ""]);
  return new Map(Object.entries(JSON.parse(stdout)));
}

/** Nothing is left of them, and they held nothing of the runtime; 2,000 contexts that stay have 10 MB. */
function nothingLeft(name: string, [before, full, after]: [before: Held, full: Held, after: Held]): void {
  assert.deepEqual([full.resources, after.resources], [before.resources, before.resources], name);
  const grown = after.heap - before.heap;
  assert.ok(grown < 1_500_000, `${name}: ${grown} bytes`);
}

Deno.test("KerberosContext: 2,000 forgotten contexts each way leave nothing behind", async () => {
  for (const [name, measured] of await probe(2_000, "established")) nothingLeft(name, measured);
});

Deno.test("KerberosContext: negotiated, unfinished and disposed contexts leave nothing behind", async () => {
  const unfinished = ["initiator that never finishes", "acceptor that fails half-way"];
  const kinds = ["negotiated", "SPNEGO", "disposed", "on WebCrypto", ...unfinished];
  for (const [name, measured] of await probe(200, ...kinds)) nothingLeft(name, measured);
});
