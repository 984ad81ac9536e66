/** Per-message tokens: MIT's captured ones, both roles against each other, and everything that must be refused. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { concat, utf8 } from "../../../base/bytes.ts";
import { channelBindingHash } from "../../../kerberos/mech/tokens/channel_bindings.ts";
import { GssError } from "../../../gss/status.ts";
import { KerberosKey } from "../../../kerberos/crypto/key.ts";
import { profileOf } from "../../../kerberos/crypto/enctypes.ts";
import { KerberosContext } from "../../../kerberos/mech/context.ts";
import { ALL_FLAGS } from "../../support/flags.ts";
import { credentialPair, establish, memoryRealm } from "../../support/gss_pair.ts";
import { hex, unhex, vectors } from "../../support/vectors.ts";

const NAME = { type: "mechanism-name", text: "x@Y" } as const;

interface PairOptions {
  enctype?: number;
  keyBytes?: Uint8Array;
  acceptorSubkey?: boolean;
  sequences?: [number, number];
  replay?: boolean;
  sequence?: boolean;
  confounder?: Uint8Array<ArrayBuffer>;
}

interface ContextPair extends Disposable {
  initiator: KerberosContext;
  acceptor: KerberosContext;
}

/** Two contexts around one key, without a negotiation; dispose what many messages go through, or its ciphers stay open. */
function contexts(options: PairOptions = {}): ContextPair {
  const { enctype = 18, acceptorSubkey = true, sequences = [1000, 2000], replay = true, sequence = true } = options;
  const bytes = options.keyBytes ?? KerberosKey.generate(enctype).exportBytes();
  const make = (initiator: boolean) =>
    new KerberosContext({
      initiator,
      peer: NAME,
      self: NAME,
      flags: { ...ALL_FLAGS, replay, sequence },
      channelBound: false,
      expiresAt: 0,
      attributes: {},
      key: new KerberosKey(enctype, bytes),
      acceptorSubkey,
      sendSequence: sequences[initiator ? 0 : 1],
      receiveSequence: sequences[initiator ? 1 : 0],
      ...(options.confounder === undefined
        ? {}
        : { runtime: { now: () => 0, fillRandom: (target: Uint8Array) => target.set(options.confounder!) } }),
    });
  const pair = { initiator: make(true), acceptor: make(false) };
  return {
    ...pair,
    [Symbol.dispose](): void {
      pair.initiator.dispose();
      pair.acceptor.dispose();
    },
  };
}

const refused = (error: unknown): boolean =>
  error instanceof GssError && (error.major === "BAD_SIG" || error.major === "DEFECTIVE_TOKEN");

type Captured = {
  label: string;
  etype: number;
  acceptor_subkey: { enctype: number; key_hex: string } | null;
  initiator_subkey: { enctype: number; key_hex: string } | null;
  session_key: { enctype: number; key_hex: string };
  initiator_initial_seq: number;
  acceptor_initial_seq: number | null;
  wrap_size_limit?: { output: number; conf: boolean; max_input: number }[];
  channel_bindings?: { application_data_hex: string; md5_hex: string };
  messages: {
    from: "initiator" | "acceptor";
    op: "wrap" | "mic";
    conf?: boolean;
    message_hex: string;
    token_hex: string;
    decoded: { seq: number; confounder_hex?: string };
  }[];
};

Deno.test("KerberosContext: makes the captured tokens of MIT byte for byte, and opens them", async () => {
  let seen = 0;
  for (const v of vectors<Captured>("captured_gss_contexts")) {
    const key = v.acceptor_subkey ?? v.initiator_subkey ?? v.session_key;
    for (const m of v.messages) {
      const options = {
        enctype: key.enctype,
        keyBytes: unhex(key.key_hex),
        acceptorSubkey: v.acceptor_subkey !== null,
        sequences: [m.decoded.seq, m.decoded.seq] as [number, number],
        ...(m.decoded.confounder_hex === undefined ? {} : { confounder: unhex(m.decoded.confounder_hex) }),
      };
      const { initiator, acceptor } = contexts(options);
      const [sender, receiver] = m.from === "initiator" ? [initiator, acceptor] : [acceptor, initiator];
      const message = unhex(m.message_hex);
      if (m.op === "mic") {
        assert.equal(hex(await sender.getMic(message)), m.token_hex, v.label);
        assert.equal(await receiver.verifyMic(message, unhex(m.token_hex)), "complete");
      } else {
        assert.equal(hex(await sender.wrap(message, { confidential: m.conf! })), m.token_hex, v.label);
        assert.deepEqual(await receiver.unwrap(unhex(m.token_hex)), {
          data: message,
          confidential: m.conf,
          status: "complete",
        });
      }
      seen++;
    }
    for (const { output, conf, max_input } of v.wrap_size_limit ?? []) {
      const { initiator } = contexts({ enctype: key.enctype });
      assert.equal(initiator.wrapSizeLimit(output, { confidential: conf }), max_input);
    }
    if (v.channel_bindings !== undefined) {
      const applicationData = unhex(v.channel_bindings.application_data_hex);
      assert.equal(hex(await channelBindingHash({ applicationData })), v.channel_bindings.md5_hex);
    }
  }
  assert.ok(seen > 40, `${seen}`);
});

