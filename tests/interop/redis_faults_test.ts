/**
 * A real Redis that is frozen, cut off, read-only, full, killed, restarted or far away: what the servers notice,
 * and how soon.
 */
import assert from "node:assert/strict";
import { connectRedis, type RedisOptions } from "../../proxy/shared/redis.ts";
import { STORE_TESTS } from "../proxy/shared/store_suite.ts";
import { peerTest } from "../support/peers.ts";
import { freePort } from "../support/process.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { startRelay } from "../support/faulty_relay.ts";
import { until } from "../support/until.ts";
import { certificateFor } from "../support/certificate.ts";

const PEERS = ["redis-server", "redis-cli"];
let count = 0;
const entry = () => {
  const now = Date.now();
  return { tag: (++count).toString(16).padStart(64, "0"), now, expiresAt: now + 60_000 };
};

for (const { name, run } of STORE_TESTS) {
  peerTest(`Redis: ${name}`, PEERS, async () => {
    await using redis = await startRedis();
    await run((options) => connectRedis({ ...options, url: redis.url }));
  });
}

/** A fault of a store, and how it is undone. */
interface Fault {
  readonly name: string;
  begin(redis: RedisServer, relay: ReturnType<typeof startRelay>): Promise<void> | void;
  end(redis: RedisServer, relay: ReturnType<typeof startRelay>): Promise<void> | void;
}

const FAULTS: readonly Fault[] = [
  {
    name: "a freeze",
    begin: ({ pid }) => Deno.kill(pid, "SIGSTOP"),
    end: ({ pid }) => Deno.kill(pid, "SIGCONT"),
  },
  {
    name: "a cut without any packet",
    begin: (_redis, relay) => void (relay.swallow = true),
    end: (_redis, relay) => void (relay.swallow = false),
  },
  {
    name: "being a replica",
    begin: async (redis) => void await redis.send("replicaof", "127.0.0.1", "1"),
    end: async (redis) => void await redis.send("replicaof", "no", "one"),
  },
  {
    name: "a full memory",
    begin: async (redis) => void await redis.send("config", "set", "maxmemory", "1"),
    end: async (redis) => void await redis.send("config", "set", "maxmemory", "0"),
  },
  {
    name: "a cut with resets",
    begin: (_redis, relay) => {
      relay.swallow = true;
      relay.cut();
    },
    end: (_redis, relay) => void (relay.swallow = false),
  },
];

for (const { name, begin, end } of FAULTS) {
  peerTest(`Redis: ${name} is noticed within seconds, no call waits, and it comes back`, PEERS, async () => {
    await using redis = await startRedis();
    await using relay = startRelay(redis.port);
    const options: RedisOptions = { url: `redis://127.0.0.1:${relay.port}`, onLoss: "refuse" };
    const said: boolean[] = [];
    await using strict = await connectRedis({ ...options, onChange: (up) => void said.push(up) });
    await using lenient = await connectRedis({ ...options, onLoss: "allow" });
    const both = (up: boolean) => () => strict.state().up === up && lenient.state().up === up;
    await until("up", both(true));
    const knew = strict.replayCache.knowsSince!;
    await begin(redis, relay);
    const begun = performance.now();
    await until("down", both(false));
    assert.ok(performance.now() - begun < 4_000, `${performance.now() - begun} ms until it is noticed`);
    const asked = performance.now();
    await assert.rejects(async () => await strict.replayCache.insert(entry()), { code: "SHARED_STORE" });
    await assert.rejects(async () => await strict.userLedger.enter("u", 1), { code: "SHARED_STORE" });
    const seen = entry();
    assert.equal(await lenient.replayCache.insert(seen), true);
    assert.equal(await lenient.replayCache.insert(seen), false);
    assert.ok(performance.now() - asked < 500, "no call waits");
    // Long enough for connections to be closed and opened again in vain.
    await until("two more looks", () => performance.now() - asked > 2_500);
    await end(redis, relay);
    const ended = performance.now();
    await until("up", both(true));
    assert.ok(performance.now() - ended < 4_000, `${performance.now() - ended} ms until it is back`);
    assert.equal(await strict.replayCache.insert(entry()), true);
    assert.deepEqual(said, [true, false, true]);
    assert.ok(strict.replayCache.knowsSince! >= knew - 5);
    await until("all servers know of an accepted login", () => strict.replayCache.knowsSince! > knew + 100);
  });
}

