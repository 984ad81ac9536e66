/**
 * The workers of `gssocks serve --workers N`: starts them, replaces those that are lost, and asks them how they are.
 *
 * @module
 */
import type { FromWorker, ToWorker } from "./worker_slot.ts";
import { printable } from "../../base/printable.ts";
import { SharedReplayCache } from "../../kerberos/ap/replay/shared.ts";
import { type Endpoint, formatEndpoint } from "../../socks/wire/address.ts";
import { onAbort, pause, startDeadline } from "../../base/deadline.ts";
import { monotonicNow } from "../../base/runtime.ts";
import { errorLine, ExitCode } from "../command/command.ts";
import type { ServerConfig } from "../config/settings.ts";
import type { Faults } from "../log/guard.ts";
import type { ProgramLog } from "../log/program_log.ts";
import type { CliIo } from "../terminal/io.ts";
import type { OpenPorts } from "../monitor/ports.ts";
import { mergeSnapshots, pastOf, type Snapshot } from "../snapshot/snapshot.ts";

/** Options of {@linkcode WorkerPool}. */
export interface WorkerPoolOptions {
  /** Arguments of the command line, for every worker. */
  readonly args: readonly string[];
  /** The configuration. */
  readonly config: ServerConfig;
  /** Number of workers. */
  readonly count: number;
  /** Input and output of the main thread. */
  readonly io: CliIo;
  /** The log of the main thread. */
  readonly log: ProgramLog;
  /** Opens the ports beside the proxy's. */
  readonly watch: OpenPorts;
  /** Called when all workers listen. */
  readonly onListening: () => Promise<void>;
  /** Creates a worker. @default {one that runs `worker.ts`} */
  readonly make?: ((name: string) => Worker) | undefined;
  /** First pause before a lost worker is replaced, in milliseconds; it doubles up to half a minute. @default {1000} */
  readonly retry?: number | undefined;
  /** Time for a worker to answer, in milliseconds. @default {2000} */
  readonly silence?: number | undefined;
}

/** Time for a worker to answer, in milliseconds; one that does not must not delay the admin port. */
const SNAPSHOT_TIME = 2_000;

/** Longest pause before a lost worker is replaced, in milliseconds. */
const LONGEST_RETRY = 30_000;

/** A worker that has run for this long, in milliseconds, was healthy. */
const HEALTHY = 60_000;

/** A slot of the pool, and the worker in it. */
interface Slot {
  readonly index: number;
  worker: Worker | undefined;
  listening: boolean;
  generation: number;
  /** When the worker there began to listen. */
  since: number;
  /** Pause before its next one. */
  retry: number;
  /** What the worker there said last. */
  last: Snapshot | undefined;
}

/** What workers are asked, but for the number of the question. */
type Question =
  | { readonly type: "snapshot" }
  | { readonly type: "end"; readonly session: number; readonly reason: string };
type Answer = Extract<FromWorker, { readonly id: number }>;

