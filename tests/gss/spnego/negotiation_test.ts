import assert from "node:assert/strict";
import { utf8 } from "../../../base/bytes.ts";
import type { GssContext } from "../../../gss/context.ts";
import type { GssNegotiation } from "../../../gss/negotiation.ts";
import { spnegoAcceptor } from "../../../gss/spnego/acceptor.ts";
import { spnegoInitiator } from "../../../gss/spnego/initiator.ts";
import {
  decodeNegTokenInit,
  decodeNegTokenResp,
  encodeNegTokenInit,
  encodeNegTokenResp,
  mechListBytes,
  NegState,
} from "../../../gss/spnego/tokens.ts";
import { GssError } from "../../../gss/status.ts";
import { forgeResp, listBytes, OID } from "../../support/forge_spnego.ts";
import { CountedContext, countedSides } from "../../support/counted_mechanism.ts";
import { mockMechanism, type MockOptions } from "../../support/mock_mechanism.ts";
import {
  answer,
  finished,
  KERBEROS_ALONE,
  KERBEROS_MUTUAL,
  passedOver,
  refused,
  TARGET,
} from "../../support/spnego_steps.ts";
import { hex, unhex } from "../../support/vectors.ts";

const { AcceptCompleted, Reject, RequestMic } = NegState;

const MOCK = "1.2.3";
const OTHER = "1.2.840.113554.1.2.2";

async function sides(options: MockOptions = {}): Promise<{ ours: GssNegotiation; theirs: GssNegotiation }> {
  const { initiator, acceptor } = mockMechanism(options);
  return {
    ours: await spnegoInitiator(initiator).initiate({ type: "user", text: "x" }),
    theirs: spnegoAcceptor(acceptor).accept(),
  };
}

/** Steps both until they are done. */
async function negotiate({ ours, theirs }: { ours: GssNegotiation; theirs: GssNegotiation }) {
  const contexts: { ours?: GssContext; theirs?: GssContext } = {};
  let token = undefined;
  let count = 0;
  while (contexts.ours === undefined || contexts.theirs === undefined) {
    assert.ok(++count < 20);
    const mine = contexts.ours === undefined ? await ours.step(token) : undefined;
    if (mine?.done) contexts.ours = mine.context;
    if (contexts.theirs !== undefined) break;
    const yours = await theirs.step(mine?.token);
    if (yours.done) contexts.theirs = yours.context;
    token = yours.token;
  }
  return contexts;
}

Deno.test("SPNEGO: completes for every number of legs", async () => {
  for (const legs of [1, 2, 3]) {
    const { ours, theirs } = await negotiate(await sides({ legs }));
    assert.ok(ours !== undefined && theirs !== undefined, `${legs} legs`);
  }
});

Deno.test("SPNEGO: writes the first token of RFC 4178's ASN.1", async () => {
  const { ours } = await sides();
  const { token } = await ours.step();
  // InitialContextToken, SPNEGO's OID, [0] SEQUENCE { [0] SEQUENCE { OID 1.2.3 }, [2] "i1" }
  assert.equal(
    hex(token!),
    "601a" + "06062b0601050502" + "a010" + "300e" + "a0063004" + "06022a03" + "a2040402" + hex(utf8("i1")).slice(0, 4),
  );
  assert.equal(hex(encodeNegTokenResp({ negState: NegState.Reject })), "a1073005a0030a0102");
});

Deno.test("acceptor: accepts a token of the mechanism without SPNEGO", async () => {
  const { acceptor } = mockMechanism();
  const inner = {
    mechanism: MOCK,
    accept: () => ({ step: (token?: Uint8Array) => acceptor.accept().step(token?.subarray(-2)) }),
  };
  const bare = unhex("6006" + "06022a03" + hex(utf8("i1")));
  const step = await spnegoAcceptor(inner).accept().step(bare);
  assert.ok(step.done);
  assert.equal(hex(step.token!), hex(utf8("a1")));
});

