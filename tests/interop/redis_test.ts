/** Several servers share replay cache and user limits through a real Redis, and lose it. */
import assert from "node:assert/strict";
import { hostbasedService } from "../../gss/names.ts";
import { KerberosInitiatorCredential } from "../../kerberos/mech/credentials.ts";
import { connect, serve, type ServeOptions, type ServerEvent, SocksLimitError } from "../../mod.ts";
import { eventRecord } from "../../cli/log/event_log.ts";
import { Monitor } from "../../cli/monitor/monitor.ts";
import { connectRedis, type RedisOptions } from "../../proxy/shared/redis.ts";
import { decodeFrame, encodeFrame, FrameType } from "../../socks/wire/gssapi.ts";
import { peerTest } from "../support/peers.ts";
import { freePort } from "../support/process.ts";
import { startRealmFolder } from "../support/realm_folder.ts";
import { startRedis } from "../support/redis.ts";
import { echoServer } from "../support/servers.ts";

const LOCALHOST = "127.0.0.1";

/** Returns a server's answer to an AP-REQ: "AP-REP", "KRB-ERROR" or "abort". */
async function answerTo(port: number, token: Uint8Array): Promise<string> {
  using conn = await Deno.connect({ hostname: LOCALHOST, port });
  await conn.write(Uint8Array.of(5, 1, 1));
  const bytes = new Uint8Array(4096);
  assert.equal(await conn.read(bytes), 2);
  await conn.write(encodeFrame(FrameType.Authentication, token));
  const frame = decodeFrame(bytes.slice(0, await conn.read(bytes) ?? 0))?.value;
  if (frame === undefined || frame.type === FrameType.Abort) return "abort";
  const framing = frame.token[1]! < 0x80 ? 2 : 2 + (frame.token[1]! & 0x7f);
  return { 2: "AP-REP", 3: "KRB-ERROR" }[frame.token[framing + 11]!] ?? "something else";
}

interface Realm {
  readonly keytab: string;
}

async function machine(realm: Realm, redis: RedisOptions, more: Pick<ServeOptions, "limits"> = {}) {
  const events: ServerEvent[] = [];
  const shared = await connectRedis({ timeout: 500, ...redis });
  const { replayCache, userLedger } = shared;
  const server = serve({
    port: 0,
    keytab: realm.keytab,
    rules: ["allow localhost"],
    gssapi: { replayCache },
    userLedger,
    onEvent: (event) => void events.push(event),
    ...more,
  });
  return {
    shared,
    events,
    port: server.addr.port,
    async [Symbol.asyncDispose](): Promise<void> {
      await server[Symbol.asyncDispose]();
      await shared[Symbol.asyncDispose]();
    },
  };
}

Deno.test("connectRedis(): does not repeat an unusable URL", async () => {
  for (const url of ["redis://u:s3cret@[", "http://u:s3cret@host", "s3cret"]) {
    await assert.rejects(connectRedis({ url, onLoss: "refuse" }), (error) => !String(error).includes("s3cret"));
  }
});

Deno.test("connectRedis(): retries an absent server until it is closed, and leaves nothing", async () => {
  const shared = await connectRedis({ url: `redis://127.0.0.1:${freePort()}`, onLoss: "refuse", timeout: 150 });
  assert.equal(shared.state().up, false);
  // Nothing is known of what others have accepted, on which contexts without a subkey rely.
  const before = Date.now();
  assert.ok(shared.replayCache.knowsSince! >= before);
  await shared[Symbol.asyncDispose]();
  await shared[Symbol.asyncDispose]();
});

