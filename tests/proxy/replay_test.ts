/**
 * A whole session, recorded on its way and sent again: to a server with the same keys that has seen nothing, and to one that was started
 * anew. Nothing of it is carried out. That rests on the acceptor's subkey (RFC 4121 section 4.1.1, RFC 4120 section 3.2.3): each context has
 * a fresh one, the attacker cannot read it out of the AP-REP without the session key, and whatever the client sends next must be
 * made with it.
 */
import assert from "node:assert/strict";
import { type Bytes, concat, EMPTY } from "../../base/bytes.ts";
import { associate, connect, serve, type ServeOptions, type ServerEvent } from "../../mod.ts";
import { KerberosInitiatorCredential } from "../../kerberos/mech/credentials.ts";
import { MemoryReplayCache } from "../../kerberos/ap/replay/memory.ts";
import { gssapiClient } from "../../socks/auth/gssapi/client.ts";
import type { ProtectionLevel } from "../../socks/protection.ts";
import { decodeFrame, encodeFrame } from "../../socks/wire/gssapi.ts";
import { encodeRequest } from "../../socks/wire/messages.ts";
import { ALL_FLAGS } from "../support/flags.ts";
import { ForgedClient } from "../support/forge_socks.ts";
import { memoryRealm, memoryTickets } from "../support/gss_pair.ts";
import { pipe, type PipeEnd } from "../support/pipe.ts";
import { udpServer } from "../support/servers.ts";

const realm = await memoryRealm();
const credential = new KerberosInitiatorCredential(memoryTickets([realm]));
const LEVELS: readonly ProtectionLevel[] = ["none", "integrity", "confidentiality", "selective"];

/** A server with the realm's keys that counts what it does. */
function start(options: Partial<ServeOptions> = {}) {
  const did = { dialled: 0, events: [] as ServerEvent[] };
  const server = serve({
    port: 0,
    keytab: realm.keytab("rcmd/localhost"),
    protection: LEVELS,
    commands: ["connect", "udp"],
    rules: ["allow *", "allow localhost"],
    resolve: () => Promise.resolve(["93.184.216.34"]),
    dial: () => {
      did.dialled++;
      const [ours, theirs] = pipe();
      void (async () => {
        for (let bytes = await theirs.read(); bytes !== null; bytes = await theirs.read()) await theirs.write(bytes);
        await theirs.closeWrite();
      })().catch(() => {});
      return Promise.resolve(ours);
    },
    onEvent: (event) => void did.events.push(event),
    ...options,
  });
  return { server, did };
}

/** Hands bytes on both ways between a client and a server, and keeps what the client sends, write by write. */
function recorder(port: number) {
  const recorded: Bytes[] = [];
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const carried = (async () => {
    const [client, server] = await Promise.all([listener.accept(), Deno.connect({ hostname: "127.0.0.1", port })]);
    const hand = async (from: Deno.TcpConn, to: Deno.TcpConn, keep: boolean) => {
      const buffer = new Uint8Array(65_536);
      for (let n = await from.read(buffer); n !== null; n = await from.read(buffer)) {
        if (keep) recorded.push(buffer.slice(0, n));
        for (let at = 0; at < n;) at += await to.write(buffer.subarray(at, n));
      }
      await to.closeWrite();
    };
    await Promise.allSettled([hand(client, server, true), hand(server, client, false)]);
    for (const each of [client, server]) each[Symbol.dispose]();
  })();
  return {
    recorded,
    proxy: { hostname: "localhost", port: (listener.addr as Deno.NetAddr).port },
    async [Symbol.asyncDispose](): Promise<void> {
      await carried;
      listener.close();
    },
  };
}

