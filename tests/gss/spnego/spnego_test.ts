/** SPNEGO over a mock mechanism: both sides, MICs over the list, and what is to be refused. */
import assert from "node:assert/strict";
import { utf8 } from "../../../base/bytes.ts";
import type { GssContext } from "../../../gss/context.ts";
import type { GssNegotiation } from "../../../gss/negotiation.ts";
import { GssError } from "../../../gss/status.ts";
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
import { mockMechanism, type MockOptions } from "../../support/mock_mechanism.ts";
import { hex, unhex } from "../../support/vectors.ts";

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

Deno.test("both sides come to a context, whatever the mechanism's legs are", async () => {
  for (const legs of [1, 2, 3]) {
    const { ours, theirs } = await negotiate(await sides({ legs }));
    assert.ok(ours !== undefined && theirs !== undefined, `${legs} legs`);
  }
});

Deno.test("the first token is the one of RFC 4178's ASN.1, byte for byte", async () => {
  const { ours } = await sides();
  const { token } = await ours.step();
  // InitialContextToken, SPNEGO's OID, [0] SEQUENCE { [0] SEQUENCE { OID 1.2.3 }, [2] "i1" }
  assert.equal(
    hex(token!),
    "601a" + "06062b0601050502" + "a010" + "300e" + "a0063004" + "06022a03" + "a2040402" + hex(utf8("i1")).slice(0, 4),
  );
  assert.equal(hex(encodeNegTokenResp({ negState: NegState.Reject })), "a1073005a0030a0102");
});

Deno.test("a token of the mechanism without SPNEGO around it is taken too", async () => {
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

Deno.test("where the first choice is not taken, the list is protected both ways", async () => {
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

Deno.test("what is not offered, not protected or not in its place is refused", async () => {
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

Deno.test("a token with a byte changed, cut or added is read as something else or refused, and never lets hang", async () => {
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
