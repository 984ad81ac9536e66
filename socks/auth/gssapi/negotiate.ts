/**
 * Establishes a security context by exchanging its tokens in frames (RFC 1961 sections 3.3 to 3.7).
 *
 * @module
 */
import { type Bytes, EMPTY } from "../../../base/bytes.ts";
import type { GssContext } from "../../../gss/context.ts";
import type { GssNegotiation, GssStep } from "../../../gss/negotiation.ts";
import { GssError } from "../../../gss/status.ts";
import { SocksAuthError, SocksProtocolError } from "../../errors.ts";
import { FrameType } from "../../wire/gssapi.ts";
import type { GssapiFrames } from "./frames.ts";

/** Most tokens from the peer. Kerberos takes one or two, SPNEGO a few more. */
const MAX_LEGS = 16;

/** Called when the context is established, before the last token is sent. The callee disposes of the context. */
type OnContext = (context: GssContext) => void;

/** The initiator's side (RFC 1961 section 3.3). An empty frame from the acceptor means that it has nothing to add (section 3.6). */
export async function initiateContext(
  frames: GssapiFrames,
  negotiation: GssNegotiation,
  onContext: OnContext,
): Promise<void> {
  await orDispose(negotiation, initiate(frames, negotiation, onContext));
}

async function initiate(frames: GssapiFrames, negotiation: GssNegotiation, onContext: OnContext): Promise<void> {
  let step = await stepOf(frames, negotiation, undefined);
  for (let legs = 0; legs < MAX_LEGS; legs++) {
    if (step.done) onContext(step.context);
    if (step.token !== undefined) await frames.send(FrameType.Authentication, step.token);
    if (step.done) {
      if (step.token !== undefined) await receiveEmpty(frames);
      return;
    }
    step = await stepOf(frames, negotiation, await frames.receive(FrameType.Authentication));
  }
  throw tooManyLegs();
}

/** The acceptor answers the initiator's last token with an empty frame (RFC 1961 section 3.6). */
async function receiveEmpty(frames: GssapiFrames): Promise<void> {
  const token = await frames.receive(FrameType.Authentication);
  if (token.length > 0) {
    throw new SocksProtocolError("UNEXPECTED_MESSAGE", "Peer sent a token although the context is established");
  }
}

/** The acceptor's side (RFC 1961 section 3.6). It answers each token, the last one with an empty frame if there is no token. */
export async function acceptContext(
  frames: GssapiFrames,
  negotiation: GssNegotiation,
  onContext: OnContext,
): Promise<void> {
  await orDispose(negotiation, accept(frames, negotiation, onContext));
}

async function accept(frames: GssapiFrames, negotiation: GssNegotiation, onContext: OnContext): Promise<void> {
  for (let legs = 0; legs < MAX_LEGS; legs++) {
    const token = await frames.receive(FrameType.Authentication);
    const step = await frames.whileClientStays(() => stepOf(frames, negotiation, token));
    if (step.done) onContext(step.context);
    await frames.send(FrameType.Authentication, step.token ?? EMPTY);
    if (step.done) return;
  }
  throw tooManyLegs();
}

/** Takes one step. A failed step may leave an error token, which is sent (RFC 7546 sections 3.2 and 3.5). */
async function stepOf(frames: GssapiFrames, negotiation: GssNegotiation, token: Bytes | undefined): Promise<GssStep> {
  try {
    return await negotiation.step(token);
  } catch (error) {
    if (error instanceof GssError && error.token !== undefined) {
      await frames.send(FrameType.Authentication, error.token).catch(() => {});
    }
    throw error;
  }
}

/** A negotiation that fails may hold a context already. */
async function orDispose(negotiation: GssNegotiation, legs: Promise<void>): Promise<void> {
  try {
    await legs;
  } catch (error) {
    negotiation.dispose?.();
    throw error;
  }
}

function tooManyLegs(): SocksAuthError {
  return new SocksAuthError("TOO_MANY_LEGS", `GSS-API authentication is not done after ${MAX_LEGS} tokens of the peer`);
}