/** A genuine session through a recorder: what the client sent, and the datagrams that it sent. */
async function record(protection: ProtectionLevel, command: "connect" | "udp") {
  const { server, did } = start();
  await using _server = server;
  const datagrams: Bytes[] = [];
  let recorded: readonly Bytes[];
  {
    await using way = recorder(server.addr.port);
    recorded = way.recorded;
    const auth = [gssapiClient({ credential, protection })];
    if (command === "connect") {
      await using connection = await connect({ proxy: way.proxy, auth, hostname: "pay.example", port: 80 });
      await connection.write(new TextEncoder().encode("POST /pay"));
      await connection.read(new Uint8Array(9));
    } else {
      await using echo = await udpServer((bytes) => {
        datagrams.push(bytes.slice());
        return bytes;
      });
      await using association = await associate({ proxy: way.proxy, auth });
      await association.send(new TextEncoder().encode("pay"), { hostname: "127.0.0.1", port: echo.port });
      await association.receive();
    }
  }
  await server.shutdown();
  assert.equal(did.dialled, command === "connect" ? 1 : 0);
  assert.ok(did.events.some(({ type }) => type === (command === "connect" ? "connected" : "associated")));
  assert.equal(datagrams.length, command === "udp" ? 1 : 0);
  return recorded;
}

/** Sends what was recorded, at once or write by write with the answers in between, and gives all that comes back. */
async function replay(port: number, recorded: readonly Bytes[], patient: boolean): Promise<Bytes> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const answers: Bytes[] = [];
  let wake = Promise.withResolvers<void>();
  let ended = false;
  const reading = (async () => {
    const buffer = new Uint8Array(65_536);
    try {
      for (let n = await connection.read(buffer); n !== null; n = await connection.read(buffer)) {
        answers.push(buffer.slice(0, n));
        wake.resolve();
        wake = Promise.withResolvers<void>();
      }
    } catch {
      // Cut off.
    }
    ended = true;
    wake.resolve();
  })();
  for (const bytes of recorded) {
    try {
      const answered = wake.promise;
      for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
      if (patient && !ended) await answered;
    } catch {
      break; // Cut off: nobody takes the rest.
    }
  }
  await connection.closeWrite().catch(() => {});
  await reading;
  return concat(...answers);
}

/** Types of the frames behind the choice of the method; what is no frame is `clear`. */
function frames(answer: Bytes): (number | "clear")[] {
  const types: (number | "clear")[] = [];
  assert.deepEqual([...answer.subarray(0, 2)], [5, 1]);
  for (let rest: Bytes = answer.subarray(2); rest.length > 0;) {
    if (rest[0] !== 1) return [...types, "clear"];
    const { value, length } = decodeFrame(rest)!;
    types.push(value.type);
    rest = rest.subarray(length);
  }
  return types;
}

Deno.test("replay: a recorded session has no effect at another server, or one started anew", async () => {
  for (const level of LEVELS) {
    for (const command of ["connect", "udp"] as const) {
      const recorded = await record(level, command);
      for (const patient of [true, false]) {
        const { server, did } = start();
        await using _server = server;
        // The first time it has seen nothing of it; the second time it has.
        for (const again of [false, true]) {
          const answer = await replay(server.addr.port, recorded, patient);
          // Its context stands, and nobody but the client can do anything with it: an AP-REP, then the refusal.
          assert.deepEqual(frames(answer), [1, 0xff], `${level}, ${command}, again ${again}`);
        }
        await server.shutdown();
        assert.equal(did.dialled, 0);
        const seen = did.events.map((event) => event.type);
        assert.deepEqual(seen, ["accepted", "refused", "accepted", "refused"], `${level}, ${command}`);
        const codes = did.events.flatMap((event) => event.type === "refused" ? [event.error.message] : []);
        assert.match(codes[0]!, /token: it is not genuine/);
        assert.match(codes[1]!, /authenticator was used before/);
      }
    }
  }
});