peerTest(
  "Redis: loses its memory when it is started anew, and keeps it when it was frozen",
  PEERS,
  async () => {
    const port = freePort();
    let redis = await startRedis(port);
    await using stack = new AsyncDisposableStack();
    const said: boolean[] = [];
    const options: RedisOptions = { url: redis.url, onLoss: "refuse", onChange: (up) => void said.push(up) };
    await using one = await connectRedis(options);
    const first = one.replayCache.knowsSince!;
    const accepted = { ...entry(), madeAt: Date.now() };
    assert.equal(await one.replayCache.insert(accepted), true);
    Deno.kill(redis.pid, "SIGSTOP");
    await until("down", () => !one.state().up);
    Deno.kill(redis.pid, "SIGCONT");
    await until("up", () => one.state().up);
    assert.ok(Math.abs(one.replayCache.knowsSince! - first) < 10);
    await redis[Symbol.asyncDispose]();
    await until("down", () => !one.state().up);
    redis = stack.use(await startRedis(port));
    await until("up", () => one.state().up);
    // On a server that has seen neither it nor the loss.
    await using other = await connectRedis({ ...options, onChange: undefined });
    await until("up", () => other.state().up);
    await assert.rejects(async () => await other.replayCache.insert(accepted), {
      code: "SHARED_STORE",
      message: /before the shared store began anew/,
    });
    assert.ok(other.replayCache.knowsSince! > accepted.madeAt);
    assert.equal(await one.replayCache.insert(accepted), false);
    assert.equal(await other.replayCache.insert({ ...entry(), madeAt: Date.now() }), true);
  },
);

peerTest("Redis: of several addresses the writable one is used and searched for again", PEERS, async () => {
  await using a = await startRedis();
  await using b = await startRedis({ replicaOf: a.port });
  await until(
    "the replica has begun",
    async () => (await b.send("info", "replication")).includes("master_link_status:up"),
  );
  const url = [`redis://127.0.0.1:${freePort()}`, b.url, a.url];
  await using shared = await connectRedis({ url, onLoss: "refuse" });
  await until("up", () => shared.state().up);
  const first = { ...entry(), madeAt: Date.now() };
  assert.equal(await shared.replayCache.insert(first), true);
  assert.match(await a.send("dbsize"), /^[1-9]/);
  await until("it is replicated", async () => await b.send("exists", `gssocks:replay:${first.tag}`) === "1");
  const promoted = Date.now();
  await b.send("replicaof", "no", "one");
  await a.send("replicaof", "127.0.0.1", String(b.port));
  let passed = 0;
  await until("logins go on", async () => {
    const now = Date.now();
    if (await Promise.resolve(shared.replayCache.insert({ ...entry(), madeAt: now })).catch(() => false)) passed++;
    return passed > 2;
  });
  assert.ok(shared.replayCache.knowsSince! >= promoted, "it may have lagged");
  await using other = await connectRedis({ url, onLoss: "refuse" });
  await until("up", () => other.state().up);
  assert.equal(await other.replayCache.insert({ ...first, madeAt: Date.now() }), false, "the replica has it");
});

peerTest("Redis: stores an authenticator once as many replicas have it as required", PEERS, async () => {
  await using master = await startRedis();
  const replica = await startRedis({ replicaOf: master.port });
  await using _replica = replica;
  await until("begun", async () => (await replica.send("info", "replication")).includes("master_link_status:up"));
  await using shared = await connectRedis({ url: master.url, onLoss: "refuse", replicas: 1 });
  await until("up", () => shared.state().up);
  const first = entry();
  assert.equal(await shared.replayCache.insert(first), true);
  assert.equal(await replica.send("exists", `gssocks:replay:${first.tag}`), "1");
  Deno.kill(replica.pid, "SIGSTOP");
  await until("down", () => !shared.state().up);
  assert.match(shared.state().reason, /0 of the 1 replicas|did not answer/);
  await assert.rejects(async () => await shared.replayCache.insert(entry()), { code: "SHARED_STORE" });
  Deno.kill(replica.pid, "SIGCONT");
  await until("up", () => shared.state().up);
  assert.equal(await shared.replayCache.insert(entry()), true);
});