Deno.test("acceptor: exchanges MICs if the first choice is not accepted", async () => {
  for (const tamper of [false, true]) {
    const { initiator, acceptor } = mockMechanism();
    // What the mock signs is always "mic"; this one signs what it is given.
    const signing = {
      mechanism: MOCK,
      accept: () => {
        const negotiation = acceptor.accept();
        return {
          step: async (token?: Uint8Array) => {
            const step = await negotiation.step(token);
            if (step.done) {
              Object.assign(step.context, {
                getMic: (message: Uint8Array) => Promise.resolve(utf8(`mic of ${hex(message)}`)),
                verifyMic: (message: Uint8Array, mic: Uint8Array) =>
                  new TextDecoder().decode(mic) === `mic of ${hex(message)}`
                    ? Promise.resolve("complete")
                    : Promise.reject(new GssError("not genuine", { major: "BAD_SIG", code: "BAD_SIG" })),
              });
            }
            return step;
          },
        };
      },
    };
    const theirs = spnegoAcceptor(signing).accept();
    const offered = [OTHER, MOCK];
    const arrived = tamper ? ["1.2.4", MOCK] : offered;
    const first = await theirs.step(encodeNegTokenInit({ mechTypes: arrived, mechToken: utf8("optimistic") }));
    assert.deepEqual(decodeNegTokenResp(first.token!), { negState: NegState.RequestMic, supportedMech: MOCK });
    const mechanism = await initiator.initiate({ type: "user", text: "x" });
    const second = await theirs.step(encodeNegTokenResp({ responseToken: (await mechanism.step()).token }));
    const { negState, mechListMic } = decodeNegTokenResp(second.token!);
    assert.equal(second.done, false);
    assert.equal(negState, NegState.AcceptIncomplete);
    assert.equal(new TextDecoder().decode(mechListMic), `mic of ${hex(mechListBytes(arrived))}`);
    const last = theirs.step(encodeNegTokenResp({ mechListMic: utf8(`mic of ${hex(mechListBytes(offered))}`) }));
    if (tamper) await assert.rejects(last, { code: "SPNEGO_MIC" });
    else assert.ok((await last).done);
  }
});

Deno.test("SPNEGO: refuses what is not offered, not protected or misplaced", async () => {
  const { acceptor } = mockMechanism();
  const accept = () => spnegoAcceptor(acceptor).accept();
  const nothing = await accept().step(encodeNegTokenInit({ mechTypes: [OTHER] })).catch((error) => error);
  assert.equal(nothing.code, "SPNEGO_REJECT");
  assert.equal(decodeNegTokenResp(nothing.token).negState, NegState.Reject);
  const refusing = spnegoAcceptor(mockMechanism({ refuse: "with token" }).acceptor).accept();
  const told = await refusing.step(encodeNegTokenInit({ mechTypes: [MOCK], mechToken: utf8("i1") })).catch((e) => e);
  assert.deepEqual(decodeNegTokenResp(told.token), { negState: NegState.Reject, responseToken: utf8("!no") });

  const unprotected = accept();
  await unprotected.step(encodeNegTokenInit({ mechTypes: [OTHER, MOCK] }));
  await unprotected.step(encodeNegTokenResp({ responseToken: utf8("i1") }));
  await assert.rejects(unprotected.step(encodeNegTokenResp({})), { code: "SPNEGO_NO_MIC" });
  await assert.rejects(unprotected.step(encodeNegTokenResp({})), { code: "NO_CONTEXT" });

  const answers: [Parameters<typeof encodeNegTokenResp>[0], string][] = [
    [{ negState: NegState.Reject }, "SPNEGO_REJECT"],
    [{ negState: NegState.AcceptCompleted, supportedMech: OTHER, responseToken: utf8("a1") }, "SPNEGO_MECH"],
    [{ negState: NegState.AcceptCompleted }, "SPNEGO_TOKEN"],
  ];
  for (const [answer, code] of answers) {
    const { ours } = await sides();
    await ours.step();
    await assert.rejects(ours.step(encodeNegTokenResp(answer)), { code });
  }
});

