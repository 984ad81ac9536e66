import assert from "node:assert/strict";
import { lengthBytes, lengthSize, readLength } from "../../asn1/length.ts";
import { hex, unhex } from "../support/vectors.ts";

Deno.test("lengthBytes(): takes the shortest form, which readLength() reads", () => {
  const cases: [number, string][] = [
    [0, "00"],
    [0x7f, "7f"],
    [0x80, "8180"],
    [0xff, "81ff"],
    [0x100, "820100"],
    [0xffff, "82ffff"],
    [0x10000, "83010000"],
    [0xffffff, "83ffffff"],
    [0x1000000, "8401000000"],
    [0x7fffffff, "847fffffff"],
  ];
  for (const [length, text] of cases) {
    assert.equal(hex(lengthBytes(length)), text);
    assert.equal(lengthSize(length), text.length / 2);
    assert.deepEqual(readLength(unhex(`04${text}`), 1, false), { length, body: 1 + text.length / 2 });
  }
});

Deno.test("readLength(): refuses lengths that are cut short, indefinite or too long", () => {
  for (const text of ["", "81", "8201", "80", "850000000001", "ff"]) {
    for (const longLengths of [false, true]) assert.equal(readLength(unhex(text), 0, longLengths), undefined, text);
  }
  for (const text of ["8101", "820080", "8400000001"]) {
    assert.equal(readLength(unhex(text), 0, false), undefined, text);
    assert.notEqual(readLength(unhex(text), 0, true), undefined, text);
  }
});
