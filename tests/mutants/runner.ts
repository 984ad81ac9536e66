/**
 * Applies each mutant in a copy of the checkout and runs the tests that must notice it.
 *
 * @module
 */
import type { ListedMutant } from "./all.ts";
import { runTests, type TestRun } from "./test_run.ts";

/** How mutants are tried. */
export interface TryOptions {
  /** The checkout, with a slash at its end; it is only read. */
  readonly root: string;
  /** Copies that are worked in at one time. */
  readonly jobs: number;
  /** Told of each as soon as it is known. */
  readonly onResult: (result: MutantResult) => void;
  /** No mutant is begun after so many milliseconds. @default {Infinity} */
  readonly budget?: number;
  /** Least time that tests of a mutant have, in milliseconds. @default {10000} */
  readonly leastLimit?: number;
  /** Ends everything. */
  readonly signal?: AbortSignal;
}

/** What became of a mutant. */
export interface MutantResult {
  readonly mutant: ListedMutant;
  /** `broken`: nothing can be said, since its tests fail or do not run without it, or its change does not load. */
  readonly outcome: "noticed" | "unnoticed" | "broken";
  /** Milliseconds. */
  readonly took: number;
  /** Which test noticed, or why nothing can be said. */
  readonly why: string;
}

/** What all of them come to: the last line to print, and whether every rule that was tried has a test that fails without it. */
export function verdict(results: readonly MutantResult[]): { readonly line: string; readonly good: boolean } {
  const of = (outcome: MutantResult["outcome"]) => results.filter((result) => result.outcome === outcome).length;
  const [noticed, unnoticed] = [of("noticed"), of("unnoticed")];
  return { line: `${noticed} noticed, ${unnoticed} unnoticed`, good: noticed > 0 && noticed === results.length };
}

/** A mutant's tests have this many times as long as they take without it: one that hangs is noticed, a busy machine is not. */
const LIMIT_FACTOR = 5;
/** Tests that take longer than this without a mutant, in milliseconds, are not near it. */
const LONGEST_UNCHANGED = 60_000;

/** Folders that no test needs. */
const NOT_COPIED = [".git", ".tmp", "coverage", "node_modules"];

/** Tries mutants in the order given. Resolved when all are tried, or the time is up. */
export async function tryMutants(mutants: readonly ListedMutant[], options: TryOptions): Promise<MutantResult[]> {
  const { root, jobs, budget = Infinity, signal, onResult } = options;
  const started = performance.now();
  const scratch = await Deno.makeTempDir({ prefix: "gssocks-mutants-" });
  const waiting = [...mutants];
  const results: MutantResult[] = [];
  const baselines = new Baselines(options);
  const work = async (copy: string) => {
    await copyTree(root, copy);
    while (performance.now() - started < budget) {
      const mutant = waiting.shift();
      if (mutant === undefined) return;
      const result = await tryOne(mutant, copy, baselines, signal);
      results.push(result);
      onResult(result);
    }
  };
  const workers = Array.from({ length: Math.max(1, Math.min(jobs, mutants.length)) }, (_, i) => i);
  try {
    const ends = await Promise.allSettled(workers.map((i) => work(`${scratch}/${i}/`)));
    for (const end of ends) if (end.status === "rejected") throw end.reason;
    return results;
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

async function tryOne(
  mutant: ListedMutant,
  copy: string,
  baselines: Baselines,
  signal: AbortSignal | undefined,
): Promise<MutantResult> {
  const unchanged = await baselines.of(mutant, copy);
  const result = (outcome: MutantResult["outcome"], took: number, why: string) => ({ mutant, outcome, took, why });
  if (unchanged.problem !== undefined) return result("broken", unchanged.took, unchanged.problem);
  const path = `${copy}${mutant.file}`;
  const text = await Deno.readTextFile(path);
  let run: TestRun;
  try {
    // A function, since a text would have its dollar signs read.
    await Deno.writeTextFile(path, text.replace(mutant.find, () => mutant.replace));
    run = await runTests({ ...mutant, directory: copy, limit: unchanged.limit, signal });
  } finally {
    await Deno.writeTextFile(path, text);
  }
  const { took } = run;
  switch (run.end) {
    case "passed":
      return result("unnoticed", took, `${run.passed} tests passed`);
    case "failed":
      return result("noticed", took, run.failed);
    case "late":
      return result("noticed", took, `not done in ${took.toFixed(0)} ms, unchanged in ${unchanged.took.toFixed(0)} ms`);
    case "not run":
      return result("broken", took, `with the change no test begins:\n${run.output}`);
  }
}

interface Baseline {
  readonly took: number;
  readonly limit: number;
  readonly problem?: string;
}

/** What the tests do without a mutant, once for each set of tests. */
class Baselines {
  readonly #known = new Map<string, Promise<Baseline>>();
  readonly #options: TryOptions;

  constructor(options: TryOptions) {
    this.#options = options;
  }

  /** `copy` is one that has no mutant in it. */
  of(mutant: ListedMutant, copy: string): Promise<Baseline> {
    const key = JSON.stringify([mutant.tests, mutant.filter]);
    let baseline = this.#known.get(key);
    if (baseline === undefined) this.#known.set(key, baseline = this.#measure(mutant, copy));
    return baseline;
  }

  async #measure({ tests, filter }: ListedMutant, directory: string): Promise<Baseline> {
    const { leastLimit = 10_000, signal } = this.#options;
    const { end, took, passed, output } = await runTests({
      tests,
      filter,
      directory,
      limit: LONGEST_UNCHANGED,
      signal,
    });
    const limit = Math.max(leastLimit, LIMIT_FACTOR * took);
    const named = `${tests.join(" ")}${filter === undefined ? "" : ` --filter "${filter}"`}`;
    if (end === "late") return { took, limit, problem: `${named} takes too long without any change` };
    if (end !== "passed") return { took, limit, problem: `${named} fails without any change:\n${output}` };
    if (passed === 0) return { took, limit, problem: `${named} runs no test` };
    return { took, limit };
  }
}

async function copyTree(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory, isFile } of Deno.readDir(from)) {
    if (isDirectory && !NOT_COPIED.includes(name)) await copyTree(`${from}${name}/`, `${to}${name}/`);
    else if (isFile) await Deno.copyFile(`${from}${name}`, `${to}${name}`);
  }
}
