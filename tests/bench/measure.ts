/**
 * Ours and the peer by turns, and what is made of the figures.
 *
 * @module
 */

/** The middle one. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

/** Something that gives a figure each time it is run. */
export type Run = () => Promise<number>;

/** Each in turn, again and again, so that a slow minute hits all; the median of each. The first round only warms up. */
export async function byTurns(runs: readonly Run[], rounds = 3): Promise<number[]> {
  const seen: number[][] = runs.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [i, run] of runs.entries()) {
      const figure = await run();
      if (round > 0) seen[i]!.push(figure);
    }
  }
  return seen.map(median);
}

/** The best of some: for times, of which noise only ever makes longer ones. */
export async function smallest(run: Run, rounds: number): Promise<number> {
  let best = Infinity;
  for (let i = 0; i < rounds; i++) best = Math.min(best, await run());
  return best;
}

/** Processor time of a process and of those in its group, in milliseconds. */
export function cpuMilliseconds(pid: number): number {
  let ticks = 0;
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const fields = Deno.readTextFileSync(`/proc/${name}/stat`).split(") ")[1]!.split(" ");
      // Group and session are the third and fourth field behind the name, times the twelfth and thirteenth.
      if (Number(name) !== pid && Number(fields[2]) !== pid && Number(fields[3]) !== pid) continue;
      ticks += Number(fields[11]) + Number(fields[12]);
    } catch {
      // Ended meanwhile.
    }
  }
  return 10 * ticks;
}

/** Resident memory of a process in KiB. */
export function residentKib(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))![1]);
}

/** Files that one process may have open. */
export function openFilesLimit(pid: number): number {
  return Number(/Max open files\s+\d+\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/limits`))![1]);
}
