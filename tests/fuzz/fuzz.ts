/**
 * Runs targets on random inputs until the time is over. Findings are: an error that is not the target's answer to bad
 * input, an unhandled rejection, a slow or endless input, and growing memory.
 *
 * @module
 */
import { encodeHex } from "@std/encoding/hex";
import type { Bytes } from "../../base/bytes.ts";
import { mutate } from "./mutate.ts";
import { Random } from "./random.ts";

/** A function that accepts foreign bytes. */
export interface Target {
  readonly name: string;
  /** Genuine inputs to change. */
  readonly seeds: readonly Uint8Array[];
  /** Whether an error is a right answer to bad input. */
  readonly expects: (error: unknown) => boolean;
  /** Processes an input. It throws an unexpected error for a wrong result. */
  readonly run: (input: Bytes, random: Random) => unknown;
  /** Creates an input. @default {a changed seed; one in twenty is random bytes} */
  readonly make?: (random: Random) => Bytes;
  /** The bytes processed, where the input only says how to change something that is created each time. */
  readonly given?: () => Uint8Array;
  /** Consecutive inputs before the next target's turn. @default {50} */
  readonly batch?: number;
  /** Time limit of an input in milliseconds. @default {250} */
  readonly slow?: number;
}

/** Options of {@linkcode fuzz}. */
export interface FuzzOptions {
  readonly seed: number;
  readonly seconds: number;
  /** Maximum number of inputs. @default {Infinity} */
  readonly runs?: number;
  /** Allowed growth of memory from a tenth of the time to the end, in MiB. @default {256} */
  readonly growth?: number;
  /** Returns the memory held, in MiB. @default {of the process; after a collection where possible, of this thread} */
  readonly held?: () => number;
  /** Milliseconds after which an input counts as hanging. @default {10,000} */
  readonly hang?: number;
}

/** A finding. */
export interface Finding {
  readonly target: string;
  readonly problem: string;
  /** The input in hex. */
  readonly input: string;
  /** The processed bytes in hex, where they differ from the input. */
  readonly given?: string;
}

/** Result of a run. */
export interface FuzzResult {
  readonly runs: number;
  /** Inputs of each target: accepted, and refused as expected. */
  readonly counts: ReadonlyMap<string, { readonly taken: number; readonly refused: number }>;
  /** Findings, one of each kind. */
  readonly findings: readonly Finding[];
}

const HANGS = Symbol("hangs");

class Run {
  readonly #options: FuzzOptions;
  readonly #random: Random;
  readonly #counts = new Map<string, { taken: number; refused: number }>();
  readonly #findings = new Map<string, Finding>();
  #current: { readonly target: Target; readonly input: Bytes } | undefined;
  #runs = 0;

  constructor(options: FuzzOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
  }

