import assert from "node:assert/strict";
import { concat, utf8 } from "../../../base/bytes.ts";
import type { GssContext } from "../../../gss/context.ts";
import { spnegoAcceptor } from "../../../gss/spnego/acceptor.ts";
import { decodeNegTokenResp, NegState } from "../../../gss/spnego/tokens.ts";
import { forgedMic, forgeInit, forgeResp, listBytes, OID, tlv } from "../../support/forge_spnego.ts";
import { CountedContext, countedSides } from "../../support/counted_mechanism.ts";
import {
  answer,
  EVEN,
  finished,
  KERBEROS_ALONE,
  KERBEROS_MUTUAL,
  ODD,
  owingMic,
  passedOver,
  refused,
} from "../../support/spnego_steps.ts";
import { unhex } from "../../support/vectors.ts";

const { AcceptCompleted, AcceptIncomplete, Reject, RequestMic } = NegState;

Deno.test("acceptor: exchanges MICs with its last token (RFC 4178 section 5 b)", async () => {
  for (const make of EVEN.slice(0, 2)) {
    const sides = await make();
    const { theirs, list, context } = await owingMic(sides);
    const last = await theirs.step(forgeResp({ negState: AcceptCompleted, mechListMic: await context.getMic(list) }));
    finished(last);
    assert.equal(last.token, undefined, "the initiator is done and awaits nothing");
  }
});

Deno.test("acceptor: rejects a forged, missing or misplaced MIC (section 5 b)", async () => {
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

Deno.test("acceptor: answers the MIC of the initiator's last token (section 5 c I)", async () => {
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

Deno.test("acceptor: rejects a last token without a genuine MIC (section 5 c II, V)", async () => {
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

Deno.test("acceptor: verifies and answers an optional MIC (section 5 c)", async () => {
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

Deno.test("acceptor: rejects a MIC before the context is established (section 5)", async () => {
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

Deno.test("acceptor: uses no MIC if the mechanism cannot sign (section 5)", async () => {
  const sides = countedSides(2, { integrity: false });
  const { theirs } = await passedOver(sides);
  const last = await theirs.step(forgeResp({ responseToken: utf8("t1") }));
  finished(last);
  assert.deepEqual(answer(last), { negState: AcceptCompleted, responseToken: utf8("t2") });
  const one = await passedOver(countedSides(1, { integrity: false }));
  const mechListMic = await new CountedContext("initiator", true).getMic(one.list);
  await refused(one.theirs.step(forgeResp({ responseToken: utf8("t1"), mechListMic })), "SPNEGO_MIC");
});

Deno.test("acceptor: rejects states and tokens that are not allowed (section 4.2.2)", async () => {
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

Deno.test("acceptor: reads or rejects unusual first tokens (section 4.2.1)", async () => {
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

Deno.test("acceptor: rejects later tokens in the frame of RFC 2743 (section 4.2)", async () => {
  const { theirs } = await passedOver(countedSides(2));
  const framed = tlv(0x60, concat(OID.spnego, forgeResp({ responseToken: utf8("t1") })));
  await refused(theirs.step(framed), "DEFECTIVE_TOKEN");
});

Deno.test("acceptor: accepts long lengths around the mechanism's token, not in it", async () => {
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

Deno.test("acceptor: signs the list in DER, even if it was sent with long lengths (section 5 a)", async () => {
  const mechTypes = [OID.negoEx, OID.counted];
  const theirs = spnegoAcceptor(countedSides(2).acceptor).accept();
  await theirs.step(forgeInit({ mechTypes, lengths: "long" }));
  const { mechListMic } = answer(await theirs.step(forgeResp({ responseToken: utf8("t1"), lengths: "long" })));
  const ours = new CountedContext("initiator", true);
  assert.equal(await ours.verifyMic(listBytes(mechTypes), mechListMic!), "complete");
  const mine = await ours.getMic(listBytes(mechTypes));
  finished(await theirs.step(forgeResp({ mechListMic: mine, lengths: "long" })));
});

Deno.test("acceptor: accepts the alias of Windows 2000 and answers with it", async () => {
  const sides = await KERBEROS_MUTUAL();
  const { token } = await (await sides.initiate()).step();
  const mechTypes = [OID.legacyKerberos, OID.kerberos];
  const step = await spnegoAcceptor(sides.acceptor).accept().step(forgeInit({ mechTypes, mechToken: token! }));
  finished(step);
  assert.equal(answer(step).supportedMech, "1.2.840.48018.1.2.2");
  assert.equal(answer(step).negState, AcceptCompleted, "it is the first choice, so that no MIC is wanted");
});
