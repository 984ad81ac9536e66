/** RFC 1961 on both sides, with Kerberos and with a mechanism that does what it is told. */
import assert from "node:assert/strict";
import { type Bytes, concat, utf8 } from "../../../base/bytes.ts";
import { gssapiClient, type GssapiClientOptions } from "../../../socks/auth/gssapi/client.ts";
import { gssapiServer, type GssapiServerOptions } from "../../../socks/auth/gssapi/server.ts";
import type { SecuredChannel } from "../../../socks/auth/method.ts";
import { SocksAuthError, SocksProtocolError } from "../../../socks/errors.ts";
import { ProtectedConnection } from "../../../socks/stream/record_layer.ts";
import type { ProtectionLevel } from "../../../socks/protection.ts";
import { decodeFrame, encodeAbort, encodeFrame } from "../../../socks/wire/gssapi.ts";
import { KerberosContext } from "../../../kerberos/mech/context.ts";
import { KerberosKey } from "../../../kerberos/crypto/key.ts";
import { ALL_FLAGS } from "../../support/flags.ts";
import { credentialPair, memoryRealm } from "../../support/gss_pair.ts";
import { MockContext, mockMechanism, type MockOptions } from "../../support/mock_mechanism.ts";
import { pipe, type PipeEnd, type PipeOptions, readAll } from "../../support/pipe.ts";
import { hex, unhex, vectors } from "../../support/vectors.ts";

const PROXY = { hostname: "localhost", port: 1080 };
const LEVELS: readonly ProtectionLevel[] = ["integrity", "confidentiality", "selective"];

interface PairOptions {
  mock?: MockOptions;
  client?: Partial<GssapiClientOptions>;
  server?: Partial<GssapiServerOptions>;
  pipe?: PipeOptions & { back?: PipeOptions };
  datagrams?: boolean;
}

/** Both sides over a pipe, with what became of each. */
async function negotiate(options: PairOptions = {}) {
  const { initiator, acceptor } = mockMechanism(options.mock);
  const [near, far] = pipe(options.pipe);
  const client = gssapiClient({ credential: initiator, ...options.client }).authenticate(near, {
    proxy: PROXY,
    datagrams: options.datagrams,
  });
  const server = gssapiServer({ credential: acceptor, ...options.server }).accept(far, {});
  // Whoever fails hangs up, as a session does.
  client.catch(() => near.close());
  server.catch(() => far.closeWrite());
  const [ours, theirs] = await Promise.allSettled([client, server]);
  return { near, far, ours, theirs };
}

function channels(result: Awaited<ReturnType<typeof negotiate>>): [SecuredChannel, SecuredChannel] {
  const { ours, theirs } = result;
  if (ours.status === "rejected") throw ours.reason;
  if (theirs.status === "rejected") throw theirs.reason;
  return [ours.value, theirs.value];
}

function reasons(result: Awaited<ReturnType<typeof negotiate>>): [unknown, unknown] {
  return [result.ours, result.theirs].map((side) => side.status === "rejected" ? side.reason : undefined) as [
    unknown,
    unknown,
  ];
}

async function talk(ours: SecuredChannel, theirs: SecuredChannel): Promise<void> {
  const message = new Uint8Array(200_000).map((_, i) => i * 31);
  await Promise.all([ours.connection.write(message), theirs.connection.write(utf8("back"))]);
  await Promise.all([ours.connection.closeWrite(), theirs.connection.closeWrite()]);
  const [there, back] = await Promise.all([readAll(theirs.connection), readAll(ours.connection)]);
  assert.equal(hex(there), hex(message));
  assert.equal(hex(back), hex(utf8("back")));
}

Deno.test("GSS-API method: both sides agree with Kerberos at every level, in pieces of any size", async () => {
  const realm = await memoryRealm();
  const { initiator, acceptor } = credentialPair(realm);
  for (const protection of [...LEVELS, "none"] as const) {
    for (const chunk of [1, 7, Infinity]) {
      const result = await negotiate({
        client: { credential: initiator, protection },
        server: { credential: acceptor, protection: [...LEVELS, "none"] },
        pipe: { chunk },
      });
      const [ours, theirs] = channels(result);
      assert.deepEqual([ours.protection, theirs.protection], [protection, protection]);
      assert.equal(theirs.identity.name, "alice@GSSOCKS.TEST");
      assert.equal(theirs.identity.attributes.enctype, "aes256-cts-hmac-sha1-96");
      if (chunk !== 1) await talk(ours, theirs);
    }
  }
});