/** Workers that serve together. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #faults: Faults;
  readonly #replays: SharedArrayBuffer = new SharedReplayCache().memory;
  readonly #slots: Slot[] = [];
  readonly #end = Promise.withResolvers<number>();
  readonly #stopping = new AbortController();
  readonly #asked = new Map<number, { readonly worker: Worker; readonly take: (answer?: Answer) => void }>();
  #ports: readonly number[] | undefined;
  #begun = false;
  #questions = 0;
  /** Counts of all lost workers, merged into one snapshot; empty before the first. */
  #past: readonly Snapshot[] = [];
  #lost = 0;
  #unguard: (() => void) | undefined;
  #code: number = ExitCode.Ok;

  constructor(options: WorkerPoolOptions, faults: Faults) {
    this.#options = options;
    this.#faults = faults;
    this.#start(this.#slot(0));
  }

  /** Resolves with the exit code when all workers have ended. */
  get ended(): Promise<number> {
    return this.#end.promise;
  }

  stop(): void {
    this.#stopping.abort();
    for (const worker of this.#workers) this.#tell(worker, { type: "stop" });
    this.#endIfEmpty();
  }

  reload(): void {
    for (const worker of this.#workers) this.#tell(worker, { type: "reload" });
  }

  get #workers(): Worker[] {
    return this.#slots.flatMap(({ worker }) => worker ?? []);
  }

  /** Returns all workers as one server. A worker that starts, or does not answer, is missing. */
  async snapshot(): Promise<Snapshot> {
    const listening = this.#listening;
    const all = await this.#askAll(listening, { type: "snapshot" });
    const [first, ...others] = all.flatMap((answer) => answer?.type === "snapshot" ? [answer.snapshot] : []);
    if (first === undefined) throw new Error("No worker answers");
    const merged = mergeSnapshots([first, ...others, ...this.#past]);
    const missing = this.#begun &&
      (others.length + 1 < listening.length || this.#slots.some(({ listening }) => !listening));
    return {
      ...merged,
      degraded: merged.degraded || missing,
      troubles: { ...merged.troubles, worker: { count: this.#lost, recent: missing } },
      faults: merged.faults + this.#faults.count,
      logDropped: this.#options.io.log?.dropped ?? 0,
    };
  }

  /** Ends a session of any worker; `false` if none has it. */
  async endSession(session: number, reason: string): Promise<boolean> {
    const all = await this.#askAll(this.#listening, { type: "end", session, reason });
    return all.some((answer) => answer?.type === "end" && answer.found);
  }

  get #listening(): readonly Slot[] {
    return this.#slots.filter(({ listening, worker }) => listening && worker !== undefined);
  }

  /** Asks workers; `undefined` stands for one that ends meanwhile, or does not answer in time. */
  async #askAll(slots: readonly Slot[], question: Question): Promise<readonly (Answer | undefined)[]> {
    const { silence = SNAPSHOT_TIME } = this.#options;
    using deadline = startDeadline({ milliseconds: silence, reason: () => new Error("It said nothing") });
    return await Promise.all(slots.map((slot) => this.#ask(slot, question, deadline.signal)));
  }

  #ask(slot: Slot, question: Question, signal: AbortSignal): Promise<Answer | undefined> {
    const id = ++this.#questions;
    const worker = slot.worker!;
    return new Promise((resolve) => {
      const take = (answer?: Answer) => {
        this.#asked.delete(id);
        if (answer?.type === "snapshot") slot.last = answer.snapshot;
        resolve(answer);
      };
      this.#asked.set(id, { worker, take });
      onAbort(signal, () => take());
      this.#tell(worker, { ...question, id });
    });
  }

  /** Keeps what a lost worker has counted: monitoring takes a total that falls for a restart. */
  #keepCounts(slot: Slot): void {
    if (slot.last !== undefined) this.#past = [mergeSnapshots([pastOf(slot.last), ...this.#past])];
    slot.last = undefined;
  }

  #slot(index: number): Slot {
    const { retry = 1_000 } = this.#options;
    return this.#slots[index] ??= {
      index,
      worker: undefined,
      listening: false,
      generation: 0,
      since: 0,
      retry,
      last: undefined,
    };
  }

  #start(slot: Slot): void {
    const { args, config, count, log, make = ownWorker } = this.#options;
    const { index, generation } = slot;
    const worker = make(`gssocks ${index + 1}`);
    slot.worker = worker;
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#take(slot, worker, data);
    worker.onerror = (event) => {
      event.preventDefault();
      const text = `gssocks serve: worker ${index + 1} failed: ${printable(event.message)}`;
      log.note({ level: "error", event: "worker-lost", text });
      this.#ended(slot, worker, ExitCode.Failure);
    };
    const ports = this.#ports;
    const replays = this.#replays;
    this.#tell(worker, {
      type: "start",
      args,
      slot: { index, count, ports, generation, config, replays, run: log.run },
    });
  }

  #tell(worker: Worker, message: ToWorker): void {
    worker.postMessage(message);
  }

  #take(slot: Slot, worker: Worker, message: FromWorker): void {
    switch (message.type) {
      case "listening":
        this.#listens(slot, message.addresses);
        break;
      case "snapshot":
      case "end":
        this.#asked.get(message.id)?.take(message);
        break;
      case "err":
        this.#options.io.err(message.text);
        break;
      case "ended":
        this.#ended(slot, worker, message.code);
    }
  }

  /** The first worker finds the ports for the others. */
  #listens(slot: Slot, addresses: readonly Endpoint[]): void {
    const { count, io, log } = this.#options;
    Object.assign(slot, { listening: true, since: monotonicNow() });
    if (this.#begun) return log.note({ event: "worker", text: `Worker ${slot.index + 1} is there again` });
    if (this.#ports === undefined) {
      this.#ports = addresses.map(({ port }) => port);
      for (let i = 1; i < count; i++) this.#start(this.#slot(i));
    }
    if (this.#slots.some(({ listening }) => !listening)) return;
    this.#begun = true;
    this.#unguard = io.onFault?.(this.#faults.take);
    this.#options.onListening().catch(this.#faults.take);
    for (const address of addresses.map(formatEndpoint)) {
      const text = `Listening on ${address}, ${count} workers`;
      log.note({ event: "listening", text, facts: { what: "proxy", address, workers: count } });
    }
  }

  /** A worker that cannot start ends the others too. A worker that is lost later is replaced. */
  #ended(slot: Slot, worker: Worker, code: number): void {
    if (slot.worker !== worker) return;
    worker.terminate();
    slot.worker = undefined;
    this.#keepCounts(slot);
    for (const asked of [...this.#asked.values()]) if (asked.worker === worker) asked.take();
    if (this.#begun && !this.#stopping.signal.aborted) return void this.#replace(slot);
    this.#code ||= code;
    if (!this.#stopping.signal.aborted) this.stop();
    this.#endIfEmpty();
  }

  async #replace(slot: Slot): Promise<void> {
    const { log, retry = 1_000 } = this.#options;
    const { signal } = this.#stopping;
    if (slot.listening) {
      this.#lost++;
      if (monotonicNow() - slot.since >= HEALTHY) slot.retry = retry;
      const text = `Worker ${
        slot.index + 1
      } is lost with its sessions; the others go on, and another one takes its place`;
      log.note({ level: "error", event: "worker-lost", text });
    }
    Object.assign(slot, { listening: false, generation: slot.generation + 1 });
    const wait = slot.retry;
    slot.retry = Math.min(2 * wait, LONGEST_RETRY);
    await pause(wait, signal);
    if (!signal.aborted) this.#startAgain(slot);
  }

  /** A worker that cannot be created is tried again. */
  #startAgain(slot: Slot): void {
    try {
      this.#start(slot);
    } catch (error) {
      const text = `gssocks serve: worker ${slot.index + 1} cannot be made: ${errorLine(error)}`;
      this.#options.log.note({ level: "error", event: "worker-lost", text });
      void this.#replace(slot);
    }
  }

  #endIfEmpty(): void {
    if (this.#workers.length > 0) return;
    this.#unguard?.();
    this.#end.resolve(this.#code);
  }
}

function ownWorker(name: string): Worker {
  return new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name });
}
