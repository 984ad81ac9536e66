/** RFC 1961 sections 4 and 5: what is sealed and what is not, by whom, and what is taken. */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../../base/bytes.ts";
import { gssapiClient } from "../../../socks/auth/gssapi/client.ts";
import { gssapiServer } from "../../../socks/auth/gssapi/server.ts";
import type { SecuredChannel } from "../../../socks/auth/method.ts";
import type { ProtectionLevel, SealPolicy } from "../../../socks/protection.ts";
import { encodeAbort, encodeFrame, FrameType } from "../../../socks/wire/gssapi.ts";
import { changing, claiming, ForgedClient, ForgedProxy, isClosed } from "../../support/forge_socks.ts";
import { credentialPair, memoryRealm } from "../../support/gss_pair.ts";
import { pipe } from "../../support/pipe.ts";

const realm = await memoryRealm();
// One ticket for all: getting it takes longer than anything else here.
const { initiator, acceptor } = credentialPair(realm);
const LEVELS: readonly ProtectionLevel[] = ["none", "integrity", "confidentiality", "selective"];
const PROXY = { hostname: "localhost", port: 1 };
type Peer = ForgedClient | ForgedProxy;
type Pair = { readonly peer: Peer; readonly ours: SecuredChannel; readonly sealedLevel: boolean };

/** Our server and a client by hand, or our client and a proxy by hand, at a level. */
async function pair(side: "client" | "server", level: number, seal?: SealPolicy): Promise<Pair> {
  const [near, far] = pipe();
  const policy = seal === undefined ? {} : { seal };
  if (side === "server") {
    const accepting = gssapiServer({ credential: acceptor, protection: LEVELS, ...policy }).accept(far, {});
    const peer = await ForgedClient.open(near, { credential: initiator });
    const message = peer.wrapped(Uint8Array.of(level), { confidential: false, type: FrameType.Protection });
    await peer.send(await message);
    const { confidential: sealedLevel } = await peer.next();
    return { peer, ours: await accepting, sealedLevel };
  }
  const proxied = ForgedProxy.open(far, acceptor).then(async (peer) => ({ peer, ...await peer.grant() }));
  await near.write(Uint8Array.of(5, 1, 1));
  await near.read();
  const client = gssapiClient({ credential: initiator, protection: LEVELS[level]!, ...policy });
  const ours = await client.authenticate(near, { proxy: PROXY });
  const { peer, confidential: sealedLevel } = await proxied;
  return { peer, ours, sealedLevel };
}

Deno.test("protection level: sent signed and not sealed (RFC 1961 section 4.4)", async () => {
  for (const side of ["client", "server"] as const) {
    for (let level = 0; level <= 3; level++) {
      assert.equal((await pair(side, level)).sealedLevel, false, `${side} at level ${level}`);
    }
  }
});

Deno.test("protection level: 1 never seals, 2 always, 3 by policy; streams and datagrams", async () => {
  const cases: [number, SealPolicy | undefined, boolean[]][] = [
    [1, undefined, [false, false]],
    [1, () => true, [false, false]],
    [2, undefined, [true, true]],
    [2, () => false, [true, true]],
    [3, undefined, [true, true]],
    [3, () => false, [false, false]],
    [3, ({ length }) => length > 5, [false, true]],
  ];
  for (const side of ["client", "server"] as const) {
    for (const [level, seal, wanted] of cases) {
      const { peer, ours } = await pair(side, level, seal);
      for (const [i, text] of ["short", "longer than that"].entries()) {
        await ours.connection.write(utf8(text));
        const { type, data, confidential } = await peer.next();
        assert.deepEqual([type, new TextDecoder().decode(data), confidential], [3, text, wanted[i]]);
        const datagram = await ours.datagrams!.seal(utf8(text));
        assert.deepEqual([...datagram.subarray(0, 4)], [1, 3, (datagram.length - 4) >> 8, (datagram.length - 4) & 255]);
        const opened = await peer.context.unwrap(datagram.subarray(4));
        assert.deepEqual(
          [new TextDecoder().decode(opened.data), opened.confidential],
          [text, wanted[i]],
          `level ${level}`,
        );
      }
      peer.close();
      ours.connection.close();
    }
  }
});

