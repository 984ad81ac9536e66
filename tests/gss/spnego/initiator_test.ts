import assert from "node:assert/strict";
import { utf8 } from "../../../base/bytes.ts";
import { forgedMic, forgeResp, listBytes, OID } from "../../support/forge_spnego.ts";
import { CountedContext, countedSides } from "../../support/counted_mechanism.ts";
import { answer, EVEN, finished, initiating, KERBEROS_MUTUAL, ODD, refused } from "../../support/spnego_steps.ts";
import { NegState } from "../../../gss/spnego/tokens.ts";

const { AcceptCompleted, AcceptIncomplete, Reject, RequestMic } = NegState;

Deno.test("initiator: verifies and answers the acceptor's MIC (section 5 b I, III)", async () => {
  for (const make of EVEN.slice(0, 2)) {
    const sides = await make();
    const list = listBytes([sides.mechanism]);
    for (const negState of [AcceptIncomplete, RequestMic]) {
      const { ours, first } = await initiating(sides);
      const context = finished(first);
      const responseToken = first.token;
      const last = await ours.step(
        forgeResp({ negState, supportedMech: sides.mechanism, responseToken, mechListMic: await context.getMic(list) }),
      );
      finished(last);
      assert.equal(answer(last).negState, AcceptCompleted);
      assert.equal(await context.verifyMic(list, answer(last).mechListMic!), "complete");
    }
    for (const negState of [AcceptCompleted, AcceptIncomplete]) {
      const { ours, first } = await initiating(sides);
      const last = await ours.step(forgeResp({ negState, responseToken: first.token }));
      finished(last);
      assert.equal(last.token, undefined);
    }
    // A peer that is done and has protected the list awaits nothing.
    const { ours, first } = await initiating(sides);
    const mechListMic = await finished(first).getMic(list);
    const last = await ours.step(forgeResp({ negState: AcceptCompleted, responseToken: first.token, mechListMic }));
    finished(last);
    assert.equal(last.token, undefined);
  }
});

Deno.test("initiator: refuses a forged or missing MIC (section 5 b II, IV)", async () => {
  for (const make of EVEN.slice(0, 2)) {
    const sides = await make();
    const list = listBytes([sides.mechanism]);
    for (const negState of [AcceptCompleted, AcceptIncomplete, RequestMic]) {
      const { ours, first } = await initiating(sides);
      const mechListMic = forgedMic(await finished(first).getMic(list));
      await refused(ours.step(forgeResp({ negState, responseToken: first.token, mechListMic })), "SPNEGO_MIC");
      await assert.rejects(ours.step(), { code: "NO_CONTEXT" });
    }
    const { ours, first } = await initiating(sides);
    await refused(ours.step(forgeResp({ negState: RequestMic, responseToken: first.token })), "SPNEGO_NO_MIC");
  }
  // Remembered: asked for in the first answer, owed with the last token, four tokens long.
  const { ours } = await initiating(countedSides(4));
  await ours.step(forgeResp({ negState: RequestMic, responseToken: utf8("t2") }));
  await refused(ours.step(forgeResp({ negState: AcceptCompleted, responseToken: utf8("t4") })), "SPNEGO_NO_MIC");
});

/** An initiator that has sent its last token, with the third of three tokens, after a first answer with this state. */
async function afterLastToken(negState: number) {
  const { ours } = await initiating(countedSides(3));
  return { ours, sent: answer(await ours.step(forgeResp({ negState, responseToken: utf8("t2") }))) };
}

/** The first MIC of the acceptor over the list of the mechanism with any number of tokens. */
function acceptorMic(): Promise<Uint8Array> {
  return new CountedContext("acceptor", true).getMic(listBytes([OID.counted]));
}

