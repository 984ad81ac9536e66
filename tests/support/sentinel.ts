/**
 * Real Redis sentinels, which promote a replica within a second or two after the loss of the master.
 *
 * @module
 */
import { peer } from "./peers.ts";
import { Daemon, freePort } from "./process.ts";
import { sendTo } from "./redis.ts";

/** Running sentinels. */
export interface RunningSentinels extends AsyncDisposable {
  readonly ports: readonly number[];
  /** The `redis+sentinel://` URL of all sentinels. */
  readonly url: string;
  /** Port of the master that the first one names. */
  master(): Promise<number>;
  /** Promotes a replica while the master is up. */
  failover(): Promise<void>;
}

/** Options of {@linkcode startSentinels}. */
export interface SentinelsOptions {
  /** Port of the master. */
  readonly master: number;
  /** Its name. @default {"mymaster"} */
  readonly name?: string;
  /** How many sentinels. @default {3} */
  readonly count?: number;
  /** Address of sentinels and servers. @default {"127.0.0.1"} */
  readonly host?: string;
}

/** Starts sentinels. */
export async function startSentinels(options: SentinelsOptions): Promise<RunningSentinels> {
  const { master, name = "mymaster", count = 3, host = "127.0.0.1" } = options;
  const folder = await Deno.makeTempDir({ prefix: "gssocks-sentinel-" });
  const stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const quorum = Math.floor(count / 2) + 1;
  const ports: number[] = [];
  for (let i = 0; i < count; i++) {
    const port = freePort();
    const path = `${folder}/${i}.conf`;
    await Deno.writeTextFile(
      path,
      [
        `port ${port}`,
        `bind ${host}`,
        `dir ${folder}`,
        `sentinel monitor ${name} ${host} ${master} ${quorum}`,
        `sentinel down-after-milliseconds ${name} 500`,
        `sentinel failover-timeout ${name} 5000`,
        "",
      ].join("\n"),
    );
    const daemon = stack.use(new Daemon(peer("redis-sentinel"), [path]));
    await daemon.waitFor(/\+monitor master/);
    ports.push(port);
  }
  return {
    ports,
    url: `redis+sentinel://${ports.map((port) => `${host}:${port}`).join(",")}/${name}`,
    async master(): Promise<number> {
      const answer = await sendTo(ports[0]!, ["sentinel", "get-master-addr-by-name", name]);
      return Number(answer.split("\n")[1]);
    },
    async failover(): Promise<void> {
      await sendTo(ports[0]!, ["sentinel", "failover", name]);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
