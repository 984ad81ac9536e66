/**
 * A real failover: sentinels promote a replica when the master is killed, cut off or told to hand over; logins
 * go on, and no replay is accepted.
 */
import assert from "node:assert/strict";
import { connectRedis } from "../../proxy/shared/redis.ts";
import { peerTest } from "../support/peers.ts";
import { freePort } from "../support/process.ts";
import { sendTo, startRedis } from "../support/redis.ts";
import { startSentinels } from "../support/sentinel.ts";
import { until } from "../support/until.ts";

const PEERS = ["redis-server", "redis-cli", "redis-sentinel"];
let count = 0;
const entry = () => {
  const now = Date.now();
  return { tag: (++count).toString(16).padStart(64, "0"), now, expiresAt: now + 60_000, madeAt: now };
};

for (const how of ["killed", "frozen, and back as an unused master", "asked to hand over"] as const) {
  peerTest(`Sentinel: the master is ${how}; logins go on at the replica, and no replay gets in`, PEERS, async () => {
    await using a = await startRedis();
    await using b = await startRedis({ replicaOf: a.port });
    await until("begun", async () => (await b.send("info", "replication")).includes("master_link_status:up"));
    await using sentinels = await startSentinels({ master: a.port });
    // One of the sentinels is absent.
    const url = sentinels.url.replace("://", `://127.0.0.1:${freePort()},`);
    await using one = await connectRedis({ url, onLoss: "refuse" });
    await using two = await connectRedis({ url, onLoss: "refuse" });
    await until("up", () => one.state().up && two.state().up);
    // The sentinels must know one another and the replica before they can promote it.
    for (const port of sentinels.ports) {
      await until("the sentinels know all", async () => {
        const said = await sendTo(port, ["sentinel", "master", "mymaster"]);
        return /num-slaves\n1\n/.test(said) && /num-other-sentinels\n2\n/.test(said);
      });
    }
    const accepted: ReturnType<typeof entry>[] = [];
    for (let i = 0; i < 10; i++) {
      const next = entry();
      assert.equal(await (i % 2 === 0 ? one : two).replayCache.insert(next), true);
      accepted.push(next);
    }
    for (const { tag } of accepted) {
      await until("replicated", async () => await b.send("exists", `gssocks:replay:${tag}`) === "1");
    }
    if (how === "killed") Deno.kill(a.pid, "SIGKILL");
    else if (how === "asked to hand over") await sentinels.failover();
    else Deno.kill(a.pid, "SIGSTOP");
    await until("promoted", async () => await sentinels.master() === b.port, 30_000);
    const promoted = performance.now();
    const login = async (at: typeof one) => await Promise.resolve(at.replayCache.insert(entry())).catch(() => false);
    await until("the promoted one is used", async () => {
      const in_b = (await b.send("info", "commandstats")).includes("cmdstat_eval");
      return in_b && await login(one) && await login(two);
    });
    assert.ok(performance.now() - promoted < 8_000, `${performance.now() - promoted} ms`);
    if (how.startsWith("frozen")) Deno.kill(a.pid, "SIGCONT");
    for (let i = 0; i < 5; i++) {
      await until("logins go on", async () => await login(one) && await login(two));
    }
    // The other of the two servers each time: a server knows what it has seen itself.
    for (const [i, { tag, madeAt }] of accepted.entries()) {
      const replayed = { ...entry(), tag, madeAt };
      const other = i % 2 === 0 ? two : one;
      const got = await Promise.resolve(other.replayCache.insert(replayed)).catch((error) => error.code);
      assert.notEqual(got, true, `${i}`);
      // Authenticators that the replica had are recognised.
      assert.equal(got, false);
    }
  });
}

peerTest("Sentinel: unknown masters and absent sentinels are reported", PEERS, async () => {
  await using a = await startRedis();
  await using sentinels = await startSentinels({ master: a.port, count: 1 });
  const cases = [
    [sentinels.url.replace("/mymaster", "/other"), /no sentinel knows a master "other"/],
    [`redis+sentinel://127.0.0.1:${freePort()}/mymaster`, /no sentinel answers/],
  ] as const;
  for (const [url, reason] of cases) {
    await using shared = await connectRedis({ url, onLoss: "refuse" });
    assert.equal(shared.state().up, false);
    assert.match(shared.state().reason, reason);
  }
  await using shared = await connectRedis({ url: sentinels.url, onLoss: "refuse" });
  await until("up", () => shared.state().up);
});

peerTest("Sentinel: the master that the sentinels name counts, not another writable one", PEERS, async () => {
  await using a = await startRedis();
  await using b = await startRedis();
  await using sentinels = await startSentinels({ master: a.port, count: 1 });
  await using shared = await connectRedis({ url: sentinels.url, onLoss: "refuse" });
  await until("up", () => shared.state().up);
  await sendTo(sentinels.ports[0]!, ["sentinel", "remove", "mymaster"]);
  await sendTo(sentinels.ports[0]!, ["sentinel", "monitor", "mymaster", "127.0.0.1", String(b.port), "1"]);
  await until("it is used", async () => {
    const next = entry();
    await Promise.resolve(shared.replayCache.insert(next)).catch(() => {});
    return await b.send("exists", `gssocks:replay:${next.tag}`) === "1";
  });
  // No login is lost with the sentinels.
  await sendTo(sentinels.ports[0]!, ["sentinel", "remove", "mymaster"]);
  const knew = (await b.send("hget", "gssocks:known", "seen")).trim();
  await until("looked at again", async () => (await b.send("hget", "gssocks:known", "seen")).trim() !== knew);
  assert.equal(await shared.replayCache.insert(entry()), true);
});