Deno.test("acceptor: refuses or reads a changed first token", async () => {
  const { acceptor } = mockMechanism();
  const whole = encodeNegTokenInit({ mechTypes: [MOCK, OTHER], mechToken: utf8("i1") });
  assert.deepEqual(decodeNegTokenInit(whole).mechTypes, [MOCK, OTHER]);
  const bad = [
    ...Array.from(whole, (byte, i) => whole.with(i, byte ^ 1)),
    ...Array.from(whole, (byte, i) => whole.with(i, byte ^ 0x80)),
    ...Array.from(whole, (_, i) => whole.subarray(0, i)),
    new Uint8Array([...whole, 0]),
  ];
  let refused = 0;
  for (const token of bad) {
    try {
      await spnegoAcceptor(acceptor).accept().step(token);
    } catch (error) {
      assert.ok(error instanceof GssError, String(error));
      refused++;
    }
  }
  assert.ok(refused > bad.length / 2);
});

Deno.test("SPNEGO: completes for mechanisms of one to six tokens", async () => {
  for (let tokens = 1; tokens <= 6; tokens++) {
    const sides = countedSides(tokens);
    const theirs = spnegoAcceptor(sides.acceptor).accept();
    const ours = await spnegoInitiator(sides.initiator).initiate(TARGET);
    let mine = await ours.step();
    let yours = await theirs.step(mine.token);
    for (let n = 0; n < 10 && !(mine.done && yours.done); n++) {
      if (!mine.done) mine = await ours.step(yours.token);
      if (!yours.done) yours = await theirs.step(mine.token);
    }
    assert.ok(mine.done && yours.done, `${tokens} tokens`);
    assert.equal(mine.token, undefined, "no more than is required");
    assert.equal(answer(yours).mechListMic, undefined, "old Windows wants no MIC that is not required");
  }
});

Deno.test("SPNEGO: ignores a MIC that repeats the mechanism's token", async () => {
  const sides = await KERBEROS_ALONE();
  const { theirs, ours } = await passedOver(sides);
  const { token } = await ours.step();
  await refused(theirs.step(forgeResp({ responseToken: token, mechListMic: token })), "SPNEGO_NO_MIC");
  for (const negState of [AcceptCompleted, RequestMic]) {
    const { initiator, acceptor } = await KERBEROS_MUTUAL();
    const initiating = await spnegoInitiator(initiator).initiate(TARGET);
    const { mechToken } = decodeNegTokenInit((await initiating.step()).token!);
    const { token: apRep } = await acceptor.accept().step(mechToken);
    const step = initiating.step(forgeResp({ negState, responseToken: apRep, mechListMic: apRep }));
    if (negState === RequestMic) await refused(step, "SPNEGO_NO_MIC");
    else finished(await step);
  }
});

Deno.test("SPNEGO: disposes a context that it does not return, and no other (CVE-2015-2695)", async () => {
  const made: CountedContext[] = [];
  const onContext = (context: CountedContext) => void made.push(context);
  const list = listBytes([OID.negoEx, OID.counted]);
  const { theirs } = await passedOver(countedSides(2, { onContext }));
  const waiting = await theirs.step(forgeResp({ responseToken: utf8("t1") }));
  assert.deepEqual(Object.keys(waiting), ["done", "token"], "no context before the list is protected");
  await refused(theirs.step(forgeResp({ mechListMic: utf8("forged") })), "SPNEGO_MIC");
  assert.ok(made[0]!.disposed);

  const kept = await passedOver(countedSides(2, { onContext }));
  await kept.theirs.step(forgeResp({ responseToken: utf8("t1") }));
  const mechListMic = await new CountedContext("initiator", true).getMic(list);
  const context = finished(await kept.theirs.step(forgeResp({ mechListMic })));
  await assert.rejects(kept.theirs.step(forgeResp({ mechListMic })), { code: "NO_CONTEXT" });
  assert.equal((context as CountedContext).disposed, false);

  const ours = await spnegoInitiator(countedSides(2, { onContext }).initiator).initiate(TARGET);
  await ours.step();
  await refused(ours.step(forgeResp({ negState: RequestMic, responseToken: utf8("t2") })), "SPNEGO_NO_MIC");
  assert.ok(made.at(-1)!.disposed);
  const fine = await spnegoInitiator(countedSides(2, { onContext }).initiator).initiate(TARGET);
  await fine.step();
  const established = finished(await fine.step(forgeResp({ negState: AcceptCompleted, responseToken: utf8("t2") })));
  await assert.rejects(fine.step(), { code: "NO_CONTEXT" });
  assert.equal((established as CountedContext).disposed, false);
});