peerTest("Redis: an AP-REQ that is replayed to another server is refused", ["redis-server"], async () => {
  await using realm = await startRealmFolder();
  await using redis = await startRedis();
  await using one = await machine(realm, { url: redis.url, onLoss: "refuse" });
  await using two = await machine(realm, { url: redis.url, onLoss: "refuse" });
  const credential = new KerberosInitiatorCredential(realm.tickets);
  for (let i = 0; i < 3; i++) {
    const { token } = await (await credential.initiate(hostbasedService("rcmd", "localhost"))).step();
    assert.equal(await answerTo(one.port, token!), "AP-REP");
    assert.equal(await answerTo(two.port, token!), "KRB-ERROR");
    assert.equal(await answerTo(one.port, token!), "KRB-ERROR");
  }
  // Of two at the same time, one is accepted.
  const { token } = await (await credential.initiate(hostbasedService("rcmd", "localhost"))).step();
  const both = await Promise.all([answerTo(one.port, token!), answerTo(two.port, token!)]);
  assert.deepEqual(both.sort(), ["AP-REP", "KRB-ERROR"]);
});

peerTest("Redis: the limit of a user's sessions counts over all servers", ["redis-server"], async () => {
  await using realm = await startRealmFolder();
  await using redis = await startRedis();
  await using echo = echoServer();
  const options = { url: redis.url, onLoss: "refuse" } as const;
  await using one = await machine(realm, options, { limits: { sessionsPerUser: 2 } });
  await using two = await machine(realm, options, { limits: { sessionsPerUser: 2 } });
  const open = (port: number) =>
    connect({
      proxy: { hostname: "localhost", port },
      hostname: LOCALHOST,
      port: echo.port,
      credentials: realm.tickets,
    });
  const first = await open(one.port);
  await using _second = await open(two.port);
  await assert.rejects(open(two.port), { code: "GENERAL_FAILURE" });
  const refused = two.events.findLast((event) => event.type === "refused");
  assert.ok(refused?.type === "refused" && refused.error instanceof SocksLimitError);
  first.close();
  // The other server knows the end of a session as soon as it has ended here.
  for (;;) {
    const next = await open(two.port).catch(() => undefined);
    if (next !== undefined) {
      next.close();
      break;
    }
  }
});

peerTest("Redis: onLoss decides while it is gone; health shows it, and it comes back", ["redis-server"], async () => {
  await using realm = await startRealmFolder();
  const credential = new KerberosInitiatorCredential(realm.tickets);
  const fresh = async () => (await (await credential.initiate(hostbasedService("rcmd", "localhost"))).step()).token!;
  const port = freePort();
  const url = `redis://127.0.0.1:${port}`;
  let wake = Promise.withResolvers<void>();
  const onChange = () => {
    wake.resolve();
    wake = Promise.withResolvers<void>();
  };
  let redis = await startRedis(port);
  await using ends = new AsyncDisposableStack();
  await using strict = await machine(realm, { url, onLoss: "refuse", onChange });
  await using lenient = await machine(realm, { url, onLoss: "allow", onChange });
  const until = async (up: boolean) => {
    while (strict.shared.state().up !== up || lenient.shared.state().up !== up) await wake.promise;
  };
  assert.equal(await answerTo(strict.port, await fresh()), "AP-REP");
  await redis[Symbol.asyncDispose]();
  await until(false);
  assert.notEqual(await answerTo(strict.port, await fresh()), "AP-REP");
  const refusal = strict.events.findLast((event) => event.type === "refused");
  assert.ok(refusal?.type === "refused" && eventRecord(refusal).code === "SHARED_STORE", Deno.inspect(refusal));
  const monitor = new Monitor();
  for (const event of strict.events) monitor.onEvent(event);
  assert.equal(monitor.snapshot().refused.SHARED_STORE, 1);
  const token = await fresh();
  assert.equal(await answerTo(lenient.port, token), "AP-REP");
  // It still refuses what it has seen itself.
  assert.notEqual(await answerTo(lenient.port, token), "AP-REP");
  redis = ends.use(await startRedis(port));
  await until(true);
  assert.equal(await answerTo(strict.port, await fresh()), "AP-REP");
  assert.notEqual(await answerTo(lenient.port, token), "AP-REP");
});
