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
  /** Says something to it by redis-cli, and gives the answer. */
  say(...words: string[]): Promise<string>;
}

/** How one is started. */
export interface RedisServerOptions {
  /** Port, after another has ended there. @default {a free one} */
  readonly port?: number;
  /** Port of the master whose replica it is. */
  readonly replicaOf?: number;
  /** Further options, as on its command line. */
  readonly options?: readonly string[];
}

/** Starts one, with nothing kept on disk. */
export async function startRedis(given: number | RedisServerOptions = {}): Promise<RedisServer> {
  const { port = freePort(), replicaOf, options = [] } = typeof given === "number" ? { port: given } : given;
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  // Replication begins at once, as it does between machines that have been up for longer.
  args.push("--repl-diskless-sync-delay", "0");
  if (replicaOf !== undefined) args.push("--replicaof", "127.0.0.1", String(replicaOf));
  const daemon = new Daemon(peer("redis-server"), [...args, ...options]);
  await daemon.waitFor(/Ready to accept connections/);
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    pid: daemon.pid,
    say: (...words) => sayTo(port, words),
    async [Symbol.asyncDispose](): Promise<void> {
      // One that is stopped does not end.
      for (const signal of ["SIGCONT", "SIGKILL"] as const) {
        try {
          Deno.kill(daemon.pid, signal);
        } catch {
          // It has ended.
        }
      }
      await daemon[Symbol.asyncDispose]();
    },
  };
}

/** Says something to whoever listens on a port. */
export async function sayTo(port: number, words: readonly string[]): Promise<string> {
  const { stdout } = await run(peer("redis-cli"), ["-h", "127.0.0.1", "-p", String(port), ...words]);
  return stdout.trim();
}
