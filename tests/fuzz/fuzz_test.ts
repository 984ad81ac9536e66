/** The fuzzers run for a moment, and notice each kind of fault. */
import assert from "node:assert/strict";
import { decode } from "../../asn1/codec.ts";
import { sameBytes } from "../../base/bytes.ts";
import { Int32 } from "../../kerberos/messages/basic.ts";
import { unhex } from "../support/vectors.ts";
import { clientTargets } from "./client.ts";
import { decoderTargets } from "./decoders.ts";
import { asn1Error, textError } from "./expected.ts";
import { fuzz, fuzzArguments, type FuzzOptions, type FuzzResult, type Target } from "./fuzz.ts";
import { mutate, mutateElement } from "./mutate.ts";
import { Random } from "./random.ts";
import { fuzzServer } from "./server.ts";

function clean(result: FuzzResult, targets: number): void {
  assert.deepEqual(result.findings, []);
  assert.equal(result.counts.size, targets, "every target had its turn");
}

Deno.test("decoder fuzzer: finds nothing in its first inputs", async () => {
  const targets = (await decoderTargets()).map((target) => ({ ...target, batch: 5 }));
  clean(await fuzz(targets, { seed: 7, seconds: 60, runs: 5 * targets.length }), targets.length);
});

Deno.test("client fuzzer: finds nothing in its first inputs", async () => {
  const targets = (await clientTargets()).map((target) => ({ ...target, batch: 10 }));
  clean(await fuzz(targets, { seed: 7, seconds: 60, runs: 10 * targets.length }), targets.length);
});

Deno.test("server fuzzer: finds nothing in its first inputs", async () => {
  clean(await fuzzServer({ seed: 7, seconds: 60, runs: 120 }), 12);
});

/** Returns a target with a fault. */
function faulty(run: Target["run"], slow: number = 5_000): Target {
  return { name: "faulty", seeds: [Uint8Array.of(1, 2, 3)], expects: asn1Error, slow, run };
}

async function found(
  run: Target["run"],
  more: Partial<FuzzOptions> & { slow?: number } = {},
): Promise<string> {
  const options = { seed: 1, seconds: 20, runs: 2, hang: 100, ...more };
  const { findings } = await fuzz([faulty(run, more.slow)], options);
  assert.ok(findings.length > 0, "found");
  for (const { input } of findings) assert.match(input, /^([0-9a-f]{2})*$/);
  return findings.map(({ problem }) => problem).join("; ");
}

Deno.test("fuzz(): reports foreign errors, hangs, slow inputs, unhandled rejections and growth", async () => {
  assert.match(await found(() => (undefined as unknown as Uint8Array).length), /TypeError: Cannot read properties/);
  assert.match(await found(() => Promise.reject(new RangeError("x"))), /RangeError: x/);
  assert.match(await found(() => new Promise(() => {})), /never ends/);
  assert.match(await found(() => void Promise.reject(new Error("lost"))), /unhandled rejection: Error: lost/);
  const spin = (milliseconds: number) => {
    for (const end = performance.now() + milliseconds; performance.now() < end;);
  };
  assert.match(await found(() => spin(60), { slow: 50 }), /takes \d+ ms for \d+ bytes/);
  const kept: Uint8Array[] = [];
  const keep = () => void kept.push(new Uint8Array(4 << 20).fill(1));
  // The process runs other tests too, whose memory grows and shrinks.
  const held = () => (Deno.memoryUsage().heapUsed + Deno.memoryUsage().external) / 2 ** 20;
  assert.match(await found(keep, { runs: 20, growth: 8, held }), /memory grew by \d+ MiB/);
  kept.length = 0;
});

Deno.test("fuzz(): ignores expected errors and inputs that are slow only once", async () => {
  const refusing = faulty((input) => decode(Int32, input));
  assert.deepEqual((await fuzz([refusing], { seed: 1, seconds: 20, runs: 200 })).findings, []);
  let first = true;
  const hesitant = faulty(() => {
    for (const end = performance.now() + 60; first && performance.now() < end;);
    first = false;
  }, 50);
  assert.deepEqual((await fuzz([hesitant], { seed: 1, seconds: 20, runs: 20 })).findings, []);
});

Deno.test("fuzz(): repeats its inputs for the same seed only", async () => {
  const inputs = async (seed: number) => {
    const seen: string[] = [];
    await fuzz([faulty((input) => void seen.push(input.join()))], { seed, seconds: 20, runs: 50 });
    return seen.join(";");
  };
  assert.equal(await inputs(3), await inputs(3));
  assert.notEqual(await inputs(3), await inputs(4));
});

Deno.test("mutateElement(): keeps enclosing lengths right; mutate() copies its input", () => {
  const der = unhex("300f a003020105 a2030401aa a303020101".replaceAll(" ", ""));
  const random = new Random(1);
  let whole = 0;
  for (let i = 0; i < 500; i++) {
    const changed = mutateElement(random, der);
    if (changed[0] === 0x30 && changed[1] === changed.length - 2) whole++;
    mutate(random, der, der);
  }
  assert.ok(whole > 250, `${whole}`);
  assert.ok(sameBytes(der, unhex("300fa003020105a2030401aaa303020101")));
});

Deno.test("fuzzArguments(): reads a seed, a time or a number of inputs", () => {
  assert.deepEqual(fuzzArguments(["--seed", "5", "--seconds", "2"]), { seed: 5, seconds: 2 });
  assert.deepEqual(fuzzArguments(["--runs", "100", "--seed", "5"]), { seed: 5, seconds: Infinity, runs: 100 });
  assert.equal(fuzzArguments([]).seconds, 60);
  for (const args of [["--seed"], ["--seed", "x"], ["--what", "1"]]) {
    assert.throws(() => fuzzArguments(args), TypeError);
  }
});

Deno.test("textError(): tells messages of this package from those of the runtime", () => {
  assert.ok(textError(new TypeError('Cannot read rule "x": ACTION DESTINATION wanted')));
  for (
    const mistake of [
      () => (undefined as unknown as Uint8Array).length,
      () => (1 as unknown as () => void)(),
      () => new Uint8Array(-1),
      () => "x".repeat(-1),
      () => [...(1 as unknown as string)],
    ]
  ) {
    assert.throws(mistake, (error) => !textError(error), String(mistake));
  }
});
