/**
 * The initiating side of SPNEGO (RFC 4178) over one mechanism. The mechanism's first token is sent with the offer.
 *
 * @module
 */
import { type Bytes, copyBytes, EMPTY } from "../../base/bytes.ts";
import type { GssContext } from "../context.ts";
import type { GssInitiatorCredential } from "../credential.ts";
import type { GssNegotiation, GssStep } from "../negotiation.ts";
import { canonicalMechanism, SPNEGO_OID } from "../oids.ts";
import { asGssError, negotiationIsOver, spnegoError } from "./errors.ts";
import { micAction, type MicExchange, type MicSituation, refuseEarlyMic, type Role } from "./mic_rules.ts";
import {
  decodeNegTokenResp,
  encodeNegTokenInit,
  encodeNegTokenResp,
  mechListBytes,
  NegState,
  type NegTokenResp,
} from "./tokens.ts";

/**
 * Starts contexts of a mechanism with SPNEGO around them (RFC 4178). Only this mechanism is offered. MICs over the list are sent if
 * the acceptor requests them, and always verified. The `GssError` of a refused step has the mechanism's code, `DEFECTIVE_TOKEN`
 * or a `SpnegoErrorCode`.
 *
 * @param credential The mechanism's credential.
 *
 * @example
 * ```ts
 * import { spnegoInitiator } from "@gssocks/gssocks/gss";
 * import { KerberosInitiatorCredential, systemTickets } from "@gssocks/gssocks/kerberos";
 *
 * export function credential(): ReturnType<typeof spnegoInitiator> {
 *   return spnegoInitiator(new KerberosInitiatorCredential(systemTickets()));
 * }
 * ```
 */
export function spnegoInitiator(credential: GssInitiatorCredential): GssInitiatorCredential {
  return {
    mechanism: SPNEGO_OID,
    initiate: async (target, options) =>
      new SpnegoInitiator(credential.mechanism, await credential.initiate(target, options)),
  };
}

/** A context that is established, but not given to the caller yet. */
interface Established {
  readonly context: GssContext;
  /** The side that sent the mechanism's last token. */
  readonly last: Role;
}

/** Phase of a negotiation. */
type Phase =
  /** Nothing was sent. */
  | { readonly at: "start" }
  /** The offer was sent. The context is established already if the mechanism has only one token. */
  | { readonly at: "offer"; readonly established: Established | undefined }
  /** The mechanism's tokens are exchanged. */
  | { readonly at: "mechanism"; readonly micRequested: boolean }
  /** The mechanism's last token was sent, and the acceptor's answer is awaited. */
  | {
    readonly at: "last token";
    readonly established: Established;
    readonly micRequested: boolean;
    readonly micSent: boolean;
  }
  /** The negotiation is complete, or has failed. */
  | { readonly at: "over" };

/** Phases in which the acceptor's answer is awaited. */
type Waiting = Exclude<Phase, { at: "start" | "over" }>;

const OVER: Phase = { at: "over" };

/** Result of a step: the next phase, and what the caller gets. */
interface Advance {
  readonly phase: Phase;
  readonly step: GssStep;
}

class SpnegoInitiator implements GssNegotiation {
  readonly #mechanism: string;
  readonly #inner: GssNegotiation;
  /** Bytes that a MIC is over. */
  readonly #list: Bytes;
  #phase: Phase = { at: "start" };

  constructor(mechanism: string, inner: GssNegotiation) {
    this.#mechanism = mechanism;
    this.#inner = inner;
    this.#list = mechListBytes([mechanism]);
  }

  async step(given?: Uint8Array): Promise<GssStep> {
    const token = given === undefined ? undefined : copyBytes(given, "step with");
    const phase = this.#phase;
    this.#phase = OVER;
    if (phase.at === "over") throw negotiationIsOver();
    try {
      const advance = phase.at === "start"
        ? await this.#begin()
        : await this.#advance(phase, decodeNegTokenResp(token ?? EMPTY));
      this.#phase = advance.phase;
      return advance.step;
    } catch (error) {
      disposeContext(phase);
      this.#inner.dispose?.();
      throw asGssError(error);
    }
  }