Deno.test("GSS-API method: any number of legs works, with and without a last token of the acceptor", async () => {
  for (const legs of [1, 2, 5, 15]) {
    for (const lastToken of [true, false]) {
      const [ours, theirs] = channels(await negotiate({ mock: { legs, lastToken } }));
      await talk(ours, theirs);
    }
  }
  const endless = reasons(await negotiate({ mock: { legs: 40 } }));
  assert.ok(endless.some((error) => error instanceof SocksAuthError && error.code === "TOO_MANY_LEGS"));
});

Deno.test("GSS-API method: a zero-length token is an empty frame", async () => {
  const { far } = await negotiate({ mock: { lastToken: false } });
  assert.equal(hex(far.sent().subarray(0, 4)), "01010000");
});

Deno.test("GSS-API method: a refusal sends the error token, if any, then 01 ff", async () => {
  for (const refuse of ["with token", "without token"] as const) {
    const result = await negotiate({ mock: { refuse } });
    const sent = hex(result.far.sent());
    assert.equal(sent, refuse === "with token" ? `01010003${hex(utf8("!no"))}01ff` : "01ff");
    const [ours, theirs] = reasons(result);
    assert.ok(theirs instanceof SocksAuthError && theirs.code === "GSSAPI_FAILED");
    assert.ok(
      ours instanceof SocksAuthError && ours.code === (refuse === "with token" ? "GSSAPI_FAILED" : "REFUSED_BY_PEER"),
    );
  }
});

Deno.test("GSS-API method: the server's policy chooses, the client keeps its minimum", async () => {
  const cases: [
    ProtectionLevel,
    ProtectionLevel | undefined,
    ProtectionLevel[],
    ProtectionLevel | "client" | "server",
  ][] = [
    ["confidentiality", undefined, ["confidentiality", "integrity"], "confidentiality"],
    ["confidentiality", "integrity", ["integrity"], "integrity"],
    ["confidentiality", undefined, ["integrity"], "client"],
    ["confidentiality", "none", ["none"], "none"],
    ["confidentiality", "integrity", ["none"], "client"],
    ["integrity", undefined, ["confidentiality"], "confidentiality"],
    ["none", undefined, ["confidentiality", "integrity"], "confidentiality"],
    ["selective", undefined, ["integrity"], "client"],
    ["selective", undefined, ["selective"], "selective"],
  ];
  for (const [protection, minimumProtection, granted, outcome] of cases) {
    const result = await negotiate({
      client: { protection, ...(minimumProtection === undefined ? {} : { minimumProtection }) },
      server: { protection: granted },
    });
    if (outcome === "client") {
      const [ours] = reasons(result);
      assert.ok(ours instanceof SocksAuthError && ours.code === "PROTECTION_TOO_WEAK");
      // Not a byte went out after the answer: the last thing sent is the protection message.
      const frames: number[] = [];
      for (let rest = result.near.sent(); rest.length > 0;) {
        const frame = decodeFrame(rest)!;
        frames.push(frame.value.type);
        rest = rest.subarray(frame.length) as Bytes;
      }
      assert.deepEqual(frames, [1, 2]);
    } else {
      assert.deepEqual(channels(result).map((channel) => channel.protection), [outcome, outcome]);
    }
  }
  assert.throws(
    () =>
      gssapiClient({
        credential: mockMechanism().initiator,
        protection: "integrity",
        minimumProtection: "confidentiality",
      }),
    RangeError,
  );
});

