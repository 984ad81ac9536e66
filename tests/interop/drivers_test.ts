/** Libraries of the npm registry through a proxy: database drivers and an HTTP client, with real servers. */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { Redis } from "ioredis";
import pg from "pg";
import { connect, serve, type ServerEvent } from "../../mod.ts";
import { nodeSocket } from "../../proxy/node.ts";
import { startPostgres } from "../support/postgres.ts";
import { startRealmFolder } from "../support/realm_folder.ts";
import { startRedis } from "../support/redis.ts";
import { run } from "../support/process.ts";
import { origin } from "../support/servers.ts";
import { peerTest } from "../support/peers.ts";

async function startProxy() {
  const realm = await startRealmFolder();
  const server = serve({ port: 0, keytab: realm.keytab, rules: ["allow localhost"] });
  return {
    client: { proxy: `localhost:${server.addr.port}`, credentials: realm.tickets },
    async [Symbol.asyncDispose](): Promise<void> {
      await server[Symbol.asyncDispose]();
      await realm[Symbol.asyncDispose]();
    },
  };
}

peerTest(
  "nodeSocket(): npm:pg queries a PostgreSQL, and large results arrive whole",
  ["postgres", "initdb"],
  async () => {
    await using proxy = await startProxy();
    await using postgres = await startPostgres();
    const stream = () => nodeSocket(connect({ ...proxy.client, hostname: "127.0.0.1", port: postgres.port }));
    const pool = new pg.Pool({ user: "alice", database: "postgres", host: "db.intranet", max: 2, stream });
    const answers = await Promise.all([1, 2, 3].map((n) => pool.query("select $1::int * 2 as twice", [n])));
    assert.deepEqual(answers.map((answer: { rows: { twice: number }[] }) => answer.rows[0]!.twice), [2, 4, 6]);
    const { rows } = await pool.query("select repeat('x', 1000) as text from generate_series(1, 2000)");
    assert.equal(rows.length, 2000);
    await pool.end();
  },
);

peerTest("nodeSocket(): npm:ioredis uses a Redis, also after it was cut", ["redis-server", "redis-cli"], async () => {
  await using proxy = await startProxy();
  await using server = await startRedis();
  class Connector {
    connecting = false;
    #socket: Socket | undefined;
    check(): boolean {
      return true;
    }
    disconnect(): void {
      this.#socket?.end();
    }
    connect(): Promise<Socket> {
      this.#socket = nodeSocket(connect({ ...proxy.client, hostname: "127.0.0.1", port: server.port }));
      return Promise.resolve(this.#socket);
    }
  }
  // deno-lint-ignore no-explicit-any
  const redis = new Redis({ Connector: Connector as any, lazyConnect: true, retryStrategy: () => 1 });
  await redis.set("key", "value");
  assert.equal(await redis.get("key"), "value");
  await server.send("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  assert.equal(await redis.get("key"), "value");
  await redis.quit();
});

Deno.test("undiciConnector(): npm:undici fetches pages over one kept connection", async () => {
  await using realm = await startRealmFolder();
  let sessions = 0;
  const onEvent = ({ type }: ServerEvent) => type === "connected" && sessions++;
  await using server = serve({ port: 0, keytab: realm.keytab, rules: ["allow localhost"], onEvent });
  await using site = origin("the page");
  // undici keeps a timer of its own for a second, so it runs in a program of its own.
  const program = new URL("../support/undici_program.ts", import.meta.url).pathname;
  const args = [`localhost:${server.addr.port}`, `http://127.0.0.1:${site.addr.port}/`];
  const { code, stdout, stderr } = await run(Deno.execPath(), ["run", "-A", "--no-check", program, ...args], {
    env: { KRB5_CONFIG: realm.krb5Conf, KRB5CCNAME: realm.ccache },
  });
  assert.equal(code, 0, stderr);
  assert.equal(stdout.trim(), ["200 the page", "200 the page", "200 the page"].join("\n"));
  assert.equal(sessions, 1);
});