Deno.test("protection level: 2 refuses messages that are only signed, 1 and 3 accept them", async () => {
  for (const side of ["client", "server"] as const) {
    for (const level of [1, 2, 3]) {
      const { peer, ours } = await pair(side, level);
      for (const confidential of [true, false]) {
        const refused = level === 2 && !confidential;
        const datagram = ours.datagrams!.open(await peer.wrapped(utf8("datagram"), { confidential }));
        await peer.send(await peer.wrapped(utf8("stream"), { confidential }));
        if (refused) {
          await assert.rejects(datagram, { name: "SocksProtocolError", code: "NOT_SEALED" });
          // The stream has a gap where the datagram was, so that it is a new pair that shows the stream's own rule.
          const { peer: other, ours: stream } = await pair(side, level);
          await other.send(await other.wrapped(utf8("stream"), { confidential }));
          await assert.rejects(stream.connection.read(), { name: "SocksProtocolError", code: "NOT_SEALED" });
        } else {
          assert.deepEqual(await datagram, utf8("datagram"));
          assert.deepEqual(await ours.connection.read(), utf8("stream"));
        }
      }
    }
  }
});

Deno.test("protection level: accepted when it is sealed", async () => {
  const [near, far] = pipe();
  const accepting = gssapiServer({ credential: acceptor }).accept(far, {});
  const client = await ForgedClient.open(near, { credential: initiator });
  const { type, data } = await client.level(2, { confidential: true });
  assert.deepEqual([type, [...data]], [2, [2]]);
  assert.equal((await accepting).protection, "confidentiality");
});

/** A client by hand whose message for the level is what `make` says, at our server. */
async function levelMessage(make: (client: ForgedClient) => Promise<Bytes>) {
  const [near, far] = pipe();
  let context: Parameters<typeof isClosed>[0] | undefined;
  const credential = changing(acceptor, (made) => context = made);
  const outcome = gssapiServer({ credential, protection: LEVELS }).accept(far, {}).then(
    ({ protection }) => protection,
    (error) => error.code,
  );
  const client = await ForgedClient.open(near, { credential: initiator });
  const before = far.sent().length;
  await client.send(await make(client));
  await near.closeWrite();
  const result = await outcome;
  return { result, answer: far.sent().slice(before), context: context! };
}

Deno.test("gssapiServer(): answers a bad protection message with 01 ff, disposes of the context", async () => {
  const byte = Uint8Array.of(2);
  const level = { confidential: false, type: FrameType.Protection };
  const cases: [string, (client: ForgedClient) => Promise<Bytes>, string][] = [
    ["no byte", (client) => client.wrapped(Uint8Array.of(), level), "BAD_MESSAGE"],
    ["two bytes", (client) => client.wrapped(Uint8Array.of(2, 2), level), "BAD_MESSAGE"],
    ["type 1", (client) => client.wrapped(byte, { ...level, type: 1 }), "UNEXPECTED_MESSAGE"],
    ["type 3", (client) => client.wrapped(byte, { ...level, type: 3 }), "UNEXPECTED_MESSAGE"],
    ["type 4", (client) => client.wrapped(byte, { ...level, type: 4 }), "BAD_MESSAGE"],
    ["in clear", () => Promise.resolve(encodeFrame(2, byte)), "GSSAPI_FAILED"],
    ["an empty token", () => Promise.resolve(encodeFrame(2, Uint8Array.of())), "GSSAPI_FAILED"],
    ["after one that is missing", async (client) => {
      await client.wrapped(byte, level);
      return await client.wrapped(byte, level);
    }, "OUT_OF_ORDER"],
    ["an abort", () => Promise.resolve(encodeAbort()), "REFUSED_BY_PEER"],
  ];
  for (const [name, make, code] of cases) {
    const { result, answer, context } = await levelMessage(make);
    assert.equal(result, code, name);
    // Whoever has refused is not told so again.
    assert.deepEqual([...answer], name === "an abort" ? [] : [1, 0xff], name);
    assert.ok(await isClosed(context), name);
  }
  // A level that RFC 1961 does not have gets the strongest of those granted.
  for (const byte of [4, 7, 255]) {
    const { result } = await levelMessage((client) => client.wrapped(Uint8Array.of(byte), level));
    assert.equal(result, "confidentiality");
  }
});

