/**
 * Constant time, measured (Reparaz and others, "Dude, is my code constant time?", 2017): whether the time of zeros under a zero key can be
 * told from that of random bytes under a random one. Noise of the machine hides a difference and makes none, but for chance; so the least
 * of several rounds counts, and the same measure must see a function that leaks in each.
 */
import assert from "node:assert/strict";
import { randomBytes } from "../../../../base/runtime.ts";
import { CONTEXT, CONTEXT_LENGTH, DATA, PROTOCOL_KEY, Use } from "../../../../kerberos/crypto/core/layout.ts";
import { coreVariants } from "../../../support/core_variants.ts";

const BOUND = 4.5;
const ROUNDS = 8;
const MEASUREMENTS = 12_000;

/** Welch's t of two classes of times, without their slowest tenth. */
function welch(times: readonly [number[], number[]]): number {
  const cut = times.flat().toSorted((a, b) => a - b)[Math.floor(0.9 * (times[0].length + times[1].length))]!;
  const [a, b] = times.map((all) => {
    const kept = all.filter((time) => time <= cut);
    const mean = kept.reduce((sum, time) => sum + time, 0) / kept.length;
    const variance = kept.reduce((sum, time) => sum + (time - mean) ** 2, 0) / (kept.length - 1);
    return { mean, error: variance / kept.length };
  }) as [{ mean: number; error: number }, { mean: number; error: number }];
  return (a.mean - b.mean) / Math.sqrt(a.error + b.error);
}

/** |t| of one round. `prepare` sets up a class, zeros or random bytes; `run` is what is measured. */
function round(prepare: (random: boolean) => void, run: () => void): number {
  const times: [number[], number[]] = [[], []];
  const order = randomBytes(MEASUREMENTS);
  for (let i = 0; i < MEASUREMENTS; i++) {
    const which = (order[i]! & 1) as 0 | 1;
    prepare(which === 1);
    const start = performance.now();
    run();
    const time = performance.now() - start;
    if (i > 1000) times[which].push(time);
  }
  return Math.abs(welch(times));
}

function least(prepare: (random: boolean) => void, run: () => void, enough: number): number {
  let smallest = Infinity;
  for (let i = 0; i < ROUNDS && smallest >= enough; i++) smallest = Math.min(smallest, round(prepare, run));
  return smallest;
}

/** Random bytes or zeros. Both are made by the same steps, so that the caches and the collector find both classes alike. */
function bytesOfClass(random: boolean, length: number): Uint8Array {
  const bytes = randomBytes(length);
  const mask = random ? 0xff : 0;
  for (let i = 0; i < length; i++) bytes[i]! &= mask;
  return bytes;
}

const LENGTH = 500;
for (const { name, exports } of coreVariants()) {
  const memory = new Uint8Array(exports.memory.buffer);
  for (const enctype of [18, 20]) {
    const expanded = [Use.Seal, Use.Open].map((use) =>
      [false, true].map((random) => {
        if (random) memory.set(randomBytes(32), PROTOCOL_KEY);
        exports.prepare(enctype, use);
        const context = memory.slice(CONTEXT, CONTEXT + CONTEXT_LENGTH);
        exports.wipe(0);
        return context;
      })
    );
    const message = (use: number) => (random: boolean) => {
      memory.set(expanded[use]![random ? 1 : 0]!, CONTEXT);
      memory.set(bytesOfClass(random, LENGTH + 64), DATA + 16);
    };
    const key = (random: boolean) => memory.set(bytesOfClass(random, 32), PROTOCOL_KEY);
    Deno.test(`core: takes the same time for all messages and keys (${name}, enctype ${enctype})`, () => {
      const measured = {
        seal: least(message(Use.Seal), () => exports.seal(enctype, DATA + 16, LENGTH), BOUND),
        // Not genuine, either of them: what is compared differs from the first byte on, or later.
        open: least(message(Use.Open), () => void exports.open(enctype, DATA + 16, LENGTH), BOUND),
        schedule: least(key, () => exports.prepare(enctype, Use.Seal), BOUND),
      };
      exports.wipe(LENGTH + 64);
      for (const [what, t] of Object.entries(measured)) assert.ok(t < BOUND, `${what}: |t| is ${t}`);
    });
  }
}

Deno.test("core: the measure of time sees a comparison that ends at the first difference", () => {
  const data = new Uint8Array(2000);
  const prepare = (random: boolean) => data.set(bytesOfClass(random, 2000));
  let sum = 0;
  const leaky = () => {
    for (const byte of data) {
      if (byte !== 0) return;
      sum++;
    }
  };
  const t = least(prepare, leaky, BOUND);
  assert.ok(sum > 0 && t > BOUND, `|t| is ${t}`);
});
