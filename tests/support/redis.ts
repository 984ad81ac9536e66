/**
 * A real Redis server.
 *
 * @module
 */
import { peer } from "./peers.ts";
import { Daemon, freePort } from "./process.ts";

/** A running Redis. */
export interface RedisServer extends AsyncDisposable {
  readonly url: string;
}

/** Starts one, with nothing kept on disk; on a port given, after another has ended there. */
export async function startRedis(port: number = freePort()): Promise<RedisServer> {
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const daemon = new Daemon(peer("redis-server"), args);
  await daemon.waitFor(/Ready to accept connections/);
  return { url: `redis://127.0.0.1:${port}`, [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() };
}