  dispose(): void {
    disposeContext(this.#phase);
    this.#phase = OVER;
    this.#inner.dispose?.();
  }

  async #begin(): Promise<Advance> {
    const step = await this.#inner.step();
    const established = step.done ? { context: step.context, last: lastSender(step.token) } : undefined;
    const token = encodeNegTokenInit({ mechTypes: [this.#mechanism], mechToken: step.token });
    return { phase: { at: "offer", established }, step: { done: false, token } };
  }

  async #advance(phase: Waiting, answer: NegTokenResp): Promise<Advance> {
    if (answer.negState === NegState.Reject) return await this.#rejected(phase, answer);
    this.#checkAnswer(answer, phase.at === "offer");
    const micRequested = phase.at === "offer" ? answer.negState === NegState.RequestMic : phase.micRequested;
    const established = phase.at === "mechanism" ? undefined : phase.established;
    const { responseToken } = answer;
    const hasToken = responseToken !== undefined && responseToken.length > 0;
    if (established !== undefined) {
      if (hasToken) {
        throw spnegoError("Acceptor sent a token after the mechanism's last one", "DEFECTIVE_TOKEN", "SPNEGO_TOKEN");
      }
      const sent = phase.at === "last token" && phase.micSent;
      return await this.#protect(established, answer, { micRequested, sent, sending: false });
    }
    if (!hasToken) throw spnegoError("Acceptor sent no token of the mechanism", "DEFECTIVE_TOKEN", "SPNEGO_TOKEN");
    return await this.#stepMechanism(responseToken, answer, micRequested);
  }

  async #stepMechanism(mechToken: Bytes, answer: NegTokenResp, micRequested: boolean): Promise<Advance> {
    const step = await this.#inner.step(mechToken);
    const last = lastSender(step.token);
    const sending = !step.done || last === "initiator";
    try {
      if (sending && answer.negState === NegState.AcceptCompleted) {
        throw spnegoError("Acceptor completed before the mechanism did", "DEFECTIVE_TOKEN", "SPNEGO_STATE");
      }
      if (step.done) {
        const established = { context: step.context, last };
        return await this.#protect(established, answer, { micRequested, sent: false, sending }, step.token);
      }
      refuseEarlyMic(answer.mechListMic, "initiator");
    } catch (error) {
      if (step.done) step.context.dispose();
      throw error;
    }
    const token = encodeNegTokenResp({ responseToken: step.token });
    return { phase: { at: "mechanism", micRequested }, step: { done: false, token } };
  }

  /** Applies section 5 when the mechanism has established the context. */
  async #protect(
    established: Established,
    { negState, mechListMic }: NegTokenResp,
    { micRequested, sent, sending }: Pick<MicSituation, "sent" | "sending"> & { readonly micRequested: boolean },
    responseToken?: Bytes,
  ): Promise<Advance> {
    const { context, last } = established;
    const exchange: MicExchange = !context.flags.integrity ? "forbidden" : micRequested ? "required" : "optional";
    const peer = negState === NegState.AcceptCompleted ? "done" : negState === undefined ? "silent" : "waiting";
    const action = await micAction(
      { role: "initiator", last, sending, exchange, sent, peer },
      { context, list: this.#list, mic: mechListMic },
    );
    const waiting = action.then === "wait";
    if (!waiting && !action.sendMic) return { phase: OVER, step: { done: true, context } };
    const token = encodeNegTokenResp({
      negState: waiting ? NegState.AcceptIncomplete : NegState.AcceptCompleted,
      responseToken,
      mechListMic: action.sendMic ? await context.getMic(this.#list) : undefined,
    });
    return waiting
      ? {
        phase: { at: "last token", established, micRequested, micSent: action.sendMic },
        step: { done: false, token },
      }
      : { phase: OVER, step: { done: true, token, context } };
  }

  /** Checks what may stand in the acceptor's first answer only (RFC 4178 section 4.2.2). */
  #checkAnswer({ negState, supportedMech }: NegTokenResp, first: boolean): void {
    if (first && negState === undefined) {
      throw spnegoError("Acceptor's first answer has no state", "DEFECTIVE_TOKEN", "SPNEGO_STATE");
    }
    if (negState === NegState.RequestMic && !first) {
      throw spnegoError("Acceptor sent request-mic after its first answer", "DEFECTIVE_TOKEN", "SPNEGO_STATE");
    }
    if (supportedMech === undefined) return;
    if (!first) {
      throw spnegoError("Acceptor named a mechanism after its first answer", "DEFECTIVE_TOKEN", "SPNEGO_MECH");
    }
    if (canonicalMechanism(supportedMech) !== this.#mechanism) {
      throw spnegoError(`Acceptor chose ${supportedMech}, which was not offered`, "BAD_MECH", "SPNEGO_MECH");
    }
  }

  /** A rejection may carry a token of the mechanism, whose step then throws a more precise error. */
  async #rejected(phase: Waiting, { responseToken }: NegTokenResp): Promise<never> {
    const established = phase.at === "mechanism" ? undefined : phase.established;
    if (responseToken !== undefined && established === undefined) {
      const step = await this.#inner.step(responseToken);
      if (step.done) step.context.dispose();
    }
    throw spnegoError("Acceptor rejected the mechanism", "BAD_MECH", "SPNEGO_REJECT");
  }
}

/** The side that sent the mechanism's last token, by the token of this side's last step. */
function lastSender(token: Bytes | undefined): Role {
  return token !== undefined && token.length > 0 ? "initiator" : "acceptor";
}

/** Disposes a context that was not given to the caller. */
function disposeContext(phase: Phase): void {
  if (phase.at === "offer" || phase.at === "last token") phase.established?.context.dispose();
}