/** What a client by hand sends, for a client that no library of ours would be. */
async function recordByHand(flags: typeof ALL_FLAGS, level: number, options: Partial<ServeOptions>): Promise<Bytes[]> {
  const { server, did } = start(options);
  await using _server = server;
  const [near, far] = pipe();
  const sent: Bytes[] = [];
  const tapped: PipeEnd = { ...near, write: (bytes) => (sent.push(new Uint8Array(bytes)), near.write(bytes)) };
  void server.serveConnection(far);
  const client = await ForgedClient.open(tapped, {
    credential,
    flags,
    greeting: true,
  });
  await client.level(level, { nec: options.gssapi?.insecureNecMode === true });
  const request = { command: 1, hostname: "pay.example", port: 80 };
  if (level === 0) {
    await client.send(encodeRequest(request));
    await client.reader.next((bytes) => bytes.length < 10 ? undefined : { value: bytes, length: bytes.length });
  } else await client.request(request);
  near.close();
  assert.equal(did.dialled, 1);
  return sent;
}

/** A cache that has known everything for long enough. */
function oldCache() {
  const cache = new MemoryReplayCache();
  return { insert: cache.insert.bind(cache), knowsSince: 0 };
}

Deno.test("replay: NEC mode protects by the subkey, and level none by a long memory", async () => {
  const nec = { gssapi: { insecureNecMode: true } };
  for (let level = 1; level <= 3; level++) {
    const recorded = await recordByHand(ALL_FLAGS, level, nec);
    const { server, did } = start(nec);
    await using _server = server;
    const answer = await replay(server.addr.port, recorded, true);
    // The level's byte is in clear, and taken; the request is not.
    assert.deepEqual(frames(answer), [1, 2]);
    assert.equal(did.dialled, 0);
  }
  const shared = oldCache();
  const recorded = await recordByHand(ALL_FLAGS, 0, { gssapi: { ...nec.gssapi, replayCache: shared } });
  // A server that starts, and one that has a memory of its own: whether this was used is not known yet.
  const { server, did } = start(nec);
  await using _server = server;
  for (const again of [false, true]) {
    const answer = await replay(server.addr.port, recorded, true);
    assert.deepEqual(frames(answer), [1, 0xff]);
    const refusal = did.events.findLast(({ type }) => type === "refused");
    assert.ok(refusal?.type === "refused");
    assert.match(
      refusal.error.message,
      again ? /used before/ : /level "none" in NEC's mode: it might be a replay.*only in \d+ s/,
    );
  }
  assert.equal(did.dialled, 0);
  // One that shares what the first has seen.
  const other = start({ gssapi: { ...nec.gssapi, replayCache: shared } });
  await using _other = other.server;
  assert.deepEqual(frames(await replay(other.server.addr.port, recorded, true)), [1, 0xff]);
  assert.equal(other.did.dialled, 0);
  // Whoever is no recording gets in there.
  assert.ok((await recordByHand(ALL_FLAGS, 0, { gssapi: { ...nec.gssapi, replayCache: shared } })).length > 0);
});

Deno.test("replay: without mutual authentication a possible recording is refused", async () => {
  for (let level = 0; level <= 3; level++) {
    const knob = { gssapi: { insecureWithoutMutual: true } };
    const shared = oldCache();
    const recorded = await recordByHand({ ...ALL_FLAGS, mutual: false }, level, {
      gssapi: { ...knob.gssapi, replayCache: shared },
    });
    for (const options of [knob, {}, { gssapi: { ...knob.gssapi, replayCache: shared } }]) {
      const { server, did } = start(options);
      await using _server = server;
      const answer = await replay(server.addr.port, recorded, false);
      assert.equal(frames(answer).at(-1), 0xff, `level ${level}`);
      assert.equal(did.dialled, 0);
      await server.shutdown();
      assert.ok(did.events.every(({ type }) => type === "accepted" || type === "refused"));
    }
  }
});

Deno.test("replay: a level byte that was not made with the context's key is refused", async () => {
  const recorded = await record("none", "connect");
  const [greeting, apReq] = recorded;
  for (const byte of [encodeFrame(2, Uint8Array.of(0)), encodeFrame(2, EMPTY), encodeFrame(2, new Uint8Array(40))]) {
    const { server, did } = start();
    await using _server = server;
    const answer = await replay(server.addr.port, [greeting!, apReq!, byte], true);
    assert.deepEqual(frames(answer), [1, 0xff]);
    assert.equal(did.dialled, 0);
  }
});
