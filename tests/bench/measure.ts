/**
 * What the system says of a process.
 *
 * @module
 */

/** Returns the processor time of a process and its group, and of those in it that have ended, in milliseconds. */
export function cpuMilliseconds(pid: number): number {
  let ticks = 0;
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const fields = Deno.readTextFileSync(`/proc/${name}/stat`).split(") ")[1]!.split(" ");
      // Group and session are the third and fourth field after the name, times the twelfth to fifteenth.
      if (Number(name) !== pid && Number(fields[2]) !== pid && Number(fields[3]) !== pid) continue;
      for (const time of fields.slice(11, 15)) ticks += Number(time);
    } catch {
      // The process has ended.
    }
  }
  return 10 * ticks;
}

/** Returns the resident memory of a process in KiB, once it stops changing. */
export async function settledKib(pid: number): Promise<number> {
  for (let last = -1;;) {
    const now = Number(/VmRSS:\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))![1]);
    if (Math.abs(now - last) < 64) return now;
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

/** Returns the limit of open files of a process. */
export function openFilesLimit(pid: number): number {
  return Number(/Max open files\s+\d+\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/limits`))![1]);
}