Deno.test("GSS-API method: a policy function gets level and identity, and may refuse", async () => {
  const seen: unknown[] = [];
  const refused = await negotiate({
    server: {
      protection: (request) => {
        seen.push([request.asked, request.identity.name]);
        return undefined;
      },
    },
  });
  assert.deepEqual(seen, [["confidentiality", "mock-user"]]);
  const [ours, theirs] = reasons(refused);
  assert.ok(theirs instanceof SocksAuthError && theirs.code === "PROTECTION_TOO_WEAK");
  assert.ok(ours instanceof SocksAuthError && ours.code === "REFUSED_BY_PEER");
});

Deno.test("gssapiClient(): refuses a context whose flags were not granted", async () => {
  for (const flag of ["mutual", "replay", "sequence", "integrity", "confidentiality"] as const) {
    const [ours] = reasons(await negotiate({ mock: { flags: { [flag]: false } } }));
    assert.ok(ours instanceof SocksAuthError && ours.code === "FLAGS_MISSING", flag);
  }
  const levelZero = await negotiate({
    mock: { flags: { replay: false, sequence: false } },
    client: { protection: "none" },
    server: { protection: ["none"] },
  });
  channels(levelZero);
});

Deno.test("GSS-API method: the level must be one genuine byte in order", async () => {
  const change = (index: number, with_: (bytes: Bytes) => Bytes): PairOptions => ({
    pipe: { tamper: (bytes, i) => i === index ? with_(bytes) : bytes },
  });
  const cases: [string, PairOptions][] = [
    ["forged", change(1, (bytes) => bytes.with(4, 0) as Bytes)],
    ["two bytes", change(1, () => encodeFrame(2, concat(utf8("wrap"), unhex("000102"))))],
    ["no byte", change(1, () => encodeFrame(2, concat(utf8("wrap"), unhex("00"))))],
    ["plain byte, as NEC sends it", change(1, () => encodeFrame(2, unhex("02")))],
    ["wrong type", change(1, () => encodeFrame(3, concat(utf8("wrap"), unhex("0002"))))],
    ["level 7", {
      ...change(1, () => encodeFrame(2, concat(utf8("wrap"), unhex("0007")))),
      server: { protection: ({ asked }) => asked },
    }],
  ];
  for (const [name, options] of cases) {
    const [ours, theirs] = reasons(await negotiate(options));
    assert.ok(theirs instanceof SocksAuthError || theirs instanceof SocksProtocolError, `${name}: ${theirs}`);
    assert.ok(ours instanceof SocksAuthError || ours instanceof SocksProtocolError, `${name}: ${ours}`);
  }
  const answer = await negotiate({
    pipe: { back: { tamper: (bytes, i) => i === 1 ? encodeFrame(2, concat(utf8("wrap"), unhex("0009"))) : bytes } },
  });
  assert.ok(reasons(answer)[0] instanceof SocksProtocolError);
  const late = await negotiate({ mock: { status: "gap" } });
  assert.ok(reasons(late)[1] instanceof SocksProtocolError);
});

Deno.test("gssapiClient(): reports a refusal and a lost connection in every phase", async () => {
  for (const index of [0, 1]) {
    const aborted = await negotiate({ pipe: { back: { tamper: (bytes, i) => i === index ? encodeAbort() : bytes } } });
    const [ours] = reasons(aborted);
    assert.ok(ours instanceof SocksAuthError && ours.code === "REFUSED_BY_PEER", `phase ${index}`);
  }
  const [near, far] = pipe();
  const client = gssapiClient({ credential: mockMechanism().initiator }).authenticate(near, { proxy: PROXY });
  await far.closeWrite();
  await assert.rejects(client, { code: "UNEXPECTED_END" });
});