  async all(targets: readonly Target[]): Promise<FuzzResult> {
    const onUnhandled = (event: PromiseRejectionEvent) => {
      event.preventDefault();
      this.#note(`unhandled rejection: ${describe(event.reason)}`);
    };
    const onError = (event: ErrorEvent) => {
      event.preventDefault();
      this.#note(`uncaught error: ${describe(event.error)}`);
    };
    globalThis.addEventListener("unhandledrejection", onUnhandled);
    globalThis.addEventListener("error", onError);
    const { seconds, runs = Infinity, growth = 256, held = heldByProcess } = this.#options;
    const start = performance.now();
    let before: number | undefined;
    const share = () => Math.max((performance.now() - start) / (1000 * seconds), this.#runs / runs);
    try {
      while (share() < 1) {
        for (const target of targets) {
          for (let left = target.batch ?? 50; left > 0 && share() < 1; left--) {
            await this.#one(target);
            if (before === undefined && share() > 0.1) before = held();
          }
        }
      }
      // Unhandled rejections are reported in a later turn.
      await new Promise((resolve) => setTimeout(resolve, 0));
      const grown = before === undefined ? 0 : held() - before;
      if (grown > growth) this.#note(`memory grew by ${grown.toFixed(0)} MiB`);
    } finally {
      globalThis.removeEventListener("unhandledrejection", onUnhandled);
      globalThis.removeEventListener("error", onError);
    }
    return { runs: this.#runs, counts: this.#counts, findings: [...this.#findings.values()] };
  }

  async #one(target: Target): Promise<void> {
    const input = (target.make ?? ((random) => changed(random, target.seeds)))(this.#random);
    this.#current = { target, input };
    const counts = this.#counts.get(target.name) ?? { taken: 0, refused: 0 };
    this.#counts.set(target.name, counts);
    const start = performance.now();
    try {
      const outcome = target.run(input, this.#random);
      if (outcome instanceof Promise && await this.#ended(outcome) === HANGS) this.#note("never ends");
      counts.taken++;
    } catch (error) {
      counts.refused++;
      if (!target.expects(error)) this.#note(describe(error));
    }
    this.#runs++;
    if (performance.now() - start > (target.slow ?? 250)) await this.#again(target, input);
  }

  /** Whether an input is slow each time, not only because the machine was busy. */
  async #again(target: Target, input: Bytes): Promise<void> {
    let best = Infinity;
    for (let i = 0; i < 3; i++) {
      const start = performance.now();
      try {
        const outcome = target.run(input, new Random(i));
        if (outcome instanceof Promise) await this.#ended(outcome);
      } catch {
        // Reported before.
      }
      best = Math.min(best, performance.now() - start);
    }
    if (best > (target.slow ?? 250)) this.#note(`takes ${Math.round(best)} ms for ${input.length} bytes`);
  }

  async #ended(outcome: Promise<unknown>): Promise<unknown> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const hangs = new Promise<typeof HANGS>((resolve) => {
      timer = setTimeout(() => resolve(HANGS), this.#options.hang ?? 10_000);
    });
    try {
      return await Promise.race([outcome, hangs]);
    } finally {
      clearTimeout(timer);
    }
  }

  #note(problem: string): void {
    const { target, input } = this.#current!;
    const kind = `${target.name}: ${problem.replace(/\d+/g, "N")}`;
    if (!this.#findings.has(kind)) {
      const given = target.given === undefined ? {} : { given: encodeHex(target.given()) };
      this.#findings.set(kind, { target: target.name, problem, input: encodeHex(input), ...given });
    }
  }
}

/** Returns a changed seed, or, rarely, random bytes. */
function changed(random: Random, seeds: readonly Uint8Array[]): Bytes {
  if (seeds.length === 0 || random.once(20)) return random.bytes(random.below(200));
  return mutate(random, random.pick(seeds), random.pick(seeds));
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return `thrown: ${String(error)}`;
  const place = (error.stack ?? "").split("\n").find((line) => line.includes("at "))?.trim() ?? "";
  return `${error.name}: ${error.message.slice(0, 300)} (${place})`;
}

/** Returns the memory held in MiB, after a collection where possible. */
function heldByProcess(): number {
  const { gc } = globalThis as { gc?: () => void };
  gc?.();
  const { rss, heapUsed, external } = Deno.memoryUsage();
  return (gc === undefined ? rss : heapUsed + external) / 2 ** 20;
}

/** Runs targets. */
export function fuzz(targets: readonly Target[], options: FuzzOptions): Promise<FuzzResult> {
  return new Run(options).all(targets);
}

/** Parses `--seed N --seconds S --runs N`; a missing seed is random. */
export function fuzzArguments(args: readonly string[]): FuzzOptions {
  const values = new Map<string, number>();
  for (let i = 0; i < args.length; i += 2) {
    const [name, value] = [args[i]!, Number(args[i + 1] ?? NaN)];
    if (!["--seed", "--seconds", "--runs"].includes(name) || !(value >= 0)) {
      throw new TypeError("Usage: [--seed N] [--seconds S] [--runs N]");
    }
    values.set(name.slice(2), value);
  }
  const runs = values.get("runs");
  return {
    seed: values.get("seed") ?? Math.floor(Math.random() * 2 ** 31),
    seconds: values.get("seconds") ?? (runs === undefined ? 60 : Infinity),
    ...(runs === undefined ? {} : { runs }),
  };
}

/** Prints the result of a run; returns the exit code. */
export function report(name: string, options: FuzzOptions, result: FuzzResult): number {
  const lines = [`${name}: seed ${options.seed}, ${result.runs} inputs, ${result.findings.length} findings`];
  for (const [target, { taken, refused }] of result.counts) {
    lines.push(`  ${target}: ${taken} taken, ${refused} refused`);
  }
  for (const { target, problem, input, given } of result.findings) {
    lines.push(`FOUND ${target}: ${problem}`, `  input ${input}`);
    if (given !== undefined) lines.push(`  given ${given}`);
  }
  // deno-lint-ignore no-console
  console.log(lines.join("\n"));
  return result.findings.length === 0 ? 0 : 1;
}
