/**
 * Compares this commit with an earlier one on the same machine, turn by turn.
 *
 * @module
 */
import { byTurns, type Contest, type Contestants, ratios } from "./contest.ts";
import { Field, ROOT } from "./field.ts";
import { say, show, showSpread } from "./report.ts";
import { type Change, judgeChange, median, spread } from "./statistics.ts";

/** A part of the benchmarks. */
export type Part = (field: Field) => AsyncGenerator<Contest>;

async function git(...args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("git", { args: [...args], cwd: ROOT }).output();
  if (!success) throw new Error(`git ${args[0]}: ${new TextDecoder().decode(stderr)}`);
}

/** Checks a commit out into a folder of its own. */
async function checkOut(revision: string): Promise<{ readonly root: string } & AsyncDisposable> {
  const folder = await Deno.makeTempDir({ prefix: "gssocks-baseline-" });
  await git("worktree", "add", "--detach", folder, revision);
  return {
    root: `${folder}/`,
    [Symbol.asyncDispose]: () => git("worktree", "remove", "--force", folder),
  };
}

/** Measures both commits' programs in one contest; returns the change of each contestant in each measure. */
async function compare(now: Contest, before: Contest, turns: number): Promise<Change[]> {
  const named = (suffix: string, all: Contestants) =>
    Object.entries(all).map(([name, run]) => [`${name}${suffix}`, run] as const);
  const pairs = named("", now.ours).flatMap((entry, i) => [entry, named(" before", before.ours)[i]!]);
  const seen = await byTurns(Object.fromEntries(pairs), { turns, fresh: now.fresh });
  return Object.keys(now.ours).filter((name) => seen.has(name)).flatMap((name) =>
    now.measures.map(({ work, unit }, i) => {
      const [own, old] = [seen.get(name)![i]!, seen.get(`${name} before`)![i]!];
      const ratio = spread(ratios(own, old, unit));
      const change = judgeChange(ratio);
      const what = name === "gssocks" ? work : `${work}: ${name}`;
      say(`| ${what} | ${show(median(old))} → ${show(median(own))} ${unit} | ${showSpread(ratio)} | ${change} |`);
      return change;
    })
  );
}

/**
 * Compares parts with those of another commit. What looks worse is measured once more, over more turns: of so many rows, some
 * look worse by chance. Returns how many are worse.
 */
export async function check(parts: readonly Part[], baseline: string): Promise<number> {
  await using old = await checkOut(baseline);
  let worse = 0;
  for (const part of parts) {
    await using field = await Field.start({ peers: false });
    await using oldField = await Field.start({ peers: false, root: old.root });
    const earlier = part(oldField);
    for await (const contest of part(field)) {
      const { value } = await earlier.next() as IteratorYieldResult<Contest>;
      let changes = await compare(contest, value, 7);
      if (changes.includes("worse")) changes = await compare(contest, value, 11);
      worse += changes.filter((change) => change === "worse").length;
    }
    await earlier.next(); // Ends its programs.
  }
  return worse;
}