Deno.test("GSS-API method: any flipped byte of a negotiation fails on both sides", async () => {
  const realm = await memoryRealm();
  const pair = credentialPair(realm);
  const options = (tamper: PipeOptions & { back?: PipeOptions }): PairOptions => ({
    client: { credential: pair.initiator },
    server: { credential: pair.acceptor },
    pipe: tamper,
  });
  const sample = await negotiate(options({}));
  channels(sample);
  const total = { near: sample.near.sent().length, far: sample.far.sent().length };
  let survived = 0;
  for (const side of ["near", "far"] as const) {
    for (let at = 0; at < total[side]; at += 5) {
      let passed = 0;
      const tamper = (bytes: Bytes): Bytes => {
        const here = at - passed;
        passed += bytes.length;
        return here >= 0 && here < bytes.length ? bytes.with(here, bytes[here]! ^ 0x01) as Bytes : bytes;
      };
      // A changed length must not leave one side waiting, so the stream ends behind the change.
      const changed = { tamper, endAfterTamper: true };
      const result = await negotiate(options(side === "near" ? changed : { back: changed }));
      for (const reason of reasons(result)) {
        if (reason === undefined) survived++;
        else {assert.ok(
            reason instanceof SocksAuthError || reason instanceof SocksProtocolError ||
              (reason as Error).message === "Pipe is closed",
            String(reason),
          );}
      }
    }
  }
  assert.ok(survived < 120, `${survived}`);
});

type Stream = {
  label: string;
  etype: number;
  configured_level: number;
  message_key: { enctype: number; key_hex: string; which: string };
  frames: {
    from: "client" | "server";
    what: string;
    hex: string;
    decoded?: { seq: number };
    plaintext_hex?: string;
    message_hex?: string;
  }[];
};

Deno.test("ProtectedConnection: reads captured conversations of Dante, in both directions", async () => {
  let seen = 0;
  for (const v of vectors<Stream>("captured_socks5_gssapi_streams")) {
    if (v.configured_level === 0) continue;
    const level = v.configured_level === 1 ? "integrity" : "confidentiality";
    for (const from of ["client", "server"] as const) {
      const frames = v.frames.filter((frame) => frame.from === from && frame.hex.startsWith("0103"));
      const [first] = frames;
      assert.ok(first);
      const sequence = Number(BigInt(`0x${first.hex.slice(8 + 16, 8 + 32)}`));
      for (const chunk of [1, Infinity]) {
        const [near, far] = pipe({ chunk });
        const context = new KerberosContext({
          initiator: from === "server",
          peer: { type: "mechanism-name", text: "x" },
          self: { type: "mechanism-name", text: "y" },
          flags: ALL_FLAGS,
          channelBound: false,
          expiresAt: 0,
          attributes: {},
          key: new KerberosKey(v.message_key.enctype, unhex(v.message_key.key_hex)),
          acceptorSubkey: v.message_key.which.startsWith("acceptor"),
          sendSequence: 0,
          receiveSequence: sequence,
        });
        for (const frame of frames) await near.write(unhex(frame.hex));
        await near.closeWrite();
        const text = await readAll(new ProtectedConnection({ connection: far, context, level }));
        assert.equal(text[0], 5, "the request or the reply comes first");
        assert.ok(text.length > 10, v.label);
        seen++;
      }
    }
  }
  assert.ok(seen >= 24, `${seen}`);
});

/** A protected pair over mock contexts, with a hand on the wire from the client. */
async function protectedPair(level: ProtectionLevel, tamper?: (bytes: Bytes, index: number) => Bytes) {
  const offset = 2; // the two frames of the negotiation
  const result = await negotiate({
    client: { protection: level },
    server: { protection: [level] },
    pipe: tamper === undefined ? {} : { tamper: (bytes, i) => i < offset ? bytes : tamper(bytes, i - offset) },
  });
  const [ours, theirs] = channels(result);
  return { ours: ours.connection, theirs: theirs.connection, near: result.near as PipeEnd };
}

