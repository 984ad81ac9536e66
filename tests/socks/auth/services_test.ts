/** Services of a context (RFC 1961 sections 3.2 and 4.1): what each side asks for, and what it does without. */
import assert from "node:assert/strict";
import type { GssFlags } from "../../../gss/context.ts";
import { gssapiClient } from "../../../socks/auth/gssapi/client.ts";
import { gssapiServer, type GssapiServerOptions } from "../../../socks/auth/gssapi/server.ts";
import type { SecuredChannel } from "../../../socks/auth/method.ts";
import { AssociateCommand } from "../../../socks/server/commands/associate.ts";
import { replyCodeName } from "../../../socks/errors.ts";
import type { ProtectionLevel } from "../../../socks/protection.ts";
import { Command, decodeReply, encodeRequest, type Request } from "../../../socks/wire/messages.ts";
import { ALL_FLAGS } from "../../support/flags.ts";
import { changing, claiming, ForgedClient, ForgedProxy, isClosed } from "../../support/forge_socks.ts";
import { credentialPair, memoryRealm } from "../../support/gss_pair.ts";
import { echoTarget, makeServer } from "../../support/memory_server.ts";
import { pipe } from "../../support/pipe.ts";

const realm = await memoryRealm();
// One ticket for all: getting it takes longer than anything else here.
const { initiator, acceptor } = credentialPair(realm);
const LEVELS: readonly ProtectionLevel[] = ["none", "integrity", "confidentiality", "selective"];

/** A server's method and a client by hand on one pipe; what the server made of it. */
async function meet(flags: GssFlags, level: number, options: Partial<GssapiServerOptions> = {}) {
  const [near, far] = pipe();
  const accepting = gssapiServer({ credential: acceptor, protection: LEVELS, ...options }).accept(far, {});
  const outcome = accepting.then((channel) => ({ channel }), (error) => ({ error }));
  let answered: number | undefined;
  try {
    const client = await ForgedClient.open(near, { credential: initiator, flags });
    answered = (await client.level(level)).type;
  } catch {
    // Refused before.
  }
  const result: { channel?: SecuredChannel; error?: { code: string; message: string } } = await outcome;
  return { ...result, answered, sent: far.sent() };
}

Deno.test("gssapiServer(): every level needs mutual authentication, unless the option accepts it", async () => {
  for (let level = 0; level <= 3; level++) {
    const flags = { ...ALL_FLAGS, mutual: false };
    const refused = await meet(flags, level);
    assert.equal(refused.error?.code, "FLAGS_MISSING");
    assert.match(refused.error.message, /lacks mutual authentication.*insecureWithoutMutual would accept it/);
    assert.deepEqual(refused.sent.slice(-2), Uint8Array.of(1, 0xff));
    assert.equal((await meet(flags, level, { insecureUnordered: true })).error?.code, "FLAGS_MISSING");
    const letIn = await meet(flags, level, { insecureWithoutMutual: true });
    assert.equal(letIn.channel?.protection, LEVELS[level]);
  }
});

Deno.test("gssapiServer(): does not use a context without mutual authentication", async () => {
  const [near, far] = pipe();
  const outcome = gssapiServer({ credential: acceptor }).accept(far, {}).catch((error) => error.code);
  const client = await ForgedClient.open(near, { credential: initiator, flags: { ...ALL_FLAGS, mutual: false } });
  assert.equal((await client.next()).type, 0xff);
  assert.equal(await outcome, "FLAGS_MISSING");
});

Deno.test("gssapiServer(): in NEC's mode, grants level none only if replays are detected", async () => {
  const cases: [number, (() => number) | undefined, boolean][] = [
    [0, undefined, false],
    [0, () => Infinity, false],
    [0, () => Date.now() + 60_000, false],
    [0, () => Date.now() - 1, true],
    [1, undefined, true],
    [2, () => Infinity, true],
  ];
  for (const [level, replaysKnownFrom, good] of cases) {
    const [near, far] = pipe();
    const options = replaysKnownFrom === undefined ? {} : { replaysKnownFrom };
    const method = gssapiServer({ credential: acceptor, protection: LEVELS, insecureNecMode: true, ...options });
    const outcome = method.accept(far, {}).then(({ protection }) => protection, (error) => error.code);
    const client = await ForgedClient.open(near, { credential: initiator });
    const { type } = await client.level(level, { nec: true });
    assert.deepEqual([await outcome, type], good ? [LEVELS[level], 2] : ["PROTECTION_TOO_WEAK", 0xff]);
  }
});

