import assert from "node:assert/strict";
import fc from "fast-check";
import { interleaved } from "../../base/interleaved.ts";

Deno.test("interleaved(): alternates families and keeps their order (RFC 8305 section 4)", () => {
  const cases: [string[], string[]][] = [
    [[], []],
    [["1.1.1.1"], ["1.1.1.1"]],
    [["1.1.1.1", "2.2.2.2", "3.3.3.3", "::1", "::2"], ["1.1.1.1", "::1", "2.2.2.2", "::2", "3.3.3.3"]],
    [["::1", "::2", "1.1.1.1"], ["::1", "1.1.1.1", "::2"]],
    [["::1", "1.1.1.1", "2.2.2.2", "::2"], ["::1", "1.1.1.1", "::2", "2.2.2.2"]],
  ];
  for (const [given, wanted] of cases) assert.deepEqual(interleaved(given), wanted, given.join());
});

Deno.test("property: interleaved() loses no item and keeps the order of each kind", () => {
  const items = fc.array(fc.record({ kind: fc.constantFrom("a", "b", "c"), id: fc.nat() }), { maxLength: 40 });
  fc.assert(fc.property(items, (given) => {
    const before = [...given];
    const mixed = interleaved(given, ({ kind }) => kind);
    assert.deepEqual(given, before);
    assert.equal(mixed[0], given[0]);
    for (const kind of ["a", "b", "c"]) {
      const of = (list: typeof given) => list.filter((item) => item.kind === kind);
      assert.deepEqual(of(mixed), of(given));
    }
    assert.equal(mixed.length, given.length);
    for (let i = 1; i < mixed.length; i++) {
      const same = mixed[i]!.kind === mixed[i - 1]!.kind;
      // Two of one kind follow each other only where no other kind is left.
      if (same) assert.ok(mixed.slice(i).every(({ kind }) => kind === mixed[i]!.kind));
    }
  }));
});
