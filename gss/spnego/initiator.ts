/**
 * The initiating side of SPNEGO (RFC 4178) over one mechanism, whose first token goes along at once.
 *
 * @module
 */
import { type Bytes, copyBytes } from "../../base/bytes.ts";
import type { GssContext } from "../context.ts";
import type { GssInitiatorCredential } from "../credential.ts";
import type { GssNegotiation, GssStep } from "../negotiation.ts";
import { asGssError, negotiationIsOver } from "./acceptor.ts";
import { micError, type MicExchange, micStep, spnegoError, type Standing } from "./mic_rules.ts";
import { canonicalMechanism, SPNEGO_OID } from "../oids.ts";
import {
  decodeNegTokenResp,
  encodeNegTokenInit,
  encodeNegTokenResp,
  mechListBytes,
  NegState,
  type NegTokenResp,
} from "./tokens.ts";

/**
 * Starts contexts of a mechanism with SPNEGO around them (RFC 4178), for peers that ask for it. The mechanism is the only one that
 * is offered. MICs over the list are sent where the acceptor asks for them, and verified wherever they come; what a step refuses is
 * a `GssError` whose code is the mechanism's, `DEFECTIVE_TOKEN`, or one of `SpnegoErrorCode`'s.
 *
 * @param credential The mechanism's credentials, of which every context is made.
 */
export function spnegoInitiator(credential: GssInitiatorCredential): GssInitiatorCredential {
  return {
    mechanism: SPNEGO_OID,
    initiate: async (target, options) =>
      new SpnegoInitiator(credential.mechanism, await credential.initiate(target, options)),
  };
}

class SpnegoInitiator implements GssNegotiation {
  readonly #mechanism: string;
  readonly #inner: GssNegotiation;
  readonly #list: Bytes;
  #state: "start" | "first" | "going" | "over" = "start";
  #context: GssContext | undefined;
  /** Who sent the mechanism's last token, once the context stands. */
  #last: "initiator" | "acceptor" = "acceptor";
  /** Whether the acceptor's first answer asked for MICs. */
  #micRequested = false;
  /** Whether this side's MIC has gone out. */
  #micSent = false;

  constructor(mechanism: string, inner: GssNegotiation) {
    this.#mechanism = mechanism;
    this.#inner = inner;
    this.#list = mechListBytes([mechanism]);
  }

  async step(given?: Uint8Array): Promise<GssStep> {
    const token = given === undefined ? undefined : copyBytes(given, "step with");
    const state = this.#state;
    this.#state = "over";
    if (state === "over") throw negotiationIsOver();
    try {
      if (state === "start") return await this.#begin();
      const answer = decodeNegTokenResp(token ?? new Uint8Array(0));
      // A rejection may say why in a token of the mechanism, which throws better than could be done here.
      if (answer.negState === NegState.Reject) return await this.#rejected(answer);
      this.#checkAnswer(answer, state === "first");
      return await this.#goOn(answer);
    } catch (error) {
      this.#context?.dispose();
      this.#inner.dispose?.();
      throw asGssError(error);
    }
  }

  /** A context that waits for the acceptor's answer to the list is nobody's yet. */
  dispose(): void {
    if (this.#state !== "over") this.#context?.dispose();
    this.#state = "over";
    this.#inner.dispose?.();
  }

  async #begin(): Promise<GssStep> {
    const mechToken = await this.#stepMechanism(undefined);
    this.#state = "first";
    return { done: false, token: encodeNegTokenInit({ mechTypes: [this.#mechanism], mechToken }) };
  }

  async #stepMechanism(token: Bytes | undefined): Promise<Bytes | undefined> {
    const step = await this.#inner.step(token);
    if (step.done) {
      this.#context = step.context;
      this.#last = step.token !== undefined && step.token.length > 0 ? "initiator" : "acceptor";
    }
    return step.token;
  }

  async #rejected({ responseToken }: NegTokenResp): Promise<never> {
    if (responseToken !== undefined && this.#context === undefined) await this.#stepMechanism(responseToken);
    throw spnegoError("Acceptor rejected the mechanism", "BAD_MECH", "SPNEGO_REJECT");
  }

  /** RFC 4178 section 4.2.2: what stands in the first answer, and only there. */
  #checkAnswer({ negState, supportedMech }: NegTokenResp, first: boolean): void {
    if (first && negState === undefined) {
      throw spnegoError("Acceptor's first answer has no state", "DEFECTIVE_TOKEN", "SPNEGO_STATE");
    }
    if (negState === NegState.RequestMic) {
      if (!first) {
        throw spnegoError("Acceptor sent request-mic behind its first answer", "DEFECTIVE_TOKEN", "SPNEGO_STATE");
      }
      this.#micRequested = true;
    }
    if (supportedMech === undefined) return;
    if (!first) {
      throw spnegoError("Acceptor named a mechanism behind its first answer", "DEFECTIVE_TOKEN", "SPNEGO_MECH");
    }
    if (canonicalMechanism(supportedMech) !== this.#mechanism) {
      throw spnegoError(`Acceptor took ${supportedMech}, which was not offered`, "BAD_MECH", "SPNEGO_MECH");
    }
  }

  async #goOn({ negState, responseToken, mechListMic }: NegTokenResp): Promise<GssStep> {
    const stood = this.#context !== undefined;
    const empty = responseToken === undefined || responseToken.length === 0;
    if (stood !== empty) {
      const problem = stood ? "sent a token to a context that stands" : "sent no token of the mechanism";
      throw spnegoError(`Acceptor ${problem}`, "DEFECTIVE_TOKEN", "SPNEGO_TOKEN");
    }
    const token = stood ? undefined : await this.#stepMechanism(responseToken);
    const context = this.#context;
    const done = negState === NegState.AcceptCompleted;
    const sending = !stood && (context === undefined || this.#last === "initiator");
    if (sending && done) {
      throw spnegoError("Acceptor is done before the mechanism is", "DEFECTIVE_TOKEN", "SPNEGO_STATE");
    }
    if (context !== undefined) {
      const peer = done ? "done" : negState === undefined ? "silent" : "waiting";
      return await this.#protect(context, token, mechListMic, { sending, peer });
    }
    if (mechListMic !== undefined) throw micError("misplaced MIC", "Acceptor");
    this.#state = "going";
    return { done: false, token: encodeNegTokenResp({ responseToken: token }) };
  }

  /** The mechanism is done: what section 5 says of the list. */
  async #protect(
    context: GssContext,
    responseToken: Bytes | undefined,
    mechListMic: Bytes | undefined,
    { sending, peer }: Pick<Standing, "sending" | "peer">,
  ): Promise<GssStep> {
    const exchange: MicExchange = !context.flags.integrity ? "forbidden" : this.#micRequested ? "required" : "optional";
    const next = await micStep(
      { role: "initiator", last: this.#last, sending, exchange, sent: this.#micSent, peer },
      { context, list: this.#list, mic: mechListMic },
    );
    if (next === "finish") return { done: true, context };
    const mic = next.endsWith("with MIC") ? { mechListMic: await context.getMic(this.#list) } : {};
    const finished = next === "finish with MIC";
    const negState = finished ? NegState.AcceptCompleted : NegState.AcceptIncomplete;
    const token = encodeNegTokenResp({ negState, responseToken, ...mic });
    if (finished) return { done: true, token, context };
    this.#micSent = mic.mechListMic !== undefined;
    this.#state = "going";
    return { done: false, token };
  }
}