Deno.test("gssapiClient(): refuses a bad protection message, and a level below its minimum", async () => {
  const signed = { confidential: false, type: FrameType.Protection };
  const cases: [string, (proxy: ForgedProxy) => Promise<Bytes>, string][] = [
    ["its own level", (proxy) => proxy.wrapped(Uint8Array.of(2), signed), "confidentiality"],
    ["sealed", (proxy) => proxy.wrapped(Uint8Array.of(2), { ...signed, confidential: true }), "confidentiality"],
    ["a weaker level", (proxy) => proxy.wrapped(Uint8Array.of(1), signed), "PROTECTION_TOO_WEAK"],
    [
      "level 3, where anything may be signed only",
      (proxy) => proxy.wrapped(Uint8Array.of(3), signed),
      "PROTECTION_TOO_WEAK",
    ],
    ["level 0", (proxy) => proxy.wrapped(Uint8Array.of(0), signed), "PROTECTION_TOO_WEAK"],
    ["level 9", (proxy) => proxy.wrapped(Uint8Array.of(9), signed), "BAD_MESSAGE"],
    ["two bytes", (proxy) => proxy.wrapped(Uint8Array.of(2, 2), signed), "BAD_MESSAGE"],
    ["type 1", (proxy) => proxy.wrapped(Uint8Array.of(2), { ...signed, type: 1 }), "UNEXPECTED_MESSAGE"],
    ["type 3", (proxy) => proxy.wrapped(Uint8Array.of(2), { ...signed, type: 3 }), "UNEXPECTED_MESSAGE"],
    ["in clear", () => Promise.resolve(encodeFrame(2, Uint8Array.of(2))), "GSSAPI_FAILED"],
    ["after one that is missing", async (proxy) => {
      await proxy.wrapped(Uint8Array.of(2), signed);
      return await proxy.wrapped(Uint8Array.of(2), signed);
    }, "OUT_OF_ORDER"],
    ["an abort", () => Promise.resolve(encodeAbort()), "REFUSED_BY_PEER"],
  ];
  for (const [name, make, wanted] of cases) {
    const [near, far] = pipe();
    let context: Parameters<typeof isClosed>[0] | undefined;
    const proxied = ForgedProxy.open(far, acceptor).then(async (proxy) => {
      await proxy.next();
      await proxy.send(await make(proxy));
    });
    await near.write(Uint8Array.of(5, 1, 1));
    await near.read();
    const client = gssapiClient({ credential: changing(initiator, (made) => context = made) });
    const outcome = await client.authenticate(near, { proxy: PROXY }).then(
      (channel) => channel.protection as string,
      (error) => error.code,
    );
    await proxied;
    assert.equal(outcome, wanted, name);
    assert.equal(await isClosed(context!), wanted !== "confidentiality", name);
  }
});

Deno.test("gssapiClient(): an empty frame must follow the last token", async () => {
  // Without mutual authentication the initiator's context stands with its own token.
  for (const [answer, code] of [["", undefined], ["00", "UNEXPECTED_MESSAGE"]] as const) {
    const contexts: Parameters<typeof isClosed>[0][] = [];
    const oneLeg = {
      mechanism: initiator.mechanism,
      initiate: async (target: Parameters<typeof initiator.initiate>[0]) => {
        const flags = { replay: true, sequence: true, integrity: true, confidentiality: true };
        const negotiation = await initiator.initiate(target, { flags });
        return {
          async step(token?: Uint8Array) {
            const step = await negotiation.step(token);
            if (!step.done) return step;
            contexts.push(step.context);
            const context = claiming(step.context, { mutual: true });
            return { ...step, context };
          },
        };
      },
    };
    const [near, far] = pipe();
    const client = gssapiClient({ credential: oneLeg }).authenticate(near, { proxy: PROXY });
    const frame = await far.read();
    const step = await acceptor.accept().step(frame!.subarray(4));
    assert.ok(step.done && step.token === undefined);
    await far.write(encodeFrame(1, answer === "" ? Uint8Array.of() : Uint8Array.of(0)));
    if (code !== undefined) {
      await assert.rejects(client, { code });
      assert.ok(await isClosed(contexts[0]!));
      continue;
    }
    const token = (await far.read())!.subarray(4);
    assert.deepEqual([...(await step.context.unwrap(token)).data], [2]);
    await far.write(encodeFrame(2, await step.context.wrap(Uint8Array.of(2), { confidential: false })));
    assert.equal((await client).protection, "confidentiality");
  }
});
