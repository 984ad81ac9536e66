/** Every rule of RFC 4178 sections 4 and 5, against tokens that are genuine and break it. */
import assert from "node:assert/strict";
import { concat, utf8 } from "../../../base/bytes.ts";
import type { GssContext } from "../../../gss/context.ts";
import type { GssNegotiation, GssStep } from "../../../gss/negotiation.ts";
import { GssError } from "../../../gss/status.ts";
import { spnegoAcceptor } from "../../../gss/spnego/acceptor.ts";
import { spnegoInitiator } from "../../../gss/spnego/initiator.ts";
import { decodeNegTokenInit, decodeNegTokenResp, NegState, type NegTokenResp } from "../../../gss/spnego/tokens.ts";
import {
  CountedContext,
  countedSides,
  forgedMic,
  forgeInit,
  forgeResp,
  kerberosSides,
  listBytes,
  OID,
  type Sides,
  tlv,
} from "../../support/forge_spnego.ts";
import { unhex } from "../../support/vectors.ts";

const TARGET = { type: "user", text: "x" } as const;
const { AcceptCompleted, AcceptIncomplete, Reject, RequestMic } = NegState;

function answer(step: GssStep): NegTokenResp {
  assert.ok(step.token !== undefined, "there is an answer");
  return decodeNegTokenResp(step.token);
}

async function refused(step: Promise<GssStep>, code: string, major = "DEFECTIVE_TOKEN"): Promise<GssError> {
  const error = await step.then(() => undefined, (error) => error);
  assert.ok(error instanceof GssError, `refused with ${code}, not ${error ?? "taken"}`);
  assert.deepEqual([error.code, error.major], [code, major], error.message);
  return error;
}

function finished(step: GssStep): GssContext {
  assert.ok(step.done, "established");
  return step.context;
}

/** An acceptor that has asked for MICs, since its mechanism is the initiator's second choice. */
async function passedOver(sides: Sides, mechTypes: readonly Uint8Array[] = [OID.negoEx, sides.mechanism]) {
  const theirs = spnegoAcceptor(sides.acceptor).accept();
  // The first token is for the first choice: whatever it is, it is not for our mechanism to read.
  const first = await theirs.step(forgeInit({ mechTypes, mechToken: utf8("t1, of another mechanism") }));
  assert.deepEqual({ ...answer(first), supportedMech: undefined }, { negState: RequestMic, supportedMech: undefined });
  return { theirs, list: listBytes(mechTypes), ours: await sides.initiate() };
}

/** Where the acceptor has sent the mechanism's last token with its MIC, and wants ours. */
async function owingMic(sides: Sides) {
  const { theirs, list, ours } = await passedOver(sides);
  const { token } = await ours.step();
  const { negState, supportedMech, responseToken, mechListMic } = answer(
    await theirs.step(forgeResp({ responseToken: token })),
  );
  assert.deepEqual([negState, supportedMech], [AcceptIncomplete, undefined]);
  const context = finished(await ours.step(responseToken));
  assert.equal(await context.verifyMic(list, mechListMic!), "complete");
  return { theirs, list, context };
}

/** Sides whose last token comes from the acceptor, and from the initiator. */
const EVEN = [
  () => kerberosSides(true),
  () => Promise.resolve(countedSides(2)),
  () => Promise.resolve(countedSides(4)),
];
const ODD = [
  () => kerberosSides(false),
  () => Promise.resolve(countedSides(1)),
  () => Promise.resolve(countedSides(3)),
];
const [KERBEROS_MUTUAL, KERBEROS_ALONE] = [EVEN[0]!, ODD[0]!];

