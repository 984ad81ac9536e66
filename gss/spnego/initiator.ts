/**
 * The initiating side of SPNEGO (RFC 4178) over one mechanism, whose first token goes along at once.
 *
 * @module
 */
import type { Bytes } from "../bytes.ts";
import type { GssContext, GssInitiatorCredential, GssNegotiation, GssStep } from "../mechanism.ts";
import { GssError } from "../status.ts";
import { asGssError } from "./acceptor.ts";
import {
  decodeNegTokenResp,
  encodeNegTokenInit,
  encodeNegTokenResp,
  mechListOctets,
  NegState,
  type NegTokenResp,
  SPNEGO_OID,
} from "./tokens.ts";

/** Starts contexts of a mechanism with SPNEGO around them, for peers that ask for it. */
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
  #state: "start" | "going" | "over" = "start";
  #context: GssContext | undefined;

  constructor(mechanism: string, inner: GssNegotiation) {
    this.#mechanism = mechanism;
    this.#inner = inner;
    this.#list = mechListOctets([mechanism]);
  }

  async step(token?: Uint8Array): Promise<GssStep> {
    const state = this.#state;
    this.#state = "over";
    try {
      if (state === "start") return await this.#begin();
      if (state === "going") return await this.#goOn(decodeNegTokenResp(token ?? new Uint8Array(0)));
      throw new GssError("Cannot step context: it is over", { major: "NO_CONTEXT", code: "NO_CONTEXT" });
    } catch (error) {
      this.#context?.dispose();
      throw asGssError(error);
    }
  }

  async #begin(): Promise<GssStep> {
    const step = await this.#inner.step();
    if (step.done) this.#context = step.context;
    this.#state = "going";
    const mechToken = step.token;
    return { done: false, token: encodeNegTokenInit({ mechTypes: [this.#mechanism], mechToken }) };
  }

  async #goOn({ negState, supportedMech, responseToken, mechListMic }: NegTokenResp): Promise<GssStep> {
    // A rejection may say why, in a token of the mechanism, which throws better than could be done here.
    let token: Bytes | undefined;
    if (responseToken !== undefined && this.#context === undefined) {
      const step = await this.#inner.step(responseToken);
      if (step.done) this.#context = step.context;
      token = step.token;
    }
    if (negState === NegState.Reject) throw refused("Acceptor rejected the mechanism", "SPNEGO_REJECT");
    if (supportedMech !== undefined && supportedMech !== this.#mechanism) {
      throw refused(`Acceptor took ${supportedMech}, which was not offered`, "SPNEGO_MECH");
    }
    if (mechListMic !== undefined) {
      if (this.#context === undefined) throw refused("Acceptor sent a MIC before there was a context", "SPNEGO_MIC");
      await this.#context.verifyMic(this.#list, mechListMic);
    }
    if (this.#context === undefined) {
      if (negState === NegState.AcceptCompleted) {
        throw refused("Acceptor is done before the mechanism is", "SPNEGO_STATE");
      }
      this.#state = "going";
      return { done: false, token: encodeNegTokenResp({ responseToken: token }) };
    }
    if (negState === NegState.AcceptCompleted) return { done: true, context: this.#context };
    const mic = await this.#context.getMic(this.#list);
    const last = encodeNegTokenResp({ negState: NegState.AcceptCompleted, responseToken: token, mechListMic: mic });
    if (mechListMic !== undefined) return { done: true, token: last, context: this.#context };
    this.#state = "going";
    return { done: false, token: last };
  }
}

function refused(message: string, code: string): GssError {
  return new GssError(`Cannot negotiate: ${message}`, { major: "BAD_MECH", code });
}
