/**
 * `gssocks serve --workers N`: servers in threads of their own on one port, between which the system spreads the
 * connections. They share the replay cache; the main thread prints for them and stops them.
 *
 * @module
 */
import { SharedReplayCache } from "../kerberos/mech/shared_replay_cache.ts";
import type { ServeOptions } from "../mod.ts";
import { type Endpoint, formatEndpoint } from "../socks/wire/address.ts";
import { ExitCode } from "./command.ts";
import type { CliIo } from "./io.ts";

/** What a worker is told. */
export type ToWorker =
  | { readonly type: "start"; readonly args: readonly string[]; readonly place: WorkerPlace }
  | { readonly type: "stop" };

/** What a worker tells. */
export type FromWorker =
  | { readonly type: "listening"; readonly address: Endpoint }
  | { readonly type: "err"; readonly text: string }
  | { readonly type: "ended"; readonly code: number };

/** Which worker of how many, and what all have in common. */
export interface WorkerPlace {
  readonly index: number;
  readonly count: number;
  /** Port to listen on; not known to the first one, which may have to find one. */
  readonly port: number | undefined;
  /** Memory of the replay cache. */
  readonly replays: SharedArrayBuffer;
}

/** Numbers sessions differently in each worker, and shares out how many there may be. */
export function placedOptions(options: ServeOptions, { index, count, port, replays }: WorkerPlace): ServeOptions {
  const { onEvent, maxSessions = 10_000 } = options;
  return {
    ...options,
    ...(port === undefined ? {} : { port }),
    reusePort: true,
    replayCache: new SharedReplayCache({ memory: replays }),
    maxSessions: Math.ceil(maxSessions / count),
    onEvent: (event) => onEvent?.({ ...event, session: (event.session - 1) * count + index + 1 }),
  };
}

/** Runs `count` workers with the same arguments until they are told to stop or one of them fails. */
export async function runWorkers(args: readonly string[], count: number, io: CliIo): Promise<number> {
  const team = new Team(args, count, io);
  const stop = () => team.stop();
  if (io.signal.aborted) return ExitCode.Ok;
  io.signal.addEventListener("abort", stop, { once: true });
  try {
    return await team.ended;
  } finally {
    io.signal.removeEventListener("abort", stop);
  }
}

class Team {
  readonly #args: readonly string[];
  readonly #count: number;
  readonly #io: CliIo;
  readonly #replays: SharedArrayBuffer = new SharedReplayCache().memory;
  readonly #workers = new Set<Worker>();
  readonly #end = Promise.withResolvers<number>();
  #listening = 0;
  #code: number = ExitCode.Ok;

  constructor(args: readonly string[], count: number, io: CliIo) {
    this.#args = args;
    this.#count = count;
    this.#io = io;
    this.#start(0, undefined);
  }

  /** Resolved with the exit code when all have ended. */
  get ended(): Promise<number> {
    return this.#end.promise;
  }

  stop(): void {
    for (const worker of this.#workers) this.#tell(worker, { type: "stop" });
  }

  #start(index: number, port: number | undefined): void {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), {
      type: "module",
      name: `gssocks ${index + 1}`,
    });
    this.#workers.add(worker);
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#take(worker, data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#io.err(`gssocks serve: worker ${index + 1} failed: ${event.message}\n`);
      this.#ended(worker, ExitCode.Failure);
    };
    const place = { index, count: this.#count, port, replays: this.#replays };
    this.#tell(worker, { type: "start", args: this.#args, place });
  }

  #tell(worker: Worker, message: ToWorker): void {
    worker.postMessage(message);
  }

  #take(worker: Worker, message: FromWorker): void {
    switch (message.type) {
      case "listening":
        // The first one finds the port for the others.
        if (++this.#listening === 1) {
          for (let i = 1; i < this.#count; i++) this.#start(i, message.address.port);
        }
        if (this.#listening === this.#count) {
          this.#io.err(`Listening on ${formatEndpoint(message.address)}, ${this.#count} workers\n`);
        }
        break;
      case "err":
        this.#io.err(message.text);
        break;
      case "ended":
        this.#ended(worker, message.code);
    }
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