Deno.test("both sides agree for mechanisms of one to six tokens", async () => {
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

Deno.test("5 b, acceptor: where it sends the last token it protects the list and wants the initiator's MIC", async () => {
  for (const make of EVEN.slice(0, 2)) {
    const sides = await make();
    const { theirs, list, context } = await owingMic(sides);
    const last = await theirs.step(forgeResp({ negState: AcceptCompleted, mechListMic: await context.getMic(list) }));
    finished(last);
    assert.equal(last.token, undefined, "the initiator is done and awaits nothing");
  }
});

Deno.test("5 b, acceptor: a MIC that is forged, missing, over something else or not the first is refused with reject", async () => {
  const mechTypes = [OID.negoEx, OID.kerberos];
  const wrong: [string, (context: GssContext, list: Uint8Array) => Promise<Uint8Array | undefined>, string][] = [
    ["forged", async (context, list) => forgedMic(await context.getMic(list)), "SPNEGO_MIC"],
    ["missing", () => Promise.resolve(undefined), "SPNEGO_NO_MIC"],
    ["empty", () => Promise.resolve(new Uint8Array(0)), "SPNEGO_MIC"],
    ["over the list in another order", (context) => context.getMic(listBytes(mechTypes.toReversed())), "SPNEGO_MIC"],
    ["over the list without its first choice", (context) => context.getMic(listBytes([OID.kerberos])), "SPNEGO_MIC"],
    ["over [0] and the list (5 a)", (context, list) => context.getMic(tlv(0xa0, list)), "SPNEGO_MIC"],
    ["of the second signature", async (context, list) => {
      await context.getMic(list);
      return await context.getMic(list);
    }, "SPNEGO_MIC"],
  ];
  for (const [what, mic, code] of wrong) {
    const { theirs, list, context } = await owingMic(await KERBEROS_MUTUAL());
    const error = await refused(theirs.step(forgeResp({ mechListMic: await mic(context, list) })), code);
    assert.equal(decodeNegTokenResp(error.token!).negState, Reject, what);
    await assert.rejects(theirs.step(), { code: "NO_CONTEXT" }, what);
  }
});

Deno.test("5 c, acceptor: the MIC comes with the initiator's last token and is answered with the acceptor's", async () => {
  for (const make of ODD.slice(0, 2)) {
    const { theirs, list, ours } = await passedOver(await make());
    const step = await ours.step();
    const context = finished(step);
    const mechListMic = await context.getMic(list);
    const last = await theirs.step(forgeResp({ responseToken: step.token, mechListMic }));
    finished(last);
    assert.equal(answer(last).negState, AcceptCompleted);
    assert.equal(await context.verifyMic(list, answer(last).mechListMic!), "complete");
  }
});

Deno.test("5 c, acceptor: without a MIC or with a forged one the initiator's last token is refused (II, V)", async () => {
  for (const make of ODD.slice(0, 2)) {
    for (const forged of [true, false]) {
      const { theirs, list, ours } = await passedOver(await make());
      const step = await ours.step();
      const mechListMic = forged ? forgedMic(await finished(step).getMic(list)) : undefined;
      const error = await refused(
        theirs.step(forgeResp({ responseToken: step.token, mechListMic })),
        forged ? "SPNEGO_MIC" : "SPNEGO_NO_MIC",
      );
      assert.equal(decodeNegTokenResp(error.token!).negState, Reject);
    }
  }
});

Deno.test("5 c, acceptor: an optional MIC with the only token is verified and answered, and never passed over", async () => {
  for (const make of [KERBEROS_ALONE, ODD[1]!]) {
    for (const hints of [false, true]) {
      const sides = await make();
      const accept = () => spnegoAcceptor(sides.acceptor).accept();
      const mechTypes = [sides.mechanism, OID.negoEx];
      const first = async (mic: (context: GssContext) => Promise<Uint8Array> | undefined) => {
        const step = await (await sides.initiate()).step();
        const mechListMic = await mic(finished(step));
        const mics = mechListMic === undefined ? {} : { mechListMic };
        return { token: forgeInit({ mechTypes, mechToken: step.token!, hints, ...mics }), context: finished(step) };
      };
      const good = await first((context) => context.getMic(listBytes(mechTypes)));
      const taken = await accept().step(good.token);
      finished(taken);
      assert.equal(answer(taken).negState, AcceptCompleted);
      assert.equal(await good.context.verifyMic(listBytes(mechTypes), answer(taken).mechListMic!), "complete");
      const forged = await first(async (context) => forgedMic(await context.getMic(listBytes(mechTypes))));
      await refused(accept().step(forged.token), "SPNEGO_MIC");
      const without = await first(() => undefined);
      const plain = await accept().step(without.token);
      finished(plain);
      assert.equal(answer(plain).mechListMic, undefined);
    }
  }
});

Deno.test("5, acceptor: a MIC before the initiator can have a context is refused", async () => {
  const mutual = await KERBEROS_MUTUAL();
  const accept = () => spnegoAcceptor(mutual.acceptor).accept();
  const token = async () => (await (await mutual.initiate()).step()).token!;
  const mechListMic = unhex("040400ffffffffff0000000000000000000000000000000000000000");
  // With the token that the acceptor answers with its last one.
  await refused(
    accept().step(forgeInit({ mechTypes: [OID.kerberos], mechToken: await token(), mechListMic })),
    "SPNEGO_MIC",
  );
  const { theirs } = await passedOver(mutual);
  await refused(theirs.step(forgeResp({ responseToken: await token(), mechListMic })), "SPNEGO_MIC");
  // One that would be good, with the token that the acceptor answers with its last one.
  const even = await passedOver(countedSides(2));
  const early = await new CountedContext("initiator", true).getMic(even.list);
  await refused(even.theirs.step(forgeResp({ responseToken: utf8("t1"), mechListMic: early })), "SPNEGO_MIC");
  // With a list whose first choice is not taken, with no token, and with one that another must follow.
  await refused(accept().step(forgeInit({ mechTypes: [OID.negoEx, OID.kerberos], mechListMic })), "SPNEGO_MIC");
  await refused(accept().step(forgeInit({ mechTypes: [OID.kerberos], mechListMic })), "SPNEGO_MIC");
  const long = spnegoAcceptor(countedSides(3).acceptor).accept();
  await refused(
    long.step(forgeInit({ mechTypes: [OID.counted], mechToken: utf8("t1"), mechListMic })),
    "SPNEGO_MIC",
  );
});

Deno.test("5, acceptor: a mechanism that cannot sign is negotiated without MICs", async () => {
  const sides = countedSides(2, { integrity: false });
  const { theirs } = await passedOver(sides);
  const last = await theirs.step(forgeResp({ responseToken: utf8("t1") }));
  finished(last);
  assert.deepEqual(answer(last), { negState: AcceptCompleted, responseToken: utf8("t2") });
  const one = await passedOver(countedSides(1, { integrity: false }));
  const mechListMic = await new CountedContext("initiator", true).getMic(one.list);
  await refused(one.theirs.step(forgeResp({ responseToken: utf8("t1"), mechListMic })), "SPNEGO_MIC");
});

Deno.test("4.2.2, acceptor: what is only the acceptor's to say, a token too few or too many, and reject end it", async () => {
  const cases: [Parameters<typeof forgeResp>[0], string, string?][] = [
    [{ negState: Reject, responseToken: utf8("t1") }, "SPNEGO_REJECT", "FAILURE"],
    [{ negState: RequestMic, responseToken: utf8("t1") }, "SPNEGO_STATE"],
    [{ supportedMech: OID.counted, responseToken: utf8("t1") }, "SPNEGO_MECH"],
    [{ negState: AcceptIncomplete }, "SPNEGO_TOKEN"],
    [{ responseToken: new Uint8Array(0) }, "FAILURE"],
    [{ negState: 4, responseToken: utf8("t1") }, "DEFECTIVE_TOKEN"],
    [{ choice: 0, responseToken: utf8("t1") }, "DEFECTIVE_TOKEN"],
    [{ choice: 2, responseToken: utf8("t1") }, "DEFECTIVE_TOKEN"],
  ];
  for (const [of, code, major] of cases) {
    const { theirs } = await passedOver(countedSides(2));
    const error = await refused(theirs.step(forgeResp(of)), code, major);
    assert.equal(decodeNegTokenResp(error.token!).negState, Reject);
  }
  const { theirs, list, context } = await owingMic(countedSides(2));
  const more = { responseToken: utf8("t3"), mechListMic: await context.getMic(list) };
  await refused(theirs.step(forgeResp(more)), "SPNEGO_TOKEN");
});

Deno.test("a MIC that is the mechanism's token once more is passed over, and stands for none where one is owed", async () => {
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

Deno.test("4.2.1, acceptor: unusual first tokens are read or refused as they should be", async () => {
  const sides = countedSides(2);
  const accept = (token: Uint8Array) => spnegoAcceptor(sides.acceptor).accept().step(token);
  const mechTypes = [OID.counted];
  const [t1, other] = [utf8("t1"), { mechTypes: [OID.counted], mechToken: utf8("t1") }];
  const taken: [string, Uint8Array][] = [
    ["reqFlags of any size are ignored", forgeInit({ ...other, reqFlags: unhex("0780") })],
    ["unknown fields are ignored", forgeInit({ ...other, more: unhex("a9020500") })],
    ["hints of NegTokenInit2 are ignored", forgeInit({ ...other, hints: true })],
    ["lengths in four bytes", forgeInit({ ...other, lengths: "long" })],
    ["hints and lengths in four bytes", forgeInit({ ...other, hints: true, lengths: "long" })],
    ["the same mechanism twice", forgeInit({ ...other, mechTypes: [OID.counted, OID.counted] })],
  ];
  for (const [what, token] of taken) {
    const step = await accept(token);
    finished(step);
    assert.deepEqual(
      answer(step),
      { negState: AcceptCompleted, supportedMech: "1.2.3", responseToken: utf8("t2") },
      what,
    );
  }
  const refusals: [string, Uint8Array, string, string?][] = [
    ["no list", forgeInit({ mechToken: t1 }), "DEFECTIVE_TOKEN"],
    ["an empty list", forgeInit({ mechTypes: [], mechToken: t1 }), "SPNEGO_REJECT", "BAD_MECH"],
    ["NegoEx alone", forgeInit({ mechTypes: [OID.negoEx], mechToken: t1 }), "SPNEGO_REJECT", "BAD_MECH"],
    ["33 mechanisms", forgeInit({ mechTypes: Array(33).fill(OID.counted), mechToken: t1 }), "DEFECTIVE_TOKEN"],
    ["an empty token of the mechanism", forgeInit({ mechTypes, mechToken: new Uint8Array(0) }), "FAILURE"],
    ["a list of something else", forgeInit({ mechTypes: [unhex("020101")], mechToken: t1 }), "DEFECTIVE_TOKEN"],
    ["an unknown choice", forgeInit({ ...other, choice: 2 }), "DEFECTIVE_TOKEN"],
    ["a NegTokenResp", forgeInit({ ...other, choice: 1 }), "DEFECTIVE_TOKEN"],
    ["a MIC that is no OCTET STRING", forgeInit({ ...other, more: unhex("a303020101") }), "DEFECTIVE_TOKEN"],
    [
      "an indefinite length",
      tlv(0x60, concat(OID.spnego, forgeInit({ ...other, lengths: "indefinite" }).subarray(10))),
      "DEFECTIVE_TOKEN",
    ],
    ["nothing behind the identifier (CVE-2021-44758)", tlv(0x60, OID.spnego), "DEFECTIVE_TOKEN"],
    ["an empty choice", tlv(0x60, concat(OID.spnego, unhex("a000"))), "DEFECTIVE_TOKEN"],
  ];
  for (const [what, token, code, major] of refusals) {
    const error = await refused(accept(token), code, major);
    assert.equal(decodeNegTokenResp(error.token!).negState, Reject, what);
  }
  const many = forgeInit({ mechTypes: Array(32).fill(concat(unhex("0640"), new Uint8Array(64).fill(0x7f))) });
  const told = await refused(accept(many), "SPNEGO_REJECT", "BAD_MECH");
  assert.ok(told.message.length < 400 && / and 28 more/.test(told.message), told.message);
  // Without a list nothing says that it is SPNEGO, so that the mechanism refuses it in its own words.
  const unframed = forgeInit({ ...other, lengths: "indefinite" });
  for (const token of [new Uint8Array(0), unhex("60"), forgeResp({ responseToken: t1 }), unframed]) {
    await refused(accept(token), "FAILURE");
  }
});

Deno.test("4.2, acceptor: tokens behind the first have no frame of RFC 2743 around them", async () => {
  const { theirs } = await passedOver(countedSides(2));
  const framed = tlv(0x60, concat(OID.spnego, forgeResp({ responseToken: utf8("t1") })));
  await refused(theirs.step(framed), "DEFECTIVE_TOKEN");
});

Deno.test("lengths that are not DER are taken around the mechanism's token and not in it", async () => {
  const sides = await KERBEROS_MUTUAL();
  const { token } = await (await sides.initiate()).step();
  // The mechanism's frame holds its identifier and the rest: the same bytes behind a length of four bytes.
  const inner = tlv(0x60, token!.subarray(4), "long");
  const mechTypes = [OID.kerberos];
  const accept = (mechToken: Uint8Array) =>
    spnegoAcceptor(sides.acceptor).accept().step(forgeInit({ mechTypes, mechToken, lengths: "long" }));
  await refused(accept(inner), "DEFECTIVE_TOKEN");
  finished(await accept(token!));
});

Deno.test("5 a: MICs are over the list in DER, however its lengths were written", async () => {
  const mechTypes = [OID.negoEx, OID.counted];
  const theirs = spnegoAcceptor(countedSides(2).acceptor).accept();
  await theirs.step(forgeInit({ mechTypes, lengths: "long" }));
  const { mechListMic } = answer(await theirs.step(forgeResp({ responseToken: utf8("t1"), lengths: "long" })));
  const ours = new CountedContext("initiator", true);
  assert.equal(await ours.verifyMic(listBytes(mechTypes), mechListMic!), "complete");
  const mine = await ours.getMic(listBytes(mechTypes));
  finished(await theirs.step(forgeResp({ mechListMic: mine, lengths: "long" })));
});

Deno.test("the identifier that Windows 2000 gave Kerberos is another name of it, and answered as it was offered", async () => {
  const sides = await KERBEROS_MUTUAL();
  const { token } = await (await sides.initiate()).step();
  const mechTypes = [OID.legacyKerberos, OID.kerberos];
  const step = await spnegoAcceptor(sides.acceptor).accept().step(forgeInit({ mechTypes, mechToken: token! }));
  finished(step);
  assert.equal(answer(step).supportedMech, "1.2.840.48018.1.2.2");
  assert.equal(answer(step).negState, AcceptCompleted, "it is the first choice, so that no MIC is wanted");
});

/** Our initiator after its first token, and the acceptor's side of the mechanism. */
async function initiating(sides: Sides): Promise<{ ours: GssNegotiation; first: GssStep }> {
  const ours = await spnegoInitiator(sides.initiator).initiate(TARGET);
  const { token } = await ours.step();
  const { mechTypes, mechToken, mechListMic } = decodeNegTokenInit(token!);
  assert.deepEqual([mechTypes.length, mechListMic], [1, undefined]);
  return { ours, first: await sides.acceptor.accept().step(mechToken) };
}

Deno.test("5 b, initiator: the acceptor's MIC is verified and answered (I), and nothing said where none is owed (III)", async () => {
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

Deno.test("5 b, initiator: a forged MIC (II) and one that is owed and missing (IV) are refused", async () => {
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

Deno.test("5 c, initiator: it sends its MIC with its last token where MICs were asked for, and verifies the answer", async () => {
  const list = listBytes([OID.counted]);
  const acceptor = new CountedContext("acceptor", true);
  const last = async (negState: number) => {
    const { ours } = await initiating(countedSides(3));
    return { ours, sent: answer(await ours.step(forgeResp({ negState, responseToken: utf8("t2") }))) };
  };
  const asked = await last(RequestMic);
  assert.equal(asked.sent.negState, AcceptIncomplete);
  assert.equal(await acceptor.verifyMic(list, asked.sent.mechListMic!), "complete");
  const end = await asked.ours.step(
    forgeResp({ negState: AcceptCompleted, mechListMic: await acceptor.getMic(list) }),
  );
  finished(end);
  assert.equal(end.token, undefined);

  // The answer to a MIC is the end, whatever the acceptor says of its state.
  for (const negState of [{}, { negState: AcceptIncomplete }]) {
    const silent = await last(RequestMic);
    const mechListMic = await new CountedContext("acceptor", true).getMic(list);
    const step = await silent.ours.step(forgeResp({ ...negState, mechListMic }));
    finished(step);
    assert.equal(step.token, undefined);
  }

  const plain = await last(AcceptIncomplete);
  assert.deepEqual(plain.sent, { negState: AcceptIncomplete, responseToken: utf8("t3") });
  finished(await plain.ours.step(forgeResp({ negState: AcceptCompleted })));
  finished(await (await last(AcceptIncomplete)).ours.step(forgeResp({})));

  const good = await new CountedContext("acceptor", true).getMic(list);
  const refusals: [number, Parameters<typeof forgeResp>[0], string][] = [
    [RequestMic, { negState: AcceptCompleted }, "SPNEGO_NO_MIC"],
    [RequestMic, {}, "SPNEGO_NO_MIC"],
    [RequestMic, { negState: AcceptCompleted, mechListMic: forgedMic(good) }, "SPNEGO_MIC"],
    [AcceptIncomplete, { negState: AcceptCompleted, mechListMic: forgedMic(good) }, "SPNEGO_MIC"],
    [AcceptIncomplete, { negState: AcceptIncomplete }, "SPNEGO_STATE"],
    [AcceptIncomplete, { negState: AcceptCompleted, responseToken: utf8("t4") }, "SPNEGO_TOKEN"],
  ];
  for (const [first, of, code] of refusals) await refused((await last(first)).ours.step(forgeResp(of)), code);

  // A MIC that was not asked for, behind the last token: verified, and answered unless the acceptor is done.
  const volunteered = await (await last(AcceptIncomplete)).ours.step(
    forgeResp({ negState: AcceptIncomplete, mechListMic: good }),
  );
  finished(volunteered);
  assert.equal(answer(volunteered).negState, AcceptCompleted);
  const done = await (await last(AcceptIncomplete)).ours.step(
    forgeResp({ negState: AcceptCompleted, mechListMic: good }),
  );
  assert.equal(finished(done) !== undefined && done.token, undefined);
});

Deno.test("5 c IV, initiator: asked for MICs when its only token is out, it wants the acceptor's in that answer", async () => {
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

Deno.test("4.2.2, initiator: states and mechanisms stand where they may, and the mechanism's tokens come as they must", async () => {
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

Deno.test("initiator: Samba's answer with Windows 2000's identifier, and lengths in four bytes, are taken", async () => {
  for (const lengths of ["der", "long"] as const) {
    const { ours, first } = await initiating(await KERBEROS_MUTUAL());
    const answered = { negState: AcceptCompleted, supportedMech: OID.legacyKerberos, responseToken: first.token };
    finished(await ours.step(forgeResp({ ...answered, lengths })));
  }
});

Deno.test("initiator: a mechanism that cannot sign is negotiated without MICs, whatever the acceptor asks for", async () => {
  const sides = countedSides(2, { integrity: false });
  const t2 = { responseToken: utf8("t2") };
  finished(await (await initiating(sides)).ours.step(forgeResp({ negState: RequestMic, ...t2 })));
  const mechListMic = await new CountedContext("acceptor", true).getMic(listBytes([OID.counted]));
  const mic = { negState: AcceptCompleted, ...t2, mechListMic };
  await refused((await initiating(sides)).ours.step(forgeResp(mic)), "SPNEGO_MIC");
});

Deno.test("a context that is not handed out is disposed of, one that is stays its owner's (CVE-2015-2695)", async () => {
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

Deno.test("a negotiation that is given up takes the context along that waits in it, and none that it handed out", async () => {
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

Deno.test("giving up reaches the mechanism underneath", async () => {
  let disposed = 0;
  const underneath = { step: () => Promise.reject(new Error("not used")), dispose: () => void disposed++ };
  spnegoAcceptor({ mechanism: "1.2.3", accept: () => underneath }).accept().dispose!();
  const initiator = { mechanism: "1.2.3", initiate: () => Promise.resolve(underneath) };
  (await spnegoInitiator(initiator).initiate(TARGET)).dispose!();
  assert.equal(disposed, 2);
});