Deno.test("KerberosContext: opens the tokens of another implementation's tests", async () => {
  type Case = {
    kind: string;
    enctype: number;
    key_hex: string;
    token_hex: string;
    message_hex: string;
    decoded: { flags: number; seq: number };
  };
  for (const v of vectors<Case>("gss_message_tokens")) {
    const { decoded: { flags, seq } } = v;
    const { initiator, acceptor } = contexts({
      enctype: v.enctype,
      keyBytes: unhex(v.key_hex),
      acceptorSubkey: (flags & 4) !== 0,
      sequences: [seq, seq],
    });
    const receiver = (flags & 1) !== 0 ? initiator : acceptor;
    if (v.kind === "mic") assert.equal(await receiver.verifyMic(unhex(v.message_hex), unhex(v.token_hex)), "complete");
    else assert.equal(hex((await receiver.unwrap(unhex(v.token_hex))).data), v.message_hex);
  }
});

for (const enctype of [17, 18, 19, 20]) {
  const { name } = profileOf(enctype);

  Deno.test(`unwrap(): takes every rotation of both kinds of token (${name})`, async () => {
    for (const confidential of [true, false]) {
      const sender = contexts({ enctype, keyBytes: new Uint8Array(profileOf(enctype).keyLength) }).initiator;
      const token = await sender.wrap(utf8("rotate me"), { confidential });
      const body = token.subarray(16);
      for (const rrc of [0, 1, 12, 16, 28, 40, body.length - 1, body.length, body.length + 3, 65_535]) {
        const { acceptor } = contexts({ enctype, keyBytes: new Uint8Array(profileOf(enctype).keyLength) });
        const by = rrc % body.length;
        const rotated = concat(
          token.subarray(0, 16),
          body.subarray(body.length - by),
          body.subarray(0, body.length - by),
        );
        new DataView(rotated.buffer).setUint16(6, rrc);
        const before = rotated.slice();
        assert.deepEqual((await acceptor.unwrap(rotated)).data, utf8("rotate me"), `RRC ${rrc}`);
        assert.deepEqual(rotated, before, "the caller's token is left as it was");
      }
    }
  });

  Deno.test(`KerberosContext: refuses every changed, missing or added byte (${name})`, async () => {
    using pair = contexts({ enctype });
    const { initiator, acceptor } = pair;
    const message = utf8("a message of some length");
    for (const confidential of [true, false]) {
      const token = await initiator.wrap(message, { confidential });
      for (let i = 0; i < token.length; i++) {
        for (const bit of [0x01, 0x80]) {
          const changed = token.slice();
          changed[i]! ^= bit;
          // The rotation count alone is not covered, and one that makes no difference is no forgery.
          const result = await acceptor.unwrap(changed).catch((error) => error);
          assert.ok(refused(result), `byte ${i} ${result}`);
        }
        assert.ok(refused(await acceptor.unwrap(token.subarray(0, i)).catch((error) => error)), `cut at ${i}`);
      }
      assert.ok(refused(await acceptor.unwrap(concat(token, Uint8Array.of(0))).catch((error) => error)));
      assert.deepEqual((await acceptor.unwrap(token)).data, message);
    }
    const mic = await initiator.getMic(message);
    for (let i = 0; i < mic.length; i++) {
      const changed = mic.slice();
      changed[i]! ^= 0x01;
      assert.ok(refused(await acceptor.verifyMic(message, changed).catch((error) => error)), `byte ${i}`);
      assert.ok(refused(await acceptor.verifyMic(message, mic.subarray(0, i)).catch((error) => error)));
    }
    assert.ok(refused(await acceptor.verifyMic(utf8("another message"), mic).catch((error) => error)));
  });
}

