/**
 * Real Redis servers, replicas and sentinels.
 *
 * @module
 */
import { peer } from "./peers.ts";
import { Daemon, freePort, run } from "./process.ts";

/** A running Redis. */
export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Sends a command by redis-cli; returns the answer. */
  send(...words: string[]): Promise<string>;
}

/** Options of {@linkcode startRedis}. */
export interface RedisServerOptions {
  /** Port, for a server that follows another. @default {a free one} */
  readonly port?: number;
  /** Port of its master, for a replica. */
  readonly replicaOf?: number;
  /** Further options of its command line. */
  readonly options?: readonly string[];
}

/** Starts a Redis without persistence. */
export async function startRedis(given: number | RedisServerOptions = {}): Promise<RedisServer> {
  const { port = freePort(), replicaOf, options = [] } = typeof given === "number" ? { port: given } : given;
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  // Replication begins at once, as between machines that have been up for longer.
  args.push("--repl-diskless-sync-delay", "0");
  if (replicaOf !== undefined) args.push("--replicaof", "127.0.0.1", String(replicaOf));
  const daemon = new Daemon(peer("redis-server"), [...args, ...options]);
  await daemon.waitFor(/Ready to accept connections/);
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    pid: daemon.pid,
    send: (...words) => sendTo(port, words),
    async [Symbol.asyncDispose](): Promise<void> {
      // A stopped process does not end.
      for (const signal of ["SIGCONT", "SIGKILL"] as const) {
        try {
          Deno.kill(daemon.pid, signal);
        } catch {
          // The server has ended.
        }
      }
      await daemon[Symbol.asyncDispose]();
    },
  };
}

/** Sends a command to the server on a port by redis-cli. */
export async function sendTo(port: number, words: readonly string[]): Promise<string> {
  const { stdout } = await run(peer("redis-cli"), ["-h", "127.0.0.1", "-p", String(port), ...words]);
  return stdout.trim();
}