Deno.test("ProtectedConnection: delivers nothing of a forged, unsealed, mistyped or cut message", async () => {
  const plain = concat(utf8("wrap"), unhex("00"), utf8("signed"));
  const cases: [string, (bytes: Bytes) => Bytes, string][] = [
    ["forged", (bytes) => bytes.with(4, 0) as Bytes, "NOT_GENUINE"],
    ["signed only", () => encodeFrame(3, plain), "NOT_SEALED"],
    ["authentication frame", () => encodeFrame(1, plain), "UNEXPECTED_MESSAGE"],
    ["abort", () => encodeAbort(), "UNEXPECTED_MESSAGE"],
    ["another version", (bytes) => bytes.with(0, 5) as Bytes, "BAD_VERSION"],
    ["plain bytes", () => utf8("GET / HTTP/1.0"), "BAD_VERSION"],
    ["empty frame", () => encodeFrame(3, new Uint8Array(0)), "NOT_GENUINE"],
    ["cut", (bytes) => bytes.subarray(0, bytes.length - 1), "UNEXPECTED_END"],
  ];
  for (const [name, tamper, code] of cases) {
    const { ours, theirs } = await protectedPair("confidentiality", (bytes, i) => i === 1 ? tamper(bytes) : bytes);
    await ours.write(utf8("good"));
    await ours.write(utf8("bad"));
    await ours.closeWrite();
    assert.deepEqual(await theirs.read(), utf8("good"));
    await assert.rejects(theirs.read(), { name: "SocksProtocolError", code }, name);
    // It stays failed, in both directions.
    await assert.rejects(theirs.read(), { code });
    await assert.rejects(theirs.write(utf8("x")), { code });
  }
  // Nor is a good one lost that came in one piece with a bad one, in whatever way it is read.
  for (const [name, tamper, code] of cases) {
    for (const into of [undefined, new Uint8Array(1000)]) {
      const [writer, reader] = pipe();
      const [sender, receiver] = [new MockContext(true, {}), new MockContext(false, {})];
      const good = encodeFrame(3, await sender.wrap(utf8("good"), { confidential: true }));
      const bad = tamper(encodeFrame(3, await sender.wrap(utf8("bad"), { confidential: true })));
      const theirs = new ProtectedConnection({ connection: reader, context: receiver, level: "confidentiality" });
      await writer.write(concat(good, good, bad));
      await writer.closeWrite();
      const seen: Bytes[] = [];
      const failure = await (async () => {
        for (let bytes = await theirs.read(into); bytes !== null; bytes = await theirs.read(into)) {
          seen.push(bytes.slice());
        }
      })().catch((error) => error);
      assert.equal(new TextDecoder().decode(concat(...seen)), "goodgood", name);
      assert.equal(seen.length, into === undefined ? 2 : 1, name);
      assert.equal(failure?.code, code, name);
    }
  }
});

Deno.test("ProtectedConnection: read() fills the given memory with what fits", async () => {
  for (const confidential of [true, false]) {
    for (const size of [3, 9, 10, 15, 16, 25, 1000]) {
      const [writer, reader] = pipe();
      const [sender, receiver] = [new MockContext(true, {}), new MockContext(false, {})];
      const texts = ["0123", "", "456789", "abcdefgh", "i"];
      const frames = [];
      for (const text of texts) frames.push(encodeFrame(3, await sender.wrap(utf8(text), { confidential })));
      await writer.write(concat(...frames));
      await writer.closeWrite();
      const theirs = new ProtectedConnection({ connection: reader, context: receiver, level: "integrity" });
      const into = new Uint8Array(size + 8).fill(0x2e);
      let all = "";
      for (;;) {
        const bytes = await theirs.read(into.subarray(0, size));
        if (bytes === null) break;
        all += new TextDecoder().decode(bytes);
        assert.ok(into.subarray(size).every((byte) => byte === 0x2e), "nothing behind the memory given");
      }
      assert.equal(all, texts.join(""), `room for ${size}`);
    }
  }
});

Deno.test("ProtectedConnection: accepts sealed and signed messages at levels that allow both", async () => {
  for (const level of ["integrity", "selective"] as const) {
    const { ours, theirs } = await protectedPair(level);
    await ours.write(utf8("one"));
    assert.deepEqual(await theirs.read(), utf8("one"));
  }
  const { initiator, acceptor } = mockMechanism();
  const [near, far] = pipe();
  const [ours, theirs] = await Promise.all([
    gssapiClient({ credential: initiator, protection: "selective", seal: ({ length }) => length > 5 }).authenticate(
      near,
      { proxy: PROXY },
    ),
    gssapiServer({ credential: acceptor }).accept(far, {}),
  ]);
  const before = near.sent().length;
  await ours.connection.write(utf8("short"));
  await ours.connection.write(utf8("longer one"));
  const frames = near.sent().subarray(before);
  assert.deepEqual([frames[8], frames[4 + 5 + 5 + 8]], [0, 1]);
  assert.deepEqual(await theirs.connection.read(), utf8("short"));
  assert.deepEqual(await theirs.connection.read(), utf8("longer one"));
});