Deno.test("gssapiServer(): levels 1 to 3 need replay detection, unless the option accepts it", async () => {
  for (let level = 0; level <= 3; level++) {
    const flags = { ...ALL_FLAGS, replay: false };
    const seen = await meet(flags, level);
    if (level === 0) {
      assert.equal(seen.channel?.protection, "none");
      continue;
    }
    assert.equal(seen.error?.code, "FLAGS_MISSING");
    assert.match(seen.error.message, /lacks replay detection.*insecureUnordered would accept it/);
    assert.deepEqual(seen.sent.slice(-2), Uint8Array.of(1, 0xff));
    assert.equal((await meet(flags, level, { insecureWithoutMutual: true })).error?.code, "FLAGS_MISSING");
    assert.equal((await meet(flags, level, { insecureUnordered: true })).channel?.protection, LEVELS[level]);
  }
});

Deno.test("gssapiServer(): a level needs integrity, and levels 2 and 3 confidentiality", async () => {
  const cases: [ProtectionLevel, GssFlags, boolean][] = [
    ["none", { integrity: false, confidentiality: false }, true],
    ["integrity", { integrity: false }, false],
    ["integrity", { confidentiality: false }, true],
    ["confidentiality", { confidentiality: false }, false],
    ["confidentiality", { integrity: false }, false],
    ["selective", { confidentiality: false }, false],
    ["selective", { integrity: false }, false],
  ];
  for (const [level, flags, good] of cases) {
    const credential = changing(acceptor, (context) => claiming(context, flags));
    const knobs = { insecureWithoutMutual: true, insecureUnordered: true };
    const { channel, error } = await meet(ALL_FLAGS, LEVELS.indexOf(level), { credential, ...knobs });
    assert.equal(channel?.protection, good ? level : undefined, `${level} ${JSON.stringify(flags)}`);
    if (!good) assert.equal(error?.code, "FLAGS_MISSING");
  }
});

/** A request of a client with such flags at a server; what answers it, and what the server tells of it. */
async function ask(command: number, flags: GssFlags, level: number, options: Partial<GssapiServerOptions> = {}) {
  const done: string[] = [];
  const { server, events } = makeServer({
    auth: [gssapiServer({ credential: acceptor, protection: LEVELS, ...options })],
    open: (request) => {
      done.push("open");
      return echoTarget(request);
    },
    bind: () => {
      done.push("bind");
      return Promise.reject(new Error("enough"));
    },
    resolve: () => {
      done.push("resolve");
      return Promise.resolve("192.0.2.1");
    },
    associate: new AssociateCommand({
      open: () => {
        done.push("associate");
        return Promise.reject(new Error("enough"));
      },
      bind: () => Promise.reject(new Error("unreachable: nothing is opened")),
    }),
  });
  await using _server = server;
  const [near, far] = pipe();
  void server.serve(Object.assign(far, { local: { hostname: "192.0.2.1", port: 1080 } }));
  const client = await ForgedClient.open(near, { credential: initiator, flags, greeting: true });
  await client.level(level);
  const request = { command, hostname: "192.0.2.7", port: 80 };
  const { reply } = level === 0 ? await clear(client, request) : await client.request(request);
  near.close();
  return { reply: reply === 0 ? "granted" : replyCodeName(reply), done, events };
}

async function clear(client: ForgedClient, request: Request) {
  await client.send(encodeRequest(request));
  return await client.reader.next(decodeReply);
}