Deno.test("initiator: sends a MIC with its last token if requested (section 5 c)", async () => {
  const list = listBytes([OID.counted]);
  const acceptor = new CountedContext("acceptor", true);
  const asked = await afterLastToken(RequestMic);
  assert.equal(asked.sent.negState, AcceptIncomplete);
  assert.equal(await acceptor.verifyMic(list, asked.sent.mechListMic!), "complete");
  const end = await asked.ours.step(
    forgeResp({ negState: AcceptCompleted, mechListMic: await acceptor.getMic(list) }),
  );
  finished(end);
  assert.equal(end.token, undefined);

  // The answer to a MIC is the end, whatever the acceptor says of its state.
  for (const negState of [{}, { negState: AcceptIncomplete }]) {
    const silent = await afterLastToken(RequestMic);
    const mechListMic = await new CountedContext("acceptor", true).getMic(list);
    const step = await silent.ours.step(forgeResp({ ...negState, mechListMic }));
    finished(step);
    assert.equal(step.token, undefined);
  }
});

Deno.test("initiator: sends no MIC with its last token unless requested (section 5 c)", async () => {
  const plain = await afterLastToken(AcceptIncomplete);
  assert.deepEqual(plain.sent, { negState: AcceptIncomplete, responseToken: utf8("t3") });
  finished(await plain.ours.step(forgeResp({ negState: AcceptCompleted })));
  finished(await (await afterLastToken(AcceptIncomplete)).ours.step(forgeResp({})));

  // A MIC that was not asked for, behind the last token: verified, and answered unless the acceptor is done.
  const volunteered = await (await afterLastToken(AcceptIncomplete)).ours.step(
    forgeResp({ negState: AcceptIncomplete, mechListMic: await acceptorMic() }),
  );
  finished(volunteered);
  assert.equal(answer(volunteered).negState, AcceptCompleted);
  const done = await (await afterLastToken(AcceptIncomplete)).ours.step(
    forgeResp({ negState: AcceptCompleted, mechListMic: await acceptorMic() }),
  );
  assert.equal(finished(done) !== undefined && done.token, undefined);
});

Deno.test("initiator: refuses a wrong answer to its last token (section 5 c)", async () => {
  const good = await acceptorMic();
  const refusals: [number, Parameters<typeof forgeResp>[0], string][] = [
    [RequestMic, { negState: AcceptCompleted }, "SPNEGO_NO_MIC"],
    [RequestMic, {}, "SPNEGO_NO_MIC"],
    [RequestMic, { negState: AcceptCompleted, mechListMic: forgedMic(good) }, "SPNEGO_MIC"],
    [AcceptIncomplete, { negState: AcceptCompleted, mechListMic: forgedMic(good) }, "SPNEGO_MIC"],
    [AcceptIncomplete, { negState: AcceptIncomplete }, "SPNEGO_STATE"],
    [AcceptIncomplete, { negState: AcceptCompleted, responseToken: utf8("t4") }, "SPNEGO_TOKEN"],
  ];
  for (const [first, of, code] of refusals) await refused((await afterLastToken(first)).ours.step(forgeResp(of)), code);
});

Deno.test("initiator: requires the acceptor's MIC in the answer to its only token (section 5 c IV)", async () => {
  for (const make of ODD.slice(0, 2)) {
    const sides = await make();
    const list = listBytes([sides.mechanism]);
    const { ours, first } = await initiating(sides);
    const context = finished(first);
    const last = await ours.step(forgeResp({ negState: RequestMic, mechListMic: await context.getMic(list) }));
    finished(last);
    assert.equal(answer(last).negState, AcceptCompleted);
    assert.equal(await context.verifyMic(list, answer(last).mechListMic!), "complete");
    await refused((await initiating(sides)).ours.step(forgeResp({ negState: RequestMic })), "SPNEGO_NO_MIC");
    finished(await (await initiating(sides)).ours.step(forgeResp({ negState: AcceptCompleted })));
    // Old servers send an empty token for none.
    const empty = forgeResp({ negState: AcceptCompleted, responseToken: new Uint8Array(0) });
    finished(await (await initiating(sides)).ours.step(empty));
  }
});

