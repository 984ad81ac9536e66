/** Questions to name servers, and what counts as an answer to one. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeAnswer,
  encodeQuestion,
  followCnames,
  type Question,
  RecordType,
} from "../../../socks/names/dns_message.ts";
import { encodeName, encodeReply, type Said } from "../../support/name_server.ts";
import { hex } from "../../support/vectors.ts";

const QUESTION: Question = { id: 0x1234, name: "www.example.com", type: RecordType.A };
const MESSAGE = encodeQuestion(QUESTION);
const A: Said = ["www.example.com", "A", "192.0.2.1"];

/** An answer with some bytes changed, each at its place. */
function changed(message: Uint8Array, ...changes: readonly [at: number, byte: number][]): Uint8Array {
  const copy = message.slice();
  for (const [at, byte] of changes) copy[at] = byte;
  return copy;
}

Deno.test("encodeQuestion(): encodes a question (RFC 1035 section 4.1)", () => {
  const wanted = "1234" + "0100" + "0001000000000000" + "03777777" + "076578616d706c65" + "03636f6d" + "00" + "0001" +
    "0001";
  assert.equal(hex(MESSAGE), wanted);
});

Deno.test("decodeAnswer(): takes the answer to this question only", () => {
  const good = encodeReply(MESSAGE, { records: [A] });
  const records = [{ owner: "www.example.com", type: 1, value: "192.0.2.1" }];
  assert.deepEqual(decodeAnswer(good, QUESTION), { code: 0, truncated: false, records });
  const forged: Readonly<Record<string, Uint8Array>> = {
    "another number": changed(good, [1, 0x35]),
    "a question": changed(good, [2, good[2]! & 0x7f]),
    "another operation": changed(good, [2, good[2]! | 0x08]),
    "no question": changed(good, [5, 0]),
    "two questions": changed(good, [5, 2]),
    "another name": changed(good, [13, 0x78]),
    "another kind": changed(good, [30, 28]),
    "another class": changed(good, [32, 3]),
    "more records than there are": changed(good, [7, 2]),
  };
  for (const [what, message] of Object.entries(forged)) assert.equal(decodeAnswer(message, QUESTION), undefined, what);
  // Servers may spell the question as they like (RFC 4343 section 3).
  assert.deepEqual(decodeAnswer(changed(good, [13, 0x57]), QUESTION)?.records, records);
});

Deno.test("decodeAnswer(): refuses an answer cut anywhere", () => {
  const records: Said[] = [["www.example.com", "CNAME", "a.example.com"], ["a.example.com", "A", "192.0.2.1"]];
  const good = encodeReply(MESSAGE, { records });
  for (let length = 0; length < good.length; length++) {
    assert.equal(decodeAnswer(good.subarray(0, length), QUESTION), undefined, `${length}`);
  }
  assert.equal(decodeAnswer(good, QUESTION)!.records.length, 2);
  // What is cut on purpose says so, and may end in the middle.
  const cut = changed(good, [2, good[2]! | 2]).subarray(0, -3);
  assert.deepEqual(decodeAnswer(cut, QUESTION), { code: 0, truncated: true, records: [] });
});

Deno.test("decodeAnswer(): takes addresses of class IN and of the right length only", () => {
  const good = encodeReply(MESSAGE, { records: [A] });
  const kind = good.length - 4 - 2 - 4 - 2;
  assert.deepEqual(decodeAnswer(changed(good, [kind + 1, 3]), QUESTION)?.records, []);
  assert.equal(decodeAnswer(changed(good, [good.length - 5, 3]).subarray(0, -1), QUESTION), undefined);
  assert.equal(decodeAnswer(changed(good, [kind - 1, 28]), QUESTION), undefined);
  assert.deepEqual(decodeAnswer(changed(good, [kind - 1, 16]), QUESTION)?.records, []);
});

/** An answer with one CNAME whose name is given in bytes, at `at`. */
function withName(bytes: (at: number) => readonly number[]): Uint8Array {
  const owner = encodeName("www.example.com");
  const at = MESSAGE.length + owner.length + 10;
  const data = bytes(at);
  const record = [...owner, 0, 5, 0, 1, 0, 0, 0, 1, data.length >> 8, data.length & 255, ...data];
  const reply = encodeReply(MESSAGE, { forge: (bytes) => Uint8Array.from([...bytes, ...record]) });
  return changed(reply, [7, 1]);
}