Deno.test("KerberosContext: refuses its own tokens, and those of another key", async () => {
  using pair = contexts();
  const { initiator, acceptor } = pair;
  const token = await initiator.wrap(utf8("x"), { confidential: true });
  assert.ok(refused(await initiator.unwrap(token).catch((error) => error)), "reflected");
  assert.ok(refused(await contexts().acceptor.unwrap(token).catch((error) => error)), "other key");
  const bytes = new Uint8Array(32);
  const without = contexts({ keyBytes: bytes, acceptorSubkey: false });
  const plain = await without.initiator.wrap(utf8("x"), { confidential: true });
  assert.ok(refused(await contexts({ keyBytes: bytes }).acceptor.unwrap(plain).catch((error) => error)), "subkey flag");
  // A MIC token is no Wrap token, and the other way round.
  assert.ok(refused(await acceptor.unwrap(await initiator.getMic(utf8("x"))).catch((error) => error)));
  assert.ok(refused(await acceptor.verifyMic(utf8("x"), token).catch((error) => error)));
});

Deno.test("unwrap(): reports duplicates, gaps and late tokens, and ignores forged ones", async () => {
  using pair = contexts();
  const { initiator, acceptor } = pair;
  const tokens = await Promise.all(
    Array.from({ length: 5 }, (_, i) => initiator.wrap(Uint8Array.of(i), { confidential: true })),
  );
  const status = async (i: number) => (await acceptor.unwrap(tokens[i]!)).status;
  assert.equal(await status(0), "complete");
  assert.equal(await status(0), "duplicate");
  assert.equal(await status(2), "gap");
  const forged = tokens[3]!.slice();
  forged[20]! ^= 1;
  await assert.rejects(acceptor.unwrap(forged));
  assert.equal(await status(1), "unsequenced");
  assert.equal(await status(3), "complete");
  assert.equal(await status(4), "complete");
});

Deno.test("unwrap(): judges concurrent tokens in the order of the calls", async () => {
  using pair = contexts();
  const { initiator, acceptor } = pair;
  const sizes = [300_000, 10, 200_000, 1, 0, 100_000];
  const tokens = await Promise.all(sizes.map((size) => initiator.wrap(new Uint8Array(size), { confidential: true })));
  const results = await Promise.all(tokens.map((token) => acceptor.unwrap(token)));
  assert.deepEqual(results.map(({ status }) => status), sizes.map(() => "complete"));
  assert.deepEqual(results.map(({ data }) => data.length), sizes);
});

Deno.test("KerberosContext: refuses everything after dispose", async () => {
  const { initiator, acceptor } = contexts();
  const token = await initiator.wrap(utf8("x"), { confidential: true });
  acceptor.dispose();
  acceptor.dispose();
  await assert.rejects(acceptor.unwrap(token), { major: "NO_CONTEXT" });
  await assert.rejects(acceptor.wrap(utf8("x"), { confidential: true }), { major: "NO_CONTEXT" });
});

Deno.test("KerberosContext: hides its keys from Deno.inspect", () => {
  const shown = Deno.inspect(contexts({ keyBytes: new Uint8Array(32).fill(0xcd) }).initiator, {
    depth: 9,
    showHidden: true,
  });
  assert.doesNotMatch(shown, /205|cd{2}/);
});

Deno.test("property: unwrap() undoes wrap(), and no token is over the limit", async () => {
  using pair = contexts();
  const { initiator, acceptor } = pair;
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), fc.boolean(), async (message, confidential) => {
      const token = await initiator.wrap(message, { confidential });
      assert.ok(initiator.wrapSizeLimit(token.length, { confidential }) >= message.length);
      const out = await acceptor.unwrap(token);
      assert.deepEqual([hex(out.data), out.confidential], [hex(message), confidential]);
    }),
    { numRuns: 50 },
  );
});

Deno.test("property: random bytes are never a token", async () => {
  using pair = contexts();
  const { acceptor } = pair;
  const headers = [
    utf8(""),
    Uint8Array.of(5, 4, 6, 255),
    Uint8Array.of(5, 4, 4, 255),
    Uint8Array.of(4, 4, 4, 255, 255, 255, 255, 255),
  ];
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...headers), fc.uint8Array({ maxLength: 200 }), async (header, rest) => {
      const token = concat(header, rest);
      assert.ok(refused(await acceptor.unwrap(token).catch((error) => error)));
      assert.ok(refused(await acceptor.verifyMic(utf8("m"), token).catch((error) => error)));
    }),
    { numRuns: 200 },
  );
});

Deno.test("KerberosContext: both sides agree on names, flags and attributes", async () => {
  const realm = await memoryRealm();
  const { ours, theirs } = await establish(credentialPair(realm));
  assert.equal(ours.peer.text, "rcmd/localhost@GSSOCKS.TEST");
  assert.equal(theirs.peer.text, "alice@GSSOCKS.TEST");
  assert.equal(ours.self.text, theirs.peer.text);
  assert.deepEqual(ours.flags, theirs.flags);
  assert.deepEqual(ours.flags, ALL_FLAGS);
  assert.equal(ours.attributes.enctype, theirs.attributes.enctype);
  assert.ok(ours.expiresAt > Date.now());
});
