/**
 * `gssocks serve --workers N`: servers in threads of their own on one port, between which the system spreads the
 * connections. They share the replay cache; the main thread prints for them and stops them.
 *
 * @module
 */
import { printable } from "../../base/printable.ts";
import { SharedReplayCache } from "../../kerberos/ap/replay/shared.ts";
import type { ServeOptions } from "../../mod.ts";
import { type Endpoint, formatEndpoint } from "../../socks/wire/address.ts";
import { pause, startDeadline } from "../../base/deadline.ts";
import { monotonicNow } from "../../base/runtime.ts";
import { errorLine, ExitCode } from "../command.ts";
import type { ServerConfig } from "../config/server_config.ts";
import { Faults } from "../log/guard.ts";
import type { CliIo } from "../terminal/io.ts";
import type { OpenPorts } from "../monitor/ports.ts";
import { mergeSnapshots, pastOf, type Snapshot } from "../monitor/snapshot.ts";

/** What a worker is told. */
export type ToWorker =
  | { readonly type: "start"; readonly args: readonly string[]; readonly place: WorkerPlace }
  | { readonly type: "reload" }
  | { readonly type: "snapshot"; readonly id: number }
  | { readonly type: "stop" };

/** What a worker tells. */
export type FromWorker =
  | { readonly type: "listening"; readonly addresses: readonly Endpoint[] }
  | { readonly type: "snapshot"; readonly id: number; readonly snapshot: Snapshot }
  | { readonly type: "err"; readonly text: string }
  | { readonly type: "ended"; readonly code: number };

/** Which worker of how many, and what all have in common. */
export interface WorkerPlace {
  readonly index: number;
  readonly count: number;
  /** Ports to listen on; not known to the first one, which may have to find them. */
  readonly ports: readonly number[] | undefined;
  /** How many have been at this place before; each numbers its sessions from another beginning. */
  readonly generation: number;
  /** The configuration that the first ones started with: what needs a restart is not another one for a successor. */
  readonly config: ServerConfig;
  /** Memory of the replay cache. */
  readonly replays: SharedArrayBuffer;
}

/** More sessions than a worker has. */
const GENERATION = 1_000_000_000;

/** Number of a worker's session among those of all workers. */
export function placedNumber(session: number, { index, count, generation }: WorkerPlace): number {
  return (generation * GENERATION + session - 1) * count + index + 1;
}

/** Numbers sessions differently in each worker, and shares out how many there may be. */
export function placedOptions(options: ServeOptions, place: WorkerPlace): ServeOptions {
  const { onEvent, limits } = options;
  return {
    ...options,
    replayCache: new SharedReplayCache({ memory: place.replays }),
    limits: { ...limits, sessions: Math.ceil((limits?.sessions ?? 10_000) / place.count) },
    onEvent: (event) => onEvent?.({ ...event, session: placedNumber(event.session, place) }),
  };
}

/** What {@linkcode runWorkers} takes. */
export interface RunWorkersOptions {
  /** Arguments that all of them get. */
  readonly args: readonly string[];
  /** The configuration. */
  readonly config: ServerConfig;
  /** How many. */
  readonly count: number;
  /** Input and output of the main thread. */
  readonly io: CliIo;
  /** Opens the ports beside the proxy's. */
  readonly watch: OpenPorts;
  /** Called when all of them listen. */
  readonly onListening: () => Promise<void>;
  /** Makes a worker. @default {one that runs `worker.ts`} */
  readonly make?: ((name: string) => Worker) | undefined;
  /** First pause before a worker that is lost gets a successor, in milliseconds; it doubles up to half a minute. @default {1000} */
  readonly retry?: number | undefined;
  /** Time that a worker has to say how it is, in milliseconds. @default {2000} */
  readonly silence?: number | undefined;
}

