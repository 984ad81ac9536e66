/** Contexts that are not disposed hold ciphers of the runtime, and release them when they are garbage-collected. */
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

/** Nothing is left of them; a context alone has 10,000 bytes. */
function nothingLeft(name: string, [before, , after]: [before: Held, full: Held, after: Held]): void {
  assert.deepEqual(after.resources, before.resources, name);
  const grown = after.heap - before.heap;
  assert.ok(grown < 1_500_000, `${name}: ${grown} bytes`);
}

Deno.test("KerberosContext: 2,000 forgotten contexts each way leave no cipher behind", async () => {
  for (const [name, measured] of await probe(2_000, "established")) {
    const [before, full] = measured;
    // Two for each side: the measurement sees what is held.
    assert.equal((full.resources.cryptoCipher ?? 0) - (before.resources.cryptoCipher ?? 0), 4_000);
    assert.equal((full.resources.cryptoDecipher ?? 0) - (before.resources.cryptoDecipher ?? 0), 4_000);
    nothingLeft(name, measured);
  }
});

Deno.test("KerberosContext: negotiated, unfinished and disposed contexts leave nothing behind", async () => {
  const forgotten = ["negotiated", "SPNEGO"];
  const empty = ["disposed", "initiator that never finishes", "acceptor that fails half-way", "on WebCrypto"];
  for (const [name, measured] of await probe(200, ...forgotten, ...empty)) {
    const [before, full] = measured;
    if (forgotten.includes(name)) assert.equal(full.resources.cryptoCipher, 400, name);
    // Nothing that has to be given back is held before a context stands, or after it is disposed.
    else assert.deepEqual(full.resources, before.resources, name);
    nothingLeft(name, measured);
  }
});
