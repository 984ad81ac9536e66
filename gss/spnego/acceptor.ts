/**
 * The accepting side of SPNEGO (RFC 4178) over one mechanism. Tokens of the mechanism without SPNEGO around them are accepted too.
 * Not implemented: NegoEx, and the hints that old servers send first.
 *
 * @module
 */
import { type Bytes, copyBytes, EMPTY } from "../../base/bytes.ts";
import { shortened } from "../../base/printable.ts";
import type { GssContext } from "../context.ts";
import type { AcceptOptions, GssAcceptorCredential } from "../credential.ts";
import type { GssNegotiation, GssStep } from "../negotiation.ts";
import { canonicalMechanism, SPNEGO_OID } from "../oids.ts";
import { GssError, withToken } from "../status.ts";
import { asGssError, negotiationIsOver, spnegoError } from "./errors.ts";
import { micAction, type MicExchange, refuseEarlyMic } from "./mic_rules.ts";
import {
  decodeNegTokenInit,
  decodeNegTokenResp,
  encodeNegTokenResp,
  isSpnego,
  mechListBytes,
  NegState,
  type NegTokenResp,
} from "./tokens.ts";

/**
 * Accepts contexts of a mechanism, with SPNEGO around them (RFC 4178) or without. If the mechanism is not the initiator's first
 * choice, both sides must protect the list of mechanisms with a MIC (section 5). The `GssError` of a refused step has the
 * mechanism's code, `DEFECTIVE_TOKEN` or a `SpnegoErrorCode`, and a rejection as its token.
 *
 * @param credential The mechanism's credential.
 *
 * @example
 * ```ts
 * import { type GssAcceptorCredential, SPNEGO_OID, spnegoAcceptor } from "@gssocks/gssocks/gss";
 *
 * export function negotiating(mechanism: GssAcceptorCredential): GssAcceptorCredential {
 *   const credential = spnegoAcceptor(mechanism);
 *   if (credential.mechanism !== SPNEGO_OID) throw new Error(credential.mechanism);
 *   return credential;
 * }
 * ```
 */
export function spnegoAcceptor(credential: GssAcceptorCredential): GssAcceptorCredential {
  return {
    mechanism: SPNEGO_OID,
    accept: (options) => new SpnegoAcceptor(credential, options),
  };
}

/** Number of mechanisms of a list that a message names. */
const LISTED = 4;

/** The initiator's list of mechanisms. */
interface Offer {
  /** Bytes that a MIC is over. */
  readonly list: Bytes;
  /** Whether the accepted mechanism is the initiator's first choice. If not, an attacker may have changed the list. */
  readonly firstChoice: boolean;
}

/** Phase of a negotiation. */
type Phase =
  /** No token was received. */
  | { readonly at: "start" }
  /** The initiator uses the mechanism without SPNEGO. */
  | { readonly at: "bare" }
  /** The mechanism's tokens are exchanged. */
  | { readonly at: "mechanism"; readonly offer: Offer }
  /** The context is established, and the initiator's MIC is awaited. */
  | { readonly at: "mic"; readonly offer: Offer; readonly context: GssContext }
  /** The negotiation is complete, or has failed. */
  | { readonly at: "over" };

const OVER: Phase = { at: "over" };

/** Result of a step: the next phase, and what the caller gets. */
interface Advance {
  readonly phase: Phase;
  readonly step: GssStep;
}

/** A message that carries a token of the mechanism, and the mechanism to name in the answer. */
type MechanismMessage = Pick<NegTokenResp, "responseToken" | "mechListMic" | "supportedMech">;

class SpnegoAcceptor implements GssNegotiation {
  readonly #mechanism: string;
  readonly #inner: GssNegotiation;
  #phase: Phase = { at: "start" };

  constructor(credential: GssAcceptorCredential, options: AcceptOptions | undefined) {
    this.#mechanism = credential.mechanism;
    this.#inner = credential.accept(options);
  }

  async step(given?: Uint8Array): Promise<GssStep> {
    const token = given === undefined ? undefined : copyBytes(given, "step with");
    const phase = this.#phase;
    this.#phase = OVER;
    if (phase.at === "over") throw negotiationIsOver();
    if (phase.at === "bare" || (phase.at === "start" && (token === undefined || !isSpnego(token)))) {
      this.#phase = { at: "bare" };
      return await this.#inner.step(token);
    }
    try {
      const advance = await this.#advance(phase, token ?? EMPTY);
      this.#phase = advance.phase;
      return advance.step;
    } catch (error) {
      if (phase.at === "mic") phase.context.dispose();
      this.#inner.dispose?.();
      throw rejected(asGssError(error));
    }
  }

  dispose(): void {
    if (this.#phase.at === "mic") this.#phase.context.dispose();
    this.#phase = OVER;
    this.#inner.dispose?.();
  }

  async #advance(phase: Exclude<Phase, { at: "bare" | "over" }>, token: Bytes): Promise<Advance> {
    if (phase.at === "start") return await this.#begin(token);
    const answer = decodeNegTokenResp(token);
    checkAnswer(answer);
    return phase.at === "mic"
      ? await finish(answer, phase.offer, phase.context)
      : await this.#stepMechanism(answer, phase.offer);
  }

