/**
 * Libraries of the npm registry through a proxy: database drivers and an HTTP client, with real servers. MongoDB is the one that has
 * a stand-in.
 */
import assert from "node:assert/strict";
import type { connect as connectNode, Socket } from "node:net";
import type { connect as connectNodeTls } from "node:tls";
import { Redis } from "ioredis";
import { Client as LdapClient } from "ldapts";
import { MongoClient } from "mongodb";
import pg from "pg";
import { bridge, connect, connectTls, serve, type ServerEvent } from "../../mod.ts";
import { nodeSocket } from "../../proxy/node.ts";
import { mongoStandIn } from "../support/mongo_stand_in.ts";
import { startPostgres } from "../support/postgres.ts";
import { certificateFor } from "../support/certificate.ts";
import { startKerberosProxy } from "../support/kerberos_proxy.ts";
import { startRealmFolder } from "../support/realm_folder.ts";
import { startRedis } from "../support/redis.ts";
import { startSlapd } from "../support/slapd.ts";
import { run } from "../support/process.ts";
import { origin } from "../support/servers.ts";
import { peerTest } from "../support/peers.ts";

/** Returns what a program of `tests/support/` prints. */
async function program(name: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const path = new URL(`../support/${name}`, import.meta.url).pathname;
  const { code, stdout, stderr } = await run(Deno.execPath(), ["run", "-A", "--no-check", path, ...args], { env });
  assert.equal(code, 0, stderr);
  return stdout;
}

peerTest(
  "nodeSocket(): npm:pg queries a PostgreSQL, and large results arrive whole",
  ["postgres", "initdb"],
  async () => {
    await using proxy = await startKerberosProxy();
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
  await using proxy = await startKerberosProxy();
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

peerTest("nodeSocket(): npm:ldapts binds to an OpenLDAP and searches it", ["slapd", "slapadd"], async () => {
  await using proxy = await startKerberosProxy();
  await using directory = await startSlapd();
  const createConnection = ((port: number, hostname: string) =>
    nodeSocket(connect({ ...proxy.client, hostname, port }))) as typeof connectNode;
  const client = new LdapClient({ url: `ldap://127.0.0.1:${directory.port}`, createConnection });
  await assert.rejects(client.bind(directory.admin[0], "wrong"), { name: "InvalidCredentialsError" });
  await client.bind(...directory.admin);
  // Many entries, more than one message of the protected stream holds.
  const names = Array.from({ length: 200 }, (_, i) =>
    `user${i}`);
  const description = "x".repeat(1000);
  for (const cn of names) {
    await client.add(`cn=${cn},dc=corp,dc=test`, { objectClass: "person", cn, sn: cn, description });
  }
  const { searchEntries } = await client.search("dc=corp,dc=test", { filter: "(objectClass=person)" });
  assert.deepEqual(searchEntries.map(({ cn }) => cn).sort(), ["alice", ...names].sort());
  await client.unbind();
});

peerTest("nodeSocket(): npm:ldapts speaks ldaps over connectTls()", ["slapd", "slapadd", "openssl"], async () => {
  await using proxy = await startKerberosProxy();
  const certificate = await certificateFor("localhost");
  await using directory = await startSlapd(certificate);
  const target = { hostname: "localhost", port: directory.tlsPort, caCerts: [certificate.cert] };
  const createSecureConnection = (() => nodeSocket(connectTls({ ...proxy.client, ...target }))) as unknown;
  const url = `ldaps://localhost:${directory.tlsPort}`;
  const client = new LdapClient({
    url,
    createSecureConnection: createSecureConnection as typeof connectNodeTls,
    connectTimeout: 5_000,
  });
  await client.bind(...directory.admin);
  const { searchEntries } = await client.search("dc=corp,dc=test", { filter: "(cn=alice)", attributes: ["sn"] });
  assert.deepEqual(searchEntries.map(({ sn }) => sn), ["Liddell"]);
  await client.unbind();
});

Deno.test("bridge(): npm:mongodb finds documents of a stand-in through its SOCKS5 port", async () => {
  await using proxy = await startKerberosProxy();
  const documents = Array.from({ length: 100 }, (_, i) => ({ _id: i, text: "x".repeat(1000) }));
  await using server = mongoStandIn(documents);
  await using local = bridge({ ...proxy.client, port: 0 });
  const url = `mongodb://127.0.0.1:${server.port}/?directConnection=true`;
  const found = await program("mongo_program.ts", [url, local.addr.hostname, `${local.addr.port}`]);
  assert.deepEqual(JSON.parse(found), documents);
});

Deno.test("bridge(): npm:mongodb finds documents of a stand-in through a forwarded port", async () => {
  await using proxy = await startKerberosProxy();
  await using server = mongoStandIn([{ _id: 1 }]);
  const forwards = [{
    listen: { hostname: "127.0.0.1", port: 0 },
    target: { hostname: "127.0.0.1", port: server.port },
  }];
  const ports: number[] = [];
  const onListen = ({ port }: { port: number }, target?: object) => target !== undefined && ports.push(port);
  await using _local = bridge({ ...proxy.client, port: 0, forwards, onListen });
  // The driver goes to the members that a server names unless it is told to use this one alone.
  const client = new MongoClient(`mongodb://127.0.0.1:${ports[0]}/?directConnection=true`);
  assert.deepEqual(await client.db("shop").collection("orders").find().toArray(), [{ _id: 1 } as object]);
  await client.close();
});

Deno.test("undiciConnector(): npm:undici fetches pages over one kept connection", async () => {
  await using realm = await startRealmFolder();
  let sessions = 0;
  const onEvent = ({ type }: ServerEvent) => type === "connected" && sessions++;
  await using server = serve({ port: 0, keytab: realm.keytab, rules: ["allow localhost"], onEvent });
  await using site = origin("the page");
  // undici keeps a timer of its own for a second, so it runs in a program of its own.
  const args = [`localhost:${server.addr.port}`, `http://127.0.0.1:${site.addr.port}/`];
  const stdout = await program("undici_program.ts", args, { KRB5_CONFIG: realm.krb5Conf, KRB5CCNAME: realm.ccache });
  assert.equal(stdout.trim(), ["200 the page", "200 the page", "200 the page"].join("\n"));
  assert.equal(sessions, 1);
});