peerTest(
  "Redis: a server that refuses a kind of write or hides its identity is reported unhealthy",
  PEERS,
  async () => {
    await using redis = await startRedis();
    const WANTED = [
      "eval",
      "info",
      "time",
      "hmget",
      "hset",
      "pexpire",
      "set",
      "zadd",
      "zrem",
      "zcard",
      "zremrangebyscore",
    ];
    for (const without of ["none", ...WANTED, "keys"]) {
      const rules = ["~gssocks:*", "+@all", `-${without}`].filter((rule) => rule !== "-none" && rule !== "-keys");
      if (without === "keys") rules[0] = "~other:*";
      assert.equal(await redis.send("acl", "setuser", without, "reset", "on", ">x", ...rules), "OK");
      await using store = await connectRedis({ url: `redis://${without}:x@127.0.0.1:${redis.port}`, onLoss: "refuse" });
      const { up, reason } = store.state();
      assert.equal(up, without === "none", `${without}: ${reason}`);
      assert.match(reason, up ? /takes/ : without === "info" ? /run_id.*\+info/ : /permission|can't run|not allowed/i);
    }
  },
);

peerTest("Redis: a cluster member is refused with a reason", PEERS, async () => {
  const folder = await Deno.makeTempDir({ prefix: "gssocks-cluster-" });
  await using redis = await startRedis({ options: ["--cluster-enabled", "yes", "--dir", folder] });
  const reason = async () => {
    await using store = await connectRedis({ url: redis.url, onLoss: "refuse" });
    assert.equal(store.state().up, false);
    return store.state().reason;
  };
  assert.match(await reason(), /Redis Cluster is not supported: CLUSTERDOWN/);
  await redis.send("cluster", "addslots", ...Array.from({ length: 16_384 }, (_, i) => String(i)));
  let said = "";
  await until("its slots", async () => /CROSSSLOT/.test(said = await reason()), 10_000).catch(() => assert.fail(said));
  assert.match(said, /Redis Cluster is not supported: CROSSSLOT/);
  await Deno.remove(folder, { recursive: true });
});

peerTest(
  "Redis: answers that take nine tenths of a second are accepted, also after a cut",
  PEERS,
  async () => {
    await using redis = await startRedis();
    await using relay = startRelay(redis.port);
    relay.delay = 450;
    const said: boolean[] = [];
    await using store = await connectRedis({
      url: `redis://127.0.0.1:${relay.port}`,
      onLoss: "refuse",
      onChange: (up) => void said.push(up),
    });
    await until("up", () => store.state().up);
    assert.equal(await store.replayCache.insert(entry()), true);
    relay.cut();
    await until("up again", () => said.length >= 3 && store.state().up, 10_000);
    assert.equal(await store.replayCache.insert(entry()), true);
  },
);

Deno.test("Redis: a server that is not there is reported by every call", async () => {
  const port = freePort();
  await using store = await connectRedis({ url: `redis://127.0.0.1:${port}`, onLoss: "refuse", interval: 20 });
  const begun = performance.now();
  await until("some looks", () => {
    assert.match(store.state().reason, /ECONNREFUSED/);
    return performance.now() - begun > 200;
  });
});

peerTest("Redis: 600 users keep their sessions at a server 50 ms away, and no others get in", PEERS, async () => {
  await using redis = await startRedis();
  await using relay = startRelay(redis.port);
  relay.delay = 25;
  const options: RedisOptions = { url: `redis://127.0.0.1:${relay.port}`, onLoss: "refuse", lease: 5_000 };
  await using here = await connectRedis(options);
  await using there = await connectRedis({ ...options, url: redis.url });
  await until("up", () => here.state().up && there.state().up);
  const users = Array.from({ length: 600 }, (_, i) => `u${i}`);
  assert.ok((await Promise.all(users.map((user) => here.userLedger.enter(user, 1)))).every(Boolean));
  const begun = performance.now();
  await until("two leases are over", async () => {
    const some = users.filter((_, i) => i % 15 === 0);
    const entered = await Promise.all(some.map((user) => there.userLedger.enter(user, 1)));
    assert.ok(entered.every((one) => !one), `accepted ${entered.filter(Boolean).length} of ${some.length}`);
    return performance.now() - begun > 10_500;
  }, 30_000);
  assert.equal((await redis.send("keys", "gssocks:user:*")).split("\n").length, 600);
});

peerTest(
  "Redis: passwords and TLS work, and errors do not repeat them",
  [...PEERS, "openssl"],
  async () => {
    const { cert, key, ca } = await redisCertificate();
    await using _files = {
      [Symbol.asyncDispose]: () => Deno.remove(cert.replace(/\/[^/]*$/, ""), { recursive: true }),
    };
    const port = freePort();
    const tls = [
      "--tls-port",
      String(port),
      "--tls-cert-file",
      cert,
      "--tls-key-file",
      key,
      "--tls-auth-clients",
      "no",
    ];
    await using _redis = await startRedis({ options: [...tls, "--requirepass", "s3cret pass"] });
    const url = `rediss://:s3cret%20pass@localhost:${port}`;
    await using shared = await connectRedis({ url, onLoss: "refuse", caCerts: [ca] });
    await until("up", () => shared.state().up);
    await using filed = await connectRedis({
      url: `rediss://localhost:${port}`,
      password: "s3cret pass",
      onLoss: "refuse",
      caCerts: [ca],
    });
    await until("up", () => filed.state().up);
    const said: string[] = [];
    const options: RedisOptions = {
      url: `rediss://:wr0ng@localhost:${port}`,
      onLoss: "refuse",
      onChange: (_up, reason) => void said.push(reason),
    };
    await using untrusted = await connectRedis(options);
    await using wrong = await connectRedis({ ...options, caCerts: [ca] });
    assert.ok(!untrusted.state().up && !wrong.state().up);
    const errors = await Promise.allSettled(
      [untrusted, wrong].map(async (one) => await one.replayCache.insert(entry())),
    );
    const all = `${said.join("\n")} ${Deno.inspect([untrusted, wrong, shared, filed, errors], { depth: 10 })}`;
    assert.ok(!/wr0ng|s3cret/.test(all), all);
  },
);

async function redisCertificate() {
  const folder = await Deno.makeTempDir({ prefix: "gssocks-redis-tls-" });
  const made = await certificateFor();
  await Deno.writeTextFile(`${folder}/cert.pem`, made.cert);
  await Deno.writeTextFile(`${folder}/key.pem`, made.key);
  return { cert: `${folder}/cert.pem`, key: `${folder}/key.pem`, ca: made.cert };
}