/** Runs workers until they are told to stop, or one of them cannot start. */
export async function runWorkers(options: RunWorkersOptions): Promise<number> {
  const { io, watch } = options;
  if (io.signal.aborted) return ExitCode.Ok;
  const faults = new Faults((line) => io.err(line));
  const team = new Team(options, faults);
  const stop = () => team.stop();
  const stopReloading = io.onReload?.(() => team.reload());
  io.signal.addEventListener("abort", stop, { once: true });
  try {
    await using _ports = watch(() => team.snapshot(), faults);
    return await team.ended;
  } catch (error) {
    team.stop();
    await team.ended;
    throw error;
  } finally {
    stopReloading?.();
    io.signal.removeEventListener("abort", stop);
  }
}

/** A worker that does not answer must not hold the admin port up. */
const SNAPSHOT_TIME = 2_000;
/** Longest pause before a worker that is lost gets a successor. */
const LONGEST_RETRY = 30_000;
/** One that has run for so long was well. */
const WELL = 60_000;

/** A place of the team, with the worker that is there. */
interface Place {
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

class Team {
  readonly #options: RunWorkersOptions;
  readonly #faults: Faults;
  readonly #replays: SharedArrayBuffer = new SharedReplayCache().memory;
  readonly #places: Place[] = [];
  readonly #end = Promise.withResolvers<number>();
  readonly #stopping = new AbortController();
  readonly #asked = new Map<number, { readonly worker: Worker; readonly take: (snapshot?: Snapshot) => void }>();
  #ports: readonly number[] | undefined;
  #begun = false;
  #questions = 0;
  /** Of workers that are lost: one, once there was one. */
  #past: readonly Snapshot[] = [];
  #lost = 0;
  #unguard: (() => void) | undefined;
  #code: number = ExitCode.Ok;

  constructor(options: RunWorkersOptions, faults: Faults) {
    this.#options = options;
    this.#faults = faults;
    this.#start(this.#place(0));
  }

  /** Resolved with the exit code when all have ended. */
  get ended(): Promise<number> {
    return this.#end.promise;
  }

