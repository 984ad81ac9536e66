/** Whose memory is whose, and when: what contexts take from a caller, what they give, and what becomes of a call whose memory goes. */
import assert from "node:assert/strict";
import { webCrypto } from "../../../kerberos/crypto/primitives/web.ts";
import type { Bytes } from "../../../base/bytes.ts";
import { contextPair, SUITES } from "../../support/context_pair.ts";
import { byteKinds, notBytes } from "../../support/byte_kinds.ts";

const SIZES = [1, 40, 5_000, 50_000];
const kindOf = (confidential: boolean) => confidential ? "sealed" : "signed";

/** What callers do to their memory as soon as they have it back. */
const MISUSES: Readonly<Record<string, (bytes: Bytes, buffer: ArrayBuffer) => void>> = {
  "overwrites": (bytes) => void bytes.fill(0x5a),
  "transfers": (_, buffer) => void structuredClone(buffer, { transfer: [buffer] }),
  "cuts off": (_, buffer) => buffer.resize(0),
  "shortens": (bytes, buffer) => buffer.resize(bytes.length >> 1),
};

/** A copy in memory that can be cut off. */
function lent(bytes: Uint8Array): { bytes: Bytes; buffer: ArrayBuffer } {
  const buffer = new ArrayBuffer(bytes.length, { maxByteLength: bytes.length + 64 });
  const copy = new Uint8Array(buffer);
  copy.set(bytes);
  return { bytes: copy, buffer };
}

