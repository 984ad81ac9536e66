/** The list of rules that can be switched off fits the tree, and its runner tells a rule that is tested from one that is not. */
import assert from "node:assert/strict";
import { ALL_MUTANTS, type ListedMutant } from "./all.ts";
import { misfits, shuffled } from "./fit.ts";
import { type MutantResult, tryMutants, verdict } from "./runner.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

Deno.test("what each mutant changes stands exactly once, and its tests are there", async () => {
  const wrong = await misfits(ALL_MUTANTS, ROOT);
  assert.deepEqual(wrong.map(({ mutant: { area, rule }, why }) => `${area}: ${rule}: ${why}`), []);
});

/** A project with a rule that is tested, one that is not, one whose test hangs without it, and tests that fail anyway. */
const PROJECT: Readonly<Record<string, string>> = {
  "deno.json": "{}",
  "source/rules.ts": `
    export const even = (n: number) => n % 2 === 0;
    export const small = (n: number) => n < 10;
    export function count(to: number): number {
      let n = 0;
      while (n < to) n += 1;
      return n;
    }`,
  "tests/rules_test.ts": `
    import { even, small } from "../source/rules.ts";
    Deno.test("odd is refused", () => { if (even(3)) throw new Error("taken"); });
    Deno.test("ten is asked for", () => void small(10));`,
  "tests/count_test.ts": `
    import { count } from "../source/rules.ts";
    Deno.test("counts", () => { if (count(3) !== 3) throw new Error("miscounted"); });`,
  "tests/red_test.ts": `Deno.test("fails anyway", () => { throw new Error("red"); });`,
};

function mutant(rule: string, change: Partial<ListedMutant>): ListedMutant {
  const nearest = { file: "source/rules.ts", tests: ["tests/rules_test.ts"] };
  return { area: "fake", rule, source: "none", find: "", replace: "true", ...nearest, ...change };
}

async function withProject(use: (root: string) => Promise<void>): Promise<void> {
  const root = `${await Deno.makeTempDir()}/`;
  try {
    for (const [path, text] of Object.entries(PROJECT)) {
      await Deno.mkdir(`${root}${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${root}${path}`, text);
    }
    await use(root);
    for (const [path, text] of Object.entries(PROJECT)) {
      assert.equal(await Deno.readTextFile(`${root}${path}`), text, "the checkout is only read");
    }
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("the runner tells noticed from unnoticed, and says where nothing can be said", async () => {
  await withProject(async (root) => {
    const tried: MutantResult[] = [];
    const expected: [ListedMutant, MutantResult["outcome"], RegExp][] = [
      [mutant("odd", { find: "n % 2 === 0" }), "noticed", /^odd is refused$/],
      [mutant("small", { find: "n < 10" }), "unnoticed", /2 tests passed/],
      [mutant("odd, by others", { find: "n % 2 === 0", filter: "ten" }), "unnoticed", /1 tests passed/],
      [
        mutant("hangs", { find: "n += 1", replace: "n += 0", tests: ["tests/count_test.ts"] }),
        "noticed",
        /not done in/,
      ],
      [mutant("no code", { find: "n % 2 === 0", replace: "n %" }), "broken", /no test begins/],
      [mutant("red", { find: "n < 10", tests: ["tests/red_test.ts"] }), "broken", /fails without any change/],
      [mutant("no test", { find: "n < 10", filter: "nosuch" }), "broken", /runs no test/],
    ];
    const options = { root, jobs: 2, leastLimit: 4_000, onResult: (result: MutantResult) => void tried.push(result) };
    const results = await tryMutants(expected.map(([mutant]) => mutant), options);
    assert.deepEqual(results, tried);
    for (const [mutant, outcome, why] of expected) {
      const result = results.find((one) => one.mutant === mutant);
      assert.equal(result?.outcome, outcome, `${mutant.rule}: ${result?.why}`);
      assert.match(result.why, why, mutant.rule);
    }
    assert.deepEqual(verdict(results), { line: "2 noticed, 2 unnoticed", good: false });
    const only = (...outcomes: string[]) => verdict(results.filter(({ outcome }) => outcomes.includes(outcome))).good;
    assert.deepEqual([only("noticed"), only("noticed", "unnoticed"), only("noticed", "broken"), only()], [
      true,
      false,
      false,
      false,
    ]);
  });
});

Deno.test("the runner begins nothing when the time is up, and ends what runs when it is told to", async () => {
  await withProject(async (root) => {
    const hanging = mutant("hangs", { find: "n += 1", replace: "n += 0", tests: ["tests/count_test.ts"] });
    const options = { root, jobs: 2, leastLimit: 600_000, onResult: () => {} };
    assert.deepEqual(await tryMutants([hanging], { ...options, budget: 0 }), []);
    const stop = new AbortController();
    // The one that hangs would do so for ten minutes.
    const trying = tryMutants([hanging, mutant("odd", { find: "n % 2 === 0" })], {
      ...options,
      onResult: () => stop.abort(new Error("told to")),
      signal: stop.signal,
    });
    await assert.rejects(trying, /told to/);
  });
});

Deno.test("entries that do not fit are told from those that do", async () => {
  await withProject(async (root) => {
    const entries = [
      mutant("fits", { find: "n % 2 === 0" }),
      mutant("gone", { find: "n % 3" }),
      mutant("twice", { find: "n: number" }),
      mutant("empty", {}),
      mutant("nothing", { find: "n < 10", replace: "n < 10" }),
      mutant("no file", { file: "source/none.ts", find: "x" }),
      mutant("no tests", { find: "n < 10", tests: [] }),
      mutant("no test file", { find: "n < 10", tests: ["tests/none_test.ts"] }),
      mutant("fits", { find: "n < 10" }),
      mutant("fits", { find: "n < 10" }),
    ];
    assert.deepEqual((await misfits(entries, root)).map(({ mutant: { rule }, why }) => [rule, why]), [
      ["gone", "what is to be changed stands 0 times in source/rules.ts, not once: n % 3"],
      ["twice", "what is to be changed stands 2 times in source/rules.ts, not once: n: number"],
      ["empty", "what is to be changed stands 0 times in source/rules.ts, not once: "],
      ["nothing", "the change changes nothing"],
      ["no file", "there is no source/none.ts"],
      ["no tests", "no test is named"],
      ["no test file", "there is no tests/none_test.ts"],
      ["fits", "the list has this twice"],
    ]);
  });
});

Deno.test("a sample is the same for one commit and another for the next, and every rule has its turn", async () => {
  const all = Array.from({ length: 40 }, (_, i) => mutant(`rule ${i}`, { find: "x" }));
  const sample = async (commit: string) => (await shuffled(all, commit)).slice(0, 10).map(({ rule }) => rule);
  assert.deepEqual(await sample("a"), await sample("a"));
  assert.notDeepEqual(await sample("a"), await sample("b"));
  const turns = new Set((await Promise.all(Array.from({ length: 50 }, (_, i) => sample(`commit ${i}`)))).flat());
  assert.equal(turns.size, all.length);
});
