/**
 * Switches each rule of the lists off, one at a time and in a copy, and tells which of them no test notices.
 *
 * ```sh
 * deno task mutants                          # all of them
 * deno task mutants --area kdc               # one list
 * deno task mutants --only nonce             # those with the word in rule, source or file
 * deno task mutants --sample 1/4             # a quarter, which is another one for every commit
 * deno task mutants --budget 300             # as many as can be begun in five minutes
 * ```
 *
 * First the tests that an entry names are run without any change: they must pass, or everything would be noticed. With the
 * change they have five times as long; one that hangs is noticed.
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { parseArgs } from "node:util";
import { ALL_MUTANTS, AREAS, type ListedMutant } from "./all.ts";
import { misfits, shuffled } from "./fit.ts";
import { type MutantResult, tryMutants, verdict } from "./runner.ts";

const root = new URL("../../", import.meta.url).pathname;

const { values } = parseArgs({
  options: {
    area: { type: "string" },
    only: { type: "string" },
    jobs: { type: "string", default: String(navigator.hardwareConcurrency) },
    sample: { type: "string", default: "1/1" },
    budget: { type: "string" },
    commit: { type: "string" },
  },
});

function fail(why: string): never {
  console.error(why);
  Deno.exit(2);
}

function chosen(): ListedMutant[] {
  const { area, only } = values;
  if (area !== undefined && !AREAS.includes(area)) fail(`There is no list "${area}", but ${AREAS.join(", ")}`);
  return ALL_MUTANTS.filter((mutant) =>
    (area === undefined || mutant.area === area) &&
    (only === undefined || [mutant.rule, mutant.source, mutant.file].some((text) => text.includes(only)))
  );
}

/** The commit that decides which ones are a sample; the day where there is none. */
async function seed(): Promise<string> {
  if (values.commit !== undefined) return values.commit;
  const git = new Deno.Command("git", { args: ["rev-parse", "HEAD"], cwd: root, stderr: "null" });
  const head = await git.output().then(({ stdout }) => new TextDecoder().decode(stdout).trim(), () => "");
  return head || new Date().toISOString().slice(0, 10);
}

function print({ mutant, outcome, took, why }: MutantResult): void {
  const word = { noticed: "noticed  ", unnoticed: "UNNOTICED", broken: "BROKEN   " }[outcome];
  console.log(`${word} ${(took / 1000).toFixed(1).padStart(5)} s  ${mutant.area}: ${mutant.rule} | ${why}`);
}

const jobs = Number(values.jobs);
const budget = values.budget === undefined ? Infinity : 1000 * Number(values.budget);
const [, part, whole] = /^([1-9]\d*)\/([1-9]\d*)$/.exec(values.sample) ?? [];
if (!Number.isInteger(jobs) || jobs < 1) fail("--jobs: a number of copies is wanted");
if (Number.isNaN(budget)) fail("--budget: a number of seconds is wanted");
if (part === undefined || Number(part) > Number(whole)) fail("--sample: a part such as 1/4 is wanted");

const selected = chosen();
if (selected.length === 0) fail("No rule fits");
// Every entry must fit, tried or not.
const wrong = await misfits(ALL_MUTANTS, root);
for (const { mutant, why } of wrong) console.log(`DOES NOT FIT  ${mutant.area}: ${mutant.rule} | ${why}`);

const commit = await seed();
const count = Math.ceil(selected.length * Number(part) / Number(whole));
const sampled = count < selected.length || budget !== Infinity;
const inOrder = sampled ? (await shuffled(selected, commit)).slice(0, count) : selected;
const fitting = inOrder.filter((one) => !wrong.some(({ mutant }) => mutant === one));

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => stop.abort(new Error(`${signal}: stopped`)));
}
const started = performance.now();
const results = await tryMutants(fitting, { root, jobs, budget, onResult: print, signal: stop.signal })
  .catch((error) => fail(error instanceof Error ? error.message : String(error)));
const broken = results.filter(({ outcome }) => outcome === "broken").length + wrong.length;
console.log(`${results.length} of ${selected.length} rules in ${((performance.now() - started) / 1000).toFixed(0)} s`);
if (results.length < fitting.length || count < selected.length) {
  console.log(`The rest is not in the sample of ${commit}`);
}
if (broken > 0) console.log(`${broken} entries say nothing; see above`);
const { line, good } = verdict(results);
console.log(line);
Deno.exit(good && wrong.length === 0 ? 0 : 1);