/** Bytes that are not alike in any place. */
function message(size: number): Bytes {
  return Uint8Array.from({ length: size }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
}

Deno.test("KerberosContext: reads all bytes of every kind of view, in all its calls", async () => {
  using pair = contextPair();
  const { ours, theirs } = pair;
  const text = message(40);
  for (const [name, source] of Object.entries(byteKinds(text)) as [string, Bytes][]) {
    for (const confidential of [true, false]) {
      const token = await ours.wrap(source, { confidential });
      const { data, status } = await theirs.unwrap(token);
      assert.deepEqual([[...data], status], [[...text], "complete"], `wrap: ${name}`);
    }
    const mic = await ours.getMic(source);
    assert.equal(await theirs.verifyMic(source, mic), "complete", `getMic: ${name}`);
  }
  // The tokens too: an even number of bytes each.
  for (const confidential of [true, false]) {
    for (const name of Object.keys(byteKinds(text))) {
      const token = await ours.wrap(text, { confidential });
      const source = byteKinds(token)[name] as Bytes;
      const { data, status } = await theirs.unwrap(source);
      assert.deepEqual([[...data], status], [[...text], "complete"], `unwrap: ${name}`);
      assert.equal(Object.getPrototypeOf(data), Uint8Array.prototype, name);
    }
  }
  for (const name of Object.keys(byteKinds(text))) {
    const mic = byteKinds(await ours.getMic(text))[name] as Bytes;
    assert.equal(await theirs.verifyMic(text, mic), "complete", `verifyMic: ${name}`);
  }
});

Deno.test("KerberosContext: refuses what is no bytes without taking a sequence number", async () => {
  for (const [name, enctype, primitives] of SUITES) {
    using pair = contextPair(enctype, primitives);
    const { ours, theirs } = pair;
    const good = await ours.getMic(Uint8Array.of(1));
    for (const [kind, source] of Object.entries(notBytes()) as [string, Bytes][]) {
      const what = `${name}: ${kind}`;
      await assert.rejects(ours.wrap(source, { confidential: true }), TypeError, what);
      await assert.rejects(ours.wrap(source, { confidential: false }), TypeError, what);
      await assert.rejects(ours.getMic(source), TypeError, what);
      await assert.rejects(theirs.unwrap(source), TypeError, what);
      await assert.rejects(theirs.unwrap(source, { inPlace: true }), TypeError, what);
      await assert.rejects(theirs.verifyMic(source, good), TypeError, what);
      await assert.rejects(theirs.verifyMic(Uint8Array.of(1), source), TypeError, what);
      await assert.rejects(ours.wrap(Uint8Array.of(1), { confidential: true, into: source }), TypeError, what);
    }
    const into = new Uint8Array(8);
    await assert.rejects(ours.wrap(Uint8Array.of(1), { confidential: true, into }), RangeError, name);
    await assert.rejects(ours.wrap(Uint8Array.of(1), { confidential: false, into }), RangeError, name);
    for (const headroom of [-1, 0.5, NaN, Infinity, "1" as unknown as number]) {
      await assert.rejects(ours.wrap(Uint8Array.of(1), { confidential: true, headroom }), RangeError, name);
    }
    // In clear is only what was said to be.
    for (const options of [{}, { confidental: true }, { confidential: 1 }, undefined]) {
      await assert.rejects(ours.wrap(Uint8Array.of(1), options as unknown as { confidential: boolean }), TypeError);
    }
    assert.equal(await theirs.verifyMic(Uint8Array.of(1), good), "complete", name);
    const { data, status } = await theirs.unwrap(await ours.wrap(Uint8Array.of(7), { confidential: true }));
    assert.deepEqual([...data, status], [7, "complete"], `${name}: the next number is the next`);
  }
});

for (const [name, enctype, primitives] of SUITES) {
  Deno.test(`wrap(): leaves memory to the caller once it returns (${name})`, async () => {
    for (const [does, misuse] of Object.entries(MISUSES)) {
      for (const confidential of [true, false]) {
        using pair = contextPair(enctype, primitives);
        for (const size of SIZES) {
          const text = message(size);
          const { bytes, buffer } = lent(text);
          const wrapping = pair.ours.wrap(bytes, { confidential });
          misuse(bytes, buffer);
          const { data, status } = await pair.theirs.unwrap(await wrapping);
          assert.equal(status, "complete");
          assert.deepEqual(data, text, `${does} ${size} bytes, ${kindOf(confidential)}`);
        }
        const { bytes, buffer } = lent(message(40));
        const signing = pair.ours.getMic(bytes);
        misuse(bytes, buffer);
        assert.equal(await pair.theirs.verifyMic(message(40), await signing), "complete", `${does}, getMic`);
      }
    }
  });

  Deno.test(`unwrap(): leaves memory to the caller once it returns, and gives what it checked (${name})`, async () => {
    for (const [does, misuse] of Object.entries(MISUSES)) {
      for (const confidential of [true, false]) {
        using pair = contextPair(enctype, primitives);
        for (const size of SIZES) {
          const text = message(size);
          const { bytes, buffer } = lent(await pair.ours.wrap(text, { confidential }));
          const unwrapping = pair.theirs.unwrap(bytes);
          misuse(bytes, buffer);
          const { data, status } = await unwrapping;
          assert.equal(status, "complete");
          assert.deepEqual(data, text, `${does} ${size} bytes, ${kindOf(confidential)}`);
          // And afterwards.
          const again = lent(await pair.ours.wrap(text, { confidential }));
          const opened = await pair.theirs.unwrap(again.bytes);
          misuse(again.bytes, again.buffer);
          assert.deepEqual(opened.data, text, `${does} ${size} bytes afterwards, ${kindOf(confidential)}`);
        }
        const text = lent(message(40));
        const mic = lent(await pair.ours.getMic(text.bytes));
        const verifying = pair.theirs.verifyMic(text.bytes, mic.bytes);
        misuse(text.bytes, text.buffer);
        misuse(mic.bytes, mic.buffer);
        assert.equal(await verifying, "complete", `${does}, verifyMic`);
      }
    }
  });

  Deno.test(`unwrap(): checks one token even if it is swapped for another meanwhile (${name})`, async () => {
    for (const confidential of [true, false]) {
      for (const size of SIZES) {
        using pair = contextPair(enctype, primitives);
        const genuine = await pair.ours.wrap(message(size), { confidential });
        const forged = genuine.slice();
        // In the middle of the message, beyond the first block and before the last ones.
        forged[16 + Math.floor(size / 2)]! ^= 1;
        const token = forged.slice();
        const unwrapping = pair.theirs.unwrap(token);
        token.set(genuine);
        await assert.rejects(unwrapping, { major: "BAD_SIG" }, `${size} bytes, ${kindOf(confidential)}`);
      }
    }
  });
}

Deno.test("unwrap(): in place gives a view of a signed message, and fresh memory for a sealed one", async () => {
  using pair = contextPair();
  for (const confidential of [true, false]) {
    const token = await pair.ours.wrap(message(40), { confidential });
    const { data } = await pair.theirs.unwrap(token, { inPlace: true });
    assert.equal(data.buffer === token.buffer, !confidential, kindOf(confidential));
    assert.deepEqual(data, message(40));
  }
});

for (const [name, enctype, primitives] of SUITES) {
  Deno.test(`wrap(): into memory leaves the rest of it alone, and the message may lie in it (${name})`, async () => {
    for (const confidential of [true, false]) {
      for (const size of SIZES) {
        using pair = contextPair(enctype, primitives);
        const text = message(size);
        const length = (await pair.ours.wrap(text, { confidential })).length;
        await pair.theirs.unwrap(await pair.ours.wrap(text, { confidential })); // "gap" from here on
        for (const at of [0, 3, 16, 20, 40]) {
          const memory = new Uint8Array(length + size + 100).fill(0xee);
          memory.set(text, at);
          const wrapping = pair.ours.wrap(memory.subarray(at, at + size), {
            confidential,
            headroom: 4,
            into: memory.subarray(0, length + 10),
          });
          const token = await wrapping;
          assert.equal(token.length, 4 + length);
          assert.equal(token.buffer, memory.buffer);
          assert.equal(memory.at(-1), 0xee);
          const { data } = await pair.theirs.unwrap(token.subarray(4));
          assert.deepEqual(data, text, `${size} bytes at ${at}, ${kindOf(confidential)}`);
        }
      }
    }
  });
}

Deno.test("wrap(): fails when its memory is transferred meanwhile", async () => {
  for (const enctype of [18, 20]) {
    for (const confidential of [true, false]) {
      for (const does of ["transfers", "cuts off", "shortens"]) {
        using pair = contextPair(enctype, webCrypto);
        const { bytes: into, buffer } = lent(new Uint8Array(200));
        const wrapping = pair.ours.wrap(message(100), { confidential, into });
        MISUSES[does]!(into, buffer);
        await assert.rejects(wrapping, (error) => error instanceof TypeError || error instanceof RangeError, does);
        // The number is gone, and the context is not.
        const { data, status } = await pair.theirs.unwrap(await pair.ours.wrap(message(3), { confidential }));
        assert.deepEqual([data, status], [message(3), "gap"]);
      }
    }
  }
});

Deno.test("KerberosContext: 20 concurrent wraps and unwraps keep the order of the calls", async () => {
  for (const [name, enctype, primitives] of SUITES) {
    using pair = contextPair(enctype, primitives);
    for (const confidential of [true, false]) {
      const sizes = Array.from({ length: 20 }, (_, i) => i % 3 === 0 ? 60_000 : i);
      const tokens = await Promise.all(sizes.map((size) => pair.ours.wrap(message(size), { confidential })));
      const numbers = tokens.map((token) => new DataView(token.buffer).getBigUint64(8));
      assert.deepEqual(numbers, numbers.map((_, i) => numbers[0]! + BigInt(i)), name);
      const settled: number[] = [];
      const opened = await Promise.all(tokens.map(async (token, i) => {
        const result = await pair.theirs.unwrap(token);
        settled.push(i);
        return result;
      }));
      assert.deepEqual(opened.map(({ status }) => status), sizes.map(() => "complete"), name);
      assert.deepEqual(opened.map(({ data }) => data.length), sizes, name);
      assert.deepEqual(settled, sizes.map((_, i) => i), name);
    }
  }
});

Deno.test("dispose(): pending calls finish or fail as a whole, later calls fail", async () => {
  for (const [name, enctype, primitives] of SUITES) {
    const pair = contextPair(enctype, primitives);
    const text = message(60_000);
    const tokens = await Promise.all([true, false].map((confidential) => pair.ours.wrap(text, { confidential })));
    const mic = await pair.ours.getMic(text);
    const under = [
      ...[true, false].map((confidential) => pair.ours.wrap(text, { confidential })),
      pair.ours.getMic(text),
      ...tokens.map((token) => pair.theirs.unwrap(token)),
      pair.theirs.verifyMic(text, mic),
    ];
    pair.ours.dispose();
    pair.theirs.dispose();
    for (const [i, end] of (await Promise.allSettled<unknown>(under)).entries()) {
      if (end.status === "rejected") assert.ok(end.reason instanceof Error, `${name} ${i}`);
      else if (i === 3 || i === 4) assert.deepEqual((end.value as { data: Bytes }).data, text, `${name} ${i}`);
    }
    pair.ours.dispose();
    pair.ours[Symbol.dispose]();
    const closed = { name: "GssError", major: "NO_CONTEXT", code: "NO_CONTEXT" };
    await assert.rejects(pair.ours.wrap(text, { confidential: true }), closed, name);
    await assert.rejects(pair.ours.getMic(text), closed, name);
    await assert.rejects(pair.theirs.unwrap(tokens[0]!), closed, name);
    await assert.rejects(pair.theirs.verifyMic(text, mic), closed, name);
    assert.throws(() => pair.ours.wrapSizeLimit(100, { confidential: true }), closed, name);
  }
});

Deno.test("KerberosContext: flags and attributes cannot be changed", () => {
  for (const [name, enctype, primitives] of SUITES) {
    using pair = contextPair(enctype, primitives);
    for (const context of [pair.ours, pair.theirs]) {
      assert.ok(Object.isFrozen(context.flags) && Object.isFrozen(context.attributes), name);
    }
  }
});
