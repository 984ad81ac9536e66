/**
 * Shared steps of SPNEGO tests: negotiations brought to a phase, and checks of what a step returns.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../base/bytes.ts";
import type { GssContext } from "../../gss/context.ts";
import type { GssNegotiation, GssStep } from "../../gss/negotiation.ts";
import { spnegoAcceptor } from "../../gss/spnego/acceptor.ts";
import { spnegoInitiator } from "../../gss/spnego/initiator.ts";
import { decodeNegTokenInit, decodeNegTokenResp, NegState, type NegTokenResp } from "../../gss/spnego/tokens.ts";
import { GssError } from "../../gss/status.ts";
import { forgeInit, forgeResp, kerberosSides, listBytes, OID, type Sides } from "./forge_spnego.ts";
import { countedSides } from "./counted_mechanism.ts";

/** Any name. */
export const TARGET = { type: "user", text: "x" } as const;
const { AcceptIncomplete, RequestMic } = NegState;

/** Decodes the SPNEGO message of a step. */
export function answer(step: GssStep): NegTokenResp {
  assert.ok(step.token !== undefined, "there is an answer");
  return decodeNegTokenResp(step.token);
}

/** Asserts that a step fails with a code. */
export async function refused(step: Promise<GssStep>, code: string, major = "DEFECTIVE_TOKEN"): Promise<GssError> {
  const error = await step.then(() => undefined, (error) => error);
  assert.ok(error instanceof GssError, `refused with ${code}, not ${error ?? "taken"}`);
  assert.deepEqual([error.code, error.major], [code, major], error.message);
  return error;
}

/** Returns the context of the last step. */
export function finished(step: GssStep): GssContext {
  assert.ok(step.done, "established");
  return step.context;
}

/** Returns an acceptor that has requested MICs, because its mechanism is the initiator's second choice. */
export async function passedOver(
  sides: Sides,
  mechTypes: readonly Uint8Array[] = [OID.negoEx, sides.mechanism],
): Promise<{ theirs: GssNegotiation; ours: GssNegotiation; list: Bytes }> {
  const theirs = spnegoAcceptor(sides.acceptor).accept();
  // The first token belongs to the first choice, so this mechanism does not read it.
  const first = await theirs.step(forgeInit({ mechTypes, mechToken: utf8("t1, of another mechanism") }));
  assert.deepEqual({ ...answer(first), supportedMech: undefined }, { negState: RequestMic, supportedMech: undefined });
  return { theirs, list: listBytes(mechTypes), ours: await sides.initiate() };
}

/** Returns an acceptor that has sent the last mechanism token with its MIC, and waits for the initiator's. */
export async function owingMic(
  sides: Sides,
): Promise<{ theirs: GssNegotiation; list: Bytes; context: GssContext }> {
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

/** Mechanisms whose last token the acceptor sends. */
export const EVEN: (() => Promise<Sides>)[] = [
  () => kerberosSides(true),
  () => Promise.resolve(countedSides(2)),
  () => Promise.resolve(countedSides(4)),
];
export const ODD: (() => Promise<Sides>)[] = [
  () => kerberosSides(false),
  () => Promise.resolve(countedSides(1)),
  () => Promise.resolve(countedSides(3)),
];
/** Kerberos with mutual authentication, and without. */
export const KERBEROS_MUTUAL: () => Promise<Sides> = EVEN[0]!;
export const KERBEROS_ALONE: () => Promise<Sides> = ODD[0]!;

/** Returns an initiator after its first token, and the acceptor of the mechanism. */
export async function initiating(sides: Sides): Promise<{ ours: GssNegotiation; first: GssStep }> {
  const ours = await spnegoInitiator(sides.initiator).initiate(TARGET);
  const { token } = await ours.step();
  const { mechTypes, mechToken, mechListMic } = decodeNegTokenInit(token!);
  assert.deepEqual([mechTypes.length, mechListMic], [1, undefined]);
  return { ours, first: await sides.acceptor.accept().step(mechToken) };
}