  stop(): void {
    this.#stopping.abort();
    for (const worker of this.#workers) this.#tell(worker, { type: "stop" });
    this.#endWhereNobodyIsLeft();
  }

  reload(): void {
    for (const worker of this.#workers) this.#tell(worker, { type: "reload" });
  }

  get #workers(): Worker[] {
    return this.#places.flatMap(({ worker }) => worker ?? []);
  }

  /** All workers as one server. One that starts, or says nothing, is missing. */
  async snapshot(): Promise<Snapshot> {
    const { silence = SNAPSHOT_TIME } = this.#options;
    using deadline = startDeadline({ milliseconds: silence, reason: () => new Error("It said nothing") });
    const listening = this.#places.filter(({ listening, worker }) => listening && worker !== undefined);
    const all = await Promise.all(listening.map((place) => this.#ask(place, deadline.signal)));
    const [first, ...others] = all.filter((snapshot) => snapshot !== undefined);
    if (first === undefined) throw new Error("No worker answers");
    const merged = mergeSnapshots([first, ...others, ...this.#past]);
    const missing = this.#begun &&
      (others.length + 1 < listening.length || this.#places.some(({ listening }) => !listening));
    return {
      ...merged,
      degraded: merged.degraded || missing,
      troubles: { ...merged.troubles, worker: { count: this.#lost, recent: missing } },
      faults: merged.faults + this.#faults.count,
      logDropped: this.#options.io.log?.dropped ?? 0,
    };
  }

  /** Nothing comes of one that ends meanwhile, or has not answered in time. */
  #ask(place: Place, signal: AbortSignal): Promise<Snapshot | undefined> {
    const id = ++this.#questions;
    const worker = place.worker!;
    return new Promise((resolve) => {
      const take = (snapshot?: Snapshot) => {
        this.#asked.delete(id);
        if (snapshot !== undefined) place.last = snapshot;
        resolve(snapshot);
      };
      this.#asked.set(id, { worker, take });
      signal.addEventListener("abort", () => take(), { once: true });
      this.#tell(worker, { type: "snapshot", id });
    });
  }

  /** What was counted at a place stays counted: a total that falls is a server that was started anew to whoever watches. */
  #keepCounts(place: Place): void {
    if (place.last !== undefined) this.#past = [mergeSnapshots([pastOf(place.last), ...this.#past])];
    place.last = undefined;
  }

  #place(index: number): Place {
    const { retry = 1_000 } = this.#options;
    return this.#places[index] ??= {
      index,
      worker: undefined,
      listening: false,
      generation: 0,
      since: 0,
      retry,
      last: undefined,
    };
  }

  #start(place: Place): void {
    const { args, config, count, io, make = ownWorker } = this.#options;
    const { index, generation } = place;
    const worker = make(`gssocks ${index + 1}`);
    place.worker = worker;
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#take(place, worker, data);
    worker.onerror = (event) => {
      event.preventDefault();
      io.err(`gssocks serve: worker ${index + 1} failed: ${printable(event.message)}\n`);
      this.#ended(place, worker, ExitCode.Failure);
    };
    const ports = this.#ports;
    const replays = this.#replays;
    this.#tell(worker, { type: "start", args, place: { index, count, ports, generation, config, replays } });
  }

  #tell(worker: Worker, message: ToWorker): void {
    worker.postMessage(message);
  }

  #take(place: Place, worker: Worker, message: FromWorker): void {
    switch (message.type) {
      case "listening":
        this.#listens(place, message.addresses);
        break;
      case "snapshot":
        this.#asked.get(message.id)?.take(message.snapshot);
        break;
      case "err":
        this.#options.io.err(message.text);
        break;
      case "ended":
        this.#ended(place, worker, message.code);
    }
  }

  /** The first one finds the ports for the others. */
  #listens(place: Place, addresses: readonly Endpoint[]): void {
    const { count, io } = this.#options;
    Object.assign(place, { listening: true, since: monotonicNow() });
    if (this.#begun) return io.err(`Worker ${place.index + 1} is there again\n`);
    if (this.#ports === undefined) {
      this.#ports = addresses.map(({ port }) => port);
      for (let i = 1; i < count; i++) this.#start(this.#place(i));
    }
    if (this.#places.some(({ listening }) => !listening)) return;
    this.#begun = true;
    this.#unguard = io.onFault?.(this.#faults.take);
    this.#options.onListening().catch(this.#faults.take);
    for (const address of addresses) io.err(`Listening on ${formatEndpoint(address)}, ${count} workers\n`);
  }

  /** One that cannot start takes the others with it: half a server is a surprise. One that is lost later is replaced. */
  #ended(place: Place, worker: Worker, code: number): void {
    if (place.worker !== worker) return;
    worker.terminate();
    place.worker = undefined;
    this.#keepCounts(place);
    for (const asked of [...this.#asked.values()]) if (asked.worker === worker) asked.take();
    if (this.#begun && !this.#stopping.signal.aborted) return void this.#replace(place);
    this.#code ||= code;
    if (!this.#stopping.signal.aborted) this.stop();
    this.#endWhereNobodyIsLeft();
  }

  async #replace(place: Place): Promise<void> {
    const { io, retry = 1_000 } = this.#options;
    const { signal } = this.#stopping;
    if (place.listening) {
      this.#lost++;
      if (monotonicNow() - place.since >= WELL) place.retry = retry;
      io.err(
        `Worker ${place.index + 1} is lost with its sessions; the others go on, and another one takes its place\n`,
      );
    }
    Object.assign(place, { listening: false, generation: place.generation + 1 });
    const wait = place.retry;
    place.retry = Math.min(2 * wait, LONGEST_RETRY);
    await pause(wait, signal);
    if (!signal.aborted) this.#startAgain(place);
  }

  /** What cannot even be made is tried again like one that cannot start. */
  #startAgain(place: Place): void {
    try {
      this.#start(place);
    } catch (error) {
      this.#options.io.err(`gssocks serve: worker ${place.index + 1} cannot be made: ${errorLine(error)}\n`);
      void this.#replace(place);
    }
  }

  #endWhereNobodyIsLeft(): void {
    if (this.#workers.length > 0) return;
    this.#unguard?.();
    this.#end.resolve(this.#code);
  }
}

function ownWorker(name: string): Worker {
  return new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name });
}
