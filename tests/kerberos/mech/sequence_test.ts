/** The window over sequence numbers (RFC 2743 section 1.2.3). */
import assert from "node:assert/strict";
import { SequenceWindow } from "../../../kerberos/mech/sequence.ts";
import { vectors } from "../../support/vectors.ts";

const check = (window: SequenceWindow, number: bigint) =>
  window.check(Number(number >> 32n), Number(BigInt.asUintN(32, number)));

Deno.test("SequenceWindow: agrees with the list of MIT", () => {
  type Case = {
    initial: string;
    replay_detection: boolean;
    sequence_checking: boolean;
    seq_width: string;
    tokens: { seq: string; result: string }[];
  };
  const names: Record<string, string> = {
    COMPLETE: "complete",
    DUPLICATE_TOKEN: "duplicate",
    OLD_TOKEN: "old",
    UNSEQ_TOKEN: "unsequenced",
    GAP_TOKEN: "gap",
  };
  for (const v of vectors<Case>("gss_sequence")) {
    if (v.seq_width === "32-bit") continue; // RFC 1964 tokens, which this library does not have
    const window = new SequenceWindow({
      initial: BigInt(v.initial),
      replay: v.replay_detection,
      sequence: v.sequence_checking,
    });
    assert.deepEqual(
      v.tokens.map(({ seq }) => check(window, BigInt(seq))),
      v.tokens.map(({ result }) => names[result]),
      v.id,
    );
  }
  const old = new SequenceWindow({ initial: 0n, replay: true, sequence: false });
  check(old, 100n);
  assert.equal(check(old, 20n), "old");
  assert.equal(check(old, 37n), "complete");
});
