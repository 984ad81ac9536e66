/**
 * One connection to a Redis server, or to a sentinel: made in time or not at all, and never made again.
 *
 * @module
 */
// First, although only the next line needs it, and only if it is there: without a lock file Deno does not find that package where
// what a dynamic import leads to has it before its optional peer, that is, nearer to the program.
import "@opentelemetry/api";
import { createClient, type RedisClientType } from "@redis/client";
import { abortable } from "../../base/deadline.ts";
import type { RedisAccess, RedisAddress } from "./redis_places.ts";

/** A connection that stands. */
export type RedisClient = RedisClientType;

/** Where to, as whom. */
export interface OpenRedisOptions {
  readonly address: RedisAddress;
  readonly access: RedisAccess;
  /** Certificates of authorities to trust, in PEM, instead of the system's. */
  readonly caCerts?: readonly string[] | undefined;
  /** Called with the reason when the connection is lost. */
  readonly onLost: (reason: string) => void;
  /** Gives the attempt up. */
  readonly signal: AbortSignal;
}

/** Longest time for the first answer of the system, in milliseconds: packets that were dropped are sent again after this. */
const CONNECTING = 1_000;

/**
 * Connects.
 *
 * @throws {Error} Why it could not, or the signal's reason; nothing is left then.
 */
export async function openRedis(options: OpenRedisOptions): Promise<RedisClient> {
  const { address: { host, port }, access, caCerts, onLost, signal } = options;
  signal.throwIfAborted();
  const client = createClient({
    ...(access.username === undefined ? {} : { username: access.username }),
    ...(access.password === undefined ? {} : { password: access.password }),
    database: access.database,
    // A question that cannot be sent now must not be sent later: a client waits for the answer.
    disableOfflineQueue: true,
    maintNotifications: "disabled",
    socket: {
      host,
      port,
      connectTimeout: CONNECTING,
      // The client is never reconnected; another one takes its place.
      reconnectStrategy: false,
      ...(access.tls ? { tls: true as const, servername: host, ca: caCerts && [...caCerts] } : {}),
    },
  }) as RedisClientType;
  let reason = "";
  client.on("error", (error: Error) => reason = error.message);
  client.on("terminated", () => onLost(reason || "the connection was closed"));
  const connecting = client.connect();
  try {
    await abortable(connecting, signal);
    return client;
  } catch (error) {
    connecting.catch(() => {});
    closeRedis(client);
    throw error;
  }
}

/** Ends it, whatever is under way. */
export function closeRedis(client: RedisClient): void {
  try {
    client.destroy();
  } catch {
    // It has ended by itself.
  }
}