Deno.test("SPNEGO: disposes a context whose negotiation fails after the mechanism (CVE-2015-2695)", async () => {
  const made: CountedContext[] = [];
  const onContext = (context: CountedContext) => void made.push(context);
  const { theirs } = await passedOver(countedSides(1, { onContext }));
  await refused(theirs.step(forgeResp({ responseToken: utf8("t1") })), "SPNEGO_NO_MIC");
  const ours = (tokens: number) => spnegoInitiator(countedSides(tokens, { onContext }).initiator).initiate(TARGET);
  const waiting = await ours(1);
  await waiting.step();
  await refused(waiting.step(forgeResp({ negState: RequestMic })), "SPNEGO_NO_MIC");
  const rejected = await ours(2);
  await rejected.step();
  await refused(rejected.step(forgeResp({ negState: Reject, responseToken: utf8("t2") })), "SPNEGO_REJECT", "BAD_MECH");
  assert.deepEqual(made.map(({ disposed }) => disposed), [true, true, true]);
});

Deno.test("dispose(): disposes a waiting context, and none that was returned", async () => {
  const made: CountedContext[] = [];
  const onContext = (context: CountedContext) => void made.push(context);
  const over = { code: "NO_CONTEXT" };
  // The acceptor waits for the initiator's MIC.
  const { theirs } = await passedOver(countedSides(2, { onContext }));
  await theirs.step(forgeResp({ responseToken: utf8("t1") }));
  assert.deepEqual(made.map(({ disposed }) => disposed), [false]);
  theirs.dispose!();
  assert.deepEqual(made.map(({ disposed }) => disposed), [true]);
  const mechListMic = await new CountedContext("initiator", true).getMic(listBytes([OID.negoEx, OID.counted]));
  await assert.rejects(theirs.step(forgeResp({ mechListMic })), over);
  // The initiator is done with its first token, or with its third, and waits for an answer.
  for (const tokens of [1, 3]) {
    const ours = await spnegoInitiator(countedSides(tokens, { onContext }).initiator).initiate(TARGET);
    await ours.step();
    if (tokens === 3) await ours.step(forgeResp({ negState: RequestMic, responseToken: utf8("t2") }));
    assert.equal(made.at(-1)!.disposed, false);
    ours.dispose!();
    assert.ok(made.at(-1)!.disposed, `${tokens} tokens`);
    await assert.rejects(ours.step(forgeResp({ negState: AcceptCompleted })), over);
  }
  assert.equal(made.length, 3);
  // Whoever has the context keeps it.
  const kept = await passedOver(countedSides(2, { onContext }));
  await kept.theirs.step(forgeResp({ responseToken: utf8("t1") }));
  const theirContext = finished(await kept.theirs.step(forgeResp({ mechListMic })));
  const fine = await spnegoInitiator(countedSides(2, { onContext }).initiator).initiate(TARGET);
  await fine.step();
  const ourContext = finished(await fine.step(forgeResp({ negState: AcceptCompleted, responseToken: utf8("t2") })));
  for (const negotiation of [kept.theirs, fine]) negotiation.dispose!();
  for (const context of [theirContext, ourContext]) assert.equal((context as CountedContext).disposed, false);
});

Deno.test("dispose(): disposes the mechanism's negotiation", async () => {
  let disposed = 0;
  const underneath = { step: () => Promise.reject(new Error("not used")), dispose: () => void disposed++ };
  spnegoAcceptor({ mechanism: "1.2.3", accept: () => underneath }).accept().dispose!();
  const initiator = { mechanism: "1.2.3", initiate: () => Promise.resolve(underneath) };
  (await spnegoInitiator(initiator).initiate(TARGET)).dispose!();
  assert.equal(disposed, 2);
});