Deno.test("decodeAnswer(): pointers lead back, and names have a limit", () => {
  const value = (bytes: (at: number) => readonly number[]) =>
    decodeAnswer(withName(bytes), QUESTION)?.records[0]?.value;
  assert.equal(value(() => [0xc0, 12]), "www.example.com");
  assert.equal(value(() => [1, 0x61, 0xc0, 16]), "a.example.com");
  assert.equal(value(() => [2, 0xc3, 0x57, 1, 0x2e, 1, 0x41, 0]), "\\195w.\\046.a");
  assert.equal(value((at) => [0xc0 | at >> 8, at & 255]), undefined, "to itself");
  assert.equal(value((at) => [0xc0 | at >> 8, (at & 255) + 2, 0]), undefined, "forward");
  assert.equal(value((at) => [1, 0x61, 0xc0 | at >> 8, at & 255]), undefined, "round and round");
  assert.equal(value(() => [0x40, ...new Array(64).fill(0x61), 0]), undefined, "a label of another kind");
  assert.equal(value(() => [0x80, ...new Array(128).fill(0x61), 0]), undefined, "a label of another kind");
  const long = (
    last: number,
  ) => [
    ...Array.from({ length: 3 }, () => [63, ...new Array(63).fill(0x61)]).flat(),
    last,
    ...new Array(last).fill(0x61),
    0,
  ];
  assert.equal(value(() => long(61))?.length, 253);
  assert.equal(value(() => long(63)), undefined, "256 bytes and the root's");
});

Deno.test("decodeAnswer(): pointers to pointers take linear time", () => {
  // Each record's name is a pointer to the record before it: without an end to it that would be a square.
  const count = 5_000;
  const bytes: number[] = [];
  for (let i = 0, before = 12; i < count; i++) {
    const at = MESSAGE.length + bytes.length;
    bytes.push(0xc0 | before >> 8, before & 255, 0, 99, 0, 1, 0, 0, 0, 1, 0, 0);
    before = Math.min(at, 0x3fff);
  }
  const reply = encodeReply(MESSAGE, { forge: (message) => Uint8Array.from([...message, ...bytes]) });
  assert.equal(decodeAnswer(changed(reply, [6, count >> 8], [7, count & 255]), QUESTION), undefined);
});

Deno.test("decodeAnswer(): never throws, whatever comes", () => {
  const good = encodeReply(MESSAGE, { records: [["www.example.com", "CNAME", "a.b"], ["a.b", "A", "192.0.2.1"]] });
  fc.assert(fc.property(
    fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 4 }),
    (changes) => {
      const answer = decodeAnswer(changed(good, ...changes as [number, number][]), QUESTION);
      if (answer !== undefined) followCnames(QUESTION, answer.records);
    },
  ));
});

Deno.test("followCnames(): follows sixteen CNAMEs and detects loops", () => {
  const way = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ owner: `c${i}`, type: RecordType.CNAME, value: `c${i + 1}` }));
  const address = (owner: string) => ({ owner, type: RecordType.A, value: "192.0.2.1" });
  const asked = { name: "C0", type: RecordType.A };
  assert.deepEqual(followCnames(asked, [address("c0")]), { names: [], values: ["192.0.2.1"] });
  assert.deepEqual(followCnames(asked, [...way(2), address("c2")]), { names: ["c1", "c2"], values: ["192.0.2.1"] });
  assert.equal(followCnames(asked, [...way(16), address("c16")])?.names.length, 16);
  assert.equal(followCnames(asked, [...way(17), address("c17")]), undefined);
  assert.equal(followCnames(asked, [...way(1), { owner: "c1", type: RecordType.CNAME, value: "c0" }]), undefined);
  // Records of others are nobody's business: a server cannot speak for a name that was not asked for.
  assert.deepEqual(
    followCnames(asked, [...way(1), address("c0"), address("elsewhere"), { ...address("c1"), type: RecordType.AAAA }]),
    { names: ["c1"], values: [] },
  );
});
