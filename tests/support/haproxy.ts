/**
 * A real HAProxy in front of servers.
 *
 * @module
 */
import { peer } from "./peers.ts";
import { Daemon, freePort, waitForPort } from "./process.ts";

/** A server behind HAProxy. */
export interface BalancedServer {
  readonly port: number;
  /** @default {"127.0.0.1"} */
  readonly host?: string;
}

/** Options of {@linkcode startHaproxy}. */
export interface HaproxyOptions {
  readonly servers: readonly BalancedServer[];
  /** Further words of each server's line, such as `send-proxy-v2 proxy-v2-options crc32c`. */
  readonly words: string;
  /** Source address of its connections to the servers. @default {"127.0.0.5"} */
  readonly source?: string;
  /** Listening address. @default {"127.0.0.1"} */
  readonly host?: string;
  /** Listening port. @default {a free one} */
  readonly port?: number;
  /** Command in front, such as `ip netns exec NAME`. */
  readonly within?: readonly string[];
}

/** A running HAProxy. */
export interface Haproxy extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** Its output, with the state of each server. */
  readonly output: string;
}

/** Starts HAProxy. Its output has `Server b/sN is UP` and `DOWN` for each change. */
export async function startHaproxy(options: HaproxyOptions): Promise<Haproxy> {
  const { servers, words, source = "127.0.0.5", host = "127.0.0.1", port = freePort(), within = [] } = options;
  const folder = await Deno.makeTempDir({ prefix: "gssocks-haproxy-" });
  const config = `${folder}/haproxy.cfg`;
  await Deno.writeTextFile(
    config,
    [
      "global",
      "  maxconn 1000",
      "defaults",
      "  mode tcp",
      "  timeout connect 5s",
      "  timeout client 1m",
      "  timeout server 1m",
      "  timeout check 2s",
      "frontend f",
      `  bind ${host}:${port}`,
      "  default_backend b",
      "backend b",
      "  balance roundrobin",
      `  source ${source}`,
      ...servers.map(({ host = "127.0.0.1", port }, i) => `  server s${i} ${host}:${port} ${words}`),
      "",
    ].join("\n"),
  );
  const [command, ...args] = [...within, peer("haproxy"), "-db", "-f", config];
  const daemon = new Daemon(command!, args);
  // It prints nothing when it is ready.
  if (within.length === 0) await Promise.race([waitForPort(port), daemon.ended.then(() => failed(daemon))]);
  return {
    port,
    pid: daemon.pid,
    get output(): string {
      return daemon.output;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await daemon[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

function failed({ output }: Daemon): never {
  throw new Error(`haproxy has ended:\n${output}`);
}
