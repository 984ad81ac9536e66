/**
 * `gssocks serve --workers N`: servers in threads of their own on one port, between which the system spreads the
 * connections. They share the replay cache; the main thread prints for them and stops them.
 *
 * @module
 */
import { printable } from "../gss/printable.ts";
import { SharedReplayCache } from "../kerberos/mech/shared_replay_cache.ts";
import type { ServeOptions } from "../mod.ts";
import { type Endpoint, formatEndpoint } from "../socks/wire/address.ts";
import { abortable, startDeadline } from "../gss/deadline.ts";
import { ExitCode } from "./command.ts";
import type { CliIo } from "./io.ts";
import type { AdminServer, TakeSnapshot } from "./monitor/admin.ts";
import { mergeSnapshots, type Snapshot } from "./monitor/snapshot.ts";

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
  /** Memory of the replay cache. */
  readonly replays: SharedArrayBuffer;
}

/** Numbers sessions differently in each worker, and shares out how many there may be. */
export function placedOptions(options: ServeOptions, { index, count, replays }: WorkerPlace): ServeOptions {
  const { onEvent, maxSessions = 10_000 } = options;
  return {
    ...options,
    replayCache: new SharedReplayCache({ memory: replays }),
    maxSessions: Math.ceil(maxSessions / count),
    onEvent: (event) => onEvent?.({ ...event, session: (event.session - 1) * count + index + 1 }),
  };
}

/** What {@linkcode runWorkers} takes. */
export interface RunWorkersOptions {
  /** Arguments that all of them get. */
  readonly args: readonly string[];
  /** How many. */
  readonly count: number;
  /** Input and output of the main thread. */
  readonly io: CliIo;
  /** Opens the admin port, where there is to be one. */
  readonly watch: (take: TakeSnapshot) => AdminServer | undefined;
  /** Called when all of them listen. */
  readonly onListening: () => Promise<void>;
}

/** Runs workers until they are told to stop or one of them fails. */
export async function runWorkers(options: RunWorkersOptions): Promise<number> {
  const { io, watch } = options;
  if (io.signal.aborted) return ExitCode.Ok;
  const team = new Team(options);
  const stop = () => team.stop();
  const stopReloading = io.onReload?.(() => team.reload());
  io.signal.addEventListener("abort", stop, { once: true });
  try {
    await using _admin = watch(() => team.snapshot());
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

class Team {
  readonly #options: RunWorkersOptions;
  readonly #replays: SharedArrayBuffer = new SharedReplayCache().memory;
  readonly #workers = new Set<Worker>();
  readonly #end = Promise.withResolvers<number>();
  readonly #asked = new Map<number, (snapshot: Snapshot) => void>();
  #questions = 0;
  #listening = 0;
  #code: number = ExitCode.Ok;

  constructor(options: RunWorkersOptions) {
    this.#options = options;
    this.#start(0, undefined);
  }

  /** Resolved with the exit code when all have ended. */
  get ended(): Promise<number> {
    return this.#end.promise;
  }

  stop(): void {
    for (const worker of this.#workers) this.#tell(worker, { type: "stop" });
  }

  reload(): void {
    for (const worker of this.#workers) this.#tell(worker, { type: "reload" });
  }

  /** All workers as one server. */
  async snapshot(): Promise<Snapshot> {
    using deadline = startDeadline({
      milliseconds: SNAPSHOT_TIME,
      reason: () => new Error(`A worker did not answer within ${SNAPSHOT_TIME} ms`),
    });
    const all = [...this.#workers].map((worker) => this.#ask(worker));
    const [first, ...others] = await abortable(Promise.all(all), deadline.signal);
    if (first === undefined) throw new Error("No worker is running");
    return mergeSnapshots([first, ...others]);
  }

  #ask(worker: Worker): Promise<Snapshot> {
    const id = ++this.#questions;
    return new Promise((resolve) => {
      this.#asked.set(id, resolve);
      this.#tell(worker, { type: "snapshot", id });
    });
  }

  #start(index: number, ports: readonly number[] | undefined): void {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), {
      type: "module",
      name: `gssocks ${index + 1}`,
    });
    this.#workers.add(worker);
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#take(worker, data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#options.io.err(`gssocks serve: worker ${index + 1} failed: ${printable(event.message)}\n`);
      this.#ended(worker, ExitCode.Failure);
    };
    const { args, count } = this.#options;
    this.#tell(worker, { type: "start", args, place: { index, count, ports, replays: this.#replays } });
  }

  #tell(worker: Worker, message: ToWorker): void {
    worker.postMessage(message);
  }

  #take(worker: Worker, message: FromWorker): void {
    switch (message.type) {
      case "listening":
        this.#begun(message.addresses);
        break;
      case "snapshot":
        this.#asked.get(message.id)?.(message.snapshot);
        this.#asked.delete(message.id);
        break;
      case "err":
        this.#options.io.err(message.text);
        break;
      case "ended":
        this.#ended(worker, message.code);
    }
  }

  /** The first one finds the ports for the others. */
  #begun(addresses: readonly Endpoint[]): void {
    const { count, io } = this.#options;
    if (++this.#listening === 1) {
      for (let i = 1; i < count; i++) this.#start(i, addresses.map(({ port }) => port));
    }
    if (this.#listening < count) return;
    void this.#options.onListening();
    for (const address of addresses) io.err(`Listening on ${formatEndpoint(address)}, ${count} workers\n`);
  }

  /** One that ends by itself takes the others with it: half a server is a surprise. */
  #ended(worker: Worker, code: number): void {
    worker.terminate();
    this.#workers.delete(worker);
    this.#code ||= code;
    if (this.#workers.size === 0) this.#end.resolve(this.#code);
    else this.stop();
  }
}