  async #begin(token: Bytes): Promise<Advance> {
    const { mechTypes, mechToken, mechListMic } = decodeNegTokenInit(token);
    const accepted = mechTypes.findIndex((type) => canonicalMechanism(type) === this.#mechanism);
    const supportedMech = mechTypes[accepted];
    if (supportedMech === undefined) {
      const problem = `Initiator offers ${listed(mechTypes)}, but ${this.#mechanism} is required`;
      throw spnegoError(problem, "BAD_MECH", "SPNEGO_REJECT");
    }
    const offer = { list: mechListBytes(mechTypes), firstChoice: accepted === 0 };
    // The first token belongs to the initiator's first choice.
    if (offer.firstChoice && mechToken !== undefined) {
      return await this.#stepMechanism({ responseToken: mechToken, mechListMic, supportedMech }, offer);
    }
    refuseEarlyMic(mechListMic, "acceptor");
    const negState = offer.firstChoice ? NegState.AcceptIncomplete : NegState.RequestMic;
    return {
      phase: { at: "mechanism", offer },
      step: { done: false, token: encodeNegTokenResp({ negState, supportedMech }) },
    };
  }

  async #stepMechanism(message: MechanismMessage, offer: Offer): Promise<Advance> {
    const { responseToken: mechToken, mechListMic, supportedMech } = message;
    if (mechToken === undefined) {
      throw spnegoError("Initiator sent no token of the mechanism", "DEFECTIVE_TOKEN", "SPNEGO_TOKEN");
    }
    const step = await this.#inner.step(mechToken);
    if (step.done) {
      try {
        return await protect(step.context, offer, { responseToken: step.token, mechListMic, supportedMech });
      } catch (error) {
        step.context.dispose();
        throw error;
      }
    }
    refuseEarlyMic(mechListMic, "acceptor");
    const answer = { negState: NegState.AcceptIncomplete, supportedMech, responseToken: step.token };
    return { phase: { at: "mechanism", offer }, step: { done: false, token: encodeNegTokenResp(answer) } };
  }
}

/** Applies section 5 when the mechanism has established the context. */
async function protect(
  context: GssContext,
  offer: Offer,
  { responseToken, mechListMic, supportedMech }: MechanismMessage,
): Promise<Advance> {
  const { list, firstChoice } = offer;
  const sending = responseToken !== undefined && responseToken.length > 0;
  const exchange: MicExchange = !context.flags.integrity ? "forbidden" : firstChoice ? "optional" : "required";
  const last = sending ? "acceptor" : "initiator";
  const action = await micAction(
    { role: "acceptor", last, sending, exchange, sent: false, peer: "silent" },
    { context, list, mic: mechListMic },
  );
  const waiting = action.then === "wait";
  const token = encodeNegTokenResp({
    negState: waiting ? NegState.AcceptIncomplete : NegState.AcceptCompleted,
    supportedMech,
    responseToken,
    mechListMic: action.sendMic ? await context.getMic(list) : undefined,
  });
  return waiting
    ? { phase: { at: "mic", offer, context }, step: { done: false, token } }
    : { phase: OVER, step: { done: true, token, context } };
}

/** Takes the initiator's MIC, which answers the acceptor's. */
async function finish(answer: NegTokenResp, { list }: Offer, context: GssContext): Promise<Advance> {
  const { responseToken, mechListMic } = answer;
  if (responseToken !== undefined && responseToken.length > 0) {
    throw spnegoError("Initiator sent a token after the mechanism's last one", "DEFECTIVE_TOKEN", "SPNEGO_TOKEN");
  }
  await micAction(
    { role: "acceptor", last: "acceptor", sending: false, exchange: "required", sent: true, peer: "silent" },
    { context, list, mic: mechListMic },
  );
  return { phase: OVER, step: { done: true, context } };
}

/** The first mechanisms of a list, for messages: a stranger must not fill the log. */
function listed(mechTypes: readonly string[]): string {
  const more = mechTypes.length - LISTED;
  const names = mechTypes.slice(0, LISTED).map((name) => shortened(name, 64));
  return (names.join(", ") || "no mechanism") + (more > 0 ? ` and ${more} more` : "");
}

/** Refuses what only an acceptor may send (RFC 4178 section 4.2.2). */
function checkAnswer({ negState, supportedMech }: NegTokenResp): void {
  if (negState === NegState.Reject) {
    throw spnegoError("Initiator rejected the negotiation", "FAILURE", "SPNEGO_REJECT");
  }
  if (negState === NegState.RequestMic) {
    throw spnegoError("Initiator sent request-mic, as only an acceptor may", "DEFECTIVE_TOKEN", "SPNEGO_STATE");
  }
  if (supportedMech !== undefined) {
    throw spnegoError("Initiator named a mechanism, as only an acceptor may", "DEFECTIVE_TOKEN", "SPNEGO_MECH");
  }
}

/** Returns the error with a rejection as its token, which carries the error's own token if it has one. */
function rejected(error: unknown): unknown {
  if (!(error instanceof GssError)) return error;
  return withToken(error, encodeNegTokenResp({ negState: NegState.Reject, responseToken: error.token }));
}