Deno.test("ProtectedConnection: keeps the order of overlapping writes, skips empty messages", async () => {
  const realm = await memoryRealm();
  const { initiator, acceptor } = credentialPair(realm);
  const result = await negotiate({ client: { credential: initiator }, server: { credential: acceptor } });
  const [ours, theirs] = channels(result);
  const sizes = [1, 100_000, 0, 3, 250_000, 17];
  const all = sizes.map((size, i) => new Uint8Array(size).fill(i + 1));
  await Promise.all(all.map((bytes) => ours.connection.write(bytes)));
  await ours.connection.closeWrite();
  assert.equal(hex(await readAll(theirs.connection)), hex(concat(...all)));
  ours.connection.close();
  ours.connection.close();
  await assert.rejects(ours.connection.write(utf8("x")));
  theirs.connection.close();
});

Deno.test("protectedDatagrams(): seals and opens single datagrams, refuses a replay", async () => {
  const realm = await memoryRealm();
  const { initiator, acceptor } = credentialPair(realm);
  const [ours, theirs] = channels(
    await negotiate({ client: { credential: initiator }, server: { credential: acceptor }, datagrams: true }),
  );
  const sealed = await Promise.all([1, 2, 3].map((n) => ours.datagrams!.seal(Uint8Array.of(n))));
  assert.deepEqual(await theirs.datagrams!.open(sealed[2]!), Uint8Array.of(3));
  assert.deepEqual(await theirs.datagrams!.open(sealed[0]!), Uint8Array.of(1));
  await assert.rejects(theirs.datagrams!.open(sealed[2]!), { code: "OUT_OF_ORDER" });
  for (
    const bad of [
      new Uint8Array(0),
      utf8("plain"),
      concat(sealed[1]!, Uint8Array.of(0)),
      sealed[1]!.with(30, sealed[1]![30]! ^ 1),
    ]
  ) {
    await assert.rejects(theirs.datagrams!.open(bad));
  }
  assert.deepEqual(await theirs.datagrams!.open(sealed[1]!), Uint8Array.of(2));
  ours.connection.close();
  theirs.connection.close();
});

Deno.test("protectedDatagrams(): with sequence detection, refuses late datagrams", async () => {
  const { initiator, acceptor } = credentialPair(await memoryRealm());
  const [ours, theirs] = channels(
    await negotiate({ client: { credential: initiator }, server: { credential: acceptor } }),
  );
  const sealed: Bytes[] = [];
  for (let n = 0; n < 100; n++) sealed.push(await ours.datagrams!.seal(Uint8Array.of(n)));
  for (const [n, bytes] of sealed.entries()) {
    if (n !== 50) assert.deepEqual(await theirs.datagrams!.open(bytes), Uint8Array.of(n));
  }
  for (const bytes of sealed) await assert.rejects(theirs.datagrams!.open(bytes), { code: "OUT_OF_ORDER" });
  ours.connection.close();
  theirs.connection.close();
});

Deno.test("GSS-API method: without replay detection there are no protected datagrams", async () => {
  const { initiator, acceptor } = mockMechanism({ flags: { replay: false } });
  const [, theirs] = channels(
    await negotiate({
      client: { credential: initiator, protection: "none" },
      server: { credential: acceptor, protection: () => "none" },
    }),
  );
  assert.notEqual(theirs.datagrams, undefined);
  const client = { credential: mockMechanism().initiator };
  const [, refused] = reasons(await negotiate({ client, server: { credential: acceptor } }));
  assert.ok(refused instanceof SocksAuthError && refused.code === "FLAGS_MISSING");
  const letIn = await negotiate({ client, server: { credential: acceptor, insecureUnordered: true } });
  assert.equal(channels(letIn)[1].datagrams, undefined);
});
