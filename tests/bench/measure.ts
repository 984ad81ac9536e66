/**
 * Measures this package and a peer in turn, and evaluates the figures.
 *
 * @module
 */

/** Returns the median. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

/** A measurement that returns a figure each time. */
export type Run = () => Promise<number>;

/** Runs each in turn for several rounds, so that a slow minute affects all; returns the medians. The first round warms up. */
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

/** Returns the smallest of several times: noise only makes them longer. */
export async function smallest(run: Run, rounds: number): Promise<number> {
  let best = Infinity;
  for (let i = 0; i < rounds; i++) best = Math.min(best, await run());
  return best;
}

/** Returns the processor time of a process and its group, in milliseconds. */
export function cpuMilliseconds(pid: number): number {
  let ticks = 0;
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const fields = Deno.readTextFileSync(`/proc/${name}/stat`).split(") ")[1]!.split(" ");
      // Group and session are the third and fourth field after the name, times the twelfth and thirteenth.
      if (Number(name) !== pid && Number(fields[2]) !== pid && Number(fields[3]) !== pid) continue;
      ticks += Number(fields[11]) + Number(fields[12]);
    } catch {
      // The process has ended.
    }
  }
  return 10 * ticks;
}

/** Returns the resident memory of a process in KiB. */
export function residentKib(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))![1]);
}

/** Returns the limit of open files of a process. */
export function openFilesLimit(pid: number): number {
  return Number(/Max open files\s+\d+\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/limits`))![1]);
}
