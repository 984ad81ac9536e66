/** What protected datagrams have room for. Their other rules are tested with whole associations. */
import assert from "node:assert/strict";
import type { ProtectionLevel, SealPolicy } from "../../../socks/protection.ts";
import { protectedDatagrams } from "../../../socks/stream/datagram_codec.ts";
import { contextPair } from "../../support/context_pair.ts";

type Way = readonly [level: Exclude<ProtectionLevel, "none">, seal: SealPolicy | undefined, exact: boolean];

const WAYS: readonly Way[] = [
  ["integrity", undefined, true],
  ["confidentiality", undefined, true],
  ["selective", () => true, true],
  // The policy is asked for each datagram. The room is for either answer.
  ["selective", () => false, false],
  ["selective", ({ length }) => length % 2 === 0, false],
];

Deno.test("protectedDatagrams(): roomIn() is what fits, at every level and enctype", async () => {
  for (const enctype of [17, 18, 19, 20]) {
    using pair = contextPair(enctype);
    for (const [level, seal, exact] of WAYS) {
      const codec = protectedDatagrams({ context: pair.ours, level, seal });
      for (const size of [100, 1_000, 1_001, 1_016, 65_507, 65_527]) {
        const room = codec.roomIn!(size);
        assert.ok(room > size - 100 && room < size, `${room} in ${size}`);
        const sealed = await codec.seal(new Uint8Array(room));
        assert.ok(sealed.length <= size, `${sealed.length} in ${size}`);
        if (exact) assert.ok((await codec.seal(new Uint8Array(room + 1))).length > size, `${room} in ${size}`);
      }
      for (const size of [0, 3, 4, 5, 20]) assert.equal(codec.roomIn!(size), 0);
    }
  }
});