Deno.test("initiator: refuses states, mechanisms and tokens that are not allowed (section 4.2.2)", async () => {
  const t2 = { responseToken: utf8("t2") };
  const firsts: [Parameters<typeof forgeResp>[0], string, string?][] = [
    [{ ...t2 }, "SPNEGO_STATE"],
    [{ negState: 4, ...t2 }, "DEFECTIVE_TOKEN"],
    [{ negState: AcceptIncomplete, supportedMech: OID.negoEx, ...t2 }, "SPNEGO_MECH", "BAD_MECH"],
    [{ negState: AcceptCompleted, supportedMech: OID.kerberos, ...t2 }, "SPNEGO_MECH", "BAD_MECH"],
    [{ negState: AcceptCompleted, ...t2 }, "SPNEGO_STATE"],
    [{ negState: AcceptIncomplete }, "SPNEGO_TOKEN"],
    [{ negState: AcceptIncomplete, ...t2, mechListMic: utf8("mic") }, "SPNEGO_MIC"],
    [{ negState: Reject }, "SPNEGO_REJECT", "BAD_MECH"],
    [{ negState: Reject, ...t2 }, "SPNEGO_REJECT", "BAD_MECH"],
    [{ negState: AcceptIncomplete, ...t2, choice: 0 }, "DEFECTIVE_TOKEN"],
    [{ negState: AcceptIncomplete, ...t2, choice: 2 }, "DEFECTIVE_TOKEN"],
  ];
  for (const [of, code, major] of firsts) {
    const { ours } = await initiating(countedSides(4));
    await refused(ours.step(forgeResp(of)), code, major);
  }
  // A MIC that came before the acceptor can have a context, with the token that ours is the last to.
  const odd = await initiating(countedSides(3));
  const mechListMic = await new CountedContext("acceptor", true).getMic(listBytes([OID.counted]));
  await refused(odd.ours.step(forgeResp({ negState: AcceptIncomplete, ...t2, mechListMic })), "SPNEGO_MIC");

  const seconds: [Parameters<typeof forgeResp>[0], string, string?][] = [
    [{ negState: RequestMic, responseToken: utf8("t4") }, "SPNEGO_STATE"],
    [{ negState: AcceptCompleted, supportedMech: OID.counted, responseToken: utf8("t4") }, "SPNEGO_MECH"],
    [{ negState: Reject, responseToken: utf8("t4") }, "SPNEGO_REJECT", "BAD_MECH"],
    [{ negState: AcceptCompleted }, "SPNEGO_TOKEN"],
  ];
  for (const [of, code, major] of seconds) {
    const { ours } = await initiating(countedSides(4));
    await ours.step(forgeResp({ negState: AcceptIncomplete, supportedMech: OID.counted, ...t2 }));
    await refused(ours.step(forgeResp(of)), code, major);
  }
  const silent = await initiating(countedSides(4));
  await silent.ours.step(forgeResp({ negState: AcceptIncomplete, ...t2 }));
  finished(await silent.ours.step(forgeResp({ responseToken: utf8("t4") })));
});

Deno.test("initiator: accepts an alias and long lengths", async () => {
  for (const lengths of ["der", "long"] as const) {
    const { ours, first } = await initiating(await KERBEROS_MUTUAL());
    const answered = { negState: AcceptCompleted, supportedMech: OID.legacyKerberos, responseToken: first.token };
    finished(await ours.step(forgeResp({ ...answered, lengths })));
  }
});

Deno.test("initiator: uses no MIC if the mechanism cannot sign", async () => {
  const sides = countedSides(2, { integrity: false });
  const t2 = { responseToken: utf8("t2") };
  finished(await (await initiating(sides)).ours.step(forgeResp({ negState: RequestMic, ...t2 })));
  const mechListMic = await new CountedContext("acceptor", true).getMic(listBytes([OID.counted]));
  const mic = { negState: AcceptCompleted, ...t2, mechListMic };
  await refused((await initiating(sides)).ours.step(forgeResp(mic)), "SPNEGO_MIC");
});