Deno.test("server: without sequence detection, refuses all but UDP ASSOCIATE", async () => {
  const commands = {
    open: Command.Connect,
    bind: Command.Bind,
    associate: Command.UdpAssociate,
    resolve: Command.Resolve,
  };
  const unordered = { ...ALL_FLAGS, sequence: false };
  for (const [name, command] of Object.entries(commands)) {
    for (let level = 0; level <= 3; level++) {
      const refused = command !== Command.UdpAssociate && level > 0;
      const { reply, done, events } = await ask(command, unordered, level);
      assert.deepEqual(done, refused ? [] : [name], `${name} at level ${level}`);
      if (!refused) continue;
      assert.equal(reply, "NOT_ALLOWED");
      const event = events.find(({ type }) => type === "refused");
      assert.ok(event?.type === "refused" && event.identity?.name === "alice@GSSOCKS.TEST");
      assert.match(event.error.message, /no sequence detection.*insecureUnordered/);
      assert.deepEqual((await ask(command, unordered, level, { insecureUnordered: true })).done, [name]);
      assert.deepEqual((await ask(command, ALL_FLAGS, level)).done, [name]);
    }
  }
});

Deno.test("gssapiClient(): asks for all services, for sequence detection only on streams", async () => {
  for (const datagrams of [true, false]) {
    const [near, far] = pipe();
    const asking = gssapiClient({ credential: initiator }).authenticate(near, {
      proxy: { hostname: "localhost", port: 1 },
      datagrams,
    });
    const accepting = gssapiServer({
      credential: changing(acceptor, (context) => {
        assert.deepEqual(context.flags, { ...ALL_FLAGS, sequence: !datagrams });
        return context;
      }),
    }).accept(far, {});
    const [ours, theirs] = await Promise.all([asking, accepting]);
    assert.notEqual(ours.datagrams, undefined);
    assert.deepEqual([ours.ordered, theirs.ordered], [!datagrams, !datagrams]);
    ours.connection.close();
  }
});

/** Our client at a proxy by hand that grants `level`, its context claiming `flags`. */
async function wanted(
  options: { flags: GssFlags; protection: ProtectionLevel; floor: ProtectionLevel; level: number },
) {
  let context: ReturnType<typeof claiming> | undefined;
  const credential = changing(initiator, (made) => context = claiming(made, options.flags));
  const [near, far] = pipe();
  const client = gssapiClient({ credential, protection: options.protection, minimumProtection: options.floor });
  const greeted = near.write(Uint8Array.of(5, 1, 1));
  const proxy = ForgedProxy.open(far, acceptor).then((proxy) => proxy.grant(options.level)).catch(() => undefined);
  await greeted;
  await near.read();
  const outcome = await client.authenticate(near, { proxy: { hostname: "localhost", port: 1 } }).then(
    (channel) => channel.protection,
    (error) => error.code,
  );
  near.close();
  return { outcome, closed: await isClosed(context!), asked: (await proxy)?.asked };
}

Deno.test("gssapiClient(): refuses a level whose services its context lacks", async () => {
  for (const flag of ["mutual", "replay", "sequence", "integrity", "confidentiality"] as const) {
    const flags = { [flag]: false };
    const asked = await wanted({ flags, protection: "confidentiality", floor: "confidentiality", level: 2 });
    // Known before the proxy is asked for anything.
    assert.deepEqual(asked, { outcome: "FLAGS_MISSING", closed: true, asked: undefined }, flag);
    const none = await wanted({ flags, protection: "none", floor: "none", level: 0 });
    assert.equal(none.outcome, flag === "mutual" ? "FLAGS_MISSING" : "none", flag);
    // More than was asked for is no use where it is not there.
    const more = await wanted({ flags, protection: "none", floor: "none", level: 2 });
    assert.deepEqual(
      more,
      { outcome: "FLAGS_MISSING", closed: true, asked: flag === "mutual" ? undefined : 0 },
      flag,
    );
  }
  assert.equal((await wanted({ flags: {}, protection: "none", floor: "none", level: 2 })).outcome, "confidentiality");
});
